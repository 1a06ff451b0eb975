"""The activity line of an event: what a manager reads beside the map, "T7 seated, party of 6".

The words are made here once, for the live feed and for the book alike; the screen adds the local
time. No name is in them: screens add names that they fetched themselves.
"""

from typing import Any

from floorplan import events as book
from floorplan.events import Event, EventUnreadable, payload_of
from floorplan.state import NightState


def line_of(before: NightState, event: Event) -> dict[str, Any] | None:
    """`{"version", "at", "type", "text", "booking_id"?, "tables"?}`, or None where silence is best.

    `before` is the state that the event was applied to: it still knows a booking that the event
    ends.
    """
    try:
        payload = payload_of(event)
    except EventUnreadable:
        return _line(event, f"Unreadable line in the book: {event.type}", None, ())
    booking_id: str | None = getattr(payload, "booking_id", None)
    booking = before.bookings.get(booking_id) if booking_id else None
    tables: tuple[int, ...] = tuple(
        getattr(payload, "tables", None) or (booking.tables if booking else ())
        if not isinstance(payload, book.NightOpened | book.NightChanged)
        else ()
    )
    number = getattr(payload, "table", None)
    if isinstance(number, int):
        tables = (number,)
    party = booking.party if booking else 0
    text = _text(payload, " + ".join(f"T{n}" for n in tables), party)
    return None if text is None else _line(event, text, booking_id, tables)


def _line(
    event: Event, text: str, booking_id: str | None, tables: tuple[int, ...]
) -> dict[str, Any]:
    line: dict[str, Any] = {
        "version": event.version,
        "at": event.at,
        "type": event.type,
        "text": text,
    }
    if booking_id:
        line["booking_id"] = booking_id
    if tables:
        line["tables"] = list(tables)
    return line


def _waitlist_text(payload: book.Payload, where: str, party: int) -> str | None:
    match payload:
        case book.WaitlistJoined():
            return f"Party of {payload.party} joined the waitlist"
        case book.WaitlistRanked():
            return f"Waitlist: priority {payload.priority} set by hand"
        case book.WaitlistOffered():
            return f"{where} offered to the waitlist, party of {party}"
        case book.WaitlistLeft():
            told = {"accepted": "accepted its offer", "staff": "was taken off the waitlist"}
            return f"A waiting party {told.get(payload.why, 'left the waitlist')}"
        case _:
            return None


def _way(change: int) -> str:
    return "in" if change > 0 else "out"


_BECAME = {book.GuestCodeIssued: "handed out", book.GuestCodeRevoked: "taken back"}


def _hold_text(payload: book.Payload, where: str, party: int) -> str | None:
    match payload:
        case book.BookingInitiated() if payload.series_id is not None:
            return f"One date of a series booked, party of {payload.party}"
        case book.TablesSelected():
            if payload.hold_expires_at is None:
                return None  # a walk-in: the seating says it
            return f"{where} held, party of {party}"
        case book.HoldExtended():
            return f"{where} hold extended"
        case book.HoldReleased():
            return f"{where} let go"
        case book.HoldExpired():
            return f"{where} hold expired"
        case book.HoldRestored():
            return f"{where} paid after the hold ran out, and still free: kept for them"
        case _:
            return None  # BOOKING_INITIATED stands beside a line that says it


def _text(payload: book.Payload, where: str, party: int) -> str | None:
    match payload:
        case book.NightOpened():
            return f"Night opened: {payload.name}"
        case book.NightChanged():
            return "Night edited"
        case book.NightSealed():
            return "Night sealed"
        case (
            book.BookingInitiated()
            | book.TablesSelected()
            | book.HoldExtended()
            | book.HoldReleased()
            | book.HoldExpired()
            | book.HoldRestored()
        ):
            return _hold_text(payload, where, party)
        case book.PaymentProcessed():
            how = "online" if payload.method == "online" else f"by {payload.method}"
            return f"{where or 'A booking that is over'} paid {pounds(payload.amount_pence)} {how}"
        case book.PaymentFailed():
            return f"{where or 'A booking that is over'}: payment failed"
        case book.PaymentRefunded():
            return f"{where or 'A booking that is over'} got {pounds(payload.amount_pence)} back"
        case book.RefundReversed():
            return f"{where or 'A booking'}: {pounds(payload.amount_pence)} did not reach the guest"
        case book.PaymentDisputed() if payload.disputed:
            return f"{where or 'A booking'} disputes {pounds(payload.amount_pence)}"
        case book.PaymentDisputed():
            return f"{where or 'A booking'}: the dispute is over ({payload.status})"
        case book.PaymentDiffered():
            return f"{where or 'A booking that is over'}: not the payment that was asked for"
        case book.BookingConfirmed():
            return f"{where} confirmed, party of {party}"
        case book.BookingCancelled():
            return f"{where} cancelled by the {payload.by}"
        case book.TablesMoved():
            before = " + ".join(f"T{n}" for n in payload.tables_before)
            return f"{before} moved to {where}, party of {party}"
        case book.TablesSwapped():
            before = " + ".join(f"T{n}" for n in payload.tables_before)
            return f"{before} and {where} swapped"
        case book.BookingChanged():
            if payload.party is not None:
                return f"{where} is a party of {payload.party} now, was {party}"
            return f"{where} edited: {', '.join(payload.changed)}"
        case book.BookingRescheduled() if payload.night != payload.night_before:
            if payload.booking is None:
                return f"{where} rescheduled to {payload.night}, party of {party}"
            return f"{where} booked from {payload.night_before}, party of {payload.booking.party}"
        case book.BookingRescheduled():
            return f"{where} rescheduled, party of {party}"
        case book.BookingSplit():
            tables = " + ".join(f"T{n}" for n in payload.other_tables)
            return f"{payload.other_party} of {party} split off to {tables}"
        case book.BookingsMerged():
            return f"{where} joined, party of {payload.party}"
        case book.BookingOverdue():
            return f"{where} overdue, party of {party}: nobody came within the grace"
        case book.BookingReinstated():
            return f"{where} came after all, party of {payload.booking.party}"
        case book.GuestCheckedIn() if payload.after_seal:
            return f"{payload.people} in at {payload.door}, told after the seal"
        case book.GuestCheckedOut() if payload.after_seal:
            return f"{payload.people} out at {payload.door}, told after the seal"
        case book.GuestCheckedIn():
            return (
                f"{payload.people} in at {payload.door}, {payload.admitted} of {party} for {where}"
            )
        case book.GuestCheckedOut():
            return f"{payload.people} out at {payload.door}"
        case book.HeadcountChanged() if payload.why == "head_count":
            return f"Head count {payload.floor}: {payload.inside.get(payload.floor, 0)}"
        case book.HeadcountChanged() if payload.why == "clicker":
            return f"{abs(payload.change)} {_way(payload.change)} at {payload.door}"
        case book.EntryRefused():
            return f"Refused at {payload.door}: {payload.reason.replace('_', ' ')}"
        case book.EntryOverridden():
            broken = " and ".join(rule.replace("_", " ") for rule in payload.rules)
            return f"{payload.people} let in at {payload.door} against {broken}, for {where}"
        case book.IncidentRecorded():
            return f"{_said(payload.kind).capitalize()} at {payload.door}: {_said(payload.outcome)}"
        case book.CodeReissued():
            return f"{where} code issued again: {_said(payload.why)}"
        case book.GuestCodeIssued() | book.GuestCodeRevoked():
            return f"{where} code of guest {payload.number} {_BECAME[type(payload)]}"
        case book.CheckInUndone():
            return (
                f"Undone at {payload.door}: {payload.people} {payload.what}, {_said(payload.why)}"
            )
        case book.LeaseGranted():
            return f"{payload.door} may admit {len(payload.tickets)} parties offline"
        case book.LeaseRecalled():
            return f"{payload.door} was asked to give {_parties(len(payload.tickets))} back"
        case book.LeaseReturned() if payload.why == "released":
            return f"{_parties(len(payload.tickets))} taken from {payload.door} without an answer"
        case book.LeaseReturned():
            return f"{payload.door} gave {_parties(len(payload.tickets))} back"
        case book.LeaseVoided():
            return f"Two devices showed the lease of {payload.door}: it is void"
        case book.PartySeated():
            return f"{where} seated, party of {party}"
        case book.TableVacated():
            return f"{where} vacated"
        case book.TableReset():
            return f"{where} reset"
        case book.TableBlocked():
            later = "" if payload.in_force else " later"
            return f"{where} blocked{later}: {payload.reason}"
        case book.TableUnblocked():
            return f"{where} unblocked"
        case (
            book.WaitlistJoined()
            | book.WaitlistRanked()
            | book.WaitlistOffered()
            | book.WaitlistLeft()
        ):
            return _waitlist_text(payload, where, party)
        case book.NoShowMarked():
            return f"{where} no-show, party of {party}"
        case _:
            return None  # BOOKING_COMPLETED stands beside a line that says it


def _said(word: str) -> str:
    return word.replace("_", " ")


def _parties(count: int) -> str:
    return "1 party" if count == 1 else f"{count} parties"


def pounds(pence: int) -> str:
    """`£150` or `£19.99`."""
    return f"£{pence // 100}" if pence % 100 == 0 else f"£{pence // 100}.{pence % 100:02d}"
