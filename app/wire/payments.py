"""Messages about money: the ways to pay, what was paid and came back, what needs a person."""

from typing import Annotated, Literal

from msgspec import Meta

from app.wire import Answer, Request


class RefundStepAnswer(Answer, frozen=True):
    """Who cancels at least so many hours before their slot gets so much of the deposit back."""

    hours_before: int
    percent: int
    until: str | None = None


class PaymentWays(Answer, frozen=True):
    """`how`: by Stripe, by a test form that moves no money, or at the desk alone.

    `away`: online payment is meant to work and cannot be reached at the moment.
    """

    how: Literal["stripe", "test", "desk"]
    away: bool
    publishable_key: str | None
    refunds: list[RefundStepAnswer]


class PaymentAnswer(Answer, frozen=True):
    """A payment, and where its money is: kept + refunding + refunded = amount.

    Who took and who verified it is for managers, and so is `differs`: how it is not what was asked
    for (`asked_pence`). In another `currency` than gbp the amounts are in its smallest unit.
    """

    payment_id: str
    booking_id: str
    amount_pence: int
    method: str
    at: str
    kept_pence: int
    refunding_pence: int
    refunded_pence: int
    taken_by: str | None
    verified_by: str | None
    verified_at: str | None
    dispute: str | None
    disputed_pence: int | None
    currency: str
    differs: Literal["less", "more", "currency", "booking"] | None
    asked_pence: int | None


class RefundAnswer(Answer, frozen=True):
    """Money on its way back, or there. `problem`: why the last try of it failed."""

    refund_id: str
    booking_id: str
    payment_id: str
    amount_pence: int
    method: str
    why: str
    status: str
    asked_at: str
    done_at: str | None
    problem: str | None
    currency: str


class BookingMoney(Answer, frozen=True):
    """Everything about one booking's money. `refund_due_pence`: what cancelling now gives back."""

    booking_id: str
    status: str
    deposit_pence: int
    paid_pence: int
    kept_pence: int
    refunding_pence: int
    refunded_pence: int
    refund_due_pence: int
    policy: list[RefundStepAnswer]
    payments: list[PaymentAnswer]
    refunds: list[RefundAnswer]
    ways: PaymentWays


class OpenPayment(Answer, frozen=True):
    """A payment that needs a person, with whose it is."""

    reference: str
    night: str
    payment: PaymentAnswer


class OpenRefund(Answer, frozen=True):
    reference: str
    night: str
    refund: RefundAnswer


class OpenMoney(Answer, frozen=True):
    """What of the money needs a person, oldest first, at most 200 of each.

    `unverified`: taken at the desk, and seen by no second person yet; or come online otherwise than
    it was asked for, and seen by nobody yet. `refunds`: to be given back
    at the desk, or not made by Stripe yet. `disputes`: open ones.
    """

    unverified: list[OpenPayment]
    refunds: list[OpenRefund]
    disputes: list[OpenPayment]


class VerifiedPayment(Answer, frozen=True):
    payment_id: str
    verified_by: str
    verified_at: str
    version: int


class TestCard(Request, frozen=True):
    """`POST /v1/bookings/{id}/test-card`: what the test card does; `approve` and `refuse` answer
    what the bank asks after `asks`. There is no card number in it."""

    card: Literal["pays", "declined", "asks", "approve", "refuse"]


class WebhookAnswer(Answer, frozen=True):
    """`received`; `new` is false for an event that was told before."""

    received: Annotated[bool, Meta(description="always true")]
    new: bool
