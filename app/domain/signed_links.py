"""A signed link: a token by which somebody reaches one thing, without a password.

    prefix + base64url(id 16 | generation u16 | expires u32 | MAC 20)

Big-endian; `expires` is in whole seconds since 1970. 42 bytes are 56 characters without padding or
spare bits, so one link has one spelling. The MAC is HMAC-SHA-256 cut to 160 bits, under a key that
is derived from the service's secret for this kind of link alone: what is signed for one kind passes
for no other. The token is never stored; the thing's generation, raised, ends all links before it.
"""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from msgspec import Struct

GENERATIONS_MAX: Final = 0xFFFF

_BODY: Final = struct.Struct(">16sHI")
_MAC_BYTES: Final = 20
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{56}")


class LinkRefused(ValueError):
    """The text is no link of this service, or one that is over."""


class Kind(Struct, frozen=True):
    """A kind of link: how its tokens begin, and what its key is derived for."""

    prefix: str
    purpose: bytes

    def key(self, secret: str) -> bytes:
        """The key of the links of this kind, of the service's secret (hexadecimal digits)."""
        return hmac.digest(bytes.fromhex(secret), self.purpose, "sha256")


# A booking's customer; one guest of a party; who is offered a table by the waitlist.
MANAGE: Final = Kind("mng_", b"backroom manage link v1")
GUEST: Final = Kind("gst_", b"backroom guest link v1")
OFFER: Final = Kind("off_", b"backroom offer link v1")
# The calendar of a booking; of a night, for one member of staff.
BOOKING_CALENDAR: Final = Kind("cal_", b"backroom booking calendar v1")
NIGHT_CALENDAR: Final = Kind("nic_", b"backroom night calendar v1")


class SignedLink(Struct, frozen=True):
    """What a link says: of what (a UUID), under which generation, until when (UTC, whole
    seconds)."""

    subject: str
    generation: int
    expires_at: datetime


def mint(kind: Kind, key: bytes, link: SignedLink) -> str:
    """The link as a token of 60 characters. Raises ValueError: a figure that it cannot hold."""
    if not 1 <= link.generation <= GENERATIONS_MAX:
        raise ValueError(f"a link's generation is 1 to {GENERATIONS_MAX}")
    seconds = int(link.expires_at.timestamp())
    if not 0 < seconds <= 0xFFFF_FFFF or link.expires_at.microsecond:
        raise ValueError("a link ends at a whole second between 1970 and 2106")
    body = _BODY.pack(UUID(link.subject).bytes, link.generation, seconds)
    return kind.prefix + urlsafe_b64encode(body + _mac(key, body)).decode()


def read(kind: Kind, key: bytes, token: str, now: datetime) -> SignedLink:
    """What the token says. `now` is real time.

    Raises LinkRefused: another form, another signature, or over. Whether its generation still
    counts is known to the database alone.
    """
    link = verify(kind, key, token)
    if now >= link.expires_at:
        raise LinkRefused("over")
    return link


def verify(kind: Kind, key: bytes, token: str) -> SignedLink:
    """What the token says, over or not: for a link that ends by the venue's clock.

    Raises LinkRefused: another form or signature.
    """
    text = token.removeprefix(kind.prefix)
    if text == token or _TEXT.fullmatch(text) is None:
        raise LinkRefused("not in the form of a link")
    whole = urlsafe_b64decode(text)
    body, mac = whole[: _BODY.size], whole[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(key, body)):
        raise LinkRefused("not signed by this service")
    subject, generation, seconds = _BODY.unpack(body)
    return SignedLink(str(UUID(bytes=subject)), generation, datetime.fromtimestamp(seconds, UTC))


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
