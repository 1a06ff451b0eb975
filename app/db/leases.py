"""Rows of leases, and of the tasks that they leave."""

import asyncpg
import msgspec
from msgspec import Struct

LIST_LEASABLE = """
SELECT b.id::text FROM booking b JOIN ticket k ON k.booking_id = b.id
 WHERE b.night = $1::text::date AND b.status IN ('confirmed', 'seated') AND k.status = 'valid'
   AND ($2::integer[] IS NULL OR EXISTS (SELECT FROM booking_table t WHERE t.booking_id = b.id
                                            AND t.live AND t.number = ANY ($2)))
 ORDER BY b.slot, b.id
 LIMIT $3
"""
FIND_UNRETURNED = """
SELECT id::text FROM lease
 WHERE device_id = $1 AND night = $2::text::date AND status IN ('live', 'voided')
"""
INSERT_LEASE = """
INSERT INTO lease (id, device_id, night, door, floor) VALUES ($1, $2, $3::text::date, $4, $5)
"""
INSERT_SHARES = """
INSERT INTO lease_ticket (lease_id, ticket_id, booking_id, places)
SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::integer[])
"""
FIND_LEASE = """
SELECT l.id::text, l.device_id::text, l.night::text, l.door, l.floor, l.status, l.counter,
       (SELECT coalesce(array_agg(s.booking_id::text ORDER BY s.booking_id), '{}')
          FROM lease_ticket s
         WHERE s.lease_id = l.id AND s.stated IS NULL AND NOT s.released) AS bookings
  FROM lease l WHERE l.id = $1
"""
LOCK_LEASE = FIND_LEASE + " FOR UPDATE OF l"
STEP_LEASE = """
UPDATE lease SET status = $2, counter = counter + $3, heard_at = clock_timestamp(),
       ended_at = CASE WHEN $2 IN ('returned', 'released') THEN clock_timestamp() END,
       ended_by = $4, reason = $5
 WHERE id = $1
"""
LIST_SHARES = """
SELECT s.ticket_id::text, s.booking_id::text, l.id::text AS lease_id, l.device_id::text, l.door,
       l.floor, s.places, s.admitted, s.stated, s.released, s.recalled_at IS NOT NULL AS recalled
  FROM lease_ticket s JOIN lease l ON l.id = s.lease_id
 WHERE s.lease_id = $1 ORDER BY s.ticket_id
"""
FIND_SHARE = """
SELECT s.ticket_id::text, s.booking_id::text, l.id::text AS lease_id, l.device_id::text, l.door,
       l.floor, s.places, s.admitted, s.stated, s.released, s.recalled_at IS NOT NULL AS recalled
  FROM lease_ticket s JOIN lease l ON l.id = s.lease_id
 WHERE s.lease_id = $1 AND s.ticket_id = $2 AND l.device_id = $3
"""
STATE_SHARE = """
UPDATE lease_ticket SET stated = $3, returned_at = clock_timestamp()
 WHERE lease_id = $1 AND ticket_id = $2
"""
RELEASE_SHARES = """
UPDATE lease_ticket SET released = true, returned_at = clock_timestamp()
 WHERE lease_id = $1 AND stated IS NULL AND NOT released
"""
COUNT_SHARE = """
UPDATE lease_ticket SET admitted = admitted + $3 WHERE lease_id = $1 AND ticket_id = $2
"""
RECALL_SHARES = "SELECT recall_shares($1::text[]::uuid[])::text"
LIST_HELD_BANNED = "SELECT booking_id::text, night::text, door FROM held_banned($1)"
LIST_LEASES = """
SELECT l.id::text AS lease_id, l.device_id::text, d.name AS device, l.night::text, l.door, l.floor,
       l.status, instant_text(l.granted_at) AS granted_at, instant_text(l.heard_at) AS heard_at,
       extract(epoch FROM clock_timestamp() - l.heard_at)::integer AS silent_seconds,
       count(*) FILTER (WHERE s.stated IS NULL AND NOT s.released)::integer AS held,
       count(*) FILTER (WHERE s.stated IS NULL AND NOT s.released
                          AND s.recalled_at IS NOT NULL)::integer AS recalled,
       coalesce(sum(greatest(0, coalesce(s.stated, s.places) - s.admitted))
                FILTER (WHERE NOT s.released), 0)::integer AS reserved,
       coalesce(sum(s.admitted), 0)::integer AS admitted
  FROM lease l JOIN device d ON d.id = l.device_id LEFT JOIN lease_ticket s ON s.lease_id = l.id
 WHERE l.night = $1::text::date
 GROUP BY l.id, d.name
 ORDER BY l.status NOT IN ('live', 'voided'), l.granted_at DESC
 LIMIT 200
"""
INSERT_TASK = """
INSERT INTO task (id, night, kind, why, at, device_id, door, floor, lease_id, scanner, scan_id,
                  ticket_id, booking_id, people)
VALUES ($1, $2::text::date, $3, $4, $5::text::timestamptz, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
LIST_TASKS = """
SELECT t.id::text AS task_id, t.night::text, t.kind, t.why, instant_text(t.at) AS at,
       t.device_id::text, d.name AS device, t.door, t.floor, t.lease_id::text, t.scan_id::text,
       t.booking_id::text, b.reference, b.party, t.people,
       instant_text(t.resolved_at) AS resolved_at, t.resolved_by, t.resolution, t.reason
  FROM task t LEFT JOIN device d ON d.id = t.device_id LEFT JOIN booking b ON b.id = t.booking_id
 WHERE ($1::text::uuid IS NULL OR t.id = $1::text::uuid)
   AND ($2::text::date IS NULL OR t.night = $2::text::date)
   AND (NOT $3 OR t.resolved_at IS NULL)
 ORDER BY t.at DESC, t.id
 LIMIT 500
"""
RESOLVE_TASK = """
UPDATE task SET resolved_at = clock_timestamp(), resolved_by = $2, resolution = $3, reason = $4
 WHERE id = $1 AND resolved_at IS NULL
RETURNING true
"""
LIST_NIGHT_KEYS = """
SELECT n.date::text AS night, n.name, n.status, instant_text(n.doors_at) AS doors_at,
       instant_text(n.last_entry_at) AS last_entry_at, instant_text(n.closes_at) AS closes_at,
       s.key_id, s.public
  FROM night n JOIN signing_key s ON s.night = n.date
 WHERE n.status = 'open' AND n.ends_at > venue_now()
   AND ($1::text::date IS NULL OR n.date = $1::text::date)
   AND n.doors_at < venue_now() + interval '36 hours'
 ORDER BY n.date
"""
LIST_DOOR = """
SELECT b.id::text AS booking_id, b.reference, b.status, b.party, k.id::text AS ticket_id,
       k.generation, k.admitted, k.gone, instant_text(lower(b.slot)) AS slot_from,
       (SELECT coalesce(array_agg(t.number ORDER BY t.number), '{}')
          FROM booking_table t WHERE t.booking_id = b.id AND t.live) AS tables
  FROM booking b JOIN ticket k ON k.booking_id = b.id
 WHERE b.night = $1::text::date AND b.status IN ('confirmed', 'seated') AND k.status = 'valid'
 ORDER BY b.slot, b.id
 LIMIT $2
"""


class LeaseRow(Struct, frozen=True):
    """A lease, and the bookings of the tickets that it still holds."""

    id: str
    device_id: str
    night: str
    door: str
    floor: str
    status: str
    counter: int
    bookings: list[str]


class ShareRow(Struct, frozen=True):
    """A share with the ticket that it is of."""

    ticket_id: str
    booking_id: str
    lease_id: str
    device_id: str
    door: str
    floor: str
    places: int
    admitted: int
    stated: int | None
    released: bool
    recalled: bool


class HeldShare(Struct, frozen=True):
    """A ticket that a device holds, which was just asked for, or (`recalled`) before."""

    lease_id: str
    ticket_id: str
    booking_id: str
    door: str
    device_id: str
    recalled: bool
    silent_seconds: int


class HeldBanned(Struct, frozen=True):
    """A booking of a banned person, whose ticket a device at the door holds."""

    booking_id: str
    night: str
    door: str


class TaskRow(Struct, frozen=True):
    """What a person has to decide; instants are texts."""

    task_id: str
    night: str
    kind: str
    why: str
    at: str
    device_id: str | None
    device: str | None
    door: str
    floor: str
    lease_id: str | None
    scan_id: str | None
    booking_id: str | None
    reference: str | None
    party: int | None
    people: int
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None
    reason: str | None


class NightKey(Struct, frozen=True):
    """A night to come with the public half of the key that signs its codes."""

    night: str
    name: str
    status: str
    doors_at: str
    last_entry_at: str
    closes_at: str
    key_id: int
    public: bytes


class DoorRow(Struct, frozen=True):
    """A ticket as a device holds it against the loss of its connection."""

    booking_id: str
    reference: str
    status: str
    party: int
    ticket_id: str
    generation: int
    admitted: int
    gone: int
    slot_from: str
    tables: list[int]


_HELD = msgspec.json.Decoder(list[HeldShare])


async def list_leasable(
    conn: asyncpg.Connection, night: str, tables: list[int] | None, most: int
) -> list[str]:
    """Bookings whose tickets a device may ask for, in the order in which they are expected."""
    return [row["id"] for row in await conn.fetch(LIST_LEASABLE, night, tables, most)]


async def find_unreturned(conn: asyncpg.Connection, device_id: str, night: str) -> str | None:
    """The lease that the device has not given back."""
    found: str | None = await conn.fetchval(FIND_UNRETURNED, device_id, night)
    return found


async def insert_lease(
    conn: asyncpg.Connection,
    lease_id: str,
    device_id: str,
    night: str,
    door: str,
    floor: str,
    shares: list[tuple[str, str, int]],
) -> None:
    """A lease on the tickets: `(ticket, booking, places)`."""
    await conn.execute(INSERT_LEASE, lease_id, device_id, night, door, floor)
    tickets, bookings, places = (list(column) for column in zip(*shares, strict=True))
    await conn.execute(INSERT_SHARES, lease_id, tickets, bookings, places)


async def find_lease(conn: asyncpg.Connection, lease_id: str) -> LeaseRow | None:
    row = await conn.fetchrow(FIND_LEASE, lease_id)
    return None if row is None else LeaseRow(**row)


async def lock_lease(conn: asyncpg.Connection, lease_id: str) -> LeaseRow | None:
    """As `find_lease`; held to the end of the transaction."""
    row = await conn.fetchrow(LOCK_LEASE, lease_id)
    return None if row is None else LeaseRow(**row)


async def step_lease(
    conn: asyncpg.Connection,
    lease_id: str,
    status: str,
    *,
    step: int = 0,
    ended_by: str | None = None,
    reason: str | None = None,
) -> None:
    """The device was heard; the lease has this status, and its counter went on by `step`."""
    await conn.execute(STEP_LEASE, lease_id, status, step, ended_by, reason)


async def list_shares(conn: asyncpg.Connection, lease_id: str) -> list[ShareRow]:
    return [ShareRow(**row) for row in await conn.fetch(LIST_SHARES, lease_id)]


async def find_share(
    conn: asyncpg.Connection, lease_id: str, ticket_id: str, device_id: str
) -> ShareRow | None:
    """What that device's lease held, or holds, of the ticket."""
    row = await conn.fetchrow(FIND_SHARE, lease_id, ticket_id, device_id)
    return None if row is None else ShareRow(**row)


async def state_share(conn: asyncpg.Connection, lease_id: str, ticket_id: str, stated: int) -> None:
    """The ticket is the server's again, and so many people came in by the lease."""
    await conn.execute(STATE_SHARE, lease_id, ticket_id, stated)


async def release_shares(conn: asyncpg.Connection, lease_id: str) -> None:
    """All that the lease holds is the server's again, without a word of the device."""
    await conn.execute(RELEASE_SHARES, lease_id)


async def count_share(conn: asyncpg.Connection, lease_id: str, ticket_id: str, people: int) -> None:
    """So many more of those that the device let in are in the book."""
    await conn.execute(COUNT_SHARE, lease_id, ticket_id, people)


async def recall_shares(conn: asyncpg.Connection, bookings: list[str]) -> list[HeldShare]:
    """What devices hold of the bookings' tickets; each was asked to give it back."""
    return _HELD.decode(await conn.fetchval(RECALL_SHARES, bookings))


async def list_held_banned(
    conn: asyncpg.Connection, lease_id: str | None = None
) -> list[HeldBanned]:
    """What devices, or one lease, hold of parties that were banned since."""
    return [HeldBanned(**row) for row in await conn.fetch(LIST_HELD_BANNED, lease_id)]


async def list_leases(conn: asyncpg.Connection, night: str) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await conn.fetch(LIST_LEASES, night)
    return rows


async def insert_task(
    conn: asyncpg.Connection,
    task_id: str,
    night: str,
    kind: str,
    why: str,
    at: str,
    *,
    device_id: str | None,
    door: str,
    floor: str,
    lease_id: str | None = None,
    scanner: str | None = None,
    scan_id: str | None = None,
    ticket_id: str | None = None,
    booking_id: str | None = None,
    people: int = 0,
) -> None:
    """Something waits for a person."""
    await conn.execute(
        INSERT_TASK, task_id, night, kind, why, at, device_id, door, floor, lease_id, scanner,
        scan_id, ticket_id, booking_id, people,
    )  # fmt: skip


async def list_tasks(
    conn: asyncpg.Connection, *, night: str | None, waiting: bool
) -> list[TaskRow]:
    """The newest first, at most 500."""
    return [TaskRow(**row) for row in await conn.fetch(LIST_TASKS, None, night, waiting)]


async def find_task(conn: asyncpg.Connection, task_id: str) -> TaskRow | None:
    row = await conn.fetchrow(LIST_TASKS, task_id, None, False)
    return None if row is None else TaskRow(**row)


async def resolve_task(
    conn: asyncpg.Connection, task_id: str, resolved_by: str, resolution: str, reason: str
) -> bool:
    """The task is resolved; False: it was already."""
    return bool(await conn.fetchval(RESOLVE_TASK, task_id, resolved_by, resolution, reason))


async def list_night_keys(conn: asyncpg.Connection, night: str | None) -> list[NightKey]:
    """Nights whose doors open within a day and a half; a device of one night is told of that."""
    return [NightKey(**row) for row in await conn.fetch(LIST_NIGHT_KEYS, night)]


async def list_door(conn: asyncpg.Connection, night: str, most: int) -> list[DoorRow]:
    """The night's tickets, as the door needs them without a connection."""
    return [DoorRow(**row) for row in await conn.fetch(LIST_DOOR, night, most)]
