"""BR1, the text in a ticket's QR code: minted with a night's key, verified with its public half.

    "BR1:" + Base45(body, 29 bytes ‖ Ed25519 signature, 64 bytes)            144 characters

    body, big-endian:  format u8 · key id u8 · type u8 · generation u8 · ticket id, 16 bytes
                       venue u16 · not before, Unix seconds u32 · valid minutes u16 · party u8

The body says which right, never whose: no name, no address. A code is a secret (who holds it gets
in), so neither it nor a part of it is ever put into a message, a `repr` or a log line. Tickets are
counted and revoked by ticket id and generation, never by the string.
"""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from scanners.codes import base45

PREFIX: Final = "BR1:"
CODE_LENGTH: Final = 144
FORMAT: Final = 1
TYPE_PARTY: Final = 1  # admits the people of one booking
TYPE_GUEST: Final = 2  # admits one guest of a party; the ticket is the guest's own
TYPES: Final = (TYPE_PARTY, TYPE_GUEST)

_BODY: Final = struct.Struct(">BBBB16sHIHB")
_SIGNATURE_LENGTH: Final = 64
# Signed in front of the body, so that no signature made by this key for another purpose, and none
# of another format, can be taken for a ticket's.
_DOMAIN: Final = b"backroom-ticket-v1\x00"

Reason = Literal[
    "not_our_code",  # length, alphabet, decoding, format or type: not a code of this service
    "wrong_venue",  # ours by its form, of another venue
    "unknown_key",  # signed with a key that is not in force here, as another night's
    "bad_signature",  # changed or forged
    "too_early",  # genuine; its time has not come
    "too_late",  # genuine; its time is over
]
REASONS: Final[tuple[Reason, ...]] = (
    "not_our_code",
    "wrong_venue",
    "unknown_key",
    "bad_signature",
    "too_early",
    "too_late",
)

_SENTENCES: Final[dict[Reason, str]] = {
    "not_our_code": "This is not a code of this service.",
    "wrong_venue": "This code is for another venue.",
    "unknown_key": "This code is signed with a key that is not in force tonight.",
    "bad_signature": "This code was changed or forged.",
    "too_early": "This code is genuine, but not valid yet.",
    "too_late": "This code is genuine, but no longer valid.",
}


class TicketClaims(msgspec.Struct, frozen=True):
    """What a code states. Raises ValueError when a field does not fit its place in the body.

    `not_before` is aware and in whole seconds; the code is valid from then, inclusive, for
    `valid_minutes`. `generation` grows by one each time the ticket's code is issued again.
    """

    key_id: int
    generation: int
    ticket_id: UUID
    venue: int
    not_before: datetime
    valid_minutes: int
    party: int
    type: int = TYPE_PARTY
    format: int = FORMAT

    def __post_init__(self) -> None:
        bounds = {
            "format": (self.format, 0, 0xFF),
            "key_id": (self.key_id, 0, 0xFF),
            "type": (self.type, 0, 0xFF),
            "generation": (self.generation, 0, 0xFF),
            "venue": (self.venue, 0, 0xFFFF),
            "valid_minutes": (self.valid_minutes, 0, 0xFFFF),
            "party": (self.party, 0, 0xFF),
        }
        for name, (value, lowest, highest) in bounds.items():
            if not lowest <= value <= highest:
                raise ValueError(f"{name} must be {lowest} to {highest}, not {value}")
        if self.not_before.tzinfo is None:
            raise ValueError("not_before must be an aware instant")
        if self.not_before.microsecond:
            raise ValueError("not_before must be in whole seconds")
        if not 0 <= self.not_before.timestamp() <= 0xFFFFFFFF:
            raise ValueError("not_before must be between 1970 and 2106")

    @property
    def not_after(self) -> datetime:
        """The first instant at which the code is no longer valid."""
        return self.not_before + timedelta(minutes=self.valid_minutes)


class CodeRefused(Exception):
    """The code does not stand. `reason` is one of `REASONS`.

    `claims` is what a genuine code states (`too_early`, `too_late`), so that the door can say
    which booking it is; it is None for every other reason, since nothing in the code is proven.
    """

    def __init__(self, reason: Reason, claims: TicketClaims | None = None) -> None:
        super().__init__(_SENTENCES[reason])
        self.reason: Reason = reason
        self.claims = claims


def mint(claims: TicketClaims, private_key: Ed25519PrivateKey) -> str:
    """Return the code's text: the same claims and key give the same text for ever (RFC 8032)."""
    body = _BODY.pack(
        claims.format,
        claims.key_id,
        claims.type,
        claims.generation,
        claims.ticket_id.bytes,
        claims.venue,
        int(claims.not_before.timestamp()),
        claims.valid_minutes,
        claims.party,
    )
    return PREFIX + base45.encode(body + private_key.sign(_DOMAIN + body))


def read_claims(
    text: str, known_keys: Mapping[int, Ed25519PublicKey], *, venue: int
) -> TicketClaims:
    """Return what the code states once all but its time is proven.

    The order is the design's: length and alphabet; exactly 93 bytes; encodes to the same text
    again (one ticket, one string); format, venue, type; key known; signature. Whether now is the
    time is left to `judge_time`, since the door weighs it against what the database knows.

    Raises CodeRefused: `not_our_code`, `wrong_venue`, `unknown_key`, `bad_signature`.
    """
    if len(text) != CODE_LENGTH or not text.startswith(PREFIX):
        raise CodeRefused("not_our_code")
    try:
        data = base45.decode(text[len(PREFIX) :])
    except base45.NotBase45:
        raise CodeRefused("not_our_code") from None
    if len(data) != _BODY.size + _SIGNATURE_LENGTH or PREFIX + base45.encode(data) != text:
        raise CodeRefused("not_our_code")
    body, signature = data[: _BODY.size], data[_BODY.size :]
    claims = _claims_of(body)
    if claims.format != FORMAT:
        raise CodeRefused("not_our_code")
    if claims.venue != venue:
        raise CodeRefused("wrong_venue")
    if claims.type not in TYPES:
        raise CodeRefused("not_our_code")
    key = known_keys.get(claims.key_id)
    if key is None:
        raise CodeRefused("unknown_key")
    try:
        key.verify(signature, _DOMAIN + body)
    except InvalidSignature:
        raise CodeRefused("bad_signature") from None
    return claims


def judge_time(claims: TicketClaims, now: datetime) -> Literal["too_early", "too_late"] | None:
    """Return why the code is not valid at `now` (aware), or None when it is."""
    if now < claims.not_before:
        return "too_early"
    if now >= claims.not_after:
        return "too_late"
    return None


def verify(
    text: str, known_keys: Mapping[int, Ed25519PublicKey], *, venue: int, now: datetime
) -> TicketClaims:
    """Return what the code states once everything, its time included, is proven.

    Raises CodeRefused with any of `REASONS`; for the two of time, `claims` is set.
    """
    claims = read_claims(text, known_keys, venue=venue)
    reason = judge_time(claims, now)
    if reason is not None:
        raise CodeRefused(reason, claims)
    return claims


def generate_key() -> Ed25519PrivateKey:
    """Return a new signing key, from the operating system's randomness."""
    return Ed25519PrivateKey.generate()


def private_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the private key as its 32 raw bytes (RFC 8032)."""
    return key.private_bytes_raw()


def public_bytes(key: Ed25519PrivateKey | Ed25519PublicKey) -> bytes:
    """Return the public half as its 32 raw bytes."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes_raw()


def private_key(raw: bytes) -> Ed25519PrivateKey:
    """Return the key whose raw form is `raw`. Raises ValueError unless it has 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_key(raw: bytes) -> Ed25519PublicKey:
    """Return the public key whose raw form is `raw`. Raises ValueError unless it has 32 bytes."""
    return Ed25519PublicKey.from_public_bytes(raw)


def _claims_of(body: bytes) -> TicketClaims:
    form, key_id, kind, generation, ticket, venue, not_before, minutes, party = _BODY.unpack(body)
    return TicketClaims(
        key_id=key_id,
        generation=generation,
        ticket_id=UUID(bytes=ticket),
        venue=venue,
        not_before=datetime.fromtimestamp(not_before, UTC),
        valid_minutes=minutes,
        party=party,
        type=kind,
        format=form,
    )
