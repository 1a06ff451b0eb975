"""Rows of scans that came with a token that was over, and wait for a manager."""

import asyncpg

from app.domain.quarantine import Held

# The device's row is held first, so that scans that come at once are counted one by one.
LOCK_DEVICE = "SELECT FROM device WHERE id = $1 FOR UPDATE"
COUNT_WAITING = """
SELECT count(*) FROM quarantined_scan WHERE device_id = $1 AND resolved_at IS NULL
"""
FIND_BODY = "SELECT body_hash FROM quarantined_scan WHERE device_id = $1 AND scan_id = $2"
INSERT_HELD = """
INSERT INTO quarantined_scan (id, device_id, scan_id, body_hash, at, door, direction, people,
                              ticket_id, generation, reference, refused)
VALUES ($1, $2, $3, $4, date_trunc('milliseconds', venue_now()), $5, $6, $7, $8, $9, $10, $11)
"""
LIST_HELD = """
SELECT q.id::text, q.device_id::text, d.name AS device, q.scan_id::text, q.body_hash,
       instant_text(q.received_at) AS received_at, instant_text(q.at) AS at, q.door, q.direction,
       q.people, q.ticket_id::text, q.generation, q.refused,
       instant_text(q.resolved_at) AS resolved_at, q.resolved_by, q.resolution, q.reason, q.counted,
       b.id::text AS booking_id, b.reference, b.night::text AS night, b.party,
       EXISTS (SELECT FROM scan s
                WHERE s.scanner = 'device:' || q.device_id AND s.scan_id = q.scan_id
                  AND q.resolution IS DISTINCT FROM 'accept') AS decided
  FROM quarantined_scan q
  JOIN device d ON d.id = q.device_id
  LEFT JOIN booking b ON b.id = coalesce(
       (SELECT k.booking_id FROM ticket k WHERE k.id = q.ticket_id),
       (SELECT g.booking_id FROM guest_ticket g WHERE g.id = q.ticket_id),
       (SELECT r.id FROM booking r WHERE r.reference = q.reference))
 WHERE ($1::text::uuid IS NULL OR q.id = $1::text::uuid)
   AND ($2::text::uuid IS NULL OR q.device_id = $2::text::uuid)
   AND (NOT $3 OR q.resolved_at IS NULL)
 ORDER BY q.received_at DESC, q.id
 LIMIT 500
"""
# One resolves it; another one at the same time finds it resolved.
RESOLVE_HELD = """
UPDATE quarantined_scan
   SET resolved_at = now(), resolved_by = $2, resolution = $3, reason = $4, counted = $5
 WHERE id = $1 AND resolved_at IS NULL
RETURNING true
"""


async def lock_device(conn: asyncpg.Connection, device_id: str) -> None:
    """Nothing else of the device is kept until the transaction ends."""
    await conn.execute(LOCK_DEVICE, device_id)


async def count_waiting(conn: asyncpg.Connection, device_id: str) -> int:
    return int(await conn.fetchval(COUNT_WAITING, device_id))


async def find_body(conn: asyncpg.Connection, device_id: str, scan_id: str) -> bytes | None:
    """The hash of the request that was kept under this id; None: none was."""
    body_hash: bytes | None = await conn.fetchval(FIND_BODY, device_id, scan_id)
    return body_hash


async def insert_held(
    conn: asyncpg.Connection,
    quarantine_id: str,
    device_id: str,
    scan_id: str,
    body_hash: bytes,
    door: str,
    direction: str,
    people: int | None,
    ticket_id: str | None,
    generation: int | None,
    reference: str | None,
    refused: str | None,
) -> None:
    await conn.execute(
        INSERT_HELD, quarantine_id, device_id, scan_id, body_hash, door, direction, people,
        ticket_id, generation, reference, refused,
    )  # fmt: skip


async def list_held(
    conn: asyncpg.Connection, *, device_id: str | None = None, waiting: bool = True
) -> list[Held]:
    """The newest first, at most 500: as many as one device can have waiting."""
    return [Held(**row) for row in await conn.fetch(LIST_HELD, None, device_id, waiting)]


async def find_held(conn: asyncpg.Connection, quarantine_id: str) -> Held | None:
    row = await conn.fetchrow(LIST_HELD, quarantine_id, None, False)
    return None if row is None else Held(**row)


async def resolve_held(
    conn: asyncpg.Connection,
    quarantine_id: str,
    resolved_by: str,
    resolution: str,
    reason: str,
    counted: int = 0,
) -> bool:
    """The scan is resolved; False: it was already."""
    return bool(
        await conn.fetchval(RESOLVE_HELD, quarantine_id, resolved_by, resolution, reason, counted)
    )
