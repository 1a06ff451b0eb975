"""What a message says now: its letter, of what is true as it is sent, or why it says nothing.

What was true when the message was made may be over: a reminder for a booking that was cancelled,
an offer whose time has ended. Such a message is dropped, with the reason in its row.
"""

from collections.abc import Callable
from datetime import date, timedelta, tzinfo
from typing import Final

import msgspec
from msgspec import Struct

from app.db.outbox import BookingFacts, MessageFacts, MessageRow, Taken
from app.domain import letters
from app.domain.calendar import Entry
from app.domain.calendar_entries import Booked, guest_entry, sequence_of, table_names
from app.domain.letters import Letter, Stay
from app.domain.messages import KINDS
from app.domain.references import show_reference
from app.domain.signed_links import SignedLink
from floorplan.nights import instant_of, parse_instant
from floorplan.venue import Venue

# Booking statuses of which a message of this kind is still true.
_TRUE_OF: Final[dict[str, frozenset[str]]] = {
    "confirmation": frozenset({"confirmed", "seated"}),
    "changed": frozenset({"confirmed", "seated"}),
    "code_reissued": frozenset({"confirmed", "seated"}),
    "reminder_day": frozenset({"confirmed"}),
    "reminder_hour": frozenset({"confirmed"}),
    "cancelled": frozenset({"cancelled"}),
}


class Silent(Exception):
    """There is nothing to say any more; `reason` is a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Details(Struct, frozen=True):
    """What kinds of messages keep in `details`; each uses some of it."""

    by: str = "staff"
    refund_pence: int = 0
    amount_pence: int = 0
    slot_from: str | None = None
    night: str | None = None
    party: int = 0
    tables: list[int] = []
    expires_at: str | None = None
    waitlist_id: str | None = None
    offers_left: int = 0


# The offer's hold says when its link is over; this only bounds how long a token means anything,
# and leaves who accepted at the last moment the time to pay.
LINK_OUTLASTS_OFFER: Final = timedelta(hours=1)


def letter_of(venue: Venue, taken: Taken | MessageRow, facts: MessageFacts) -> Letter:
    """The letter. Raises Silent: `too_late`, `overtaken`."""
    details = _details_of(facts)
    if facts.too_late:
        raise Silent("too_late")
    if taken.kind in ("series", "series_cancelled"):
        return _of_series(venue, taken.kind, facts, details)
    if taken.kind in _TRUE_OF:
        return _of_stay(venue, taken.kind, facts, details)
    if taken.kind.startswith("waitlist_"):
        return _of_wait(venue, taken.kind, details)
    return _of_money(venue, taken.kind, facts, details)


def offer_link_of(facts: MessageFacts) -> SignedLink | None:
    """What the link of an offer says; None: the message is of no offer, or older than its links."""
    details = _details_of(facts)
    if details.waitlist_id is None or details.expires_at is None or details.offers_left < 1:
        return None
    ends = parse_instant(details.expires_at) + LINK_OUTLASTS_OFFER
    return SignedLink(details.waitlist_id, details.offers_left, ends.replace(microsecond=0))


def _details_of(facts: MessageFacts) -> _Details:
    return msgspec.convert(
        {name: msgspec.json.decode(raw) for name, raw in facts.details.items()}, _Details
    )


def _of_stay(venue: Venue, kind: str, facts: MessageFacts, details: _Details) -> Letter:
    booking = facts.booking
    assert booking is not None, "a message of a booking has one"
    if booking.status not in _TRUE_OF[kind] or facts.overtaken:
        raise Silent("overtaken")
    if booking.ends_at <= facts.now:
        raise Silent("too_late")
    stay = stay_of(venue, booking)
    if kind in ("reminder_day", "reminder_hour"):
        if details.slot_from != booking.slot_from or booking.slot_from <= facts.now:
            raise Silent("overtaken")
        return letters.reminder(venue.name, stay, venue.zone, hour=kind == "reminder_hour")
    if kind == "cancelled":
        return letters.cancelled(
            venue.name, stay, venue.zone, by_guest=details.by == "guest",
            refund_pence=details.refund_pence,
        )  # fmt: skip
    return _PLAIN[kind](venue.name, stay, venue.zone)


def _of_series(venue: Venue, kind: str, facts: MessageFacts, details: _Details) -> Letter:
    true_of = _TRUE_OF["cancelled" if kind == "series_cancelled" else "confirmation"]
    stays = [
        stay_of(venue, booking)
        for booking in facts.series
        if booking.status in true_of and booking.ends_at > facts.now
    ]
    if not stays:
        raise Silent("overtaken")
    if kind == "series":
        return letters.series(venue.name, stays, venue.zone)
    return letters.series_cancelled(
        venue.name, stays, venue.zone, by_guest=details.by == "guest",
        refund_pence=details.refund_pence,
    )  # fmt: skip


_PLAIN: Final[dict[str, Callable[[str, Stay, tzinfo], Letter]]] = {
    "confirmation": letters.confirmation,
    "changed": letters.changed,
    "code_reissued": letters.code_reissued,
}


def _of_money(venue: Venue, kind: str, facts: MessageFacts, details: _Details) -> Letter:
    assert facts.booking is not None, "a message of a payment has a booking"
    reference = show_reference(facts.booking.reference)
    say = letters.refunded if kind == "refunded" else letters.late_payment_refunded
    return say(venue.name, reference, details.amount_pence)


def _of_wait(venue: Venue, kind: str, details: _Details) -> Letter:
    assert details.night is not None, "who waits, waits for a night"
    doors = instant_of(
        date.fromisoformat(details.night), venue.hours.doors, zone=venue.zone,
        starts=venue.night_starts,
    )  # fmt: skip
    if kind == "waitlist_offer_expired":
        return letters.waitlist_offer_expired(venue.name, venue.zone, slot_from=doors)
    assert details.expires_at is not None, "an offer ends"
    return letters.waitlist_offer(
        venue.name, venue.zone, slot_from=doors, party=details.party,
        tables=", ".join(table_names(venue, details.tables)),
        until=parse_instant(details.expires_at),
    )  # fmt: skip


def stay_of(venue: Venue, booking: BookingFacts) -> Stay:
    """The booking as letters tell of it."""
    return Stay(
        reference=show_reference(booking.reference),
        night_name=booking.night_name,
        slot_from=parse_instant(booking.slot_from),
        slot_until=parse_instant(booking.slot_until),
        last_entry_at=parse_instant(booking.last_entry_at),
        party=booking.party,
        tables=tuple(table_names(venue, booking.tables)),
        paid_pence=booking.paid_pence,
    )


def entries_of(venue: Venue, taken: Taken, facts: MessageFacts) -> list[Entry]:
    """The entries that the message carries: each under the number that it has in feeds too."""
    if not KINDS[taken.kind].calendar or facts.booking is None:
        return []
    told = facts.series or [facts.booking]
    if taken.kind == "series_cancelled":  # one of them may have been taken back meanwhile
        told = [booking for booking in told if booking.status == "cancelled"]
    return [_entry(venue, booking) for booking in told]


def _entry(venue: Venue, booking: BookingFacts) -> Entry:
    booked = msgspec.convert(booking, Booked, from_attributes=True)
    return guest_entry(venue, booked, sequence_of(booking.edition, booking.status))
