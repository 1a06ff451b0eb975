"""The operations on money."""

from typing import Final

from app import wire
from app.settings import Settings
from app.web import payments
from app.web.operations import Operation
from app.wire.payments import (
    BookingMoney,
    OpenMoney,
    PaymentWays,
    TestCard,
    VerifiedPayment,
    WebhookAnswer,
)

BOOKING: Final = {"booking_id": wire.Uuid}
PAYMENT: Final = {"payment_id": wire.Uuid}
REFUND: Final = {"refund_id": wire.Uuid}


def operations(settings: Settings) -> tuple[Operation, ...]:
    """Every operation on money; the test card only where something stands in for Stripe."""
    offered = (
        Operation(
            method="GET", path="/v1/payments/ways", handler=payments.get_ways,
            permission="floor:read", answers={200: PaymentWays}, tag="payments",
            summary="How a deposit can be paid here now, and what comes back of it.",
        ),
        Operation(
            method="GET", path="/v1/payments/open", handler=payments.get_open_money,
            permission="payment:list", answers={200: OpenMoney}, tag="payments",
            summary="What of the money needs a person: to verify, to give back, in dispute.",
        ),
        Operation(
            method="GET", path="/v1/bookings/{booking_id}/payments",
            handler=payments.get_booking_money, parameters=BOOKING, permission="payment:list",
            own="own:read", answers={200: BookingMoney}, tag="payments",
            summary="A booking's payments and refunds, and what cancelling it now gives back.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/refund",
            handler=payments.refund_booking, parameters=BOOKING, permission="payment:refund",
            request=wire.RefundBooking, request_may_be_empty=True,
            answers={200: wire.BookingAnswer}, tag="payments", limits="write", idempotent=True,
            summary="Give back a part, or all that is kept, of a booking's money.",
        ),
        Operation(
            method="POST", path="/v1/refunds/{refund_id}/given", handler=payments.give_refund,
            parameters=REFUND, permission="payment:refund", request=wire.Nothing,
            request_may_be_empty=True, answers={200: wire.BookingAnswer}, tag="payments",
            limits="write", idempotent=True, summary="The money was given back at the desk.",
        ),
        Operation(
            method="POST", path="/v1/payments/{payment_id}/verify",
            handler=payments.verify_payment, parameters=PAYMENT, permission="payment:verify",
            request=wire.Nothing, request_may_be_empty=True, answers={200: VerifiedPayment},
            tag="payments", limits="write", idempotent=True,
            summary="A second person has seen the money that was taken at the desk.",
        ),
        Operation(
            method="POST", path="/v1/stripe/webhook", handler=payments.post_webhook,
            permission=None, answers={200: WebhookAnswer}, tag="payments", limits="none",
            signed=True, summary="What Stripe tells, signed; kept, and looked into afterwards.",
        ),
    )  # fmt: skip
    if not settings.stripe_api_url:
        return offered
    test = Operation(
        method="POST", path="/v1/bookings/{booking_id}/test-card", handler=payments.test_card,
        parameters=BOOKING, permission="booking:confirm", own="own:confirm", request=TestCard,
        answers={200: wire.BookingAnswer}, tag="payments", limits="write", idempotent=True,
        summary="Pay with a card that moves no money, where something stands in for Stripe.",
    )  # fmt: skip
    return (*offered, test)
