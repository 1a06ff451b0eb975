"""The crowd without tables: what the clickers at the doors and on the stairs count.

The house fills from the doors on, is full from midnight until after two, and empties towards the
close. Guests with tables are part of the house; the crowd is what remains of the target.
"""

from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Final

from app.demo.intentions import Click, Floor, Plan
from app.demo.seating import DOORS
from floorplan.venue import Venue

STEP: Final = timedelta(minutes=3)

# The house at its fullest, as a part of the legal limit: what is left is for guests who step out
# and come back. Rushes at the door try for more, and are told that it is full.
FULLEST: Final = 0.98
# So many minutes after the doors, or (below zero) before the close: how full the house is.
FILLING: Final = ((0, 0.0), (30, 0.17), (60, 0.45), (90, 0.76), (112, 0.95), (125, FULLEST))
EMPTYING: Final = ((-200, FULLEST), (-150, 0.93), (-120, 0.75), (-60, 0.36), (-20, 0.1), (0, 0.0))

# In minutes after the doors.
RUSHES: Final[tuple[tuple[int, Floor], ...]] = (
    (128, "downstairs"), (136, "upstairs"), (151, "downstairs"),
)  # fmt: skip
RUSH: Final = 16
STAIRS_EVERY: Final = timedelta(minutes=11)


def plan_clicks(random: Random, venue: Venue, plan: Plan) -> list[Click]:
    """Everything that the clickers count in the night, in order of time."""
    clicks: list[Click] = []
    for floor in DOORS:
        clicks += _door(random, venue.limits.floors[floor], floor, plan)
    for minutes, floor in RUSHES:
        at = plan.doors_at + timedelta(minutes=minutes)
        clicks.append(Click(at, DOORS[floor], floor, RUSH))
    clicks += _stairs(random, plan)
    return sorted(clicks, key=lambda click: click.at)


def share(plan: Plan, at: datetime) -> float:
    """How full the house is meant to be, from 0 to 1."""
    points = [(plan.doors_at + timedelta(minutes=m), level) for m, level in FILLING]
    points += [(plan.closes_at + timedelta(minutes=m), level) for m, level in EMPTYING]
    if at <= points[0][0] or at >= points[-1][0]:
        return 0.0
    for (since, low), (until, high) in pairwise(points):
        if since <= at < until:
            return low + (high - low) * ((at - since) / (until - since))
    return FULLEST


def _door(random: Random, limit: int, floor: Floor, plan: Plan) -> list[Click]:
    """One floor's door: towards the target in groups, with some coming and going besides."""
    guests = _Guests(plan, floor)
    clicks: list[Click] = []
    crowd, at = 0, plan.doors_at
    while at < plan.closes_at:
        at += STEP
        moment = at + timedelta(seconds=random.randint(-60, 60))
        wanted = round(limit * share(plan, at)) - guests.at(at)
        churn = random.choice((0, 0, 1, 2, 3)) if crowd > 20 else 0
        come, go = max(0, wanted - crowd) + churn, max(0, crowd - wanted) + churn
        if go:
            clicks.append(Click(moment, DOORS[floor], floor, -go))
        for people in _groups(random, come):
            moment += timedelta(seconds=random.randint(4, 20))
            clicks.append(Click(moment, DOORS[floor], floor, people))
        crowd += come - go
    return [click for click in clicks if plan.doors_at <= click.at]


def _groups(random: Random, people: int) -> list[int]:
    """In how many at a time people come in."""
    groups = []
    while people > 0:
        group = min(people, random.choice((2, 3, 4, 5, 6, 8)))
        groups.append(group)
        people -= group
    return groups


def _stairs(random: Random, plan: Plan) -> list[Click]:
    """Down to the stage and up to the lounge, as many as come back: the floors stay as meant."""
    clicks: list[Click] = []
    at = plan.doors_at + timedelta(minutes=48)
    while at < plan.closes_at - timedelta(minutes=70):
        people = random.randint(1, 4)
        clicks.append(Click(at, "stairs", "upstairs", people))
        back = at + timedelta(minutes=random.randint(2, 5))
        clicks.append(Click(back, "stairs", "downstairs", people))
        at += STAIRS_EVERY
    return clicks


class _Guests:
    """How many guests with tables are on a floor, as the plan means it."""

    def __init__(self, plan: Plan, floor: Floor) -> None:
        self._times: list[datetime] = []
        self._sums: list[int] = []
        total = 0
        for at, where, change in plan.presence():
            if where == floor:
                total += change
                self._times.append(at)
                self._sums.append(total)

    def at(self, instant: datetime) -> int:
        index = bisect_right(self._times, instant)
        return self._sums[index - 1] if index else 0
