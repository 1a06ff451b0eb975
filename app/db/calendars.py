"""Rows behind calendar feeds: which address counts, and what its calendar says.

A feed ends a month after its night, by the venue's clock: a booking may move to another night after
its address was given out, so the address itself cannot say when.
"""

from typing import Final

import asyncpg
import msgspec
from msgspec import Struct

from app.db.listings import held_of
from app.db.persons import Held
from app.domain.calendar_entries import Booked, as_it_left
from floorplan.events import BookingRescheduled

_entry_columns: Final = """
SELECT b.id::text AS id, b.reference, b.status, b.party, b.edition,
       (SELECT coalesce(array_agg(t.number ORDER BY t.number), '{}') FROM booking_table t
         WHERE t.booking_id = b.id
           AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))) AS tables,
       instant_text(lower(b.slot)) AS slot_from, instant_text(upper(b.slot)) AS slot_until,
       instant_text(n.last_entry_at) AS last_entry_at, instant_text(b.created_at) AS created_at,
       b.person_id::text AS person_id, p.sealed, q.wrapped
"""
_here: Final = """
  FROM booking b JOIN night n ON n.date = b.night
  LEFT JOIN person p ON p.id = b.person_id
  LEFT JOIN person_key q ON q.person_id = p.id
"""
# What was only held never was a booking: it is in no calendar.
_was_booked: Final = """
   b.status IN ('confirmed', 'seated', 'completed', 'cancelled', 'no_show', 'merged')
"""
FIND_ENTRY: Final = _entry_columns + _here + " WHERE b.id = $1 AND " + _was_booked
# Those that went to another night are known to the night's book alone, which says how they stood
# here; what stands in its lines is read by the catalogue. A line made by hand may name anything.
# One statement, so that no booking is in neither of its nights while it moves. OFFSET 0: each is
# looked up by its key, also by a plan that was made while there were few (docs/decisions.md, F6).
_left_behind: Final = """
WITH gone AS (
    SELECT DISTINCT ON (e.payload ->> 'booking_id') e.payload,
           CASE WHEN e.payload ->> 'booking_id' LIKE '________-____-____-____-____________'
                 AND translate(e.payload ->> 'booking_id', '0123456789abcdef', '') = '----'
                THEN (e.payload ->> 'booking_id')::uuid END AS id
      FROM event e
     WHERE e.book = $1::text AND e.type = 'BOOKING_RESCHEDULED' AND e.payload ->> 'night' <> $1
     ORDER BY e.payload ->> 'booking_id', e.version DESC
), left_behind AS (
    SELECT b.id::text AS id, b.reference, b.status, b.party, b.edition, '{}'::integer[] AS tables,
           instant_text(n.doors_at) AS slot_from, instant_text(n.closes_at) AS slot_until,
           instant_text(n.last_entry_at) AS last_entry_at,
           instant_text(b.created_at) AS created_at,
           b.person_id::text AS person_id, p.sealed, q.wrapped, g.payload::text AS gone
      FROM gone g
     CROSS JOIN LATERAL (SELECT * FROM booking WHERE id = g.id OFFSET 0) AS b
      JOIN night n ON n.date = $1::text::date AND n.date <> b.night
      LEFT JOIN person p ON p.id = b.person_id
      LEFT JOIN person_key q ON q.person_id = p.id
)
"""
LIST_ENTRIES: Final = (
    _left_behind
    + _entry_columns
    + ", NULL AS gone"
    + _here
    + " WHERE b.night = $1::text::date AND "
    + _was_booked
    + " UNION ALL TABLE left_behind ORDER BY slot_from, created_at, id LIMIT 1000"
)
FIND_BOOKING_FEED: Final = """
SELECT b.night::text AS night, b.calendar_generation AS generation,
       instant_text(n.ends_at + interval '31 days') AS ends_at,
       venue_now() >= n.ends_at + interval '31 days' AS over
  FROM booking b JOIN night n ON n.date = b.night
 WHERE b.id = $1
"""
RENEW_BOOKING: Final = "SELECT renew_booking_calendar($1)"
# Only for as long as its owner may still look at that night.
FIND_NIGHT_FEED: Final = """
SELECT c.id::text AS id, c.night::text AS night, n.name, c.staff_id::text AS staff_id,
       c.generation, instant_text(n.ends_at + interval '31 days') AS ends_at,
       venue_now() >= n.ends_at + interval '31 days' AS over
  FROM night_calendar c JOIN night n ON n.date = c.night JOIN staff s ON s.id = c.staff_id
 WHERE c.id = $1 AND s.disabled_at IS NULL AND s.role IN ('MANAGER', 'SUPER_ADMIN')
   AND (s.night IS NULL OR s.night = c.night)
"""
# Two that ask at once make one row; the second waits for the first and reads it.
MAKE_NIGHT_FEED: Final = """
INSERT INTO night_calendar (night, staff_id)
SELECT n.date, $2::text::uuid FROM night n WHERE n.date = $1::text::date
    ON CONFLICT ON CONSTRAINT night_calendar_is_ones_own
    DO UPDATE SET generation = night_calendar.generation + $3
     WHERE night_calendar.generation + $3 <= 65535
RETURNING id::text
"""


_LINE: Final = msgspec.json.Decoder(BookingRescheduled)


class EntryRow(Booked, frozen=True, kw_only=True):
    """A booking as calendars tell of it; its guest's data is sealed."""

    edition: int
    person_id: str | None
    sealed: bytes | None
    wrapped: bytes | None

    @property
    def held(self) -> Held | None:
        """The guest's data and key; None: there is nothing to open."""
        return held_of(self.person_id, self.sealed, self.wrapped)


class BookingFeed(Struct, frozen=True):
    """`ends_at` and `over` are by the venue's clock."""

    night: str
    generation: int
    ends_at: str
    over: bool


class NightFeed(Struct, frozen=True):
    """One member of staff's own feed of a night."""

    id: str
    night: str
    name: str
    staff_id: str
    generation: int
    ends_at: str
    over: bool


async def find_entry(conn: asyncpg.Connection, booking_id: str) -> EntryRow | None:
    """The booking; None: there is none that the one who acts sees, or it never was confirmed."""
    row = await conn.fetchrow(FIND_ENTRY, booking_id)
    return None if row is None else EntryRow(**row)


async def list_entries(conn: asyncpg.Connection, night: str) -> list[EntryRow]:
    """The night's bookings by time, those that ended or went to another night too, at most 1000."""
    entries = []
    for row in await conn.fetch(LIST_ENTRIES, night):
        line, entry = row["gone"], EntryRow(**{k: v for k, v in row.items() if k != "gone"})
        if line is not None:
            try:
                entry = as_it_left(entry, _LINE.decode(line))
            except (msgspec.DecodeError, ValueError):  # made by hand; `backroom verify` names it
                continue
        entries.append(entry)
    return entries


async def find_booking_feed(conn: asyncpg.Connection, booking_id: str) -> BookingFeed | None:
    row = await conn.fetchrow(FIND_BOOKING_FEED, booking_id)
    return None if row is None else BookingFeed(**row)


async def renew_booking(conn: asyncpg.Connection, booking_id: str) -> int | None:
    """The generation that counts from now on. None: not theirs who act, or used up."""
    generation: int | None = await conn.fetchval(RENEW_BOOKING, booking_id)
    return generation


async def find_night_feed(conn: asyncpg.Connection, feed_id: str) -> NightFeed | None:
    """The feed; None: there is none, or whose it is may not look at the night any more."""
    row = await conn.fetchrow(FIND_NIGHT_FEED, feed_id)
    return None if row is None else NightFeed(**row)


async def make_night_feed(
    conn: asyncpg.Connection, night: str, staff_id: str, *, renew: bool
) -> NightFeed | None:
    """The member of staff's own feed of the night, made when there is none. None: there is no such
    night, its generations are used up, or they may not look at it."""
    feed_id = await conn.fetchval(MAKE_NIGHT_FEED, night, staff_id, int(renew))
    return None if feed_id is None else await find_night_feed(conn, feed_id)
