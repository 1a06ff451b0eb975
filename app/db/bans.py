"""Rows of bans. Who is meant stands in the person's row; here are digests that find it again."""

import asyncpg
from msgspec import Struct

_BAN_COLUMNS = """
SELECT b.id::text AS ban_id, b.person_id::text AS person_id, b.booking_id::text AS booking_id,
       b.reason, b.note, instant_text(b.until) AS until, b.added_by,
       instant_text(b.added_at) AS added_at, b.lifted_by, instant_text(b.lifted_at) AS lifted_at,
       b.edition, b.lifted_at IS NULL AND (b.until IS NULL OR b.until > venue_now()) AS in_force,
       p.sealed, k.wrapped
  FROM ban b
  JOIN person p ON p.id = b.person_id
  LEFT JOIN person_key k ON k.person_id = b.person_id
"""
# Those in force first; a venue bans some dozen people a year.
LIST_BANS = _BAN_COLUMNS + " ORDER BY in_force DESC, b.added_at DESC, b.id LIMIT 1000"
LIST_BANS_OF = _BAN_COLUMNS + " WHERE b.person_id = $1 ORDER BY b.added_at, b.id LIMIT 100"
INSERT_BAN = """
INSERT INTO ban (id, person_id, booking_id, reason, note, until, added_by, added_at, name_index,
                 email_index, phone_index)
SELECT $1, p.id, $3, $4, $5, $6::text::timestamptz, $7, $8::text::timestamptz, p.name_index,
       p.email_index, p.phone_index
  FROM person p WHERE p.id = $2 AND p.erased_at IS NULL
RETURNING true
"""
LOCK_BAN = """
SELECT id::text AS ban_id, person_id::text AS person_id, booking_id::text AS booking_id, reason,
       instant_text(until) AS until, added_by, instant_text(added_at) AS added_at, lifted_by,
       instant_text(lifted_at) AS lifted_at, edition
  FROM ban WHERE id = $1 FOR UPDATE
"""
LIFT_BAN = """
UPDATE ban
   SET lifted_by = $2, lifted_at = $3::text::timestamptz, edition = edition + 1,
       name_index = NULL, email_index = NULL, phone_index = NULL
 WHERE id = $1
"""
# The note went with the person's key. The digests stay as long as the ban does, and no longer. An
# owner may change no ban, so the function asks itself whether the person is erased.
FORGET_BANS_OF = "SELECT forget_bans($1)"
FIND_BAN = "SELECT ban_of($1, $2, $3)"
FORGET_ENDED_BANS = "SELECT forget_ended_bans()"


class BanRow(Struct, frozen=True):
    """A ban with its person's sealed data; `note` is sealed under the person's key."""

    ban_id: str
    person_id: str
    booking_id: str | None
    reason: str
    note: bytes | None
    until: str | None
    added_by: str
    added_at: str
    lifted_by: str | None
    lifted_at: str | None
    edition: int
    in_force: bool
    sealed: bytes | None
    wrapped: bytes | None


class LockedBan(Struct, frozen=True):
    ban_id: str
    person_id: str
    booking_id: str | None
    reason: str
    until: str | None
    added_by: str
    added_at: str
    lifted_by: str | None
    lifted_at: str | None
    edition: int


async def list_bans(conn: asyncpg.Connection) -> list[BanRow]:
    """Every ban, those in force first, then the newest; at most a thousand."""
    return [BanRow(**row) for row in await conn.fetch(LIST_BANS)]


async def list_bans_of(conn: asyncpg.Connection, person_id: str) -> list[BanRow]:
    """The person's bans, the oldest first."""
    return [BanRow(**row) for row in await conn.fetch(LIST_BANS_OF, person_id)]


async def insert_ban(
    conn: asyncpg.Connection,
    ban_id: str,
    person_id: str,
    booking_id: str | None,
    reason: str,
    note: bytes | None,
    until: str | None,
    added_by: str,
    added_at: str,
) -> bool:
    """The person is banned, with copies of their digests; False: they were erased meanwhile."""
    return bool(
        await conn.fetchval(
            INSERT_BAN, ban_id, person_id, booking_id, reason, note, until, added_by, added_at
        )
    )


async def lock_ban(conn: asyncpg.Connection, ban_id: str) -> LockedBan | None:
    row = await conn.fetchrow(LOCK_BAN, ban_id)
    return None if row is None else LockedBan(**row)


async def lift_ban(conn: asyncpg.Connection, ban_id: str, by: str, at: str) -> None:
    """The ban no longer counts, and its digests are gone."""
    await conn.execute(LIFT_BAN, ban_id, by, at)


async def forget_bans_of(conn: asyncpg.Connection, person_id: str) -> bool:
    """No ban has a note of the person; those over have no digest either. True: one is in force."""
    return bool(await conn.fetchval(FORGET_BANS_OF, person_id))


async def forget_ended_bans(conn: asyncpg.Connection) -> int:
    """Bans that are over have no digest any more; how many had."""
    return int(await conn.fetchval(FORGET_ENDED_BANS))


async def find_ban(
    conn: asyncpg.Connection, name: bytes | None, email: bytes | None, phone: bytes | None
) -> str | None:
    """`banned` or `banned_name` when somebody with these digests is not welcome now."""
    found: str | None = await conn.fetchval(FIND_BAN, name, email, phone)
    return found
