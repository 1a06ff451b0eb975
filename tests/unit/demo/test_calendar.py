"""Which evening the demo's clock shows at a start."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from app.demo.calendar import evening_of, following, is_under_way, next_saturday, opening, title
from floorplan.venue import load_venue

VENUE = load_venue()
TUESDAY = datetime(2026, 11, 17, 12, 0, tzinfo=UTC)
SATURDAY = date(2026, 11, 21)
EVENING = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)


def test_a_first_start_shows_the_evening_of_the_next_saturday() -> None:
    assert opening(None, TUESDAY, VENUE) == EVENING


def test_a_first_start_in_the_small_hours_of_sunday_still_shows_that_saturday() -> None:
    assert opening(None, datetime(2026, 11, 22, 3, 0, tzinfo=UTC), VENUE) == EVENING


def test_a_saturday_that_was_interrupted_goes_on_where_its_book_ends() -> None:
    stopped = EVENING + timedelta(hours=3)
    assert opening(stopped, TUESDAY, VENUE) == stopped
    assert opening(stopped, TUESDAY + timedelta(days=30), VENUE) == stopped


def test_after_the_close_the_next_saturday_begins() -> None:
    closed = EVENING + timedelta(hours=7, minutes=30)
    assert opening(closed, TUESDAY, VENUE) == EVENING + timedelta(days=7)


def test_a_demo_of_last_month_begins_anew_at_the_next_saturday_in_fact() -> None:
    long_ago = EVENING - timedelta(days=28) + timedelta(hours=9)
    assert opening(long_ago, TUESDAY, VENUE) == EVENING


def test_a_demo_that_ran_ahead_never_goes_back() -> None:
    ahead = EVENING + timedelta(days=70, hours=8)
    assert opening(ahead, TUESDAY, VENUE) == EVENING + timedelta(days=77)


def test_the_evening_is_in_local_time_on_both_sides_of_a_change_of_the_clocks() -> None:
    summer = evening_of(date(2026, 10, 24), VENUE)
    winter = evening_of(date(2026, 10, 31), VENUE)
    assert (summer.hour, winter.hour) == (20, 21)


def test_only_a_saturday_between_its_evening_and_its_close_is_under_way() -> None:
    assert is_under_way(EVENING, VENUE)
    assert not is_under_way(EVENING - timedelta(seconds=1), VENUE)
    assert is_under_way(EVENING + timedelta(hours=7), VENUE)
    assert not is_under_way(EVENING + timedelta(hours=7, minutes=30), VENUE)
    assert not is_under_way(EVENING - timedelta(days=1), VENUE)


def test_the_following_saturday_is_today_until_its_evening_begins() -> None:
    assert following(EVENING - timedelta(hours=1), VENUE) == SATURDAY
    assert following(EVENING, VENUE) == SATURDAY + timedelta(days=7)
    assert next_saturday(SATURDAY) == SATURDAY


def test_the_name_of_a_night_changes_every_week_and_only_then() -> None:
    assert title(SATURDAY) == title(SATURDAY)
    weeks = [title(SATURDAY + timedelta(weeks=n)) for n in range(20)]
    assert all(one != other for one, other in pairwise(weeks))
