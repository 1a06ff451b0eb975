"""The events of a booking's money; the catalogue lists them with the rest of a night's book."""

from floorplan.payload import Instant, Payload


class PaymentProcessed(Payload, frozen=True, omit_defaults=True):
    """Money arrived; `paid_pence` is what the house has of the booking's after it.

    It may be of a booking that is over: then it goes back. `after_seal` as in GUEST_CHECKED_IN.
    """

    booking_id: str
    payment_id: str
    amount_pence: int
    method: str  # "cash" | "card" | "online"
    paid_pence: int
    after_seal: bool = False


class PaymentFailed(Payload, frozen=True):
    """The bank refused a try to pay online; the guest may try again."""

    booking_id: str
    intent_id: str
    why: str  # Stripe's word for it: "card_declined"


class PaymentRefunded(Payload, frozen=True, omit_defaults=True):
    """Money went back; `paid_pence` is what the house has of the booking's after it.

    `after_seal` as in GUEST_CHECKED_IN.
    """

    booking_id: str
    payment_id: str
    refund_id: str
    amount_pence: int
    why: str  # "cancelled" | "late" | "twice" | "goodwill" | "stripe" | "excess"
    paid_pence: int
    after_seal: bool = False


class RefundReversed(Payload, frozen=True, omit_defaults=True):
    """Money that had gone back came back to the house: the guest's bank did not take it.

    What the house owes is tried again; `paid_pence` and `after_seal` as in PAYMENT_REFUNDED.
    """

    booking_id: str
    payment_id: str
    refund_id: str
    amount_pence: int
    paid_pence: int
    after_seal: bool = False


class PaymentDisputed(Payload, frozen=True, omit_defaults=True):
    """The guest's bank was asked to take a payment back, or has decided about it.

    `status` is Stripe's word; `disputed` says whether the booking is in dispute after it.
    """

    booking_id: str
    payment_id: str
    amount_pence: int
    status: str
    disputed: bool
    after_seal: bool = False


class PaymentDiffered(Payload, frozen=True, omit_defaults=True):
    """What came online is not what was asked for; a person has to look at it.

    Pounds are in PAYMENT_PROCESSED too. Money in another currency is counted nowhere else:
    `received` and what of it has gone back, `returned`, are in its smallest unit.
    """

    booking_id: str
    payment_id: str
    what: str  # "less" | "more" | "currency" | "booking"
    asked_pence: int
    received: int
    currency: str
    returned: int = 0


class HoldExtended(Payload, frozen=True):
    """The hold lasts longer, for its payment; once."""

    booking_id: str
    hold_expires_at: Instant


class HoldRestored(Payload, frozen=True, omit_defaults=True):
    """The money came after the hold had run out, and its tables were still free: it claims them."""

    booking_id: str
    party: int
    slot_from: Instant
    slot_until: Instant
    source: str
    tables: list[int]
    deposit_pence: int
    hold_expires_at: Instant
    edition: int = 0
