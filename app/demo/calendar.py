"""Which Saturday it is: pure arithmetic on the demo's calendar."""

from datetime import date, datetime, timedelta
from typing import Final

from app.demo.plan import EVENING
from floorplan.nights import instants_of, night_of
from floorplan.venue import Venue

SATURDAY: Final = 5

SATURDAYS: Final = (
    "Saturday Sessions", "Disco Parlour", "Northern Soul Saturday", "Velvet Hour",
    "Warehouse Memories", "Salsa and Brass", "Midnight Funk", "House Proud",
)  # fmt: skip
FRIDAYS: Final = ("Friday Lates", "Jazz Till Two", "Indie Friday", "Roots and Dub")


def opening(last: datetime | None, real: datetime, venue: Venue) -> datetime:
    """What the demo's clock shows at a start.

    `last` is when the last thing happened in its books: a Saturday that was interrupted goes on
    there, as if no time had passed. Otherwise it is the evening of the Saturday that follows, and
    never one that is over in fact (`real`).
    """
    soonest = evening_of(next_saturday(today(real, venue)), venue)
    if last is None:
        return soonest
    if is_under_way(last, venue):
        return last
    return max(soonest, evening_of(following(last, venue), venue))


def is_under_way(now: datetime, venue: Venue) -> bool:
    """Whether it is a Saturday between its evening and its close."""
    night = today(now, venue)
    closes_at = instants_of(night, venue.hours, zone=venue.zone, starts=venue.night_starts)[2]
    return night.weekday() == SATURDAY and evening_of(night, venue) <= now < closes_at


def following(now: datetime, venue: Venue) -> date:
    """The next Saturday whose evening has not begun."""
    night = next_saturday(today(now, venue))
    return night if now < evening_of(night, venue) else night + timedelta(days=7)


def evening_of(night: date, venue: Venue) -> datetime:
    """When the demo's evening begins: shortly before the doors open."""
    hours = instants_of(night, venue.hours, zone=venue.zone, starts=venue.night_starts)
    return hours.doors_at - EVENING


def today(now: datetime, venue: Venue) -> date:
    """The business date."""
    return night_of(now, zone=venue.zone, starts=venue.night_starts)


def next_saturday(day: date) -> date:
    """The day itself if it is a Saturday."""
    return day + timedelta(days=(SATURDAY - day.weekday()) % 7)


def title(night: date) -> str:
    """What is on: the same for the same date, another one every week."""
    series = SATURDAYS if night.weekday() == SATURDAY else FRIDAYS
    return series[night.toordinal() // 7 % len(series)]
