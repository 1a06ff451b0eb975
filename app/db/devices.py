"""Rows of devices: tablets and cameras, each at a door, known by the SHA-256 of its token."""

from datetime import datetime

import asyncpg
from msgspec import Struct

from floorplan.nights import instant_text

INSERT_DEVICE = """
INSERT INTO device (id, name, kind, door, token_hash) VALUES ($1, $2, $3, $4, $5)
"""
FIND_DEVICE = """
SELECT id::text, name, kind, door, coalesce(seen_at < now() - interval '1 minute', true) AS stale
  FROM device
 WHERE token_hash = $1 AND revoked_at IS NULL
"""
TOUCH_DEVICE = "UPDATE device SET seen_at = now() WHERE id = $1"
LIST_DEVICES = """
SELECT id::text, name, kind, door, seen_at, revoked_at
  FROM device
 ORDER BY revoked_at IS NOT NULL, name, id
 LIMIT 200
"""
REVOKE_DEVICE = """
UPDATE device SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1
RETURNING id::text, name, kind, door, seen_at, revoked_at
"""


class DeviceRow(Struct, frozen=True):
    """A device; instants are texts."""

    id: str
    name: str
    kind: str
    door: str
    seen_at: str | None = None
    revoked_at: str | None = None


class KnownDevice(Struct, frozen=True):
    """A device that showed a valid token; `stale`: it was last seen over a minute ago."""

    id: str
    name: str
    kind: str
    door: str
    stale: bool


async def insert_device(
    conn: asyncpg.Connection, device_id: str, name: str, kind: str, door: str, token_hash: bytes
) -> None:
    await conn.execute(INSERT_DEVICE, device_id, name, kind, door, token_hash)


async def find_device(conn: asyncpg.Connection, token_hash: bytes) -> KnownDevice | None:
    """The device whose token it is; None: unknown or revoked."""
    row = await conn.fetchrow(FIND_DEVICE, token_hash)
    return None if row is None else KnownDevice(**row)


async def touch_device(conn: asyncpg.Connection, device_id: str) -> None:
    await conn.execute(TOUCH_DEVICE, device_id)


async def list_devices(conn: asyncpg.Connection) -> list[DeviceRow]:
    """Those in use first, by name; at most 200."""
    return [_row(row) for row in await conn.fetch(LIST_DEVICES)]


async def revoke_device(conn: asyncpg.Connection, device_id: str) -> DeviceRow | None:
    """The device whose token no longer counts; None: there is no such device."""
    row = await conn.fetchrow(REVOKE_DEVICE, device_id)
    return None if row is None else _row(row)


def _row(row: asyncpg.Record) -> DeviceRow:
    return DeviceRow(
        row["id"],
        row["name"],
        row["kind"],
        row["door"],
        _text(row["seen_at"]),
        _text(row["revoked_at"]),
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)
