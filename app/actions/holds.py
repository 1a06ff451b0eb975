"""Holds: a party claims tables for a while, and pays, lets go, or is too late."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform, spliced
from app.actions.persons import sealed_contact
from app.actions.tickets import Issued, code_of, issue_ticket
from app.db import bookings as rows
from app.db.listings import BookingRow
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import (
    judge_booking,
    judge_entry,
    judge_free,
    judge_night,
    judge_set,
    judge_slot,
    judge_status,
)
from app.domain.changes import due_of
from app.domain.facts import BookingFact, Facts
from app.domain.principals import Principal
from app.domain.references import make_reference
from app.domain.sealing import Vault
from app.domain.tokens import token_hash
from app.errors import Conflict, NotValid
from app.wire import BookingAnswer, ConfirmHold, HoldTables
from floorplan import events
from floorplan.nights import instant_text, parse_instant
from floorplan.venue import Venue

_TOKEN_HASH: Final = re.compile(r"[0-9a-f]{64}")


def owner_token(secret: str, booking_id: str) -> str:
    """The token that makes somebody the owner of a booking: derived, so never stored.

    43 characters of URL-safe Base64, HMAC-SHA-256 of the booking's id.
    """
    digest = hmac.digest(bytes.fromhex(secret), b"owner:" + booking_id.encode(), "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


async def hold_tables(
    db: Database, venue: Venue, vault: Vault, secret: str, caller: Caller, request: HoldTables
) -> Answered:
    """The tables are claimed until `hold_expires_at`; the answer carries the owner's token.

    Whose they are is sealed before it goes to Postgres. Raises NotFound, NotValid
    (`contact_missing`, `contact_not_valid`), Conflict (`table_not_available`, `table_blocked`,
    `night_sealed`, `party_does_not_fit`; of a customer `hold_exists`, `too_many_holds`): nothing
    was written.
    """
    # A hold of whoever works here is the desk's in the book; what the desk alone may takes the
    # right, which neither the door has nor a session without its second factor.
    staff, desk = caller.principal.kind == "staff", caller.principal.may("hold:desk")
    if request.contact is None and not desk:
        raise NotValid("contact_missing", "Give a name, so that the door can find the booking.")
    booking_id = str(uuid4())
    person = sealed_contact(vault, request.contact)
    holder = None if staff else holder_of(venue, caller)

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        facts = act.facts
        night = judge_night(facts, request.night)
        begin, end = judge_slot(night, facts.now, request.slot_from, request.slot_until)
        if not staff:
            judge_entry(night, facts.now)
        judge_set(facts.tables, request.tables, request.party, venue.combinations, by_staff=desk)
        over = expired_among(act, request.tables)
        judge_free(facts.tables, request.tables, begin, end, ended=[b.id for b in over])
        for booking in over:
            await expire(act, booking)
        deposit = sum(t.deposit_pence for t in facts.tables if t.number in request.tables)
        until = later(facts.now, venue.rules.hold_minutes)
        new = rows.NewBooking(
            id=booking_id,
            reference=make_reference(secrets.token_bytes(10)),
            night=request.night,
            status="pending",
            party=request.party,
            slot_from=begin,
            slot_until=end,
            source="desk" if staff else "public",
            owner_hash=token_hash(owner_token(secret, booking_id)),
            deposit_pence=deposit,
            hold_expires_at=until,
            created_at=facts.now,
            refund_policy=venue.refunds,
        )
        await rows.insert_booking(act.conn, new, sorted(request.tables), person, holder)
        subject = f"booking:{booking_id}"
        act.record(
            events.BookingInitiated(booking_id, new.party, begin, end, new.source),
            subject,
        )
        act.record(
            events.TablesSelected(booking_id, sorted(request.tables), deposit, until), subject
        )
        return 201, BookingAnswer(
            booking_id=booking_id,
            reference=new.reference,
            night=new.night,
            status="pending",
            party=new.party,
            tables=sorted(request.tables),
            slot_from=begin,
            slot_until=end,
            source=new.source,
            deposit_pence=deposit,
            paid_pence=0,
            hold_expires_at=until,
            admitted=0,
            left=0,
            version=UNNUMBERED,
        )

    answered = await perform(
        db,
        caller,
        "hold_tables",
        work,
        night=request.night,
        tables=request.tables,
        making=booking_id,
        together=True,
    )
    made = msgspec.json.decode(answered.body, type=BookingAnswer)
    body = spliced(answered.body, {"token": owner_token(secret, made.booking_id)})
    return msgspec.structs.replace(answered, body=body)


def holder_of(venue: Venue, caller: Caller) -> rows.Holder:
    """Whose unpaid holds are counted, so that nobody locks the house for free."""
    principal = caller.principal
    # A device holds nothing of its own; the token of an owner is that of an earlier hold.
    known = principal.kind == "owner" and _TOKEN_HASH.fullmatch(principal.id) is not None
    return rows.Holder(
        owner_hash=bytes.fromhex(principal.id) if known else None,
        address=caller.origin,
        most=venue.rules.holds_per_address,
    )


async def release_hold(db: Database, caller: Caller, booking_id: str) -> Answered:
    """The tables are free again; only a hold can be let go."""

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_status(booking, "pending")
        await rows.end_booking(act.conn, booking_id, "released")
        act.record(events.HoldReleased(booking_id), f"booking:{booking_id}")
        return 200, booking_answer(booking, status="released")

    return await perform(
        db, caller, "release_hold", work, bookings=[booking_id], claims=False, together=True
    )


async def extend_hold(db: Database, venue: Venue, caller: Caller, booking_id: str) -> Answered:
    """The hold lasts longer, once."""

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, booking.night)
        judge_alive(act, booking)
        if booking.extended:
            raise Conflict("already_extended", "A hold can be extended once. Pay, or hold again.")
        assert booking.hold_expires_at is not None
        until = later(booking.hold_expires_at, venue.rules.hold_extension_minutes)
        await rows.extend_hold(act.conn, booking_id, until)
        act.record(events.HoldExtended(booking_id, until), f"booking:{booking_id}")
        return 200, booking_answer(booking, hold_expires_at=until)

    return await perform(
        db, caller, "extend_hold", work, bookings=[booking_id], claims=False, together=True
    )


async def confirm_hold(
    db: Database,
    venue: Venue,
    vault: Vault,
    caller: Caller,
    booking_id: str,
    request: ConfirmHold,
) -> Answered:
    """The deposit was paid at the desk: the booking is confirmed and its ticket issued.

    The answer carries the code of the QR. Raises Conflict `hold_expired`, `deposit_short`.
    """
    issued = await issue_ticket(db, venue, vault, caller.principal, booking_id)

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, booking.night)
        judge_alive(act, booking)
        if request.amount_pence < booking.deposit_pence:
            raise Conflict(
                "deposit_short",
                f"The deposit is {booking.deposit_pence} pence. Take the whole of it.",
                deposit_pence=booking.deposit_pence,
            )
        answer = await confirm(act, booking, request, issued)
        act.send(messages.confirmation(booking.id))
        return 200, answer

    answered = await perform(
        db, caller, "confirm_hold", work, bookings=[booking_id], claims=False, together=True
    )
    return await with_code(db, venue, vault, caller.principal, answered)


async def confirm(
    act: Act, booking: BookingFact, request: ConfirmHold, issued: Issued, *, book: str | None = None
) -> BookingAnswer:
    """Rows and events of a paid hold, inside a transaction that has judged it.

    `book` is the night's, where it is not the action's own.
    """
    subject = f"booking:{booking.id}"
    paid = booking.paid_pence + request.amount_pence
    if request.amount_pence:
        payment_id = str(uuid4())
        await rows.insert_payment(
            act.conn,
            payment_id,
            booking.id,
            request.amount_pence,
            request.method,
            act.caller.principal.actor,
            act.facts.now,
        )
        act.record(
            events.PaymentProcessed(
                booking.id, payment_id, request.amount_pence, request.method, paid
            ),
            subject,
            book=book,
        )
    await rows.confirm_booking(
        act.conn,
        booking.id,
        issued.ticket_id,
        issued.generation,
        paid_pence=request.amount_pence,
    )
    confirmed = events.BookingConfirmed(booking.id, issued.ticket_id, issued.generation)
    act.record(confirmed, subject, book=book)
    return booking_answer(booking, status="confirmed", paid_pence=paid, hold_expires_at=None)


async def with_code(
    db: Database, venue: Venue, vault: Vault, who: Principal, answered: Answered
) -> Answered:
    """The answer with the code of the booking's ticket in front: shown, never stored."""
    made = msgspec.json.decode(answered.body, type=BookingAnswer)
    code = await code_of(db, venue, vault, who, made.booking_id)
    return msgspec.structs.replace(answered, body=spliced(answered.body, {"code": code}))


def judge_alive(act: Act, booking: BookingFact) -> None:
    """The hold is pending and its time is not over, whether or not the sweeper came by."""
    judge_status(booking, "pending")
    assert booking.hold_expires_at is not None
    if booking.hold_expires_at <= act.facts.now:
        raise Conflict(
            "hold_expired", "The hold ran out. Hold the tables again.", booking_status="expired"
        )


def expired_among(act: Act, numbers: Sequence[int]) -> list[BookingFact]:
    """The locked bookings whose unpaid hold on one of the tables is past its time."""
    return expired_in(act.facts, numbers)


def expired_in(facts: Facts, numbers: Sequence[int]) -> list[BookingFact]:
    """As `expired_among`, of the night whose facts these are."""
    return [
        booking
        for booking in facts.bookings
        if booking.status == "pending"
        and booking.hold_expires_at is not None
        and booking.hold_expires_at <= facts.now
        and set(booking.tables) & set(numbers)
    ]


async def expire(act: Act, booking: BookingFact, *, book: str | None = None) -> None:
    """The hold is over: rows and event, inside the transaction that wants its tables.

    `book` is the night's, where it is not the action's own.
    """
    await rows.expire_hold(act.conn, booking.id)
    act.record(events.HoldExpired(booking.id), f"booking:{booking.id}", book=book)
    if booking.offer is not None:
        act.send(
            messages.waitlist_offer_expired(
                booking.offer.entry_id, booking.offer.person_id, booking.id, night=booking.night,
                party=booking.party,
            )
        )  # fmt: skip


def later(instant: str, minutes: float) -> str:
    """The instant's text, so many minutes on."""
    return instant_text(parse_instant(instant) + timedelta(minutes=minutes))


def booking_answer(booking: BookingFact, **changed: object) -> BookingAnswer:
    """The booking as the answer shows it, with what this action changed."""
    ticket = booking.ticket
    answer = BookingAnswer(
        booking_id=booking.id,
        reference=booking.reference,
        night=booking.night,
        status=booking.status,
        party=booking.party,
        tables=list(booking.tables),
        slot_from=booking.slot_from,
        slot_until=booking.slot_until,
        source=booking.source,
        deposit_pence=booking.deposit_pence,
        paid_pence=booking.paid_pence,
        hold_expires_at=booking.hold_expires_at,
        admitted=ticket.admitted if ticket else 0,
        left=ticket.gone if ticket else 0,
        version=UNNUMBERED,
        edition=booking.edition,
        may_still_admit=ticket.lease.door if ticket and ticket.lease else None,
    )
    return msgspec.structs.replace(answer, **changed)


def answer_of(row: BookingRow) -> BookingAnswer:
    """The booking as it is shown, without what its guest wishes and without its code."""
    return BookingAnswer(
        booking_id=row.booking_id,
        reference=row.reference,
        night=row.night,
        status=row.status,
        party=row.party,
        tables=row.tables,
        slot_from=row.slot_from,
        slot_until=row.slot_until,
        source=row.source,
        deposit_pence=row.deposit_pence,
        paid_pence=row.paid_pence,
        hold_expires_at=row.hold_expires_at,
        admitted=row.admitted,
        left=row.left,
        version=row.version,
        edition=row.edition,
        due_pence=due_of(row.deposit_pence, row.paid_pence),
        overdue=row.overdue and not row.admitted,
        series_id=row.series,
    )
