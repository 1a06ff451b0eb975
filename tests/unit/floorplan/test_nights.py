"""Business dates and local times, on ordinary nights and when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.nights import (
    InstantUnreadable,
    instant_of,
    instant_text,
    instants_of,
    instants_showing,
    night_bounds,
    night_of,
    parse_instant,
    tonight,
)
from floorplan.venue import Hours

LONDON = ZoneInfo("Europe/London")
HOURS = Hours(doors=time(22), last_entry=time(3), closes=time(5), weekdays=("saturday",))
SATURDAY = date(2026, 11, 21)
SPRING = date(2026, 3, 28)  # the Saturday whose service loses the hour from 01:00 to 02:00
AUTUMN = date(2026, 10, 24)  # the Saturday whose service has that hour twice
instants = st.integers(946_684_800_000_000, 4_070_908_800_000_000).map(  # the years 2000 to 2098
    lambda microseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)


def london(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=LONDON, fold=fold)  # type: ignore[arg-type,misc]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("instant", "night"),
    [
        (london(2026, 11, 21, 22, 0), SATURDAY),
        (london(2026, 11, 22, 1, 30), SATURDAY),
        (london(2026, 11, 22, 5, 59, 59, 999_999), SATURDAY),
        (london(2026, 11, 22, 6, 0), date(2026, 11, 22)),
        (utc(2026, 7, 5, 4, 59), date(2026, 7, 4)),
        (utc(2026, 7, 5, 5, 0), date(2026, 7, 5)),
    ],
)
def test_a_night_runs_from_six_to_six_local_time(instant: datetime, night: date) -> None:
    assert night_of(instant, zone=LONDON) == night


def test_another_start_moves_the_boundary() -> None:
    instant = london(2026, 11, 22, 5, 30)
    assert night_of(instant, zone=LONDON, starts=time(5)) == date(2026, 11, 22)
    assert night_of(instant, zone=LONDON) == SATURDAY


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        night_of(datetime(2026, 11, 21, 22), zone=LONDON)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        instant_text(datetime(2026, 11, 21, 22))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("night", "hours"), [(SATURDAY, 24), (SPRING, 23), (AUTUMN, 25), (date(2026, 3, 29), 24)]
)
def test_a_night_has_23_or_25_hours_when_the_clocks_change(night: date, hours: int) -> None:
    begins, ends = night_bounds(night, zone=LONDON)
    assert ends - begins == timedelta(hours=hours)
    assert begins.tzinfo is UTC


@given(instants)
def test_every_instant_lies_within_the_bounds_of_its_night(instant: datetime) -> None:
    begins, ends = night_bounds(night_of(instant, zone=LONDON), zone=LONDON)
    assert begins <= instant < ends


@given(st.dates(date(2000, 1, 1), date(2099, 1, 1)))
def test_nights_follow_each_other_without_a_gap(night: date) -> None:
    assert (
        night_bounds(night, zone=LONDON)[1]
        == night_bounds(night + timedelta(days=1), zone=LONDON)[0]
    )


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        (SATURDAY, (utc(2026, 11, 21, 22), utc(2026, 11, 22, 3), utc(2026, 11, 22, 5))),
        (date(2026, 7, 4), (utc(2026, 7, 4, 21), utc(2026, 7, 5, 2), utc(2026, 7, 5, 4))),
        (SPRING, (utc(2026, 3, 28, 22), utc(2026, 3, 29, 2), utc(2026, 3, 29, 4))),
        (AUTUMN, (utc(2026, 10, 24, 21), utc(2026, 10, 25, 3), utc(2026, 10, 25, 5))),
    ],
)
def test_hours_are_local_and_small_hours_belong_to_the_next_day(
    night: date, expected: tuple[datetime, datetime, datetime]
) -> None:
    assert tuple(instants_of(night, HOURS, zone=LONDON)) == expected


def test_the_local_time_at_which_nights_start_is_the_first_of_its_own_night() -> None:
    assert instant_of(SATURDAY, time(6), zone=LONDON) == utc(2026, 11, 21, 6)
    assert instant_of(SATURDAY, time(5, 59), zone=LONDON) == utc(2026, 11, 22, 5, 59)


def test_a_local_time_that_the_clocks_skip_lies_as_far_after_the_jump() -> None:
    assert instant_of(SPRING, time(1, 30), zone=LONDON) == utc(2026, 3, 29, 1, 30)
    assert instant_of(SPRING, time(1, 30), zone=LONDON).astimezone(LONDON).time() == time(2, 30)


def test_a_local_time_that_occurs_twice_is_the_first_of_the_two() -> None:
    twice = instant_of(AUTUMN, time(1, 30), zone=LONDON)
    assert twice == utc(2026, 10, 25, 0, 30)
    assert instant_of(AUTUMN, time(1, 30, fold=1), zone=LONDON) == twice
    assert twice != london(2026, 10, 25, 1, 30, fold=1).astimezone(UTC)


@pytest.mark.parametrize(
    ("night", "local", "expected"),
    [
        (SATURDAY, time(23, 42), [utc(2026, 11, 21, 23, 42)]),
        (SATURDAY, time(0, 42), [utc(2026, 11, 22, 0, 42)]),
        (SATURDAY, time(5, 59, 59), [utc(2026, 11, 22, 5, 59, 59)]),
        (SATURDAY, time(6), [utc(2026, 11, 21, 6)]),
        (date(2026, 7, 4), time(0, 42), [utc(2026, 7, 4, 23, 42)]),
        (SPRING, time(0, 59, 59), [utc(2026, 3, 29, 0, 59, 59)]),
        (SPRING, time(1), []),
        (SPRING, time(1, 59, 59), []),
        (SPRING, time(2), [utc(2026, 3, 29, 1)]),
        (AUTUMN, time(0, 59, 59), [utc(2026, 10, 24, 23, 59, 59)]),
        (AUTUMN, time(1), [utc(2026, 10, 25, 0), utc(2026, 10, 25, 1)]),
        (AUTUMN, time(1, 59, 59), [utc(2026, 10, 25, 0, 59, 59), utc(2026, 10, 25, 1, 59, 59)]),
        (AUTUMN, time(2), [utc(2026, 10, 25, 2)]),
    ],
)
def test_what_was_asked_of_a_local_time_is_each_instant_that_showed_it(
    night: date, local: time, expected: list[datetime]
) -> None:
    assert instants_showing(night, local, zone=LONDON) == expected
    if len(expected) == 1:
        assert instant_of(night, local, zone=LONDON) == expected[0]


@given(st.dates(date(2000, 1, 1), date(2099, 1, 1)), st.times())
def test_every_local_time_of_a_night_lies_within_its_bounds(night: date, local: time) -> None:
    begins, ends = night_bounds(night, zone=LONDON)
    assert begins <= instant_of(night, local, zone=LONDON) < ends


OPEN = [date(2026, 11, 19), date(2026, 11, 20), SATURDAY, date(2026, 11, 26)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (london(2026, 11, 17, 14, 0), date(2026, 11, 19)),  # a Tuesday: the next open night
        (london(2026, 11, 21, 12, 0), SATURDAY),
        (london(2026, 11, 22, 5, 59, 59), SATURDAY),
        (london(2026, 11, 22, 6, 0), date(2026, 11, 26)),
        (london(2026, 11, 27, 6, 0), None),
    ],
)
def test_tonight_is_the_night_in_progress_else_the_next_open_one(
    now: datetime, expected: date | None
) -> None:
    assert tonight(now, OPEN, zone=LONDON) == expected
    assert tonight(now, reversed(OPEN), zone=LONDON) == expected


@given(instants)
def test_the_text_of_an_instant_reads_back_to_the_millisecond(instant: datetime) -> None:
    back = parse_instant(instant_text(instant))
    assert timedelta(0) <= instant - back < timedelta(milliseconds=1)
    assert instant_text(back) == instant_text(instant)


@given(instants, instants)
def test_instants_sort_as_their_texts(one: datetime, other: datetime) -> None:
    if one <= other:
        assert instant_text(one) <= instant_text(other)
    else:
        assert instant_text(one) >= instant_text(other)


def test_an_instant_is_written_in_utc_whatever_its_zone() -> None:
    assert instant_text(london(2026, 7, 4, 22, 0, 1, 2_999)) == "2026-07-04T21:00:01.002Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21T23:41:07Z",
        "2026-11-21T23:41:07.12Z",
        "2026-11-21T23:41:07.123456Z",
        "2026-11-21T23:41:07.123+00:00",
        "2026-11-21 23:41:07.123Z",
        "2026-11-21T23:41:07.123z",
        "2026-11-21T23:41:07.123Z\n",
        "2026-02-30T23:41:07.123Z",
        "2026-11-21T24:00:00.000Z",
        "٢٠٢٦-11-21T23:41:07.123Z",
    ],
)
def test_any_other_form_of_an_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InstantUnreadable, match="in UTC with three decimals, like 2026-11"):
        parse_instant(text)
