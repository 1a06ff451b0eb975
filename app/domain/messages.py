"""What is said to customers: the kinds of messages, and the one cause of each.

An action that changes what a customer has to know calls `act.send` with one of these; the message
is in the outbox if, and only if, the action commits. A message names its customer and its booking
by ids alone: what it says is read when it is sent.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field


class Kind(Struct, frozen=True):
    """How a message of this kind goes out.

    `urgent` goes by SMS too where the customer left a number, because nobody reads mail in a
    queue. `calendar` carries the booking's entry for a calendar.
    """

    urgent: bool = False
    calendar: bool = False


KINDS: Final[dict[str, Kind]] = {
    "confirmation": Kind(calendar=True),
    "changed": Kind(calendar=True),
    "cancelled": Kind(urgent=True, calendar=True),
    "series": Kind(calendar=True),
    "series_cancelled": Kind(urgent=True, calendar=True),
    "code_reissued": Kind(),
    "reminder_day": Kind(),
    "reminder_hour": Kind(urgent=True),
    "refunded": Kind(),
    "late_payment_refunded": Kind(),
    "waitlist_offer": Kind(urgent=True),
    "waitlist_offer_expired": Kind(),
}


class Message(Struct, frozen=True, kw_only=True):
    """A message to be sent once for its cause, on each way that its kind and customer have.

    The customer is the booking's unless `person_id` names one. `details` holds figures, instants
    and ids, nothing of a person. `not_before` and `useful_until` are instants of the venue's
    clock: outside of them it is not sent, and after the latter it never is.
    """

    kind: str
    cause: str
    booking_id: str | None = None
    waitlist_id: str | None = None
    person_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    not_before: str | None = None
    useful_until: str | None = None

    def __post_init__(self) -> None:
        assert self.kind in KINDS, f"no kind of message is called {self.kind}"
        assert self.booking_id or self.person_id, "a message without a customer"


def queued(message: Message) -> dict[str, Any]:
    """The message as `enqueue_messages` takes it."""
    kind = KINDS[message.kind]
    return {
        "kind": message.kind,
        "cause": message.cause,
        "booking_id": message.booking_id,
        "waitlist_id": message.waitlist_id,
        "person_id": message.person_id,
        "details": dict(message.details),
        "not_before": message.not_before,
        "useful_until": message.useful_until,
        "urgent": kind.urgent,
    }


def confirmation(booking_id: str) -> Message:
    """The booking is confirmed: what, when, the code, the manage link, the calendar's entry."""
    return Message(kind="confirmation", cause=f"confirmation:{booking_id}", booking_id=booking_id)


def changed(booking_id: str, change: str) -> Message:
    """Night, time, party or tables are others now. `change` names this change of the booking: its
    edition, or the action's correlation id."""
    return Message(kind="changed", cause=f"changed:{booking_id}:{change}", booking_id=booking_id)


def cancelled(booking_id: str, *, by: str, refund_pence: int = 0) -> Message:
    """The booking is cancelled, by `guest` or `staff`; what goes back, if that is known by now."""
    return Message(
        kind="cancelled",
        cause=f"cancelled:{booking_id}",
        booking_id=booking_id,
        details={"by": by, "refund_pence": refund_pence},
    )


def series_booked(series_id: str, bookings: list[str]) -> Message:
    """All dates of a booking that recurs, in one message: each with its reference and its link."""
    return Message(
        kind="series",
        cause=f"series:{series_id}",
        booking_id=bookings[0],
        details={"bookings": bookings},
    )


def series_cancelled(
    series_id: str, bookings: list[str], change: str, *, by: str, refund_pence: int
) -> Message:
    """These dates of the series are cancelled. `change` names this cancellation: a later one may
    end others."""
    return Message(
        kind="series_cancelled",
        cause=f"series_cancelled:{series_id}:{change}",
        booking_id=bookings[0],
        details={"bookings": bookings, "by": by, "refund_pence": refund_pence},
    )


def code_reissued(booking_id: str, generation: int) -> Message:
    """The code was replaced: the one in the earlier message no longer opens the door."""
    return Message(
        kind="code_reissued",
        cause=f"code_reissued:{booking_id}:{generation}",
        booking_id=booking_id,
    )


def refunded(booking_id: str, refund_id: str, amount_pence: int) -> Message:
    """Money went back. `refund_id` names the refund, so that its webhook repeats nothing."""
    return Message(
        kind="refunded",
        cause=f"refunded:{refund_id}",
        booking_id=booking_id,
        details={"amount_pence": amount_pence},
    )


def late_payment_refunded(booking_id: str, payment_id: str, amount_pence: int) -> Message:
    """The payment came after the hold had ended and the table was gone: all of it goes back."""
    return Message(
        kind="late_payment_refunded",
        cause=f"late_payment_refunded:{payment_id}",
        booking_id=booking_id,
        details={"amount_pence": amount_pence},
    )


def waitlist_offer(
    waitlist_id: str,
    person_id: str,
    offer_id: str,
    *,
    night: str,
    party: int,
    tables: list[int],
    expires_at: str,
    offers_left: int,
) -> Message:
    """Tables are held for a party that waits, until `expires_at`; then the next is asked.
    `offers_left`, this one included, tells this offer of the place from its others."""
    return Message(
        kind="waitlist_offer",
        cause=f"waitlist_offer:{offer_id}",
        waitlist_id=waitlist_id,
        person_id=person_id,
        details={
            "night": night, "party": party, "tables": tables, "expires_at": expires_at,
            "waitlist_id": waitlist_id, "offers_left": offers_left,
        },
        useful_until=expires_at,
    )  # fmt: skip


def waitlist_offer_expired(
    waitlist_id: str, person_id: str, offer_id: str, *, night: str, party: int
) -> Message:
    """Nobody took the offer in time; nothing was charged, and the party may wait on."""
    return Message(
        kind="waitlist_offer_expired",
        cause=f"waitlist_offer_expired:{offer_id}",
        waitlist_id=waitlist_id,
        person_id=person_id,
        details={"night": night, "party": party},
    )
