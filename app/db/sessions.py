"""Rows of sessions and of known devices. Real time, never the demo's.

Of a cookie only the SHA-256 is kept; `id` is the session's public name.
"""

from datetime import datetime, timedelta
from typing import Final

import asyncpg
from msgspec import Struct

from app.domain.principals import Assurance

INSERT_SESSION = """
INSERT INTO session (id_hash, staff_id, began, assurance, device_id, origin, agent, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8)
RETURNING id::text, expires_at
"""
FIND_SESSION = """
SELECT s.id::text, s.staff_id::text, p.display_name, p.role, p.demo, p.floor, p.door,
       p.night::text, p.has_password, p.has_totp, p.has_pin, s.began, s.assurance,
       CASE WHEN s.elevated_until > now() THEN s.elevated_until END AS elevated_until,
       s.device_id::text, s.seen_at, s.expires_at, now() AS now
  FROM session s JOIN staff p ON p.id = s.staff_id
 WHERE s.id_hash = $1 AND s.revoked_at IS NULL AND p.disabled_at IS NULL
"""
FIND_SESSION_BY_ID = """
SELECT s.id::text, s.staff_id::text, p.display_name, p.role, p.demo, p.floor, p.door,
       p.night::text, p.has_password, p.has_totp, p.has_pin, s.began, s.assurance,
       CASE WHEN s.elevated_until > now() THEN s.elevated_until END AS elevated_until,
       s.device_id::text, s.seen_at, s.expires_at, now() AS now
  FROM session s JOIN staff p ON p.id = s.staff_id
 WHERE s.id = $1 AND s.revoked_at IS NULL AND p.disabled_at IS NULL
"""
TOUCH_SESSION = "UPDATE session SET seen_at = now() WHERE id = $1"
# Held to the commit; `now` and the seed that the session was shown are for the second factor.
LOCK_SESSION = """
SELECT staff_id::text, began, assurance, totp_proposed, elevated_until > now() AS elevated,
       now() AS now
  FROM session
 WHERE id = $1 AND revoked_at IS NULL AND expires_at > now()
   FOR UPDATE
"""
PROPOSE_SEED = "UPDATE session SET totp_proposed = $2 WHERE id = $1"
# The old cookie counts no more: whoever saw it before has nothing of what it became.
STRENGTHEN_SESSION = """
UPDATE session
   SET id_hash = $2, assurance = 'totp', totp_proposed = NULL, seen_at = now(),
       expires_at = CASE WHEN $3::interval IS NULL THEN expires_at ELSE now() + $3 END
 WHERE id = $1 AND revoked_at IS NULL
RETURNING expires_at
"""
ELEVATE_SESSION = """
UPDATE session SET id_hash = $2, elevated_until = now() + $3, seen_at = now()
 WHERE id = $1 AND revoked_at IS NULL
RETURNING elevated_until
"""
REVOKE_SESSION = """
UPDATE session SET revoked_at = now() WHERE id_hash = $1 AND revoked_at IS NULL
RETURNING id::text, staff_id::text, device_id::text
"""
REVOKE_BY_ID = """
UPDATE session SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL
RETURNING id::text, staff_id::text, device_id::text
"""
REVOKE_ALL_OF_STAFF = """
UPDATE session SET revoked_at = now()
 WHERE staff_id = $1 AND revoked_at IS NULL AND expires_at > now()
   AND id IS DISTINCT FROM $2::text::uuid
RETURNING id::text, staff_id::text, device_id::text
"""
REVOKE_ALL_OF_DEVICE = """
UPDATE session SET revoked_at = now()
 WHERE device_id = $1 AND revoked_at IS NULL AND expires_at > now()
RETURNING id::text, staff_id::text, device_id::text
"""
FIND_OWNER = "SELECT staff_id::text FROM session WHERE id = $1"
# Sessions that count, newest use first. Who was idle too long is left out by the caller's limits.
LIST_SESSIONS = """
SELECT s.id::text AS session_id, s.staff_id::text, p.display_name AS name, p.role, s.began,
       s.assurance, s.created_at, s.seen_at, s.expires_at, s.origin, s.agent, s.device_id::text,
       now() AS now
  FROM session s JOIN staff p ON p.id = s.staff_id
 WHERE s.revoked_at IS NULL AND s.expires_at > now() AND p.disabled_at IS NULL
 ORDER BY s.seen_at DESC, s.id
 LIMIT 500
"""
FORGET_SESSIONS = "DELETE FROM session WHERE expires_at < now() - interval '7 days'"

IS_KNOWN = "SELECT EXISTS (SELECT FROM known_device WHERE token_hash = $1 AND expires_at > now())"
IS_KNOWN_OF = """
SELECT EXISTS (SELECT FROM known_device
                WHERE token_hash = $1 AND staff_id = $2 AND expires_at > now())
"""
REMEMBER_DEVICE = """
INSERT INTO known_device (token_hash, staff_id, expires_at) VALUES ($1, $2, now() + $3)
ON CONFLICT (token_hash, staff_id) DO UPDATE
   SET seen_at = now(), expires_at = EXCLUDED.expires_at
"""
FORGET_OLDEST_DEVICES = """
DELETE FROM known_device
 WHERE staff_id = $1 AND token_hash NOT IN (
       SELECT token_hash FROM known_device WHERE staff_id = $1
        ORDER BY seen_at DESC, token_hash LIMIT $2)
"""
FORGET_DEVICES_OF = "DELETE FROM known_device WHERE staff_id = $1 AND token_hash <> $2"
FORGET_KNOWN = "DELETE FROM known_device WHERE expires_at < now()"

# Phones, a laptop, the office's machine, and the ones before them.
KNOWN_MAX: Final = 20


class SessionRow(Struct, frozen=True, kw_only=True):
    """A session that was not revoked, of somebody who was not disabled; it may be over."""

    id: str
    staff_id: str
    display_name: str
    role: str
    demo: bool
    floor: str | None
    door: str | None
    night: str | None
    has_password: bool
    has_totp: bool
    has_pin: bool
    began: str
    assurance: Assurance
    elevated_until: datetime | None
    device_id: str | None
    seen_at: datetime
    expires_at: datetime
    now: datetime


class LockedSession(Struct, frozen=True, kw_only=True):
    """A session that counts, held to the commit."""

    staff_id: str
    began: str
    assurance: Assurance
    totp_proposed: bytes | None
    elevated: bool | None
    now: datetime


class ListedSession(Struct, frozen=True, kw_only=True):
    """A session as the administration sees it."""

    session_id: str
    staff_id: str
    name: str
    role: str
    began: str
    assurance: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    origin: str | None
    agent: str | None
    device_id: str | None
    now: datetime


class Ended(Struct, frozen=True):
    """A session that has just ended."""

    id: str
    staff_id: str
    device_id: str | None


async def insert_session(
    conn: asyncpg.Connection,
    id_hash: bytes,
    staff_id: str,
    lasts: timedelta,
    *,
    began: str,
    assurance: Assurance,
    device_id: str | None = None,
    origin: str | None = None,
    agent: str | None = None,
) -> tuple[str, datetime]:
    """The new session's public id, and when it ends at the latest."""
    row = await conn.fetchrow(
        INSERT_SESSION, id_hash, staff_id, began, assurance, device_id, origin, agent, lasts
    )
    return row["id"], row["expires_at"]


async def find_session(conn: asyncpg.Connection, id_hash: bytes) -> SessionRow | None:
    row = await conn.fetchrow(FIND_SESSION, id_hash)
    return None if row is None else SessionRow(**row)


async def find_session_by_id(conn: asyncpg.Connection, session_id: str) -> SessionRow | None:
    row = await conn.fetchrow(FIND_SESSION_BY_ID, session_id)
    return None if row is None else SessionRow(**row)


async def touch_session(conn: asyncpg.Connection, session_id: str) -> None:
    """Its idle time begins anew."""
    await conn.execute(TOUCH_SESSION, session_id)


async def lock_session(conn: asyncpg.Connection, session_id: str) -> LockedSession | None:
    row = await conn.fetchrow(LOCK_SESSION, session_id)
    return None if row is None else LockedSession(**row)


async def propose_seed(conn: asyncpg.Connection, session_id: str, sealed: bytes) -> None:
    """The session was shown this seed; the first code of it enrols the account."""
    await conn.execute(PROPOSE_SEED, session_id, sealed)


async def strengthen_session(
    conn: asyncpg.Connection, session_id: str, id_hash: bytes, lasts: timedelta | None
) -> datetime | None:
    """The session has its second factor and another cookie; with `lasts` it begins to last so long.

    When it ends at the latest; None: it is over already.
    """
    expires_at: datetime | None = await conn.fetchval(
        STRENGTHEN_SESSION, session_id, id_hash, lasts
    )
    return expires_at


async def elevate_session(
    conn: asyncpg.Connection, session_id: str, id_hash: bytes, lasts: timedelta
) -> datetime | None:
    """The session is elevated, and has another cookie, until then; None: it is over already."""
    until: datetime | None = await conn.fetchval(ELEVATE_SESSION, session_id, id_hash, lasts)
    return until


async def revoke_session(conn: asyncpg.Connection, id_hash: bytes) -> Ended | None:
    """The session is over; None: it was over already."""
    row = await conn.fetchrow(REVOKE_SESSION, id_hash)
    return None if row is None else Ended(**row)


async def revoke_by_id(conn: asyncpg.Connection, session_id: str) -> Ended | None:
    """The session is over; None: it was over already."""
    row = await conn.fetchrow(REVOKE_BY_ID, session_id)
    return None if row is None else Ended(**row)


async def revoke_all_of(
    conn: asyncpg.Connection, staff_id: str, *, but: str | None = None
) -> list[Ended]:
    """Every session of the account is over, but the one named."""
    return [Ended(**row) for row in await conn.fetch(REVOKE_ALL_OF_STAFF, staff_id, but)]


async def revoke_all_on(conn: asyncpg.Connection, device_id: str) -> list[Ended]:
    """Nobody has a session by PIN on the tablet any more."""
    return [Ended(**row) for row in await conn.fetch(REVOKE_ALL_OF_DEVICE, device_id)]


async def find_owner(conn: asyncpg.Connection, session_id: str) -> str | None:
    """The id of whose session it is, or was."""
    staff_id: str | None = await conn.fetchval(FIND_OWNER, session_id)
    return staff_id


async def list_sessions(conn: asyncpg.Connection) -> list[ListedSession]:
    """Every session that counts, the one used last first; at most 500."""
    return [ListedSession(**row) for row in await conn.fetch(LIST_SESSIONS)]


async def forget_sessions(conn: asyncpg.Connection) -> None:
    """Sessions that ended a week ago, and devices that were not used for long, are gone."""
    await conn.execute(FORGET_SESSIONS)
    await conn.execute(FORGET_KNOWN)


async def is_known(conn: asyncpg.Connection, token_hash: bytes) -> bool:
    """Whether somebody has signed in on the browser."""
    return bool(await conn.fetchval(IS_KNOWN, token_hash))


async def is_known_of(conn: asyncpg.Connection, token_hash: bytes, staff_id: str) -> bool:
    """Whether this member of staff has signed in on the browser."""
    return bool(await conn.fetchval(IS_KNOWN_OF, token_hash, staff_id))


async def remember_device(
    conn: asyncpg.Connection, token_hash: bytes, staff_id: str, lasts: timedelta
) -> None:
    """The browser is known for this member of staff, beside the KNOWN_MAX - 1 used last."""
    await conn.execute(REMEMBER_DEVICE, token_hash, staff_id, lasts)
    await conn.execute(FORGET_OLDEST_DEVICES, staff_id, KNOWN_MAX)


async def forget_devices_of(conn: asyncpg.Connection, staff_id: str, *, but: bytes) -> None:
    """No other browser than this one is known for the member of staff."""
    await conn.execute(FORGET_DEVICES_OF, staff_id, but)
