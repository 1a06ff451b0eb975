"""What money that arrives means: pure rules over what Stripe shows and what the rows say.

Stripe's events come late, twice and in any order, so none of them is believed for what it says: it
is a reason to look at the object as it is now. What is seen then moves the rows forward only:

    creating -> open <-> failed -> succeeded      a deposit's way; succeeded is never left
         `-> superseded -> canceled               nobody wants it any more
    kept -> refunding -> refunded                 a payment's money
"""

import re
from typing import Final, Literal

from msgspec import Struct

from app.domain.facts import BookingFact, NightFact

CURRENCY: Final = "gbp"
# A dispute that ended so took nothing from the house.
HARMLESS_DISPUTES: Final = ("won", "warning_closed")
# How far a dispute has come; a step back is an old look at it.
_DISPUTE_RANK: Final = {
    "warning_needs_response": 0, "needs_response": 1, "warning_under_review": 2, "under_review": 3,
    "warning_closed": 4, "won": 4, "lost": 4,
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")

IntentStatus = Literal["waiting", "failed", "canceled", "succeeded"]


class SeenRefund(Struct, frozen=True):
    """A refund as Stripe has it; `refund_id` is ours, from its metadata."""

    stripe_id: str
    refund_id: str | None
    amount_pence: int
    status: str  # pending, requires_action, succeeded, failed, canceled
    failure: str | None = None


class SeenIntent(Struct, frozen=True):
    """A PaymentIntent as it is at Stripe now. `booking_id` and `intent_id` are ours."""

    stripe_id: str
    status: IntentStatus
    amount_pence: int
    received_pence: int
    currency: str
    booking_id: str | None
    intent_id: str | None
    client_secret: str
    charge_id: str | None = None
    failed_charge: str | None = None
    failure: str | None = None
    needs_action: bool = False
    refunds: tuple[SeenRefund, ...] = ()

    @property
    def refunded_pence(self) -> int:
        return sum(one.amount_pence for one in self.refunds if one.status == "succeeded")


class SeenDispute(Struct, frozen=True):
    """A dispute as it is at Stripe now."""

    stripe_id: str
    intent: str | None
    amount_pence: int
    status: str


# How money that came is not what was asked for: its amount, its currency, or whose it says it is.
Differs = Literal["less", "more", "currency", "booking"]


def judge_difference(seen: SeenIntent, asked_pence: int, booking_id: str) -> Differs | None:
    """How what Stripe says it received is not what was asked for of the booking; None: it is."""
    if seen.currency != CURRENCY:
        return "currency"
    if seen.received_pence != asked_pence:
        return "less" if seen.received_pence < asked_pence else "more"
    return None if seen.booking_id in (None, booking_id) else "booking"


Arrival = Literal["confirm", "restore", "keep", "refund_late", "refund_twice"]


def judge_arrival(booking: BookingFact, night: NightFact | None, now: str, amount: int) -> Arrival:
    """What money does that has just arrived for the booking.

    `confirm`: a hold is paid, also one past its time that nobody has taken yet. `restore`: the hold
    ran out, and gets its tables back if they are free. `keep`: it was still owed. `refund_twice`:
    the deposit was there already. `refund_late`: there is nothing to pay for any more.
    """
    open_night = night is not None and night.status == "open"
    if booking.status in ("confirmed", "seated", "completed", "no_show"):
        owed = booking.deposit_pence - booking.paid_pence
        return "keep" if amount <= owed else "refund_twice"
    if not open_night or booking.slot_until <= now:
        return "refund_late"
    if booking.status == "pending":
        return "confirm"
    return "restore" if booking.status == "expired" else "refund_late"


def dispute_moves(before: str | None, after: str) -> bool:
    """Whether the dispute has come further than was known."""
    if before is None:
        return True
    return _DISPUTE_RANK.get(after, 3) > _DISPUTE_RANK.get(before, 3)


def word_of(text: str | None, otherwise: str) -> str:
    """A word of Stripe's that may stand in the book: a code, never a sentence."""
    return text if text is not None and _WORD.fullmatch(text) else otherwise
