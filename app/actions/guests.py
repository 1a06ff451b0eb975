"""Guests' own codes: handed out by the booker, taken back, and issued again.

A guest's code lets one person of the party in. It counts on the party's ticket as well, so whoever
has it takes a place of the party, and never one beyond it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import uuid4

import msgspec
from msgspec import Struct

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.guest_names import guest_name, sealed_guest_name
from app.actions.tickets import Issued, issue_for
from app.db import guests as rows
from app.db.guests import GuestRow, Pass
from app.db.links import LinkedRow, find_linked
from app.db.persons import Held, find_held
from app.db.pool import Database
from app.db.tickets import PartyKey, find_ticket_key
from app.domain.bookings import judge_booking, judge_night, judge_status
from app.domain.entry_codes import entry_code
from app.domain.principals import Principal
from app.domain.sealing import Vault
from app.domain.signed_links import GUEST, LinkRefused, SignedLink, mint, read
from app.errors import Conflict, NotFound
from app.wire.guests import (
    GuestCodeAnswer,
    GuestPlace,
    GuestPlaces,
    HandOutCode,
    PassAnswer,
)
from floorplan import events
from floorplan.nights import parse_instant
from floorplan.venue import Venue
from scanners.codes import TYPE_GUEST

State = Literal["out", "inside", "left", "over"]
# Whoever left a coat still shows which party they were of.
LASTS_AFTER_NIGHT: Final = timedelta(days=1)
LIVES: Final = ("confirmed", "seated")


class _Known(Struct, frozen=True):
    """What was read of the party before anything is locked."""

    key: PartyKey
    guests: list[GuestRow]
    held: Held | None
    linked: LinkedRow


async def hand_out(
    db: Database,
    venue: Venue,
    vault: Vault,
    secret: str,
    caller: Caller,
    booking_id: str,
    request: HandOutCode,
) -> Answered:
    """A guest of the party has a code of their own; its link is in the answer.

    A number that has a code gets the next generation, and the code before it is `replaced` from
    the commit on; its name stays unless another is given. Raises NotFound; Conflict
    `illegal_transition`, `no_number_free`, `number_not_valid`, `codes_used_up`, `try_again`:
    another request took the number meanwhile.
    """
    known = await _find(db, caller.principal, booking_id)
    number = request.number or _free_number(known)
    if number > known.key.party:
        raise Conflict(
            "number_not_valid", f"The party is {known.key.party} people.", most=known.key.party
        )
    before = next((one for one in known.guests if one.number == number), None)
    issued = await _issued(venue, vault, known, before)
    name = before.name if before is not None else None
    if request.name is not None:
        name = sealed_guest_name(vault, known.held, issued.ticket_id, request.name)

    async def work(act: Act) -> tuple[int, GuestCodeAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, booking.night)
        judge_status(booking, *LIVES)
        if not await rows.issue_guest(
            act.conn, booking_id, number, issued.ticket_id, issued.generation, name
        ):
            raise Conflict("try_again", "This number changed meanwhile. Look, and try again.")
        act.record(
            events.GuestCodeIssued(booking_id, issued.ticket_id, number, issued.generation),
            f"booking:{booking_id}",
        )
        return 201, GuestCodeAnswer(
            booking_id=booking_id, number=number, generation=issued.generation, status="valid",
            version=UNNUMBERED,
        )  # fmt: skip

    answered = await perform(db, caller, "hand_out_code", work, bookings=[booking_id], claims=False)
    made = msgspec.json.decode(answered.body, type=GuestCodeAnswer)
    guest_id = issued.ticket_id
    if answered.replayed:  # of the twin that was first, whose ticket it is
        known = await _find(db, caller.principal, booking_id)
        guest_id = next(one.id for one in known.guests if one.number == made.number)
    whole = msgspec.structs.replace(
        made, link=_link(secret, guest_id, made.generation, known.linked)
    )
    return msgspec.structs.replace(answered, body=msgspec.json.encode(whole))


async def take_back(db: Database, caller: Caller, booking_id: str, number: int) -> Answered:
    """The guest's code opens no door from the commit on; the place stays the party's.

    Raises NotFound; Conflict `illegal_transition`, `code_not_out`, `guest_inside`.
    """

    async def work(act: Act) -> tuple[int, GuestCodeAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, booking.night)
        judge_status(booking, *LIVES)
        guest = next((one for one in booking.guests if one.number == number), None)
        if guest is None or guest.status != "valid":
            raise Conflict("code_not_out", "No code of this number is out.")
        if guest.admitted > guest.gone:
            raise Conflict("guest_inside", "This guest is inside. The code lets them leave.")
        await rows.revoke_guest(act.conn, booking_id, number)
        act.record(events.GuestCodeRevoked(booking_id, guest.id, number), f"booking:{booking_id}")
        return 200, GuestCodeAnswer(
            booking_id=booking_id, number=number, generation=guest.generation, status="revoked",
            version=UNNUMBERED,
        )  # fmt: skip

    return await perform(db, caller, "take_back_code", work, bookings=[booking_id], claims=False)


async def list_places(
    db: Database, vault: Vault, secret: str, who: Principal, booking_id: str
) -> GuestPlaces:
    """Every number of the party, with its guest's name and link where it has one. Raises
    NotFound."""
    known = await _find(db, who, booking_id)
    by_number = {one.number: one for one in known.guests}
    places = []
    for number in range(1, known.key.party + 1):
        guest = by_number.get(number)
        if guest is None or (guest.status != "valid" and guest.name is None):
            places.append(GuestPlace(number=number, state="free", name=None, link=None))
            continue
        valid = guest.status == "valid"
        places.append(
            GuestPlace(
                number=number,
                state=_state(guest.admitted, guest.gone) if valid else "over",
                name=guest_name(vault, known.held, guest.id, guest.name),
                link=_link(secret, guest.id, guest.generation, known.linked) if valid else None,
            )
        )
    return GuestPlaces(booking_id=booking_id, party=known.key.party, places=places)


async def find_guest(db: Database, secret: str, token: str) -> Principal | None:
    """The guest whose link it is; None: it is nobody's, it is over, or the code behind it is."""
    try:
        link = read(GUEST, GUEST.key(secret), token, datetime.now(UTC))
    except LinkRefused:
        return None
    guest = Principal("guest", link.subject, "GUEST")
    async with db.acting(guest) as conn:
        found = await rows.find_pass(conn)
    if found is None or found.generation != link.generation or found.status != "valid":
        return None
    return guest


async def show_pass(db: Database, venue: Venue, vault: Vault, who: Principal) -> PassAnswer:
    """What the acting guest's page shows. Raises NotFound: the code is over meanwhile."""
    async with db.acting(who) as conn:
        found = await rows.find_pass(conn)
    if found is None:
        raise NotFound("code_not_found", "This code is over. Ask the person who booked.")
    stands = found.status == "valid" and found.booking_status in LIVES
    held = None
    if found.person_id is not None and found.wrapped is not None:
        held = Held(found.person_id, b"", bytes.fromhex(found.wrapped))
    sealed = None if found.name is None else bytes.fromhex(found.name)
    return PassAnswer(
        number=found.number,
        party=found.party,
        name=guest_name(vault, held, found.guest_id, sealed),
        state=_state(found.admitted, found.gone) if stands else "over",
        night=found.night,
        night_name=found.night_name,
        slot_from=found.slot_from,
        doors_at=found.doors_at,
        last_entry_at=found.last_entry_at,
        tables=found.tables,
        code=_code(venue, vault, found) if stands else None,
    )


def _code(venue: Venue, vault: Vault, found: Pass) -> str:
    key = PartyKey(found.party, found.night, found.key_id, bytes.fromhex(found.private))
    return entry_code(venue, vault, found.guest_id, found.generation, key, TYPE_GUEST)


async def _find(db: Database, who: Principal, booking_id: str) -> _Known:
    """Raises NotFound: no such booking, or none with a ticket."""
    async with db.acting(who) as conn:
        linked = await find_linked(conn, booking_id)
        if linked is None:
            raise NotFound("booking_not_found", "There is no such booking.")
        ticket = await find_ticket_key(conn, booking_id)
        guests = await rows.list_guests(conn, booking_id)
        held = await find_held(conn, booking_id)
    if ticket is None:
        raise NotFound("code_not_found", "This booking has no ticket: confirm it first.")
    key = PartyKey(ticket.party, ticket.night, ticket.key_id, ticket.private)
    return _Known(key, guests, held, linked)


def _free_number(known: _Known) -> int:
    """The lowest number without a code that stands, of those whom nobody is called by first."""
    taken = {one.number for one in known.guests if one.status == "valid"}
    named = {one.number for one in known.guests if one.name is not None} | taken
    numbers = range(1, known.key.party + 1)
    free = next((n for n in numbers if n not in named), None)
    free = free or next((n for n in numbers if n not in taken), None)
    if free is None:
        raise Conflict("no_number_free", "Every guest of the party has a code.")
    return free


async def _issued(venue: Venue, vault: Vault, known: _Known, before: GuestRow | None) -> Issued:
    if before is None:
        return await issue_for(venue, vault, known.key, ticket_id=str(uuid4()), kind=TYPE_GUEST)
    if before.generation >= 255:
        raise Conflict("codes_used_up", "This number had too many codes. Take another one.")
    return await issue_for(
        venue, vault, known.key, ticket_id=before.id, first=before.generation + 1, kind=TYPE_GUEST
    )


def _state(admitted: int, gone: int) -> State:
    if not admitted:
        return "out"
    return "left" if gone else "inside"


def _link(secret: str, guest_id: str, generation: int, linked: LinkedRow) -> str:
    ends = (parse_instant(linked.ends_at) + LASTS_AFTER_NIGHT).replace(microsecond=0)
    token = mint(GUEST, GUEST.key(secret), SignedLink(guest_id, generation, ends))
    return f"/guest#{token}"
