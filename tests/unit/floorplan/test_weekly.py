"""The dates of a series: the same weekday and the same time on the wall, whatever the clocks do."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from floorplan.nights import parse_instant
from floorplan.weekly import DATES_AT_MOST, dates_of, same_tables, slot_on

LONDON = ZoneInfo("Europe/London")


def test_every_friday_is_a_friday() -> None:
    dates = dates_of(date(2026, 11, 27), 4)
    assert [one.isoformat() for one in dates] == [
        "2026-11-27", "2026-12-04", "2026-12-11", "2026-12-18",
    ]  # fmt: skip
    assert dates_of(date(2026, 12, 25), 2, 2) == [date(2026, 12, 25), date(2027, 1, 8)]
    with pytest.raises(AssertionError):
        dates_of(date(2026, 11, 27), DATES_AT_MOST + 1)


@pytest.mark.parametrize(
    ("last", "apart"),
    [
        (date(2027, 3, 20), timedelta(days=7, hours=-1)),  # 28 March: the clocks go on at 01:00
        (date(2026, 10, 17), timedelta(days=7, hours=1)),  # 25 October: they go back at 02:00
    ],
)
def test_the_weeks_in_which_the_clocks_change_keep_the_time_on_the_wall(
    last: date, apart: timedelta
) -> None:
    """The change is on Sunday morning, within Saturday's night: its end moves, its doors do not."""
    local = (time(22, 30), time(3))
    slots = [slot_on(day, local, zone=LONDON) for day in dates_of(last, 3)]
    begins, ends = zip(*slots, strict=True)
    shown = [parse_instant(at).astimezone(LONDON).time() for at in (*begins, *ends)]
    assert shown == [time(22, 30)] * 3 + [time(3)] * 3
    begin = [parse_instant(at) for at in begins]
    end = [parse_instant(at) for at in ends]
    assert begin[1] - begin[0] == timedelta(days=7)
    assert end[1] - end[0] == apart
    assert begin[2] - begin[1] == apart


@pytest.mark.parametrize(
    ("night", "instant"),
    [
        (date(2027, 3, 27), "2027-03-28T01:30:00.000Z"),  # 01:30 is not there: 02:30 summer time
        (date(2026, 10, 24), "2026-10-25T00:30:00.000Z"),  # 01:30 comes twice: the first
    ],
)
def test_a_time_that_is_skipped_or_comes_twice_means_one_instant(night: date, instant: str) -> None:
    assert slot_on(night, (None, time(1, 30)), zone=LONDON) == (None, instant)


def test_the_table_that_serves_the_most_nights_is_theirs() -> None:
    four, seven, pair = (4,), (7,), (15, 16)
    assert same_tables([[four, seven], [seven], [seven, four]]) == seven
    assert same_tables([[four, seven], [seven, four]]) == four
    assert same_tables([[pair], [four], []]) == four
    assert same_tables([[], []]) is None
