"""The rules of a booking's life: who may claim which tables, and what may happen next.

Pure: facts in, a refusal or a plan out. Each `judge_` raises the first refusal that applies, in
the order in which it is written.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from app.domain.facts import BookingFact, Facts, NightFact, TableFact
from app.errors import Conflict, NotFound, NotValid
from floorplan.allocation import combination_of
from floorplan.venue import Combination

TABLES_AT_MOST: Final = 4  # staff may join tables by hand, but not the whole floor

# What a booking may become from what it is; `illegal_transition` names these.
NEXT: Final[dict[str, tuple[str, ...]]] = {
    "pending": ("confirmed", "released", "expired", "cancelled"),
    "confirmed": ("seated", "cancelled", "no_show", "completed", "merged"),
    "seated": ("completed", "merged"),
    "completed": (),
    "cancelled": (),
    "merged": (),
    "no_show": ("confirmed",),
    "expired": (),
    "released": (),
}


def judge_night(facts: Facts, night: str) -> NightFact:
    """The night, if it exists and may still change."""
    if facts.night is None:
        raise NotFound("night_not_found", f"No night {night} is open. Ask for the list of nights.")
    if facts.night.status == "sealed":
        raise Conflict("night_sealed", f"The night {night} is sealed: it can't change any more.")
    return facts.night


def judge_booking(facts: Facts, booking_id: str) -> BookingFact:
    """The booking, if there is one."""
    booking = facts.find_booking(booking_id)
    if booking is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    return booking


def judge_status(booking: BookingFact, *allowed: str) -> None:
    """Raises Conflict: the booking is in none of the states that the action starts from."""
    if booking.status in allowed:
        return
    if booking.status == "expired":
        raise Conflict(
            "hold_expired", "The hold ran out. Hold the tables again.", booking_status="expired"
        )
    raise Conflict(
        "illegal_transition",
        f"The booking is {booking.status}; this needs {' or '.join(allowed)}.",
        booking_status=booking.status,
        allowed_next=list(NEXT[booking.status]),
    )


LAST_ENTRY_OVER: Final = "Last entry of this night is over. Choose another night."


def judge_slot(night: NightFact, now: str, begin: str | None, end: str | None) -> tuple[str, str]:
    """The slot asked for, or one seating from doors to close.

    Raises NotValid: outside the night's hours or empty. Raises Conflict: it is over.
    """
    begin, end = begin or night.doors_at, end or night.closes_at
    if not night.doors_at <= begin < end <= night.closes_at:
        raise NotValid(
            "slot_outside_night",
            "The slot must lie between doors and close, and end after it begins.",
            doors_at=night.doors_at,
            closes_at=night.closes_at,
        )
    if end <= now:
        raise Conflict("slot_over", "That time is over. Choose a later slot or another night.")
    return begin, end


def judge_entry(night: NightFact, now: str) -> None:
    """A guest who books now can still come in. Raises Conflict: nobody is let in any more.

    For guests alone: staff let a party in against the rule, and book it for that.
    """
    if now > night.last_entry_at:
        raise Conflict("too_late", LAST_ENTRY_OVER, last_entry_at=night.last_entry_at)


def judge_set(
    tables: Sequence[TableFact],
    wanted: Iterable[int],
    party: int,
    combinations: Sequence[Combination],
    *,
    by_staff: bool,
) -> None:
    """The tables exist and take the party.

    Customers take one table that fits, or a combination the venue lists. Staff may seat a small
    party at a large table and join tables by hand; nobody may exceed the seats.
    """
    numbers = list(wanted)
    if len(set(numbers)) != len(numbers):
        raise NotValid("table_twice", "Name each table once.")
    missing = set(numbers) - {table.number for table in tables}
    if missing:
        raise NotFound("table_not_found", f"There is no table {min(missing)} on this night.")
    chosen = [table for table in tables if table.number in numbers]
    seats = sum(table.capacity_max for table in chosen)
    joined = combination_of(numbers, combinations)
    least, most = (1, seats) if by_staff else (chosen[0].capacity_min, seats)
    if joined is not None and not by_staff:
        least, most = joined.party_min, joined.party_max
    elif len(chosen) > 1 and joined is None and not by_staff:
        raise NotValid(
            "not_a_combination", "These tables can't be joined. Ask for the available sets."
        )
    if joined is not None and by_staff:
        most = max(seats, joined.party_max)
    if not least <= party <= most:
        raise Conflict(
            "party_does_not_fit",
            f"These tables take {least} to {most} people, not {party}.",
            least=least,
            most=most,
        )


def judge_free(
    tables: Sequence[TableFact],
    numbers: Iterable[int],
    begin: str,
    end: str,
    *,
    mine: str | None = None,
    ended: Iterable[str] = (),
) -> None:
    """No other live claim and no block touches the tables during the slot (half-open).

    `mine` is the booking whose own claims do not count, `ended` are those that end in this same
    transaction. Raises Conflict `table_not_available` or `table_blocked`, with the table.
    """
    past = {mine, *ended}
    for table in tables:
        if table.number not in set(numbers):
            continue
        for claim in table.claims:
            if claim.booking_id in past:
                continue
            if claim.slot_from < end and begin < claim.slot_until:
                raise Conflict(
                    "table_not_available",
                    f"Table {table.number} is taken. Choose another set.",
                    table=table.number,
                )
        for block in table.blocks:
            if block.blocked_from < end and begin < block.blocked_until:
                raise Conflict(
                    "table_blocked",
                    f"Table {table.number} is out of service: {block.reason}.",
                    table=table.number,
                )


def judge_seatable(tables: Sequence[TableFact], numbers: Iterable[int], mine: str | None) -> None:
    """The tables can be sat at now: nobody sits there, they are laid and in service."""
    for table in tables:
        if table.number not in set(numbers):
            continue
        if any(c.status == "seated" and c.booking_id != mine for c in table.claims):
            raise Conflict(
                "table_occupied", f"A party sits at table {table.number}.", table=table.number
            )
        if table.resetting:
            raise Conflict(
                "table_not_ready",
                f"Table {table.number} is not laid yet. Reset it first.",
                table=table.number,
            )
        if any(block.in_force for block in table.blocks):
            raise Conflict(
                "table_blocked", f"Table {table.number} is out of service.", table=table.number
            )


def judge_room(facts: Facts, night: NightFact, floor: str, people: int) -> None:
    """`people` more may be on the floor and in the house; the lower limit counts.

    Raises Conflict `capacity_full` with the numbers and how many may still enter.
    """
    room = room_left(facts, night, floor)
    if people > room:
        count = next(h for h in facts.headcount if h.floor == floor)
        raise Conflict(
            "capacity_full",
            f"{floor} has {count.people} of {count.people_limit} people; {room} more may enter.",
            floor=floor,
            inside=count.people,
            limit=count.people_limit,
            may_enter=room,
        )


def room_left(facts: Facts, night: NightFact, floor: str) -> int:
    """How many more people the floor's and the house's legal limits allow; never negative.

    Whoever may come in by a lease counts as inside.
    """
    here = [h.people_limit - h.people - h.reserved for h in facts.headcount if h.floor == floor]
    if not here:
        raise NotFound("floor_not_found", f"There is no floor {floor}.")
    house = night.house_limit - sum(h.people + h.reserved for h in facts.headcount)
    return max(0, min(here[0], house))
