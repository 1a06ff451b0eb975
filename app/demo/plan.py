"""The demo night as it is meant: pure, and the same for the same seed, venue and night.

What happens in the end is between the plan and the floor: other people may act at the same time.
"""

from datetime import date, timedelta
from random import Random
from typing import Final

from app.demo.crowd import plan_clicks
from app.demo.intentions import (
    ClearFloor,
    CountHeads,
    FillFloor,
    Intention,
    LastEntry,
    LayFloor,
    Plan,
    TryCode,
)
from app.demo.seating import DOORS, Seating, advance_of
from floorplan.nights import instants_of, night_bounds
from floorplan.venue import Venue

EVENING: Final = timedelta(minutes=30)  # so long before the doors the demo's evening begins
WEEK: Final = timedelta(days=7)

# Well formed, so that the door has to ask: sixteen of Crockford's characters, and their check.
UNKNOWN_REFERENCE: Final = "0000-0000-0000-0001-1"


def plan_night(seed: int, venue: Venue, night: date) -> Plan:
    """Everything that people mean to do on the night, in order of time."""
    hours = instants_of(night, venue.hours, zone=venue.zone, starts=venue.night_starts)
    ends_at = night_bounds(night, zone=venue.zone, starts=venue.night_starts)[1]
    doors, closes = hours.doors_at, hours.closes_at
    seating = Seating(seed, venue, night.isoformat(), hours)
    coming = Seating(
        seed,
        venue,
        (night + WEEK).isoformat(),
        instants_of(night + WEEK, venue.hours, zone=venue.zone, starts=venue.night_starts),
    )
    next_week, bookings = advance_of(coming, doors - timedelta(minutes=23.5))
    wrong = next_week[0]
    others: list[Intention] = [
        *bookings,
        TryCode(doors + timedelta(minutes=66), "main", "own", "wrong_night", wrong.id),
        TryCode(
            doors + timedelta(minutes=54), "main", "unknown", "unknown_code",
            typed=UNKNOWN_REFERENCE,
        ),
        FillFloor(doors + timedelta(minutes=112)),
        FillFloor(doors + timedelta(minutes=117)),
        LastEntry(hours.last_entry_at - timedelta(minutes=70), 15),
        ClearFloor(closes - timedelta(minutes=4)),
        LayFloor(closes + timedelta(minutes=6)),
        *(CountHeads(closes + timedelta(minutes=9), floor) for floor in DOORS),
    ]  # fmt: skip
    plan = Plan(
        night=night.isoformat(),
        evening_at=doors - EVENING,
        doors_at=doors,
        last_entry_at=hours.last_entry_at,
        closes_at=closes,
        ends_at=ends_at,
        parties=seating.parties | {party.id: party for party in next_week},
        intentions=in_order([*seating.intentions, *others]),
    )
    clicks = plan_clicks(Random(f"{seed}/{plan.night}/crowd"), venue, plan)
    return Plan(
        night=plan.night,
        evening_at=plan.evening_at,
        doors_at=doors,
        last_entry_at=hours.last_entry_at,
        closes_at=closes,
        ends_at=ends_at,
        parties=plan.parties,
        intentions=in_order([*plan.intentions, *clicks]),
    )


def in_order(intentions: list[Intention]) -> tuple[Intention, ...]:
    """By time; those of one instant as they were meant."""
    return tuple(sorted(intentions, key=lambda intention: intention.at))
