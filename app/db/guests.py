"""Rows of guests' own tickets, and what a guest's page shows."""

import asyncpg
import msgspec
from msgspec import Struct

LIST_GUESTS = """
SELECT id::text, number, generation, status, name, admitted, gone
  FROM guest_ticket WHERE booking_id = $1 ORDER BY number
"""
LIST_GUEST_NAMES = """
SELECT booking_id::text, id::text, name FROM guest_ticket
 WHERE booking_id = ANY ($1::uuid[]) AND name IS NOT NULL ORDER BY booking_id, number LIMIT 10000
"""
ISSUE_GUEST = "SELECT issue_guest_ticket($1, $2::smallint, $3, $4::smallint, $5)"
REVOKE_GUEST = "SELECT revoke_guest_ticket($1, $2::smallint)"
SHOWN_TO_GUEST = "SELECT guest_pass()::text"


class GuestRow(Struct, frozen=True):
    """A guest's ticket; `name` is sealed. `admitted` and `gone` are 0 or 1."""

    id: str
    number: int
    generation: int
    status: str
    name: bytes | None
    admitted: int
    gone: int


class Pass(Struct, frozen=True):
    """What a guest's own page shows, and what their code is minted from. Sealed bytes are in
    hexadecimal digits; instants are texts."""

    guest_id: str
    booking_id: str
    number: int
    generation: int
    status: str
    admitted: int
    gone: int
    name: str | None
    person_id: str | None
    wrapped: str | None
    booking_status: str
    party: int
    night: str
    night_name: str
    slot_from: str
    doors_at: str
    last_entry_at: str
    tables: list[int]
    key_id: int
    private: str


_PASS = msgspec.json.Decoder(Pass)


async def list_guests(conn: asyncpg.Connection, booking_id: str) -> list[GuestRow]:
    """Every ticket of the party that a guest has or had, by number."""
    return [GuestRow(**row) for row in await conn.fetch(LIST_GUESTS, booking_id)]


async def list_guest_names(
    conn: asyncpg.Connection, booking_ids: list[str]
) -> dict[str, list[tuple[str, bytes]]]:
    """Booking id to the guests' tickets with their sealed names, by number."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for row in await conn.fetch(LIST_GUEST_NAMES, booking_ids):
        found.setdefault(row["booking_id"], []).append((row["id"], row["name"]))
    return found


async def issue_guest(
    conn: asyncpg.Connection,
    booking_id: str,
    number: int,
    guest_id: str,
    generation: int,
    name: bytes | None,
) -> bool:
    """The number has a ticket of this generation. False: it was issued meanwhile, or the party has
    no such number."""
    return bool(await conn.fetchval(ISSUE_GUEST, booking_id, number, guest_id, generation, name))


async def revoke_guest(conn: asyncpg.Connection, booking_id: str, number: int) -> bool:
    """The number's code stands no more. False: none stood."""
    return bool(await conn.fetchval(REVOKE_GUEST, booking_id, number))


async def find_pass(conn: asyncpg.Connection) -> Pass | None:
    """What the acting guest may see; None: there is no such ticket."""
    found = await conn.fetchval(SHOWN_TO_GUEST)
    return None if found is None else _PASS.decode(found)
