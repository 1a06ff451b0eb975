"""The code of a ticket: minted from its columns and its night's key, the same text for ever.

A code is never stored: Ed25519 signatures are deterministic.
"""

from datetime import date
from typing import Protocol
from uuid import UUID

from app.domain.sealing import Vault, signing_key_place
from floorplan.nights import night_bounds
from floorplan.venue import Venue
from scanners.codes import TYPE_PARTY, TicketClaims, mint, private_key


class NightKey(Protocol):
    """A party of a night with that night's key, wrapped."""

    @property
    def party(self) -> int: ...
    @property
    def night(self) -> str: ...
    @property
    def key_id(self) -> int: ...
    @property
    def private(self) -> bytes: ...


def entry_code(
    venue: Venue,
    vault: Vault,
    ticket_id: str,
    generation: int,
    key: NightKey,
    kind: int = TYPE_PARTY,
) -> str:
    """The code; of a guest's own ticket it is of the kind TYPE_GUEST.

    Raises Unopened, KeyUnknown: the key does not open.
    """
    begins, ends = night_bounds(
        date.fromisoformat(key.night), zone=venue.zone, starts=venue.night_starts
    )
    claims = TicketClaims(
        key_id=key.key_id,
        generation=generation,
        ticket_id=UUID(ticket_id),
        venue=venue.id,
        not_before=begins,
        valid_minutes=int((ends - begins).total_seconds() // 60),
        party=key.party,
        type=kind,
    )
    return mint(claims, private_key(vault.open(signing_key_place(key.night), key.private)))
