"""Scans: one read, one answer, for ever."""

import asyncpg
from msgspec import Struct

FIND_SCAN = (
    "SELECT body_hash, answer, booking_id::text FROM scan WHERE scanner = $1 AND scan_id = $2"
)
INSERT_SCAN = """
INSERT INTO scan (scanner, scan_id, body_hash, night, at, door, verdict, reason, booking_id,
                  ticket_id, people, answer)
VALUES ($1, $2, $3, $4::text::date, $5::text::timestamptz, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT DO NOTHING
RETURNING true
"""
FIND_TONIGHT = """
SELECT date::text FROM night
 WHERE status = 'open' AND ends_at > venue_now() ORDER BY date LIMIT 1
"""


class StoredScan(Struct, frozen=True):
    body_hash: bytes
    answer: bytes
    booking_id: str | None


class NewScan(Struct, frozen=True):
    scanner: str
    scan_id: str
    body_hash: bytes
    night: str | None
    at: str
    door: str
    verdict: str
    reason: str
    booking_id: str | None
    ticket_id: str | None
    people: int
    answer: bytes


async def find_scan(conn: asyncpg.Connection, scanner: str, scan_id: str) -> StoredScan | None:
    """What was answered to this scan of this scanner."""
    row = await conn.fetchrow(FIND_SCAN, scanner, scan_id)
    return None if row is None else StoredScan(**row)


async def insert_scan(conn: asyncpg.Connection, new: NewScan) -> bool:
    """The answer is stored; False: a twin of this request was faster, and this must roll back."""
    return bool(
        await conn.fetchval(
            INSERT_SCAN, new.scanner, new.scan_id, new.body_hash, new.night, new.at, new.door,
            new.verdict, new.reason, new.booking_id, new.ticket_id, new.people, new.answer,
        )
    )  # fmt: skip


async def find_tonight(conn: asyncpg.Connection) -> str | None:
    """The open night in progress, else the next open one."""
    night: str | None = await conn.fetchval(FIND_TONIGHT)
    return night
