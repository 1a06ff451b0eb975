"""What screens list: bookings with their guests' names, one booking, the names of a night."""

import asyncpg
from msgspec import Struct

_BOOKING_COLUMNS = """
SELECT b.id::text AS booking_id, b.reference, b.night::text AS night, b.status, b.party,
       (SELECT coalesce(array_agg(t.number ORDER BY t.number), '{}') FROM booking_table t
         WHERE t.booking_id = b.id
           AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))) AS tables,
       instant_text(lower(b.slot)) AS slot_from, instant_text(upper(b.slot)) AS slot_until,
       b.source, b.deposit_pence, b.paid_pence, instant_text(b.hold_expires_at) AS hold_expires_at,
       coalesce(k.admitted, 0) AS admitted, coalesce(k.gone, 0) AS "left", p.name,
       coalesce(v.version, 0) AS version
  FROM booking b
  LEFT JOIN ticket k ON k.booking_id = b.id
  LEFT JOIN person p ON p.id = b.person_id
  LEFT JOIN book v ON v.name = b.night::text
"""
# A night has some hundred bookings; the limit is there so that an answer has one.
LIST_BOOKINGS = (
    _BOOKING_COLUMNS
    + """
 WHERE b.night = $1::text::date
   AND ($2::text IS NULL OR p.name ILIKE $2 OR b.reference LIKE $3)
 ORDER BY lower(b.slot), b.created_at, b.id
 LIMIT 1000
"""
)
FIND_BOOKING = _BOOKING_COLUMNS + " WHERE b.id = $1"
LIST_NAMES = """
SELECT b.id::text AS booking_id, p.name
  FROM booking b JOIN person p ON p.id = b.person_id
 WHERE b.night = $1::text::date AND b.status IN ('pending', 'confirmed', 'seated')
 ORDER BY b.id
"""


class BookingRow(Struct, frozen=True):
    """A booking; `name` is its guest's full name: mask it before it is shown."""

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
    name: str | None
    version: int


async def list_bookings(
    conn: asyncpg.Connection, night: str, search: str | None = None
) -> list[BookingRow]:
    """The night's bookings by time, at most 1000; with `search` those whose name or reference
    holds the text."""
    pattern = None if search is None else f"%{_literal(search.strip())}%"
    reference = None if search is None else f"%{_literal(_typed_reference(search))}%"
    return [BookingRow(**row) for row in await conn.fetch(LIST_BOOKINGS, night, pattern, reference)]


async def find_booking(conn: asyncpg.Connection, booking_id: str) -> BookingRow | None:
    row = await conn.fetchrow(FIND_BOOKING, booking_id)
    return None if row is None else BookingRow(**row)


async def list_names(conn: asyncpg.Connection, night: str) -> dict[str, str]:
    """Booking id to full name, for every booking that may still matter tonight."""
    return {row["booking_id"]: row["name"] for row in await conn.fetch(LIST_NAMES, night)}


def _literal(text: str) -> str:
    """The text without the meaning that LIKE gives to %, _ and \\."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _typed_reference(text: str) -> str:
    """As references are stored: no spaces or hyphens, capitals, Crockford's look-alikes read."""
    plain = text.replace(" ", "").replace("-", "").upper()
    return plain.translate(str.maketrans("OIL", "011"))
