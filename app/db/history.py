"""The events of one booking, on whichever nights it was."""

import asyncpg
from msgspec import Struct

# By the primary key: one night's lines, of which a night has some thousands.
LIST_HISTORY = """
SELECT e.book, e.version, e.type, e.subject, instant_text(e.at) AS at, e.actor, e.correlation_id,
       e.payload::text AS payload
  FROM event e
 WHERE e.book = $1
   AND (e.subject = 'booking:' || $2::text OR e.payload ->> 'other_id' = $2
        OR (e.type = 'NIGHT_SEALED' AND e.payload -> 'completed' ? $2))
 ORDER BY e.version LIMIT 1000
"""


class HistoryRow(Struct, frozen=True):
    book: str
    version: int
    type: str
    subject: str
    at: str
    actor: str
    correlation_id: str
    payload: str


async def list_history(conn: asyncpg.Connection, night: str, booking_id: str) -> list[HistoryRow]:
    """What the night's book says of the booking, at most 1000 lines."""
    return [HistoryRow(**row) for row in await conn.fetch(LIST_HISTORY, night, booking_id)]
