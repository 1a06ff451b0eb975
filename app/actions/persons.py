"""People's own data: sealed before it goes to Postgres, opened only here, and the rights to it.

Who sees what unmasked is written into the venue's book in the same transaction. What is given out
is never kept as an answer: none of these calls has a stored one but the erasure, which has nothing
in it.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import asyncpg

from app.actions.act import UNNUMBERED, Act, Answered, Caller
from app.actions.administration import audited, note
from app.actions.erasures import remember_erasure, retained_of
from app.actions.guest_names import guest_name
from app.actions.person_seals import key_missing, opened_by
from app.actions.wishes import wishes_of
from app.db import persons as rows
from app.db.bans import list_bans_of
from app.db.guests import list_guest_names
from app.db.persons import Held, PersonRow
from app.db.pool import Database
from app.db.waitlist import EntryRow, list_places_of
from app.domain.contacts import (
    ContactUnreadable,
    PersonalData,
    SealedPerson,
    email_form,
    open_person,
    phone_form,
    seal_person,
    tidied,
)
from app.domain.erasures import Erasure
from app.domain.names import masked_email, masked_phone
from app.domain.principals import Principal
from app.domain.sealing import Unopened, Vault
from app.errors import NotAllowed, NotFound, NotReady, NotValid
from app.wire import Contact
from app.wire.persons import (
    ErasedAnswer,
    Export,
    ExportedBan,
    ExportedBooking,
    ExportedPayment,
    ExportedPlace,
    FindPeople,
    People,
    PersonAnswer,
    PersonsBookingAnswer,
    Retained,
    RevealedPerson,
)
from floorplan.administration import PersonErased, PersonExported, PersonRevealed

logger = logging.getLogger(__name__)

# Why the club keeps what it keeps, in the words that a person is told.
PURPOSES = [
    "Name, telephone and e-mail: to keep your table and greet you; destroyed when you ask for it.",
    "What you booked, and when your party came: to run the night within its legal limits.",
    "What you asked for, and what the club noted: to serve your table; destroyed with your name.",
    "Your places on the waitlist: to offer you a table in your turn; an erasure ends them.",
    "What was paid: seven years, for the accounts; without your name once that is erased.",
    "That a person is not welcome: until the ban ends, for the safety of guests and staff.",
]


def sealed_contact(vault: Vault, contact: Contact | None) -> SealedPerson | None:
    """The contact as it goes to Postgres. Raises NotValid `contact_not_valid`."""
    if contact is None:
        return None
    return seal_person(
        vault, tidied_contact(contact.name, contact.phone, contact.email, "$.contact.")
    )


def tidied_contact(
    name: str, phone: str | None, email: str | None, place: str = "$."
) -> PersonalData:
    """The data in its one form. Raises NotValid `contact_not_valid`, naming the field."""
    try:
        return tidied(name, phone, email)
    except ContactUnreadable as error:
        raise NotValid("contact_not_valid", str(error), place=f"{place}{error.field}") from error


def opened(vault: Vault, held: Held | None) -> PersonalData | None:
    """The person's data; None: there is none, or it does not open.

    A name that cannot be read must not keep a party at the door: the lists and the verdicts go on
    without it, and the log says which key is missing.
    """
    if held is None:
        return None
    try:
        return open_person(vault, held.person_id, held.sealed, held.wrapped)
    except Unopened as error:
        logger.error("a person cannot be opened: %s", error, extra={"person_id": held.person_id})  # noqa: TRY400 - the traceback tells no more
        return None


async def find_people(
    db: Database, vault: Vault, principal: Principal, request: FindPeople
) -> People:
    """Who has this telephone number, or this e-mail address; masked, the newest first.

    Raises NotValid `contact_not_valid`, `one_of_two`.
    """
    try:
        if request.phone is not None and request.email is None:
            index, find = vault.index("phone", phone_form(request.phone)), rows.find_by_phone
        elif request.email is not None and request.phone is None:
            index, find = vault.index("email", email_form(request.email)), rows.find_by_email
        else:
            raise NotValid("one_of_two", "Send either the telephone number or the e-mail address.")
    except ContactUnreadable as error:
        raise NotValid("contact_not_valid", str(error), place=f"$.{error.field}") from error
    async with db.acting(principal) as conn:
        found = await find(conn, index)
        bookings = await rows.list_bookings_of(conn, [person.person_id for person in found])
    own = [
        person
        for person in found
        if in_scope(principal, [b for b in bookings if b.person_id == person.person_id])
    ]
    return People(people=[_shown(vault, person, bookings) for person in own])


async def reveal_person(
    db: Database, vault: Vault, caller: Caller, person_id: str
) -> RevealedPerson:
    """The person unmasked; that they were shown is in the venue's book, or they are not shown.

    Raises NotFound `person_not_found`, `person_erased`, NotReady `key_missing`.
    """
    async with db.acting(caller.principal) as conn:
        await _judge_scope(conn, caller.principal, person_id)
        person = _judged(vault, await rows.find_person(conn, person_id))
        fields = [name for name in ("name", "phone", "email") if getattr(person, name) is not None]
        await note(conn, caller, PersonRevealed(fields), f"person:{person_id}")
    return RevealedPerson(
        person_id=person_id, name=person.name, phone=person.phone, email=person.email
    )


async def export_person(
    db: Database,
    vault: Vault,
    venue: str,
    caller: Caller,
    person_id: str,
    form: Literal["json", "html"],
) -> Export:
    """Everything that is kept about the person, and a line of the book that it was given out.

    Of somebody erased it is what is left without a name. Raises NotFound `person_not_found`,
    NotReady `key_missing`.
    """
    async with db.acting(caller.principal) as conn:
        await _judge_scope(conn, caller.principal, person_id)
        row = await rows.find_person(conn, person_id)
        if row is None:
            raise _not_found()
        person = None if row.held is None else _judged(vault, row)
        bookings = await rows.list_bookings_of(conn, [person_id])
        places = await list_places_of(conn, person_id)
        payments = await rows.list_payments_of(conn, person_id)
        bans = await list_bans_of(conn, person_id)
        guests = await list_guest_names(conn, [booking.booking_id for booking in bookings])
        made_at = await rows.read_now(conn)
        await note(conn, caller, PersonExported(form), f"person:{person_id}")
    reference = {booking.booking_id: booking.reference for booking in bookings}
    return Export(
        venue=venue,
        made_at=made_at,
        person_id=person_id,
        known_since=row.created_at,
        name=person.name if person else None,
        phone=person.phone if person else None,
        email=person.email if person else None,
        bookings=[
            _exported(vault, row.held, booking, guests.get(booking.booking_id, []))
            for booking in bookings
        ],
        waitlist=[_exported_place(place) for place in places],
        payments=[
            ExportedPayment(
                reference=reference[p.booking_id], amount_pence=p.amount_pence,
                currency=p.currency, method=p.method, at=p.at,
            )
            for p in payments
            if p.booking_id in reference
        ],
        bans=[
            ExportedBan(
                reason=ban.reason, note=opened_note(vault, row.held, ban.ban_id, ban.note),
                added_at=ban.added_at, until=ban.until, lifted_at=ban.lifted_at,
            )
            for ban in bans
        ],
        purposes=PURPOSES,
    )  # fmt: skip


async def erase_person(db: Database, file: Path, caller: Caller, person_id: str) -> Answered:
    """Nobody can read the person's data any more; what must be kept stays without a name.

    The erasure is in the file outside the database before it is committed: a crash between the two
    erases a person again who asked for it, never the other way round. Asked again it says the
    same. Raises NotFound `person_not_found`, NotReady `erasure_log_away`.
    """

    async def work(act: Act) -> tuple[int, ErasedAnswer]:
        await _judge_scope(act.conn, act.caller.principal, person_id)
        known = await rows.lock_person(act.conn, person_id)
        if known is None:
            raise _not_found()
        if known[0] is not None:
            return 200, _erased(person_id, known[0], await retained_of(act.conn, person_id))
        erased_at = await rows.erase_person(act.conn, person_id)
        assert erased_at is not None, "locked, and not erased a moment ago"
        retained = await retained_of(act.conn, person_id)
        try:
            await asyncio.to_thread(remember_erasure, file, Erasure(erased_at, person_id))
        except OSError as error:
            logger.exception("the erasure log cannot be written")
            raise NotReady(
                "erasure_log_away",
                "The erasure could not be recorded, so nothing was erased. Tell who runs the "
                "service, and try again.",
            ) from error
        act.record(PersonErased([*retained]), f"person:{person_id}")
        return 200, _erased(person_id, erased_at, retained)

    return await audited(db, caller, "erase_person", work)


async def find_own_person(db: Database, principal: Principal) -> str:
    """The person of the owner's booking. Raises NotFound `person_not_found`."""
    async with db.acting(principal) as conn:
        if principal.booking_id is not None:
            booking = await rows.find_booking_person(conn, principal.booking_id)
            found = booking[0] if booking else None
        else:
            found = await rows.find_person_of_owner(conn, bytes.fromhex(principal.id))
    if found is None:
        raise _not_found()
    return found


def in_scope(principal: Principal, bookings: Sequence[rows.PersonsBooking]) -> bool:
    """Whether the rights reach a person of these bookings: all of them, or those of one night."""
    night = principal.scope.night
    return night is None or {booking.night for booking in bookings} == {night}


async def _judge_scope(conn: asyncpg.Connection, principal: Principal, person_id: str) -> None:
    """Raises NotAllowed `out_of_scope`: the person booked another night too, or none at all."""
    if principal.scope.night is None:
        return
    if not in_scope(principal, await rows.list_bookings_of(conn, [person_id])):
        raise NotAllowed("out_of_scope", "Your rights are for the guests of one night only.")


def opened_note(
    vault: Vault, held: Held | None, ban_id: str, note_sealed: bytes | None
) -> str | None:
    """What was noted of a ban; None: nothing, or it does not open."""
    noted = opened_by(vault, held, note_place(ban_id), note_sealed)
    return None if noted is None else noted.decode()


def note_place(ban_id: str) -> str:
    """Where the note of a ban belongs."""
    return f"ban|note|{ban_id}"


def shown_phone(person: PersonalData | None) -> str | None:
    """The telephone as managers see it in lists."""
    return None if person is None or person.phone is None else masked_phone(person.phone)


def shown_email(person: PersonalData | None) -> str | None:
    """The address as managers see it in lists."""
    return None if person is None or person.email is None else masked_email(person.email)


def _judged(vault: Vault, row: PersonRow | None) -> PersonalData:
    if row is None:
        raise _not_found()
    if row.held is None:
        raise NotFound("person_erased", "This person's data was erased.", erased_at=row.erased_at)
    try:
        return open_person(vault, row.person_id, row.held.sealed, row.held.wrapped)
    except Unopened as error:
        logger.exception("a person cannot be opened", extra={"person_id": row.person_id})
        raise key_missing() from error


def _shown(vault: Vault, row: PersonRow, bookings: Sequence[rows.PersonsBooking]) -> PersonAnswer:
    person = opened(vault, row.held)
    return PersonAnswer(
        person_id=row.person_id,
        name=person.name if person else None,
        phone=shown_phone(person),
        email=shown_email(person),
        created_at=row.created_at,
        bookings=[
            PersonsBookingAnswer(
                booking_id=b.booking_id, reference=b.reference, night=b.night, status=b.status,
                party=b.party, tables=b.tables,
            )
            for b in bookings
            if b.person_id == row.person_id
        ],
    )  # fmt: skip


def _exported(
    vault: Vault, held: Held | None, b: rows.PersonsBooking, guests: list[tuple[str, bytes]]
) -> ExportedBooking:
    wishes = wishes_of(vault, held, b.booking_id, b.wishes)
    return ExportedBooking(
        reference=b.reference, night=b.night, status=b.status, party=b.party, tables=b.tables,
        slot_from=b.slot_from, slot_until=b.slot_until, booked_by=b.source, booked_at=b.created_at,
        deposit_pence=b.deposit_pence, paid_pence=b.paid_pence, people_admitted=b.admitted,
        last_seen_at=b.last_scan_at, requests=wishes.requests, occasion=wishes.occasion,
        notes=wishes.notes,
        guests=[
            name for one in guests if (name := guest_name(vault, held, *one)) is not None
        ],
    )  # fmt: skip


def _exported_place(place: EntryRow) -> ExportedPlace:
    wished = [place.floor, place.zone, *place.features]
    return ExportedPlace(
        night=place.night, status=place.status, party=place.party, slot_from=place.slot_from,
        slot_until=place.slot_until, wishes=[word for word in wished if word],
        special_occasion=place.special_occasion, priority=place.effective,
        earlier_visits=place.visits, joined_at=place.joined_at, ended_why=place.ended_why,
    )  # fmt: skip


def _erased(person_id: str, erased_at: str, retained: list[Retained]) -> ErasedAnswer:
    return ErasedAnswer(
        person_id=person_id, erased_at=erased_at, retained=retained, version=UNNUMBERED
    )


def _not_found() -> NotFound:
    return NotFound("person_not_found", "There is no such person.")
