"""Rows behind manage links: a booking's generation of links, and when its night ends."""

import asyncpg
from msgspec import Struct

FIND_GENERATION = "SELECT link_generation FROM booking WHERE id = $1"
FIND_LINKED = """
SELECT b.night::text AS night, b.link_generation AS generation,
       instant_text(n.ends_at) AS ends_at, instant_text(now()) AS now
  FROM booking b JOIN night n ON n.date = b.night
 WHERE b.id = $1
"""
REVOKE_LINKS = "SELECT revoke_manage_links($1)"


class LinkedRow(Struct, frozen=True):
    """What a booking's links depend on; `now` is real time."""

    night: str
    generation: int
    ends_at: str
    now: str


async def find_generation(conn: asyncpg.Connection, booking_id: str) -> int | None:
    """The generation of links that counts; None: no such booking that the one who acts sees."""
    found: int | None = await conn.fetchval(FIND_GENERATION, booking_id)
    return found


async def find_linked(conn: asyncpg.Connection, booking_id: str) -> LinkedRow | None:
    row = await conn.fetchrow(FIND_LINKED, booking_id)
    return None if row is None else LinkedRow(**row)


async def revoke_links(conn: asyncpg.Connection, booking_id: str) -> int | None:
    """No link made until now counts; the new generation. None: not theirs who act, or used up."""
    generation: int | None = await conn.fetchval(REVOKE_LINKS, booking_id)
    return generation
