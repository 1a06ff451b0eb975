"""What `?at=` means: an instant, or a time of the venue's clock on that night."""

import msgspec
import pytest

from app.errors import NotValid
from app.web.moments import instant_asked
from app.wire.door_log import InsideQuery
from floorplan.venue import load_venue

VENUE = load_venue()
SUMMER = "2027-06-19"
SPRING, AUTUMN = "2027-03-27", "2027-10-30"  # their services have the hours of the clock changes


@pytest.mark.parametrize(
    ("asked", "night", "instant"),
    [
        ("2027-06-19T22:42:00.000Z", SUMMER, "2027-06-19T22:42:00.000Z"),
        ("23:42", SUMMER, "2027-06-19T22:42:00.000Z"),
        ("23:42:10", SUMMER, "2027-06-19T22:42:10.000Z"),
        ("00:42", SUMMER, "2027-06-19T23:42:00.000Z"),
        ("05:59", SUMMER, "2027-06-20T04:59:00.000Z"),
        ("06:00", SUMMER, "2027-06-19T05:00:00.000Z"),
        ("00:42", SPRING, "2027-03-28T00:42:00.000Z"),
        ("02:00", SPRING, "2027-03-28T01:00:00.000Z"),
        ("00:42", AUTUMN, "2027-10-30T23:42:00.000Z"),
        ("02:00", AUTUMN, "2027-10-31T02:00:00.000Z"),
    ],
)
def test_a_local_time_is_of_the_night_that_is_asked_about(
    asked: str, night: str, instant: str
) -> None:
    assert instant_asked(asked, night, VENUE) == instant


def test_a_time_that_no_clock_showed_is_refused() -> None:
    with pytest.raises(NotValid) as refused:
        instant_asked("01:30", SPRING, VENUE)
    assert (refused.value.reason, refused.value.fields["place"]) == ("time_skipped", "?at")


def test_a_time_that_came_twice_is_refused_with_both_instants() -> None:
    with pytest.raises(NotValid) as refused:
        instant_asked("01:30:10", AUTUMN, VENUE)
    both = ["2027-10-31T00:30:10.000Z", "2027-10-31T01:30:10.000Z"]
    assert (refused.value.reason, refused.value.fields["instants"]) == ("time_repeated", both)
    assert all(at in refused.value.detail for at in both)
    assert [instant_asked(at, AUTUMN, VENUE) for at in both] == both


def test_an_instant_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(NotValid) as refused:
        instant_asked("2027-02-31T22:00:00.000Z", SUMMER, VENUE)
    assert refused.value.reason == "not_valid"


@pytest.mark.parametrize(
    "asked", ["24:00", "23:60", "23:42:60", "9:30", "23:42Z", "23:42\n", "now"]
)
def test_what_no_clock_shows_is_no_moment(asked: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"at": asked}, InsideQuery)
