"""What a scan read, proven by signature alone: no row is believed before it, and none is needed.

The public keys of the nights are kept in memory. The key of a night never changes, and a number
that a later night uses again does not verify what the other one signed; so Postgres is asked for a
code that no kept key proves, and then always: a night may have been opened a moment ago.
"""

from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from app.db.nights import list_keys
from app.db.pool import Database
from app.domain.references import ReferenceUnreadable, parse_reference
from app.wire import ScanRequest
from floorplan.venue import Venue
from scanners.codes import TYPE_GUEST, CodeRefused, public_key, read_claims

# Refusals of a code that another key than those kept could undo.
_UNPROVEN: Final = ("unknown_key", "bad_signature")
_KEPT: Final[WeakKeyDictionary[Database, Mapping[int, Ed25519PublicKey]]] = WeakKeyDictionary()


class Read(Struct, frozen=True):
    """A ticket with its generation, or a booking's reference; or why it is neither.

    `of_guest`: the ticket is one guest's own.
    """

    ticket_id: str | None = None
    generation: int | None = None
    reference: str | None = None
    refused: str | None = None
    of_guest: bool = False

    @property
    def guest_id(self) -> str | None:
        return self.ticket_id if self.of_guest else None


async def read_scan(db: Database, venue: Venue, request: ScanRequest) -> Read:
    """What the code or the reference of the request states. Raises what `list_keys` does."""
    if request.reference is not None:
        try:
            return Read(reference=parse_reference(request.reference))
        except ReferenceUnreadable:
            return Read(refused="unknown_code")
    assert request.code is not None
    read = _read(request.code, _KEPT.get(db, {}), venue)
    if read.refused not in _UNPROVEN:
        return read
    async with db.reading() as conn:
        keys = {number: public_key(raw) for number, raw in (await list_keys(conn)).items()}
    _KEPT[db] = keys
    return _read(request.code, keys, venue)


def _read(code: str, keys: Mapping[int, Ed25519PublicKey], venue: Venue) -> Read:
    try:
        claims = read_claims(code, keys, venue=venue.id)
    except CodeRefused as refused:
        return Read(refused=refused.reason)
    return Read(
        ticket_id=str(claims.ticket_id),
        generation=claims.generation,
        of_guest=claims.type == TYPE_GUEST,
    )
