"""Rows of devices: tablets and cameras, each at a door, known by the SHA-256 of its token."""

from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
from msgspec import Struct

from app.domain.pairing import Pairing
from floorplan.nights import instant_text

# A device that rolls its token every hour is known by the tokens of its last day.
RETIRED_MOST: Final = 24

INSERT_DEVICE = """
INSERT INTO device (id, name, kind, door, night) VALUES ($1, $2, $3, $4, $5::text::date)
"""
NIGHT_EXISTS = "SELECT EXISTS (SELECT FROM night WHERE date = $1::text::date AND status = 'open')"
OPEN_PAIRING = """
UPDATE device
   SET pairing_number = $2, pairing_hash = $3, pairing_used_at = NULL,
       pairing_expires_at = now() + $4
 WHERE id = $1
RETURNING pairing_expires_at
"""
# Held to the end of the transaction: a second use of the code waits, and then sees the first.
LOCK_PAIRING = """
SELECT id::text AS device_id, name, kind, door, night::text, generation,
       pairing_expires_at AS expires_at, pairing_used_at IS NOT NULL AS used,
       revoked_at IS NOT NULL AS revoked, clock_timestamp() AS now
  FROM device WHERE pairing_hash = $1 FOR UPDATE
"""
# The token that the device had is known on, as one that is over.
RETIRE_TOKENS = """
INSERT INTO retired_token (token_hash, device_id)
SELECT hash, id FROM device, unnest(ARRAY[token_hash, next_token_hash]) AS hash
 WHERE id = $1 AND hash IS NOT NULL
ON CONFLICT DO NOTHING
"""
FORGET_RETIRED = """
DELETE FROM retired_token
 WHERE device_id = $1 AND token_hash NOT IN (
     SELECT token_hash FROM retired_token WHERE device_id = $1
      ORDER BY retired_at DESC, token_hash LIMIT $2)
"""
USE_PAIRING = """
UPDATE device
   SET generation = $2, token_hash = $3, next_token_hash = NULL, pairing_used_at = now(),
       paired_at = now(), version = coalesce($4, version)
 WHERE id = $1
"""
LOCK_DEVICE = """
SELECT id::text, name, kind, door, night::text, generation, pairing_number, revoked_at
  FROM device WHERE id = $1 FOR UPDATE
"""
SET_NEXT = "UPDATE device SET next_token_hash = $2 WHERE id = $1"
# The first use of a rolled token makes it the device's token; a second one at the same time finds
# nothing left to do.
PROMOTE_NEXT = """
WITH before AS (
    SELECT id, token_hash FROM device WHERE id = $1 AND next_token_hash = $2 FOR UPDATE
), retired AS (
    INSERT INTO retired_token (token_hash, device_id)
    SELECT token_hash, id FROM before WHERE token_hash IS NOT NULL
    ON CONFLICT DO NOTHING
)
UPDATE device d
   SET token_hash = $2, next_token_hash = NULL, generation = d.generation + 1
  FROM before WHERE d.id = before.id
"""
FIND_DEVICE = """
WITH hit AS (
    SELECT id, false AS is_next, false AS retired FROM device WHERE token_hash = $1
    UNION ALL
    SELECT id, true, false FROM device WHERE next_token_hash = $1
    UNION ALL
    SELECT device_id, false, true FROM retired_token WHERE token_hash = $1
    LIMIT 1
)
SELECT d.id::text, d.name, d.kind, d.door, d.night::text, hit.is_next,
       hit.retired OR d.revoked_at IS NOT NULL AS over,
       coalesce(d.seen_at < now() - interval '1 minute', true) AS stale
  FROM hit JOIN device d ON d.id = hit.id
"""
TOUCH_DEVICE = "UPDATE device SET seen_at = now() WHERE id = $1"
SET_STATUS = """
UPDATE device
   SET battery_percent = $2, version = $3, spool = $4, picture = $5, frames_per_second = $6,
       status_at = now(), seen_at = now()
 WHERE id = $1
"""
LIST_HEALTH = """
SELECT id::text, name, kind, door, battery_percent, spool, picture, frames_per_second,
       extract(epoch FROM clock_timestamp() - status_at)::float AS silent_seconds
  FROM device
 WHERE revoked_at IS NULL AND status_at > now() - interval '18 hours'
 ORDER BY name, id
 LIMIT 200
"""
LIST_DEVICES = """
SELECT id::text, name, kind, door, night::text, generation, seen_at, revoked_at, paired_at,
       battery_percent, version, spool, status_at,
       CASE WHEN pairing_used_at IS NULL AND pairing_expires_at > now()
            THEN pairing_expires_at END AS pairing_expires_at
  FROM device
 ORDER BY revoked_at IS NOT NULL, name, id
 LIMIT 200
"""
REVOKE_DEVICE = """
UPDATE device
   SET revoked_at = coalesce(revoked_at, now()), pairing_hash = NULL, pairing_expires_at = NULL
 WHERE id = $1
RETURNING id::text, name, kind, door, night::text, generation, seen_at, revoked_at, paired_at,
          battery_percent, version, spool, status_at, pairing_expires_at
"""


class DeviceRow(Struct, frozen=True, kw_only=True):
    """A device; instants are texts. `pairing_expires_at`: a pairing code waits to be used."""

    id: str
    name: str
    kind: str
    door: str
    night: str | None
    generation: int
    seen_at: str | None
    revoked_at: str | None
    paired_at: str | None
    battery_percent: int | None
    version: str | None
    spool: int | None
    status_at: str | None
    pairing_expires_at: str | None


class LockedDevice(Struct, frozen=True):
    """A device whose row is held."""

    id: str
    name: str
    kind: str
    door: str
    night: str | None
    generation: int
    pairing_number: int
    revoked_at: datetime | None


class KnownDevice(Struct, frozen=True):
    """A device that showed a token of its own.

    `over`: the token is no longer good, or the device was revoked. `is_next`: the token was rolled
    and never used. `stale`: the device was last seen over a minute ago.
    """

    id: str
    name: str
    kind: str
    door: str
    night: str | None
    is_next: bool
    over: bool
    stale: bool


async def insert_device(
    conn: asyncpg.Connection, device_id: str, name: str, kind: str, door: str, night: str | None
) -> None:
    """The device has its place, and neither a token nor a pairing code yet."""
    await conn.execute(INSERT_DEVICE, device_id, name, kind, door, night)


async def is_open(conn: asyncpg.Connection, night: str) -> bool:
    """Whether the night exists and is not sealed."""
    return bool(await conn.fetchval(NIGHT_EXISTS, night))


async def open_pairing(
    conn: asyncpg.Connection, device_id: str, number: int, code_hash: bytes, lasts: timedelta
) -> str:
    """The code pairs the device once; one that it had before is unknown. When it ends."""
    return instant_text(await conn.fetchval(OPEN_PAIRING, device_id, number, code_hash, lasts))


async def lock_pairing(conn: asyncpg.Connection, code_hash: bytes) -> Pairing | None:
    """The device that waits for the code, its row held; None: none does."""
    row = await conn.fetchrow(LOCK_PAIRING, code_hash)
    return None if row is None else Pairing(**row)


async def use_pairing(
    conn: asyncpg.Connection,
    device_id: str,
    generation: int,
    token_hash: bytes,
    version: str | None,
) -> None:
    """The device has this token and no other; the code is used."""
    await conn.execute(RETIRE_TOKENS, device_id)
    await conn.execute(FORGET_RETIRED, device_id, RETIRED_MOST)
    await conn.execute(USE_PAIRING, device_id, generation, token_hash, version)


async def lock_device(conn: asyncpg.Connection, device_id: str) -> LockedDevice | None:
    row = await conn.fetchrow(LOCK_DEVICE, device_id)
    return None if row is None else LockedDevice(**row)


async def roll_token(conn: asyncpg.Connection, device_id: str, token_hash: bytes) -> None:
    """The token becomes the device's with its first use."""
    await conn.execute(SET_NEXT, device_id, token_hash)


async def promote_token(conn: asyncpg.Connection, device_id: str, token_hash: bytes) -> None:
    """The rolled token is the device's; the one before it is over."""
    await conn.execute(PROMOTE_NEXT, device_id, token_hash)
    await conn.execute(FORGET_RETIRED, device_id, RETIRED_MOST)


async def find_device(conn: asyncpg.Connection, token_hash: bytes) -> KnownDevice | None:
    """The device whose token it is or was; None: it is nobody's."""
    row = await conn.fetchrow(FIND_DEVICE, token_hash)
    return None if row is None else KnownDevice(**row)


async def touch_device(conn: asyncpg.Connection, device_id: str) -> None:
    await conn.execute(TOUCH_DEVICE, device_id)


async def set_status(
    conn: asyncpg.Connection,
    device_id: str,
    battery_percent: int | None,
    version: str | None,
    spool: int | None,
    picture: str | None = None,
    frames_per_second: float | None = None,
) -> None:
    """What the device last said of itself; what it did not say is unknown."""
    await conn.execute(
        SET_STATUS, device_id, battery_percent, version, spool, picture, frames_per_second
    )


class HealthRow(Struct, frozen=True, kw_only=True):
    """A device as it said it is; `silent_seconds` in real time."""

    id: str
    name: str
    kind: str
    door: str
    battery_percent: int | None
    spool: int | None
    picture: str | None
    frames_per_second: float | None
    silent_seconds: float | None


async def list_health(conn: asyncpg.Connection) -> list[HealthRow]:
    """Every device that was heard of in this night or the one before, by name; at most 200.

    One that lies in a drawer since last week is no news.
    """
    return [HealthRow(**row) for row in await conn.fetch(LIST_HEALTH)]


async def list_devices(conn: asyncpg.Connection) -> list[DeviceRow]:
    """Those in use first, by name; at most 200."""
    return [_row(row) for row in await conn.fetch(LIST_DEVICES)]


async def revoke_device(conn: asyncpg.Connection, device_id: str) -> DeviceRow | None:
    """The device whose token no longer counts; None: there is no such device."""
    row = await conn.fetchrow(REVOKE_DEVICE, device_id)
    return None if row is None else _row(row)


def _row(row: asyncpg.Record) -> DeviceRow:
    fields: dict[str, Any] = {
        name: instant_text(value) if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return DeviceRow(**fields)
