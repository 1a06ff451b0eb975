"""What happens to money in the background: events looked into, refunds made, intents ended, and
once an hour everything compared with Stripe.

Each piece of work is claimed by a lease in Postgres, so that workers share it and a killed one's is
done by another; each waits longer after each failure, up to a limit.
"""

import logging
import time
from contextlib import suppress
from datetime import timedelta
from typing import Final

from app.actions.deposits import settle_dispute, settle_intent
from app.db import payments as rows
from app.db import refunds as refund_rows
from app.db import stripe_inbox as inbox
from app.domain.payments import SeenRefund
from app.domain.principals import STRIPE
from app.errors import NotReady
from app.payments.money import Money
from app.payments.side import AnsweredBroken, Refused, Side

logger = logging.getLogger(__name__)

# One round of a worker; what remains is due at the next, half a second later.
ROUND: Final = 20
FIRST_WAIT: Final = timedelta(seconds=2)
LONGEST_WAIT: Final = timedelta(hours=1)
# Beyond so many tries an event is left to the hourly comparison.
TRIES_MAX: Final = 12
# A refund that was tried so often needs a person; it is tried on, every hour.
STUCK_TRIES: Final = 6
# Stripe still works on the first call under this key.
_IN_USE: Final = "idempotency_key_in_use"
# What the hourly comparison looks at: Stripe repeats a webhook for three days.
LOOK_BACK_SECONDS: Final = 4 * 86_400.0
COMPARED_MAX: Final = 500


async def work(money: Money) -> int:
    """What is due is done, a round of each kind; returns how many things were."""
    side = money.side
    if side is None or money.is_resting:
        return 0
    done = 0
    for step in (_look_into_event, _make_refund, _end_intent):
        for _ in range(ROUND):
            if not await step(money, side):
                break
            done += 1
    if not done and side.breaker.state == "probing":
        with suppress(NotReady):
            await side.probe()
    return done


async def look(money: Money) -> None:
    """`money.waiting` says how much waits, for who watches the service."""
    if money.side is not None:
        async with money.db.acting(STRIPE, money.db.jobs) as conn:
            money.waiting = await inbox.count_waiting(conn, STUCK_TRIES)


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many tries: twice as long each time, an hour at most."""
    return min(FIRST_WAIT * int(2 ** min(tries, 20)), LONGEST_WAIT)


async def _look_into_event(money: Money, side: Side) -> bool:
    """One event of the inbox: the objects that it names are fetched as they are now and settled."""
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        row = await inbox.claim_inbox(conn)
    if row is None:
        return False
    assert row.intent is not None, "others are done when they come"
    outcome, wait = "", None
    try:
        _judge_tries(row.attempts)
        seen = await side.fetch_intent(row.intent)
        outcome = await settle_intent(money.db, money.venue, money.vault, seen)
        if row.dispute is not None:
            outcome = await settle_dispute(money.db, await side.fetch_dispute(row.dispute))
    except Refused as refused:
        outcome = f"refused: {refused.word}"[:200]
    except NotReady as away:
        outcome, wait = away.reason, wait_after(row.attempts)
    if wait is not None and row.attempts >= TRIES_MAX:
        outcome, wait = f"given up: {outcome}", None
        logger.error("the event %s of Stripe could not be looked into", row.event_id)
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        if wait is None:
            await inbox.finish_inbox(conn, row.event_id, outcome)
        else:
            await inbox.delay_inbox(conn, row.event_id, wait, outcome)
    return wait is None


def _judge_tries(attempts: int) -> None:
    """Raises Refused: whoever looked into the event did not live to say what came of it, again and
    again; nobody else is to die of it."""
    if attempts > TRIES_MAX:
        raise Refused("tried_too_often")


async def _make_refund(money: Money, side: Side) -> bool:
    """One refund: looked for at Stripe first, for an earlier try may have made it; then made."""
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        refund_id = await refund_rows.claim_refund(conn)
        refund = None if refund_id is None else await refund_rows.find_refund(conn, refund_id)
    if refund is None:
        return False
    assert refund.intent is not None, "it is of an online payment"
    problem, is_spent = None, False
    try:
        seen = await side.fetch_intent(refund.intent)
        if not any(_is_under_way(one, refund.id) for one in seen.refunds):
            await side.refund(
                key=refund.key,
                intent=refund.intent,
                amount_pence=refund.amount_pence,
                metadata={"refund_id": refund.id, "booking_id": refund.booking_id},
            )
            seen = await side.fetch_intent(refund.intent)
            is_spent = not any(_is_under_way(one, refund.id) for one in seen.refunds)
        await settle_intent(money.db, money.venue, money.vault, seen)
    except Refused as refused:
        problem, is_spent = refused.word[:100], refused.word != _IN_USE
        logger.warning("Stripe refuses the refund %s: %s", refund.id, problem)
    except NotReady as away:
        problem, is_spent = away.reason, isinstance(away, AnsweredBroken)
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        now = await refund_rows.find_refund(conn, refund.id)
        if now is not None and now.status == "pending":
            wait = wait_after(refund.attempts)
            if is_spent and now.stripe_id is None:
                # The same key would get the same answer. What that call may have made is looked
                # for before the next.
                await refund_rows.retry_refund(conn, refund.id, problem or now.problem or "")
            await refund_rows.delay_refund(conn, refund.id, wait, problem or now.problem or "")
    return problem is None


def _is_under_way(one: SeenRefund, refund_id: str) -> bool:
    return one.refund_id == refund_id and one.status not in ("failed", "canceled")


async def _end_intent(money: Money, side: Side) -> bool:
    """One intent that nobody is to pay any more is cancelled at Stripe; a paid one settles."""
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        intent = await rows.claim_intent(conn)
        if intent is not None and intent.stripe_id is None:
            # Nobody was given its secret, so nobody can pay it.
            await rows.set_intent(conn, intent, "canceled")
    if intent is None:
        return False
    if intent.stripe_id is None:
        return True
    try:
        try:
            seen = await side.cancel_intent(intent.stripe_id)
        except Refused:
            seen = await side.fetch_intent(intent.stripe_id)
        await settle_intent(money.db, money.venue, money.vault, seen)
    except Refused:
        async with money.db.acting(STRIPE, money.db.jobs) as conn:
            await rows.set_intent(conn, intent, "canceled")  # Stripe does not know it
    except NotReady:
        return False
    return True


async def compare(money: Money) -> tuple[int, int]:
    """Everything that may differ is looked at; how many intents were, and how many did.

    Both ways: what our rows leave open, and what Stripe lists of the last days.
    """
    side = money.side
    if side is None:
        return 0, 0
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        ours = await rows.list_unfinished(conn, COMPARED_MAX)
    wanted = dict.fromkeys(ours)
    async for seen in side.list_intents(time.time() - LOOK_BACK_SECONDS):
        if seen.booking_id is not None and len(wanted) < COMPARED_MAX * 4:
            wanted[seen.stripe_id] = None
    differed = 0
    for stripe_id in wanted:
        try:
            seen = await side.fetch_intent(stripe_id)
        except Refused:
            continue
        outcome = await settle_intent(money.db, money.venue, money.vault, seen)
        if outcome not in ("nothing new", "unknown"):
            differed += 1
            logger.warning("intent %s differed from our rows: %s", stripe_id, outcome)
    return len(wanted), differed
