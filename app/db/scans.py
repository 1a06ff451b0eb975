"""Scans: one read, one answer, for ever."""

import asyncpg
import msgspec
from msgspec import Struct

from app.db.batch import Statement
from app.domain.overrides import Decided

FIND_SCAN = """
SELECT s.body_hash, s.answer, s.booking_id::text, instant_text(s.undone_at) AS undone_at,
       s.undone_reason, o.scan_id::text AS overridden_by
  FROM scan s LEFT JOIN scan o ON o.scanner = s.scanner AND o.overrides = s.scan_id
 WHERE s.scanner = $1 AND s.scan_id = $2
"""
FIND_DECIDED = """
SELECT s.scanner, s.scan_id::text, s.night::text, instant_text(s.at) AS at, s.door, s.direction,
       s.verdict, s.reason, s.booking_id::text, s.ticket_id::text, s.guest_id::text, s.generation,
       s.people, s.admitted_change, s.gone_change, s.extra_change,
       instant_text(s.undone_at) AS undone_at, s.undone_reason, o.scan_id::text AS overridden_by
  FROM scan s LEFT JOIN scan o ON o.scanner = s.scanner AND o.overrides = s.scan_id
 WHERE s.scanner = $1 AND s.scan_id = $2
"""
# One undoes it; another one at the same time finds it undone.
UNDO_SCAN = """
UPDATE scan SET undone_at = $3::text::timestamptz, undone_by = $4, undone_reason = $5
 WHERE scanner = $1 AND scan_id = $2 AND undone_at IS NULL
RETURNING true
"""
INSERT_SCAN = """
INSERT INTO scan (scanner, scan_id, body_hash, night, at, door, verdict, reason, booking_id,
                  ticket_id, people, answer, direction, generation, guest_id, admitted_change,
                  gone_change, extra_change, overrides, rules)
VALUES ($1, $2, $3, $4::text::date, $5::text::timestamptz, $6, $7, $8, $9, $10, $11, $12, $13, $14,
        $15, $16, $17, $18, $19, $20)
ON CONFLICT DO NOTHING
RETURNING true
"""
# As INSERT_SCAN, after the events and in the message that commits: the answer has the version that
# the line just got, and a twin of this request that was faster is an error (scan_pkey).
INSERT_VERDICT = INSERT_SCAN.replace("ON CONFLICT DO NOTHING\nRETURNING true\n", "").replace(
    "$12",
    """convert_to(replace(convert_from($12, 'UTF8'),
        '"version":-1', '"version":' || current_setting('app.version')), 'UTF8')""",
)
HAS_COME = """
SELECT EXISTS (SELECT FROM scan
                WHERE guest_id = $1 AND undone_at IS NULL AND people > 0
                  AND reason IN ('admitted', 'overridden'))
"""
FIND_TONIGHT = """
SELECT date::text FROM night
 WHERE status = 'open' AND ends_at > venue_now() ORDER BY date LIMIT 1
"""


class StoredScan(Struct, frozen=True):
    """What was answered, and what supervisors did about it since."""

    body_hash: bytes
    answer: bytes
    booking_id: str | None
    undone_at: str | None = None
    undone_reason: str | None = None
    overridden_by: str | None = None


class NewScan(Struct, frozen=True):
    """The columns of a row, in the order of INSERT_SCAN."""

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
    direction: str = "in"
    generation: int | None = None
    guest_id: str | None = None
    admitted_change: int = 0
    gone_change: int = 0
    extra_change: int = 0
    overrides: str | None = None
    rules: list[str] | None = None


async def find_scan(conn: asyncpg.Connection, scanner: str, scan_id: str) -> StoredScan | None:
    """What was answered to this scan of this scanner."""
    row = await conn.fetchrow(FIND_SCAN, scanner, scan_id)
    return None if row is None else StoredScan(**row)


async def insert_scan(conn: asyncpg.Connection, new: NewScan) -> bool:
    """The answer is stored; False: a twin of this request was faster, and this must roll back."""
    return bool(await conn.fetchval(INSERT_SCAN, *msgspec.structs.astuple(new)))


def verdict_row(new: NewScan) -> Statement:
    """The row of a scan whose answer still lacks its version, as an action's last statement."""
    return INSERT_VERDICT, msgspec.structs.astuple(new)


async def find_decided(conn: asyncpg.Connection, scanner: str, scan_id: str) -> Decided | None:
    """What the scan said and changed."""
    row = await conn.fetchrow(FIND_DECIDED, scanner, scan_id)
    return None if row is None else Decided(**row)


async def undo_scan(
    conn: asyncpg.Connection, scanner: str, scan_id: str, at: str, by: str, reason: str
) -> bool:
    """The scan counts no more; its answer stays. False: it was undone already."""
    return bool(await conn.fetchval(UNDO_SCAN, scanner, scan_id, at, by, reason))


async def has_come(conn: asyncpg.Connection, guest_id: str) -> bool:
    """Whether a scan of the guest's own code that stands let them in."""
    return bool(await conn.fetchval(HAS_COME, guest_id))


async def find_tonight(conn: asyncpg.Connection) -> str | None:
    """The open night in progress, else the next open one."""
    night: str | None = await conn.fetchval(FIND_TONIGHT)
    return night
