"""Rows of the outbox: taken under a lease, settled, listed, and what is due by time.

Tries, leases and ages are in real time; when a message is wanted is on the venue's clock.
"""

import asyncpg
import msgspec
from msgspec import Struct

from app.domain.messages import Message, queued

# Of one person's messages the earliest goes first: a cancellation never before what it cancels.
# Each date of a series has a person of its own, for one guest: so theirs wait for each other too.
# What another worker is taking is passed by; if that one dies it is taken when its lease ends. It
# waits until then, so whoever looks meanwhile takes nothing that follows it.
TAKE_DUE = """
WITH due AS (
    SELECT o.id FROM outbox o
     WHERE o.status = 'waiting' AND o.next_try_at <= clock_timestamp()
       AND (o.lease_until IS NULL OR o.lease_until <= clock_timestamp())
       AND (o.not_before IS NULL OR o.not_before <= venue_now())
       AND NOT EXISTS (SELECT FROM outbox e
                        WHERE e.status = 'waiting' AND e.person_id = o.person_id
                          AND e.channel = o.channel AND e.number < o.number
                          AND (e.not_before IS NULL OR e.not_before <= venue_now()))
       AND NOT EXISTS (SELECT FROM booking b
                         JOIN booking d ON d.series = b.series
                         JOIN outbox e ON e.person_id = d.person_id
                        WHERE b.person_id = o.person_id AND e.status = 'waiting'
                          AND e.channel = o.channel AND e.number < o.number
                          AND (e.not_before IS NULL OR e.not_before <= venue_now()))
     ORDER BY o.number
     LIMIT $1
     FOR UPDATE SKIP LOCKED
)
UPDATE outbox o
   SET lease = $2::text::uuid, lease_until = clock_timestamp() + make_interval(secs => $3),
       attempts = o.attempts + 1
  FROM due WHERE o.id = due.id
RETURNING o.id::text AS id, o.number, o.kind, o.channel, o.attempts
"""
READ_FACTS = "SELECT message_facts($1::text::uuid, $2::text::uuid)::text"
SETTLE = """
UPDATE outbox
   SET status = $3, reason = $4, settled_at = clock_timestamp(), lease = NULL, lease_until = NULL
 WHERE id = $1::text::uuid AND lease = $2::text::uuid AND status = 'waiting'
"""
POSTPONE = """
UPDATE outbox
   SET reason = $3, next_try_at = clock_timestamp() + make_interval(secs => $4),
       lease = NULL, lease_until = NULL
 WHERE id = $1::text::uuid AND lease = $2::text::uuid AND status = 'waiting'
"""
# Who books within the last hours needs no reminder beside the confirmation; who is in needs none
# at all. 24 hours are 24 hours, on the nights on which the clocks change too.
LIST_REMINDERS = """
SELECT b.id::text AS booking_id, r.kind, instant_text(lower(b.slot)) AS slot_from,
       instant_text(lower(b.slot) - r.until) AS useful_until
  FROM (VALUES ('reminder_day', interval '24 hours', interval '36 hours', interval '2 hours'),
               ('reminder_hour', interval '1 hour', interval '3 hours', interval '0'))
           AS r (kind, before, booked, until)
 CROSS JOIN booking b
 WHERE b.status = 'confirmed' AND b.person_id IS NOT NULL
   AND b.night BETWEEN (venue_now() - interval '1 day')::date
                   AND (venue_now() + interval '2 days')::date
   AND venue_now() >= lower(b.slot) - r.before AND venue_now() < lower(b.slot) - r.until
   AND b.created_at <= lower(b.slot) - r.booked
   AND NOT EXISTS (SELECT FROM ticket t WHERE t.booking_id = b.id AND t.admitted > 0)
   AND NOT EXISTS (SELECT FROM outbox o
                    WHERE o.booking_id = b.id AND o.cause = r.kind || ':' || b.id || ':'
                                                        || instant_text(lower(b.slot)))
 ORDER BY lower(b.slot), b.id
 LIMIT 200
"""
ENQUEUE = "SELECT enqueue_messages($1::text::jsonb)"
COUNT = """
SELECT count(*) FILTER (WHERE status = 'waiting')::integer AS waiting,
       count(*) FILTER (WHERE status = 'dead')::integer AS dead,
       coalesce(extract(epoch FROM clock_timestamp()
           - min(made_at) FILTER (WHERE status = 'waiting'
                                    AND (not_before IS NULL OR not_before <= venue_now()))), 0)
           ::float8 AS oldest_seconds
  FROM outbox WHERE status IN ('waiting', 'dead')
"""
_COLUMNS = """
SELECT o.number, o.id::text AS id, o.kind, o.channel, o.status, o.reason, o.attempts,
       o.booking_id::text AS booking_id, b.reference, b.night::text AS night,
       instant_text(o.made_at) AS made_at, instant_text(o.settled_at) AS settled_at,
       CASE WHEN o.status = 'waiting' THEN instant_text(o.next_try_at) END AS next_try_at
  FROM outbox o LEFT JOIN booking b ON b.id = o.booking_id
"""
LIST_MESSAGES = (
    _COLUMNS
    + """
 WHERE o.number < $1 AND ($2::text[] = '{}' OR o.status = ANY ($2))
   AND ($3::text IS NULL OR b.night = $3::date)
   AND ($4::text IS NULL OR o.booking_id = $4::uuid)
 ORDER BY o.number DESC
 LIMIT $5
"""
)
FIND_MESSAGE = _COLUMNS + " WHERE o.id = $1::text::uuid"
REPLAY = """
UPDATE outbox
   SET status = 'waiting', reason = NULL, attempts = 0, settled_at = NULL,
       next_try_at = clock_timestamp()
 WHERE id = $1::text::uuid AND status IN ('dead', 'kept')
"""
# A month after the night nobody asks whether the reminder went out.
FORGET_SETTLED = """
DELETE FROM outbox
 WHERE ctid IN (SELECT o.ctid FROM outbox o LEFT JOIN booking b ON b.id = o.booking_id
                 WHERE o.status <> 'waiting' AND o.settled_at < now() - interval '31 days'
                   AND (b.night IS NULL OR b.night < venue_now() - interval '31 days')
                 LIMIT 5000)
"""


class Taken(Struct, frozen=True):
    """A message under this worker's lease."""

    id: str
    number: int
    kind: str
    channel: str
    attempts: int


class TicketFacts(Struct, frozen=True):
    ticket_id: str
    generation: int
    party: int
    status: str
    night: str
    key_id: int
    private: bytes


class BookingFacts(Struct, frozen=True):
    """A booking as its message tells of it."""

    id: str
    reference: str
    night: str
    night_name: str
    status: str
    party: int
    edition: int
    slot_from: str
    slot_until: str
    last_entry_at: str
    ends_at: str
    deposit_pence: int
    paid_pence: int
    created_at: str
    link_generation: int
    calendar_generation: int
    tables: list[int]
    ticket: TicketFacts | None


class MessageFacts(Struct, frozen=True):
    """What a message says, as it is at the moment of sending; `now` is the venue's."""

    now: str
    details: dict[str, msgspec.Raw]
    too_late: bool
    overtaken: bool
    person_id: str
    sealed: bytes | None
    wrapped: bytes | None
    booking: BookingFacts | None
    series: list[BookingFacts] = []  # the dates that the message names, in order


class Counts(Struct, frozen=True):
    """How the outbox stands; `oldest_seconds` is how long the first that is due has waited."""

    waiting: int
    dead: int
    oldest_seconds: float


class MessageRow(Struct, frozen=True):
    """A message as managers see it listed: nothing of a person."""

    number: int
    id: str
    kind: str
    channel: str
    status: str
    reason: str | None
    attempts: int
    booking_id: str | None
    reference: str | None
    night: str | None
    made_at: str
    settled_at: str | None
    next_try_at: str | None


_FACTS = msgspec.json.Decoder(MessageFacts)


async def take_due(
    conn: asyncpg.Connection, lease: str, *, most: int, seconds: float
) -> list[Taken]:
    """At most so many messages that are due, in order; they are this lease's until it ends."""
    rows = await conn.fetch(TAKE_DUE, most, lease, seconds)
    return sorted((Taken(**row) for row in rows), key=lambda taken: taken.number)


async def read_facts(
    conn: asyncpg.Connection, message_id: str, lease: str | None
) -> MessageFacts | None:
    """What the message says; None: it is no longer this lease's. Managers need no lease to read."""
    text: str | None = await conn.fetchval(READ_FACTS, message_id, lease)
    return None if text is None else _FACTS.decode(text)


async def settle(
    conn: asyncpg.Connection, message_id: str, lease: str, status: str, reason: str | None
) -> None:
    """The message is done with, unless the lease ended meanwhile."""
    await conn.execute(SETTLE, message_id, lease, status, reason)


async def postpone(
    conn: asyncpg.Connection, message_id: str, lease: str, reason: str, seconds: float
) -> None:
    """The message is tried again after so many seconds."""
    await conn.execute(POSTPONE, message_id, lease, reason, seconds)


async def enqueue_reminders(conn: asyncpg.Connection) -> int:
    """The reminders that are due now are in the outbox; how many were looked at."""
    rows = await conn.fetch(LIST_REMINDERS)
    reminders = [
        Message(
            kind=row["kind"],
            cause=f"{row['kind']}:{row['booking_id']}:{row['slot_from']}",
            booking_id=row["booking_id"],
            details={"slot_from": row["slot_from"]},
            useful_until=row["useful_until"],
        )
        for row in rows
    ]
    if reminders:
        document = msgspec.json.encode([queued(message) for message in reminders]).decode()
        await conn.execute(ENQUEUE, document)
    return len(reminders)


async def count(conn: asyncpg.Connection) -> Counts:
    row = await conn.fetchrow(COUNT)
    return Counts(**row)


async def list_messages(
    conn: asyncpg.Connection, *, before: int, statuses: list[str], night: str | None,
    booking_id: str | None, limit: int,
) -> list[MessageRow]:  # fmt: skip
    """The messages below that number, the newest first."""
    rows = await conn.fetch(LIST_MESSAGES, before, statuses, night, booking_id, limit)
    return [MessageRow(**row) for row in rows]


async def find_message(conn: asyncpg.Connection, message_id: str) -> MessageRow | None:
    row = await conn.fetchrow(FIND_MESSAGE, message_id)
    return None if row is None else MessageRow(**row)


async def replay(conn: asyncpg.Connection, message_id: str) -> bool:
    """The message is to be sent as if it were new; False: it is neither dead nor kept."""
    return str(await conn.execute(REPLAY, message_id)) == "UPDATE 1"


async def forget_settled(conn: asyncpg.Connection) -> None:
    """What was settled long ago is gone, 5000 at a time."""
    await conn.execute(FORGET_SETTLED)
