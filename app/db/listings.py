"""What screens list: bookings with their guests' sealed data, one booking, a night's guests."""

import asyncpg
import msgspec
from msgspec import Struct

from app.db.persons import Held
from floorplan.refunds import Refunds

_BOOKING_COLUMNS = """
SELECT b.id::text AS booking_id, b.reference, b.night::text AS night, b.status, b.party,
       (SELECT coalesce(array_agg(t.number ORDER BY t.number), '{}') FROM booking_table t
         WHERE t.booking_id = b.id
           AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))) AS tables,
       instant_text(lower(b.slot)) AS slot_from, instant_text(upper(b.slot)) AS slot_until,
       b.source, b.deposit_pence, b.paid_pence, instant_text(b.hold_expires_at) AS hold_expires_at,
       coalesce(k.admitted, 0) AS admitted, coalesce(k.gone, 0) AS "left",
       b.person_id::text AS person_id, p.sealed, q.wrapped, b.wishes, b.edition, b.overdue,
       b.series::text AS series,
       coalesce(v.version, 0) AS version
  FROM booking b
  LEFT JOIN ticket k ON k.booking_id = b.id
  LEFT JOIN person p ON p.id = b.person_id
  LEFT JOIN person_key q ON q.person_id = p.id
  LEFT JOIN book v ON v.name = b.night::text
"""
# A night has some hundred bookings; the limit is there so that an answer has one.
LIST_BOOKINGS = (
    _BOOKING_COLUMNS
    + """
 WHERE b.night = $1::text::date
 ORDER BY lower(b.slot), b.created_at, b.id
 LIMIT 1000
"""
)
FIND_BOOKING = _BOOKING_COLUMNS + " WHERE b.id = $1"
# By its index; a series has at most as many dates as one transaction may book.
LIST_SERIES = (
    _BOOKING_COLUMNS
    + """
 WHERE b.series = $1::text::uuid
 ORDER BY b.night, b.id
 LIMIT 100
"""
)
FIND_REFUND_POLICY = "SELECT refund_policy::text FROM booking WHERE id = $1"
LIST_EXPECTED = """
SELECT b.id::text AS booking_id, b.reference, p.id::text AS person_id, p.sealed, q.wrapped
  FROM booking b
  LEFT JOIN person p ON p.id = b.person_id
  LEFT JOIN person_key q ON q.person_id = p.id
 WHERE b.night = $1::text::date AND b.status IN ('pending', 'confirmed', 'seated')
 ORDER BY b.id
 LIMIT 1000
"""


class BookingRow(Struct, frozen=True):
    """A booking; its guest's data is sealed, and None without a guest or after an erasure."""

    booking_id: str
    reference: str
    night: str
    status: str
    party: int
    tables: list[int]
    slot_from: str
    slot_until: str
    source: str
    deposit_pence: int
    paid_pence: int
    hold_expires_at: str | None
    admitted: int
    left: int
    person_id: str | None
    sealed: bytes | None
    wrapped: bytes | None
    wishes: bytes | None
    edition: int
    overdue: bool
    series: str | None
    version: int

    @property
    def held(self) -> Held | None:
        """The guest's data and key; None: there is nothing to open."""
        return held_of(self.person_id, self.sealed, self.wrapped)


def held_of(person_id: str | None, sealed: bytes | None, wrapped: bytes | None) -> Held | None:
    if person_id is None or sealed is None or wrapped is None:
        return None
    return Held(person_id, sealed, wrapped)


async def list_bookings(conn: asyncpg.Connection, night: str) -> list[BookingRow]:
    """The night's bookings by time, at most 1000."""
    return [BookingRow(**row) for row in await conn.fetch(LIST_BOOKINGS, night)]


async def find_booking(conn: asyncpg.Connection, booking_id: str) -> BookingRow | None:
    row = await conn.fetchrow(FIND_BOOKING, booking_id)
    return None if row is None else BookingRow(**row)


async def list_series(conn: asyncpg.Connection, series_id: str) -> list[BookingRow]:
    """The bookings of a series by night, at most 100."""
    return [BookingRow(**row) for row in await conn.fetch(LIST_SERIES, series_id)]


class Expected(Struct, frozen=True):
    """A booking that may still matter tonight, with its guest's sealed data where there is any."""

    booking_id: str
    reference: str
    person_id: str | None
    sealed: bytes | None
    wrapped: bytes | None

    @property
    def held(self) -> Held | None:
        """The guest's data and key; None: there is nothing to open."""
        return held_of(self.person_id, self.sealed, self.wrapped)


async def list_expected(conn: asyncpg.Connection, night: str) -> list[Expected]:
    """Every booking that may still matter tonight, at most 1000."""
    return [Expected(**row) for row in await conn.fetch(LIST_EXPECTED, night)]


async def find_refund_policy(conn: asyncpg.Connection, booking_id: str) -> Refunds | None:
    """The policy that was in force when the booking was made; None: policies were not kept yet."""
    text = await conn.fetchval(FIND_REFUND_POLICY, booking_id)
    return None if text is None else msgspec.json.decode(text, type=Refunds)
