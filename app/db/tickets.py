"""What a ticket's code is minted from."""

import asyncpg
from msgspec import Struct

FIND_TICKET_KEY = """
SELECT k.id::text AS ticket_id, k.generation, k.party, k.status, k.night::text AS night,
       s.key_id, s.private
  FROM ticket k JOIN signing_key s ON s.night = k.night
 WHERE k.booking_id = $1
"""
LIST_TICKET_KEYS = """
SELECT k.booking_id::text AS booking_id, k.id::text AS ticket_id, k.generation, k.party, k.status,
       k.night::text AS night, s.key_id, s.private
  FROM ticket k JOIN signing_key s ON s.night = k.night
 WHERE k.night = $1::text::date
 LIMIT 1000
"""
FIND_PARTY_KEY = """
SELECT b.party, b.night::text AS night, s.key_id, s.private
  FROM booking b JOIN signing_key s ON s.night = b.night
 WHERE b.id = $1
"""
REISSUE_TICKET = "SELECT reissue_ticket($1, $2)"


class TicketKey(Struct, frozen=True):
    """A ticket with the Ed25519 key of its night, wrapped."""

    ticket_id: str
    generation: int
    party: int
    status: str
    night: str
    key_id: int
    private: bytes


class PartyKey(Struct, frozen=True):
    """A booking without a ticket yet, with the key of its night, wrapped."""

    party: int
    night: str
    key_id: int
    private: bytes


async def find_ticket_key(conn: asyncpg.Connection, booking_id: str) -> TicketKey | None:
    row = await conn.fetchrow(FIND_TICKET_KEY, booking_id)
    return None if row is None else TicketKey(**row)


async def list_ticket_keys(conn: asyncpg.Connection, night: str) -> dict[str, TicketKey]:
    """Booking id to its ticket, with the night's key; at most 1000."""
    found = {}
    for row in await conn.fetch(LIST_TICKET_KEYS, night):
        fields = dict(row)
        booking_id = fields.pop("booking_id")
        found[booking_id] = TicketKey(**fields)
    return found


async def find_party_key(conn: asyncpg.Connection, booking_id: str) -> PartyKey | None:
    row = await conn.fetchrow(FIND_PARTY_KEY, booking_id)
    return None if row is None else PartyKey(**row)


async def reissue_ticket(conn: asyncpg.Connection, booking_id: str, generation: int) -> bool:
    """The locked ticket has this later generation. False: it was issued again meanwhile."""
    return bool(await conn.fetchval(REISSUE_TICKET, booking_id, generation))
