"""What Stripe told: kept by the event's id before it is answered, looked into afterwards."""

from datetime import timedelta

import asyncpg
from msgspec import Struct

PUT_IN_INBOX = """
INSERT INTO stripe_inbox (event_id, type, intent, dispute, done_at, outcome)
VALUES ($1, $2, $3, $4, CASE WHEN $5::text IS NOT NULL THEN now() END, $5)
ON CONFLICT DO NOTHING
"""
CLAIM_INBOX = """
UPDATE stripe_inbox
   SET next_at = now() + interval '60 seconds', attempts = attempts + 1
 WHERE event_id = (SELECT event_id FROM stripe_inbox
                    WHERE done_at IS NULL AND next_at <= now()
                    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING event_id, type, intent, dispute, attempts
"""
FINISH_INBOX = "UPDATE stripe_inbox SET done_at = now(), outcome = $2 WHERE event_id = $1"
DELAY_INBOX = "UPDATE stripe_inbox SET next_at = now() + $2, outcome = $3 WHERE event_id = $1"
FORGET_INBOX = """
DELETE FROM stripe_inbox
 WHERE event_id IN (SELECT event_id FROM stripe_inbox
                     WHERE done_at IS NOT NULL AND received_at < now() - interval '30 days'
                     LIMIT 5000)
"""
COUNT_WAITING = """
SELECT (SELECT count(*) FROM stripe_inbox WHERE done_at IS NULL) AS inbox,
       (SELECT count(*) FROM refund WHERE status = 'pending') AS refunds,
       (SELECT count(*) FROM refund WHERE status = 'pending' AND attempts >= $1) AS stuck
"""


class InboxRow(Struct, frozen=True):
    """What Stripe told and nobody has looked into yet."""

    event_id: str
    type: str
    intent: str | None
    dispute: str | None
    attempts: int


class Waiting(Struct, frozen=True):
    """How much of the money's work waits; `stuck` refunds need a person."""

    inbox: int
    refunds: int
    stuck: int


async def put_in_inbox(
    conn: asyncpg.Connection,
    event_id: str,
    kind: str,
    intent: str | None,
    dispute: str | None,
    outcome: str | None,
) -> bool:
    """The event is kept, done already where there is an `outcome`; False: it was there before."""
    done = await conn.execute(PUT_IN_INBOX, event_id, kind, intent, dispute, outcome)
    return not str(done).endswith(" 0")


async def claim_inbox(conn: asyncpg.Connection) -> InboxRow | None:
    """An event that is due, leased to the caller; None: none is."""
    row = await conn.fetchrow(CLAIM_INBOX)
    return None if row is None else InboxRow(**row)


async def finish_inbox(conn: asyncpg.Connection, event_id: str, outcome: str) -> None:
    await conn.execute(FINISH_INBOX, event_id, outcome)


async def delay_inbox(
    conn: asyncpg.Connection, event_id: str, wait: timedelta, outcome: str
) -> None:
    await conn.execute(DELAY_INBOX, event_id, wait, outcome)


async def forget_inbox(conn: asyncpg.Connection) -> None:
    """What was done with thirty days ago is gone: Stripe repeats nothing for so long."""
    await conn.execute(FORGET_INBOX)


async def count_waiting(conn: asyncpg.Connection, stuck_attempts: int) -> Waiting:
    """How much of the money's work waits."""
    row = await conn.fetchrow(COUNT_WAITING, stuck_attempts)
    assert row is not None, "counts"
    return Waiting(**row)
