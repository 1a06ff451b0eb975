"""Money over HTTP: paying a deposit, what was paid and came back, what needs a person, Stripe."""

from app.actions import desk_payments, refunds
from app.actions.act import Answered
from app.actions.holds import confirm_hold
from app.db import payments as rows
from app.db import refunds as refund_rows
from app.db.clock import read_now
from app.db.listings import find_booking, find_refund_policy
from app.db.payments import PaymentRow
from app.db.refunds import RefundRow
from app.domain.payments import CURRENCY
from app.domain.refunds import deadline_of, refund_due
from app.errors import NotFound, NotValid
from app.payments.deposits import pay_hold
from app.payments.test_card import use_test_card
from app.payments.webhook import receive
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.operations import Call
from app.web.parts import Parts
from app.wire import ConfirmHold
from app.wire.payments import (
    BookingMoney,
    OpenMoney,
    OpenPayment,
    OpenRefund,
    PaymentAnswer,
    PaymentWays,
    RefundAnswer,
    RefundStepAnswer,
    WebhookAnswer,
)
from floorplan.refunds import Refunds


async def _confirm(call: Call) -> Answered:
    """At the desk the money is there, and the hold confirmed; an owner begins to pay online."""
    parts, body = call.parts, call.body
    if not call.principal.may("booking:confirm"):
        if body.method is not None or body.amount_pence is not None:
            raise NotValid(
                "not_valid",
                "What was paid at the desk, the desk confirms. Send no body to pay online.",
                place="$",
            )
        return await pay_hold(parts.money, call.caller, call.path["booking_id"])
    if body.method is None or body.amount_pence is None:
        raise NotValid("not_valid", "Expected how it was paid, and how much, at $.", place="$")
    return await confirm_hold(
        parts.db,
        parts.venue,
        parts.vault,
        call.caller,
        call.path["booking_id"],
        ConfirmHold(body.method, body.amount_pence),
    )


confirm = doing(_confirm)
refund_booking = doing(
    lambda c: refunds.refund_booking(c.parts.db, c.caller, c.path["booking_id"], c.body)
)
give_refund = doing(lambda c: refunds.give_refund(c.parts.db, c.caller, c.path["refund_id"]))
verify_payment = doing(
    lambda c: desk_payments.verify_payment(c.parts.db, c.caller, c.path["payment_id"])
)
test_card = doing(
    lambda c: use_test_card(c.parts.money, c.caller, c.path["booking_id"], c.body.card)
)


async def post_webhook(call: Call) -> Answer:
    """Kept, and answered at once: what it means is looked into afterwards."""
    new = await receive(call.parts.money, call.raw, call.signature)
    return encoded(WebhookAnswer(received=True, new=new))


async def get_ways(call: Call) -> Answer:
    """How a deposit can be paid here now, and what comes back of it."""
    return encoded(ways_of(call.parts))


async def get_booking_money(call: Call) -> Answer:
    """One booking's payments and refunds, and what cancelling it now gives back."""
    booking_id = call.path["booking_id"]
    async with call.parts.db.acting(call.principal) as conn:
        booking = await find_booking(conn, booking_id)
        if booking is None:
            raise NotFound("booking_not_found", "There is no such booking.")
        policy = await find_refund_policy(conn, booking_id) or call.parts.venue.refunds
        paid = await rows.list_payments(conn, booking_id)
        back = await refund_rows.list_refunds(conn, booking_id)
        now = await read_now(conn)
    pounds = [one for one in paid if one.currency == CURRENCY]
    kept = sum(one.kept_pence for one in pounds)
    cancellable = booking.status in ("pending", "confirmed") and not booking.admitted
    due = refund_due(policy, kept, booking.slot_from, now) if cancellable else 0
    manages = call.principal.may("payment:list")
    return encoded(
        BookingMoney(
            booking_id=booking_id,
            status=booking.status,
            deposit_pence=booking.deposit_pence,
            paid_pence=booking.paid_pence,
            kept_pence=kept,
            refunding_pence=sum(one.refunding_pence for one in pounds),
            refunded_pence=sum(one.refunded_pence for one in pounds),
            refund_due_pence=due,
            policy=steps_of(policy, booking.slot_from),
            payments=[payment_answer(one, manages=manages) for one in paid],
            refunds=[refund_answer(one, manages=manages) for one in back],
            ways=ways_of(call.parts),
        )
    )


async def get_open_money(call: Call) -> Answer:
    """What of the money needs a person."""
    async with call.parts.db.acting(call.principal) as conn:
        unverified = await rows.list_unverified(conn)
        disputed = await rows.list_disputed(conn)
        waiting = await refund_rows.list_open(conn)
        bookings = {one.booking_id for one in unverified + disputed}
        bookings |= {one.booking_id for one in waiting}
        places = await rows.list_places(conn, sorted(bookings))

    def told(found: list[PaymentRow]) -> list[OpenPayment]:
        return [
            OpenPayment(
                reference=places[one.booking_id][0],
                night=places[one.booking_id][1],
                payment=payment_answer(one, manages=True),
            )
            for one in found
        ]

    return encoded(
        OpenMoney(
            unverified=told(unverified),
            refunds=[
                OpenRefund(
                    reference=places[one.booking_id][0],
                    night=places[one.booking_id][1],
                    refund=refund_answer(one, manages=True),
                )
                for one in waiting
            ],
            disputes=told(disputed),
        )
    )


def ways_of(parts: Parts) -> PaymentWays:
    """How a deposit can be paid here now."""
    money = parts.money
    return PaymentWays(
        how=money.how,
        away=money.is_away,
        publishable_key=parts.settings.stripe_publishable_key or None,
        refunds=steps_of(parts.venue.refunds),
    )


def steps_of(policy: Refunds, slot_from: str | None = None) -> list[RefundStepAnswer]:
    """The steps of a policy, with the last instant of each where the slot is known."""
    return [
        RefundStepAnswer(
            hours_before=step.hours_before,
            percent=step.percent,
            until=None if slot_from is None else deadline_of(slot_from, step.hours_before),
        )
        for step in policy.steps
    ]


def payment_answer(row: PaymentRow, *, manages: bool) -> PaymentAnswer:
    return PaymentAnswer(
        payment_id=row.id,
        booking_id=row.booking_id,
        amount_pence=row.amount_pence,
        method=row.method,
        at=row.at,
        kept_pence=row.kept_pence,
        refunding_pence=row.refunding_pence,
        refunded_pence=row.refunded_pence,
        taken_by=row.taken_by if manages else None,
        verified_by=row.verified_by if manages else None,
        verified_at=row.verified_at,
        dispute=row.dispute_status if manages else None,
        disputed_pence=row.disputed_pence if manages else None,
        currency=row.currency,
        differs=row.differs if manages else None,
        asked_pence=row.asked_pence if row.differs else None,
    )


def refund_answer(row: RefundRow, *, manages: bool) -> RefundAnswer:
    return RefundAnswer(
        refund_id=row.id,
        booking_id=row.booking_id,
        payment_id=row.payment_id,
        amount_pence=row.amount_pence,
        method=row.method,
        why=row.why,
        status=row.status,
        asked_at=row.asked_at,
        done_at=row.done_at,
        problem=row.problem if manages else None,
        currency=row.currency,
    )
