"""The dates of a booking that recurs, its times on each, and the tables that serve most of them."""

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta, tzinfo
from typing import Final

from floorplan.nights import NIGHT_STARTS, instant_of, instant_text

WEEK: Final = timedelta(days=7)
DATES_AT_MOST: Final = 26  # half a year of Fridays; what one transaction locks has a limit


def dates_of(first: date, times: int, every_weeks: int = 1) -> list[date]:
    """The first night and those so many weeks on, `times` in all.

    A night is a business date, so the clocks can't move it to another weekday.
    """
    assert 1 <= times <= DATES_AT_MOST, "a series has a limit"
    return [first + WEEK * every_weeks * number for number in range(times)]


def slot_on(
    night: date, local: tuple[time | None, time | None], *, zone: tzinfo,
    starts: time = NIGHT_STARTS,
) -> tuple[str | None, str | None]:  # fmt: skip
    """The same local times as instants of that night; None: the night's own doors, or close.

    What recurs is what the clock on the wall shows, so the instants of two weeks between which the
    clocks change are an hour more or less than 168 apart. Of a time that the clocks skip or
    repeat that night one is meant (`floorplan.nights`).
    """
    begin, end = (
        None if at is None else instant_text(instant_of(night, at, zone=zone, starts=starts))
        for at in local
    )
    return begin, end


def same_tables(offered: Iterable[Sequence[tuple[int, ...]]]) -> tuple[int, ...] | None:
    """The set that serves the most nights, since regulars want their table; None: there is none.

    Each night gives its sets best first. Of two that serve as many it is the one that stands
    higher on them, then the one with the lower numbers.
    """
    served: dict[tuple[int, ...], list[int]] = {}
    for sets in offered:
        for place, tables in enumerate(sets):
            served.setdefault(tables, []).append(place)
    ranked = sorted(served, key=lambda one: (-len(served[one]), sum(served[one]), one))
    return ranked[0] if ranked else None
