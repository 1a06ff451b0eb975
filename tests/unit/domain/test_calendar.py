"""Entries of calendars: one UID for ever, the right instants on the nights of the change too."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import pytest

from app.domain.calendar import Entry, calendar_of
from app.domain.calendar_entries import Booked, sequence_of, staff_entry
from floorplan.venue import load_venue

LONDON = ZoneInfo("Europe/London")
ENTRY = Entry(
    booking_id="b1", summary="The Backroom; table, for 4", description="One\nTwo",
    location="The Backroom Leeds", begins_at=datetime(2026, 11, 21, 22, tzinfo=UTC),
    ends_at=datetime(2026, 11, 22, 5, tzinfo=UTC), sequence=2, cancelled=False,
    made_at=datetime(2026, 11, 1, tzinfo=UTC),
)  # fmt: skip


def read(*entries: Entry, **more: Any) -> tuple[bytes, Any]:
    whole = calendar_of(entries, zone=LONDON, host="tables.example.com", name="x", **more)
    return whole, icalendar.Calendar.from_ical(whole)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("2026-11-21T22:00", "2026-11-22T05:00"),
        ("2026-06-20T21:00", "2026-06-21T04:00"),
        ("2026-10-24T21:00", "2026-10-25T05:00"),  # 25 hours long, through the change
        ("2026-10-24T21:00", "2026-10-25T00:30"),  # to 01:30 the first time
        ("2026-10-24T21:00", "2026-10-25T01:30"),  # to 01:30 the second time
        ("2026-10-25T00:30", "2026-10-25T01:30"),  # from 01:30 to 01:30
        ("2027-03-27T22:00", "2027-03-28T04:00"),  # 23 hours long
        ("2027-03-28T00:59", "2027-03-28T01:00"),
    ],
)
def test_an_entry_begins_and_ends_at_its_instants(begins: str, ends: str) -> None:
    wanted = [datetime.fromisoformat(f"{text}+00:00") for text in (begins, ends)]
    _, calendar = read(msgspec.structs.replace(ENTRY, begins_at=wanted[0], ends_at=wanted[1]))
    (event,) = calendar.walk("VEVENT")
    assert [event.decoded(name).astimezone(UTC) for name in ("DTSTART", "DTEND")] == wanted
    in_utc = b"DTSTART:" in event.to_ical()
    assert in_utc == (ends[:10] == "2026-10-25" and ends[11:] in ("00:30", "01:30"))
    assert in_utc or calendar.walk("VTIMEZONE")[0]["TZID"] == "Europe/London"


def test_its_zones_rules_say_what_the_clock_does() -> None:
    """Read by the rules that stand beside it, and not by what a reader knows of London."""
    summer = datetime(2026, 6, 20, 21, tzinfo=UTC)
    _, calendar = read(ENTRY, msgspec.structs.replace(ENTRY, begins_at=summer))
    (zone,) = calendar.walk("VTIMEZONE")
    rules = zone.to_tz(lookup_tzid=False)
    for instant in (summer, ENTRY.begins_at):
        local = instant.astimezone(LONDON).replace(tzinfo=None)
        assert rules.utcoffset(local) == instant.astimezone(LONDON).utcoffset()


def test_it_is_one_entry_however_often_it_changes() -> None:
    _, calendar = read(ENTRY, feed=True)
    _, later = read(msgspec.structs.replace(ENTRY, sequence=3, cancelled=True), method="CANCEL")
    (event,), (ended,) = calendar.walk("VEVENT"), later.walk("VEVENT")
    assert event["UID"] == ended["UID"] == "b1@tables.example.com"
    assert (event["SEQUENCE"], ended["SEQUENCE"]) == (2, 3)
    assert (event["STATUS"], ended["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert (calendar["METHOD"], later["METHOD"]) == ("PUBLISH", "CANCEL")


def test_equal_entries_are_equal_bytes_and_text_is_escaped() -> None:
    whole, calendar = read(ENTRY, feed=True)
    assert whole == read(ENTRY, feed=True)[0]
    assert b"SUMMARY:The Backroom\\; table\\, for 4" in whole
    assert calendar.walk("VEVENT")[0]["DESCRIPTION"] == "One\nTwo"
    assert whole.endswith(b"END:VCALENDAR\r\n")
    assert b"BEGIN:VEVENT" not in read()[0], "a feed may be empty"


HOSTILE = "=1+1\r\nBEGIN:VEVENT\r\nUID:evil\nATTACH:http://x\u2028\u202e\x00;,\\" + "x" * 10_000
BOOKED = Booked(
    "b1", "0" * 16, "confirmed", 4, [15, 16], "2026-10-24T21:00:00.000Z",
    "2026-10-25T05:00:00.000Z", "2026-10-25T03:00:00.000Z", "2026-10-01T12:00:00.000Z",
)  # fmt: skip


@pytest.mark.parametrize("at", ["summary", "description"])
def test_a_text_can_begin_no_line_and_no_entry(at: str) -> None:
    """Whatever a text holds, the calendar has one entry with the properties that it has anyway."""
    plain = set(read(ENTRY)[1].walk("VEVENT")[0])
    whole, calendar = read(msgspec.structs.replace(ENTRY, **{at: HOSTILE}))
    (event,) = calendar.walk("VEVENT")
    assert set(event) == plain
    assert event["UID"] == "b1@tables.example.com"
    assert all(len(line) <= 75 for line in whole.split(b"\r\n"))
    assert [one for one in whole.split(b"\r\n") if one.startswith((b"UID:evil", b"ATTACH"))] == []


def test_staff_read_a_name_without_what_could_turn_a_line() -> None:
    venue = load_venue()
    entry = staff_entry(venue, BOOKED, 3, HOSTILE)
    assert not set(entry.summary) & set("\r\n\x00\u202e")
    assert entry.summary.endswith(", 4 people, table 15 + 16")
    assert len(entry.summary) < 100
    assert staff_entry(venue, BOOKED, 3, "").summary.startswith("No name, ")
    ended = msgspec.structs.replace(BOOKED, status="no_show")
    assert staff_entry(venue, ended, 3, "Ada L.").cancelled


def test_a_number_goes_up_with_each_change_and_each_end() -> None:
    told = [(0, "confirmed"), (1, "confirmed"), (1, "cancelled"), (2, "confirmed"), (3, "no_show")]
    numbers = [sequence_of(edition, status) for edition, status in told]
    assert numbers == sorted(set(numbers))
    assert sequence_of(1, "confirmed") == sequence_of(1, "seated") == sequence_of(1, "completed")
