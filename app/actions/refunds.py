"""Money that goes back: asked for by policy or by a manager, made by Stripe or at the desk.

Asking sets the amount aside on the payment, in the same transaction as what it is asked for; from
then on it is pending until it is there. PAYMENT_REFUNDED is recorded when it is.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

from app.actions.act import Act, Answered, Caller, perform
from app.actions.holds import booking_answer
from app.db import payments as payment_rows
from app.db import refunds as rows
from app.db.payments import PaymentRow
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import judge_booking
from app.domain.facts import BookingFact
from app.domain.payments import CURRENCY, Differs, SeenRefund, word_of
from app.domain.refunds import Kept, divided, refund_due
from app.errors import Conflict, NotFound
from app.wire import BookingAnswer, RefundBooking
from floorplan import administration, events

REVERSED_WAIT: Final = timedelta(hours=1)


async def refund_by_policy(act: Act, booking: BookingFact) -> int:
    """What the booking's own policy gives back to who cancels now is set aside; how much."""
    if booking.paid_pence == 0:
        return 0
    kept = await _kept_of(act, booking.id)
    total = sum(one.kept_pence for one in kept)
    due = due_now(act, booking, total)
    return await _ask(act, kept, due, "cancelled")


def due_now(act: Act, booking: BookingFact, kept_pence: int) -> int:
    """What cancelling now gives back; all of a booking that was made before policies were kept."""
    if booking.refund_policy is None:
        return kept_pence
    return refund_due(booking.refund_policy, kept_pence, booking.slot_from, act.facts.now)


async def refund_booking(
    db: Database, caller: Caller, booking_id: str, request: RefundBooking
) -> Answered:
    """A manager gives back an amount, or all that is kept.

    Raises Conflict `nothing_to_refund`, `refund_too_large`: it is not kept any more.
    """

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        kept = await _kept_of(act, booking_id)
        most = sum(one.kept_pence for one in kept)
        if most == 0:
            raise Conflict("nothing_to_refund", "Nothing is kept of this booking's money.")
        amount = most if request.amount_pence is None else request.amount_pence
        if amount > most:
            raise Conflict(
                "refund_too_large",
                f"Only {most} pence are kept of this booking's money. Give back that or less.",
                kept_pence=most,
            )
        await _ask(act, kept, amount, "goodwill")
        act.record(administration.RefundAsked(amount), f"booking:{booking_id}")
        return 200, booking_answer(booking, refund_pence=amount)

    return await perform(db, caller, "refund_booking", work, bookings=[booking_id])


async def give_refund(db: Database, caller: Caller, refund_id: str) -> Answered:
    """Somebody has given the money back at the desk.

    Raises NotFound; Conflict `refund_is_online`: Stripe gives it back. `refund_is_done`.
    """
    async with db.acting(caller.principal) as conn:
        found = await rows.find_refund(conn, refund_id)
    if found is None:
        raise NotFound("refund_not_found", "There is no such refund.")

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, found.booking_id)
        refund = await rows.find_refund(act.conn, refund_id)
        assert refund is not None, "refunds stay"
        if refund.method == "online":
            raise Conflict("refund_is_online", "Stripe gives this one back to the card by itself.")
        if refund.status != "pending":
            raise Conflict("refund_is_done", "This was given back already.")
        await rows.give_refund(act.conn, refund, act.caller.principal.actor, act.facts.now)
        paid = await record_refunded(act, booking, refund)
        return 200, booking_answer(booking, paid_pence=paid)

    return await perform(db, caller, "give_refund", work, bookings=[found.booking_id])


async def apply_refunds(
    act: Act, booking: BookingFact, payment: PaymentRow, seen: Sequence[SeenRefund]
) -> list[str]:
    """What Stripe says of the payment's refunds is in the rows; returns what was new of it."""
    found = []
    for one in seen:
        ours = await rows.list_refunds(act.conn, booking.id)
        row = next((r for r in ours if one.stripe_id == r.stripe_id), None) or next(
            (r for r in ours if one.refund_id == r.id and r.stripe_id is None), None
        )
        if row is None or row.status == "void":
            if one.status == "succeeded":
                found.append(await _made_elsewhere(act, booking, payment, one))
        elif row.status == "succeeded":
            if one.status in ("failed", "canceled") and one.stripe_id == row.stripe_id:
                await _reverse(act, booking, row, word_of(one.failure, one.status))
                found.append("refund reversed")
        elif one.status == "succeeded":
            await rows.finish_refund(act.conn, row, one.stripe_id, act.facts.now)
            await record_refunded(act, booking, row)
            found.append("refunded")
        elif one.status in ("failed", "canceled"):
            if row.stripe_id == one.stripe_id or row.problem is None:
                await rows.retry_refund(act.conn, row.id, word_of(one.failure, one.status))
                found.append("refund failed")
        elif row.stripe_id is None:
            await rows.note_refund(act.conn, row.id, one.stripe_id, None)
            found.append("refund pending")
    return found


async def record_refunded(act: Act, booking: BookingFact, refund: rows.RefundRow) -> int:
    """The event and the message of money that is back; returns what the house still has."""
    paid, _ = await payment_rows.count_money(act.conn, booking.id)
    if refund.currency != CURRENCY:
        await _note_other_currency(act, booking, refund)
        return paid
    act.record(
        events.PaymentRefunded(
            booking.id,
            refund.payment_id,
            refund.id,
            refund.amount_pence,
            refund.why,
            paid,
            after_seal=act.facts.night is not None and act.facts.night.status == "sealed",
        ),
        f"booking:{booking.id}",
    )
    if refund.why != "late":  # of that the guest was told when it was set aside
        act.send(messages.refunded(booking.id, refund.id, refund.amount_pence))
    return paid


async def _reverse(act: Act, booking: BookingFact, refund: rows.RefundRow, problem: str) -> None:
    """The guest's bank did not take what Stripe had sent, days later: it is owed again.

    The card will hardly take it an hour from now; until then a manager has it on the list.
    """
    if refund.why == "stripe":
        await rows.void_refund_elsewhere(act.conn, refund, problem)
    else:
        await rows.reverse_refund(act.conn, refund, problem, REVERSED_WAIT)
    paid, _ = await payment_rows.count_money(act.conn, booking.id)
    if refund.currency != CURRENCY:
        await _note_other_currency(act, booking, refund)
        return
    act.record(
        events.RefundReversed(
            booking.id,
            refund.payment_id,
            refund.id,
            refund.amount_pence,
            paid,
            after_seal=act.facts.night is not None and act.facts.night.status == "sealed",
        ),
        f"booking:{booking.id}",
    )


async def _note_other_currency(act: Act, booking: BookingFact, refund: rows.RefundRow) -> None:
    """How much of money in another currency is back: it is in no figure, and the letters to guests
    know pounds alone, so that a manager tells them."""
    now = await payment_rows.find_payment(act.conn, refund.payment_id)
    assert now is not None, "payments stay"
    assert now.asked_pence is not None, "it came online"
    note_difference(
        act, booking.id, now.id, "currency", now.asked_pence, now.amount_pence, now.currency,
        returned=now.refunded_pence,
    )  # fmt: skip


def note_difference(
    act: Act, booking_id: str, payment_id: str, what: Differs, asked_pence: int, received: int,
    currency: str, *, returned: int = 0,
) -> None:  # fmt: skip
    """The line that says that a payment is not what was asked for."""
    act.record(
        events.PaymentDiffered(
            booking_id, payment_id, what, asked_pence, received, currency, returned
        ),
        f"booking:{booking_id}",
    )


async def _made_elsewhere(
    act: Act, booking: BookingFact, payment: PaymentRow, seen: SeenRefund
) -> str:
    """Somebody gave money back in Stripe's own pages: it comes off what is kept, and what was set
    aside for refunds of ours that Stripe cannot make any more is kept again first."""
    now = await payment_rows.find_payment(act.conn, payment.id)
    assert now is not None, "payments stay"
    kept = now.kept_pence
    for row in reversed(await rows.list_refunds(act.conn, booking.id)):
        if kept >= seen.amount_pence:
            break
        if row.payment_id == payment.id and row.status == "pending" and row.stripe_id is None:
            await rows.void_refund(act.conn, row)
            kept += row.amount_pence
    if kept < seen.amount_pence:
        return "mismatch"
    refund_id = str(uuid4())
    await rows.insert_refund_elsewhere(
        act.conn, refund_id, booking.id, payment.id, seen.amount_pence, seen.stripe_id,
        act.facts.now,
    )  # fmt: skip
    made = await rows.find_refund(act.conn, refund_id)
    assert made is not None, "it was just made"
    await record_refunded(act, booking, made)
    return "refunded elsewhere"


async def set_aside(act: Act, payment_id: str, amount: int, why: str, *, by: str) -> None:
    """So much of the payment is to go back."""
    done = await rows.ask_refund(act.conn, str(uuid4()), payment_id, amount, why, by, act.facts.now)
    assert done, "under the booking's lock nobody else moves its money"


async def _kept_of(act: Act, booking_id: str) -> list[Kept]:
    return [
        Kept(row.id, row.kept_pence, row.method == "online")
        for row in await payment_rows.list_payments(act.conn, booking_id)
        if row.currency == CURRENCY
    ]


async def _ask(act: Act, kept: list[Kept], amount: int, why: str) -> int:
    for part in divided(kept, amount):
        await set_aside(act, part.payment_id, part.amount_pence, why, by=act.caller.principal.actor)
    return amount
