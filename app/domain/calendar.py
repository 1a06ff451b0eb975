"""A booking as an entry of a calendar (RFC 5545), alone in a message or in a feed.

The UID is the booking's for ever, also when it moves to another night; SEQUENCE goes up with each
change of it, and a cancelled booking stays as one that is cancelled, because an entry
that only disappears from a feed stays in calendars that took it from a message.

Times are of Europe/London with its rules beside them. A local time that comes twice cannot say
which of the two it is there (RFC 5545 section 3.3.5 takes the first), so an entry that begins or
ends in that hour is written in UTC.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import icalendar
from msgspec import Struct

PRODUCT: Final = "-//Backroom//Bookings//EN"
# How often a calendar that follows a feed should look again.
REFRESH: Final = timedelta(hours=1)

Method = Literal["PUBLISH", "CANCEL"]


class Entry(Struct, frozen=True):
    """One booking in a calendar; instants are aware."""

    booking_id: str
    summary: str
    description: str
    location: str
    begins_at: datetime
    ends_at: datetime
    sequence: int
    cancelled: bool
    made_at: datetime


def calendar_of(
    entries: Sequence[Entry], *, zone: ZoneInfo, host: str, name: str, method: Method = "PUBLISH",
    organizer: str | None = None, feed: bool = False,
) -> bytes:  # fmt: skip
    """The calendar with these entries; equal entries are equal bytes."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    if feed:
        calendar.add("x-wr-calname", name)
        calendar.add("x-wr-timezone", zone.key)
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry, zone, host, organizer))
    if entries:
        # The rules of these years alone; the library's own span is of seventy.
        calendar.add_missing_timezones(
            first_date=date(min(e.begins_at for e in entries).year - 1, 1, 1),
            last_date=date(max(e.ends_at for e in entries).year + 1, 12, 31),
        )
    return bytes(calendar.to_ical())


def _event(entry: Entry, zone: ZoneInfo, host: str, organizer: str | None) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"{entry.booking_id}@{host}")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.made_at.astimezone(UTC).replace(microsecond=0))
    zoned = [instant.astimezone(zone) for instant in (entry.begins_at, entry.ends_at)]
    if any(comes_twice(local) for local in zoned):
        zoned = [local.astimezone(UTC) for local in zoned]
    event.add("dtstart", zoned[0])
    event.add("dtend", zoned[1])
    event.add("summary", entry.summary)
    event.add("description", entry.description)
    event.add("location", entry.location)
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if entry.cancelled else "OPAQUE")
    event.add("class", "PRIVATE")
    if organizer is not None:
        event.add("organizer", f"mailto:{organizer}")
    return event


def comes_twice(local: datetime) -> bool:
    """Whether the clock shows the local time of this instant twice on its day."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
