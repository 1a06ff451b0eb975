"""Rows of refunds: asked for, made by Stripe or at the desk, noticed when somebody made them there.

A refund's amount is set aside on its payment as long as it is pending; every step here moves it
together with the refund's status, and a constraint holds the three parts to the payment's amount.
"""

from datetime import timedelta

import asyncpg
from msgspec import Struct

ASK_REFUND = "SELECT ask_refund($1, $2, $3, $4, $5, $6::text::timestamptz)"
_REFUND = """
SELECT r.id::text AS id, r.booking_id::text AS booking_id, r.payment_id::text AS payment_id,
       r.amount_pence, r.why, r.status, r.key, r.stripe_id, r.asked_by, r.done_by, r.attempts,
       r.problem, p.method, p.currency, i.stripe_id AS intent, instant_text(r.asked_at) AS asked_at,
       instant_text(r.done_at) AS done_at
  FROM refund r JOIN payment p ON p.id = r.payment_id
  LEFT JOIN payment_intent i ON i.id = p.intent_id
"""
LIST_REFUNDS = _REFUND + " WHERE r.booking_id = $1 ORDER BY r.asked_at, r.id"
LIST_OPEN = (
    _REFUND + " WHERE r.status = 'pending' AND (p.method <> 'online' OR r.attempts > 0)"
    " ORDER BY r.asked_at, r.id LIMIT 200"
)
FIND_REFUND = _REFUND + " WHERE r.id = $1"
INSERT_REFUND_ELSEWHERE = """
INSERT INTO refund (id, booking_id, payment_id, amount_pence, why, status, key, stripe_id, asked_by,
                    asked_at, done_by, done_at)
VALUES ($1, $2, $3, $4, 'stripe', 'succeeded', 'elsewhere:' || $5::text, $5, 'stripe',
        $6::text::timestamptz, 'stripe', $6::text::timestamptz)
"""
FINISH_REFUND = """
UPDATE refund SET status = 'succeeded', stripe_id = $2, done_by = 'stripe',
       done_at = $3::text::timestamptz, problem = NULL
 WHERE id = $1 AND status = 'pending'
"""
GIVE_REFUND = """
UPDATE refund SET status = 'succeeded', done_by = $2, done_at = $3::text::timestamptz
 WHERE id = $1 AND status = 'pending'
"""
MOVE_REFUNDED = """
UPDATE payment SET refunding_pence = refunding_pence - $2, refunded_pence = refunded_pence + $2
 WHERE id = $1
"""
MOVE_REFUNDED_ELSEWHERE = """
UPDATE payment SET kept_pence = kept_pence - $2, refunded_pence = refunded_pence + $2 WHERE id = $1
"""
# Stripe had made it, and the bank gave the money back to the house. Another key, as above.
REVERSE_REFUND = """
UPDATE refund SET status = 'pending', stripe_id = NULL, done_by = NULL, done_at = NULL,
       problem = $2, key = 'refund:' || id || ':' || attempts, next_at = now() + $3
 WHERE id = $1 AND status = 'succeeded'
"""
MOVE_REFUNDING_AGAIN = """
UPDATE payment SET refunding_pence = refunding_pence + $2, refunded_pence = refunded_pence - $2
 WHERE id = $1
"""
VOID_REFUND_ELSEWHERE = """
UPDATE refund SET status = 'void', done_at = NULL, problem = $2
 WHERE id = $1 AND status = 'succeeded'
"""
MOVE_KEPT_ELSEWHERE = """
UPDATE payment SET kept_pence = kept_pence + $2, refunded_pence = refunded_pence - $2 WHERE id = $1
"""
VOID_REFUND = "UPDATE refund SET status = 'void' WHERE id = $1 AND status = 'pending'"
MOVE_KEPT_AGAIN = """
UPDATE payment SET kept_pence = kept_pence + $2, refunding_pence = refunding_pence - $2
 WHERE id = $1
"""
NOTE_REFUND = "UPDATE refund SET stripe_id = $2, problem = $3 WHERE id = $1 AND status = 'pending'"
# A refund that Stripe could not make gets another key: the same one would repeat the failure.
RETRY_REFUND = """
UPDATE refund SET stripe_id = NULL, problem = $2, key = 'refund:' || id || ':' || attempts
 WHERE id = $1 AND status = 'pending'
"""
CLAIM_REFUND = """
WITH due AS (
    SELECT r.id FROM refund r JOIN payment p ON p.id = r.payment_id
     WHERE r.status = 'pending' AND r.next_at <= now() AND p.method = 'online'
     ORDER BY r.next_at LIMIT 1 FOR UPDATE OF r SKIP LOCKED
), claimed AS (
    UPDATE refund SET next_at = now() + interval '60 seconds', attempts = attempts + 1
     WHERE id = (SELECT id FROM due) RETURNING id
)
SELECT id::text FROM claimed
"""
DELAY_REFUND = "UPDATE refund SET next_at = now() + $2, problem = $3 WHERE id = $1"


class RefundRow(Struct, frozen=True):
    """Money on its way back, or there."""

    id: str
    booking_id: str
    payment_id: str
    amount_pence: int
    why: str
    status: str
    key: str
    stripe_id: str | None
    asked_by: str
    done_by: str | None
    attempts: int
    problem: str | None
    method: str
    currency: str
    intent: str | None
    asked_at: str
    done_at: str | None


async def ask_refund(
    conn: asyncpg.Connection,
    refund_id: str,
    payment_id: str,
    amount_pence: int,
    why: str,
    by: str,
    at: str,
) -> bool:
    """So much of the payment is set aside to go back; False: not so much is kept of it."""
    return bool(await conn.fetchval(ASK_REFUND, refund_id, payment_id, amount_pence, why, by, at))


async def list_refunds(conn: asyncpg.Connection, booking_id: str) -> list[RefundRow]:
    """The booking's refunds, oldest first."""
    return [RefundRow(**row) for row in await conn.fetch(LIST_REFUNDS, booking_id)]


async def find_refund(conn: asyncpg.Connection, refund_id: str) -> RefundRow | None:
    row = await conn.fetchrow(FIND_REFUND, refund_id)
    return None if row is None else RefundRow(**row)


async def finish_refund(
    conn: asyncpg.Connection, refund: RefundRow, stripe_id: str, at: str
) -> None:
    """Stripe has given it back."""
    await conn.execute(FINISH_REFUND, refund.id, stripe_id, at)
    await conn.execute(MOVE_REFUNDED, refund.payment_id, refund.amount_pence)


async def give_refund(conn: asyncpg.Connection, refund: RefundRow, by: str, at: str) -> None:
    """Somebody has given it back at the desk."""
    await conn.execute(GIVE_REFUND, refund.id, by, at)
    await conn.execute(MOVE_REFUNDED, refund.payment_id, refund.amount_pence)


async def insert_refund_elsewhere(
    conn: asyncpg.Connection,
    refund_id: str,
    booking_id: str,
    payment_id: str,
    amount_pence: int,
    stripe_id: str,
    at: str,
) -> None:
    """Somebody has given back what was kept, in Stripe's own pages."""
    await conn.execute(
        INSERT_REFUND_ELSEWHERE, refund_id, booking_id, payment_id, amount_pence, stripe_id, at
    )
    await conn.execute(MOVE_REFUNDED_ELSEWHERE, payment_id, amount_pence)


async def void_refund(conn: asyncpg.Connection, refund: RefundRow) -> None:
    """It is not to be made any more; what was set aside is kept again."""
    await conn.execute(VOID_REFUND, refund.id)
    await conn.execute(MOVE_KEPT_AGAIN, refund.payment_id, refund.amount_pence)


async def note_refund(
    conn: asyncpg.Connection, refund_id: str, stripe_id: str, problem: str | None
) -> None:
    """Stripe has it, and is not done with it."""
    await conn.execute(NOTE_REFUND, refund_id, stripe_id, problem)


async def retry_refund(conn: asyncpg.Connection, refund_id: str, problem: str) -> None:
    """Stripe could not make it; the next try is a new one to Stripe."""
    await conn.execute(RETRY_REFUND, refund_id, problem)


async def reverse_refund(
    conn: asyncpg.Connection, refund: RefundRow, problem: str, wait: timedelta
) -> None:
    """What had gone back is here again: it is set aside, and tried once more after the wait."""
    await conn.execute(REVERSE_REFUND, refund.id, problem, wait)
    await conn.execute(MOVE_REFUNDING_AGAIN, refund.payment_id, refund.amount_pence)


async def void_refund_elsewhere(conn: asyncpg.Connection, refund: RefundRow, problem: str) -> None:
    """What somebody had given back in Stripe's own pages is kept again: nothing of ours owes it."""
    await conn.execute(VOID_REFUND_ELSEWHERE, refund.id, problem)
    await conn.execute(MOVE_KEPT_ELSEWHERE, refund.payment_id, refund.amount_pence)


async def claim_refund(conn: asyncpg.Connection) -> str | None:
    """The id of a refund that is due at Stripe, leased to the caller; None: none is."""
    found: str | None = await conn.fetchval(CLAIM_REFUND)
    return found


async def delay_refund(
    conn: asyncpg.Connection, refund_id: str, wait: timedelta, problem: str
) -> None:
    await conn.execute(DELAY_REFUND, refund_id, wait, problem)


async def list_open(conn: asyncpg.Connection) -> list[RefundRow]:
    """Refunds to be given back at the desk, and those that Stripe has not made, 200 at most."""
    return [RefundRow(**row) for row in await conn.fetch(LIST_OPEN)]
