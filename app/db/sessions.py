"""Rows of sessions. Only the SHA-256 of a session's cookie is kept. Real time, never the demo's."""

from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct

INSERT_SESSION = """
INSERT INTO session (id_hash, staff_id, expires_at) VALUES ($1, $2, now() + $3)
RETURNING expires_at
"""
FIND_SESSION = """
SELECT s.staff_id::text, p.display_name, p.role, s.seen_at, s.expires_at, now() AS now
  FROM session s JOIN staff p ON p.id = s.staff_id
 WHERE s.id_hash = $1 AND s.revoked_at IS NULL AND p.disabled_at IS NULL
"""
TOUCH_SESSION = "UPDATE session SET seen_at = now() WHERE id_hash = $1"
REVOKE_SESSION = """
UPDATE session SET revoked_at = now() WHERE id_hash = $1 AND revoked_at IS NULL
RETURNING staff_id::text
"""
FORGET_SESSIONS = "DELETE FROM session WHERE expires_at < now() - interval '7 days'"


class SessionRow(Struct, frozen=True):
    """A session that was not revoked, of somebody who was not disabled; it may be over."""

    staff_id: str
    display_name: str
    role: str
    seen_at: datetime
    expires_at: datetime
    now: datetime


async def insert_session(
    conn: asyncpg.Connection, id_hash: bytes, staff_id: str, lasts: timedelta
) -> datetime:
    """When the new session ends at the latest."""
    expires_at: datetime = await conn.fetchval(INSERT_SESSION, id_hash, staff_id, lasts)
    return expires_at


async def find_session(conn: asyncpg.Connection, id_hash: bytes) -> SessionRow | None:
    row = await conn.fetchrow(FIND_SESSION, id_hash)
    return None if row is None else SessionRow(**row)


async def touch_session(conn: asyncpg.Connection, id_hash: bytes) -> None:
    """Its idle time begins anew."""
    await conn.execute(TOUCH_SESSION, id_hash)


async def revoke_session(conn: asyncpg.Connection, id_hash: bytes) -> str | None:
    """The session is over; the id of whose it was, None when it was over already."""
    staff_id: str | None = await conn.fetchval(REVOKE_SESSION, id_hash)
    return staff_id


async def forget_sessions(conn: asyncpg.Connection) -> None:
    """Sessions that ended a week ago are gone."""
    await conn.execute(FORGET_SESSIONS)
