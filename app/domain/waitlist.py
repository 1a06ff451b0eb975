"""Who waits for a table, in which order, and who is offered what. Pure; docs/waitlist.md says why.

    priority = 10 for each completed visit + timing (0 to 200) + 100 for a special occasion,
               at most 1000

The order: whoever has missed fewer offers, then the higher priority, then who joined first.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from floorplan.allocation import (
    NoSetLargeEnough,
    Preferences,
    TableSet,
    allocate,
    tables_as_offered,
)
from floorplan.nights import parse_instant
from floorplan.venue import Venue

VISIT_POINTS: Final = 10
OCCASION_POINTS: Final = 100
PRIORITY_MOST: Final = 1000
EARLY_REQUEST_POINTS: Final = 100  # asked for a week or more before the doors open
EARLY_ARRIVAL_POINTS: Final = 100  # comes when they open
EARLY_REQUEST_SECONDS: Final = 7 * 24 * 3600


class Priority(Struct, frozen=True):
    """Where a priority comes from: the parts, and what they make."""

    visits: int
    visit_points: int
    timing: int
    occasion: int
    total: int


class Waiting(Struct, frozen=True):
    """A party that waits and has no offer; instants are texts of the one form."""

    id: str
    party: int
    slot_from: str
    slot_until: str
    prefers: Preferences
    priority: int
    offers_left: int
    joined_at: str


class TakenTable(Struct, frozen=True):
    """A table as the night offers it, and when it is taken (half-open)."""

    number: int
    capacity_min: int
    capacity_max: int
    capacity_optimal: int
    deposit_pence: int
    minimum_spend_pence: int
    taken: tuple[tuple[str, str], ...]


class TakenFloor(Struct, frozen=True):
    """What of an open night is taken, as it was read at `now`."""

    now: str
    doors_at: str
    last_entry_at: str
    closes_at: str
    tables: tuple[TakenTable, ...]


class NextOffer(Struct, frozen=True):
    """Who is next, and which tables."""

    waiting: Waiting
    tables: TableSet


def priority_of(visits: int, timing: int, *, special_occasion: bool) -> Priority:
    """The priority with its parts."""
    points, occasion = visits * VISIT_POINTS, OCCASION_POINTS if special_occasion else 0
    total = max(0, min(points + timing + occasion, PRIORITY_MOST))
    return Priority(visits, points, timing, occasion, total)


def timing_of(floor: TakenFloor, slot_from: str) -> int:
    """0 to 200: up to 100 for asking early, up to 100 for coming early.

    Asking counts from the doors back to a week before them, coming from the doors to last entry;
    both in proportion, rounded down.
    """
    now, doors, last, arrival = (
        parse_instant(text).timestamp()
        for text in (floor.now, floor.doors_at, floor.last_entry_at, slot_from)
    )
    early = min(1.0, max(0.0, (doors - now) / EARLY_REQUEST_SECONDS))
    late = 0.0 if last <= doors else min(1.0, max(0.0, (arrival - doors) / (last - doors)))
    return int(EARLY_REQUEST_POINTS * early) + int(EARLY_ARRIVAL_POINTS * (1 - late))


def in_order(waiting: Iterable[Waiting]) -> list[Waiting]:
    """Those who wait, the next one first."""
    return sorted(waiting, key=lambda w: (-w.offers_left, -w.priority, w.joined_at, w.id))


def sets_for(
    venue: Venue,
    floor: TakenFloor,
    party: int,
    slot: tuple[str, str],
    prefers: Preferences,
) -> list[TableSet]:
    """The sets that are free for the party, best first. Raises NoSetLargeEnough."""
    begin, end = slot
    free = {
        table.number
        for table in floor.tables
        if not any(since < end and begin < until for since, until in table.taken)
    }
    tables = tables_as_offered(venue.tables, floor.tables)
    return allocate(tables, venue.combinations, free, party, prefers)


def find_offer(venue: Venue, floor: TakenFloor, waiting: Sequence[Waiting]) -> NextOffer | None:
    """The first in the order for whom something is free, with the best of it.

    None: nothing fits anybody, or nobody could still come. A party beyond every set of tables waits
    for staff to arrange it.
    """
    if floor.now > floor.last_entry_at:
        return None
    for one in in_order(waiting):
        if one.slot_until <= floor.now:
            continue
        try:
            sets = sets_for(venue, floor, one.party, (one.slot_from, one.slot_until), one.prefers)
        except NoSetLargeEnough:
            continue
        if sets:
            return NextOffer(one, sets[0])
    return None
