"""The door's log and the house's ledger, read from the book: nothing is kept a second time."""

from datetime import datetime
from typing import Final

import asyncpg
from msgspec import Struct

NEWEST: Final = 2**62  # beyond every version

# Of the counts the log has the corrections, the ledger ($10) every step. The reason is a refusal's,
# a broken rule's, an incident's kind or the word of whoever undid.
LIST_DOOR_LINES = """
SELECT version, type, instant_text(at) AS at, actor, payload::text AS payload
  FROM event
 WHERE book = $1 AND version < $2 AND type = ANY ($3::text[])
   AND ($4::text IS NULL OR payload ->> 'door' = $4)
   AND ($5::text IS NULL OR $5 IN (payload ->> 'reason', payload ->> 'why', payload ->> 'kind')
        OR payload -> 'rules' ? $5)
   AND ($6::text IS NULL OR actor = $6)
   AND ($10 OR type <> 'HEADCOUNT_CHANGED' OR payload ->> 'why' = 'head_count')
   AND ($7::timestamptz IS NULL OR at >= $7)
   AND ($8::timestamptz IS NULL OR at < $8)
 ORDER BY version DESC
 LIMIT $9
"""

LIST_LOGGED_DOORS = """
SELECT DISTINCT payload ->> 'door' AS door
  FROM event
 WHERE book = $1 AND type = ANY ($2::text[]) AND payload ->> 'door' IS NOT NULL
 ORDER BY door
"""


class DoorLine(Struct, frozen=True):
    """One line of the book; `payload` is its JSON text."""

    version: int
    type: str
    at: str
    actor: str
    payload: str


async def list_door_lines(
    conn: asyncpg.Connection,
    night: str,
    types: list[str],
    *,
    before: int = NEWEST,
    door: str | None = None,
    reason: str | None = None,
    actor: str | None = None,
    begins_at: datetime | None = None,
    ends_at: datetime | None = None,
    limit: int,
    steps: bool = False,
) -> list[DoorLine]:
    """At most `limit` lines of these types below `before`, newest first; `steps`: also what the
    clicker counted."""
    rows = await conn.fetch(
        LIST_DOOR_LINES, night, before, types, door, reason, actor, begins_at, ends_at, limit, steps
    )
    return [DoorLine(**row) for row in rows]


async def list_logged_doors(conn: asyncpg.Connection, night: str, types: list[str]) -> list[str]:
    """The doors that lines of these types name, also those that the venue has no more."""
    return [row["door"] for row in await conn.fetch(LIST_LOGGED_DOORS, night, types)]
