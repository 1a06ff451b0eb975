"""Tickets: issue one whose code reads back, and mint the code of one that exists."""

import asyncio
from uuid import uuid4

from msgspec import Struct

from app.db.connections import Connections
from app.db.nights import find_key
from app.db.pool import Database
from app.db.tickets import PartyKey, find_party_key, find_ticket_key
from app.domain.entry_codes import entry_code
from app.domain.principals import Principal
from app.domain.sealing import Vault
from app.errors import NotFound, NotReady
from floorplan.venue import Venue
from scanners.codes import TYPE_PARTY
from scanners.codes.drawing import read_back

GENERATIONS_TRIED = 5  # one of 500 drawn codes failing is already far more than was ever seen


class Issued(Struct, frozen=True):
    """A ticket to insert, whose code was drawn and read."""

    ticket_id: str
    generation: int


async def issue_ticket(
    db: Database,
    venue: Venue,
    vault: Vault,
    who: Principal,
    booking_id: str,
    *,
    pool: Connections | None = None,
) -> Issued:
    """A new ticket for the booking, which `who` must see; nothing is written yet.

    Its code is drawn and read back by the camera's decoder, in a thread (about 12 ms), before any
    lock is taken. Raises NotFound: no such booking.
    """
    async with db.acting(who, pool) as conn:
        key = await find_party_key(conn, booking_id)
    if key is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    return await issue_for(venue, vault, key)


async def reissue(
    db: Database, venue: Venue, vault: Vault, who: Principal, booking_id: str, night: str
) -> Issued:
    """The booking's ticket with a code of another night; nothing is written yet.

    Raises NotFound: no such night, or a booking without a ticket. NotReady `code_unreadable`.
    """
    async with db.acting(who) as conn:
        ticket, key = await find_ticket_key(conn, booking_id), await find_key(conn, night)
    if key is None:
        raise NotFound("night_not_found", f"No night {night} is open. Ask for the list of nights.")
    if ticket is None:
        raise NotFound("code_not_found", "This booking has no ticket: confirm it first.")
    there = PartyKey(party=ticket.party, night=night, key_id=key.key_id, private=key.private)
    return await issue_for(
        venue, vault, there, ticket_id=ticket.ticket_id, first=ticket.generation + 1
    )


async def issue_for(
    venue: Venue,
    vault: Vault,
    key: PartyKey,
    *,
    ticket_id: str | None = None,
    first: int = 1,
    kind: int = TYPE_PARTY,
) -> Issued:
    """As `issue_ticket`, when the night's key is at hand; from the generation `first` on."""
    ticket_id = ticket_id or str(uuid4())
    for generation in range(first, min(first + GENERATIONS_TRIED, 256)):
        code = entry_code(venue, vault, ticket_id, generation, key, kind)
        if await asyncio.to_thread(read_back, code):
            return Issued(ticket_id, generation)
    raise NotReady("code_unreadable", "The code could not be drawn. Try again.")


async def code_of(
    db: Database, venue: Venue, vault: Vault, who: Principal, booking_id: str
) -> str | None:
    """The code of the booking's valid ticket; None without one, or where `who` sees none."""
    async with db.acting(who) as conn:
        key = await find_ticket_key(conn, booking_id)
    if key is None or key.status != "valid":
        return None
    return entry_code(venue, vault, key.ticket_id, key.generation, key)
