"""A manage link: a signed token by which a customer reaches one booking, without a password.

    "mng_" + base64url(booking 16 | generation u16 | expires u32 | MAC 20)

Big-endian; `expires` is in whole seconds since 1970. 42 bytes are 56 characters without padding or
spare bits, so one link has one spelling. The MAC is HMAC-SHA-256 cut to 160 bits, under a key that
is derived from the service's secret for this purpose alone: nothing that is signed for another one
passes here. The token is never stored; revoking raises the booking's generation.
"""

import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

PREFIX: Final = "mng_"
GENERATIONS_MAX: Final = 0xFFFF
# A guest may want their data, or a left coat, in the week after the night.
LASTS_AFTER_NIGHT: Final = timedelta(days=7)

_BODY: Final = struct.Struct(">16sHI")
_MAC_BYTES: Final = 20
_FORM: Final = re.compile(rf"{PREFIX}([A-Za-z0-9_-]{{56}})")
_PURPOSE: Final = b"backroom manage link v1"


class LinkRefused(ValueError):
    """The text is no link of this service, or one that is over."""


class ManageLink(Struct, frozen=True):
    """What a link says: which booking, under which generation, until when (UTC, whole seconds)."""

    booking_id: str
    generation: int
    expires_at: datetime


def link_key(secret: str) -> bytes:
    """The key of the links, of the service's secret (hexadecimal digits)."""
    return hmac.digest(bytes.fromhex(secret), _PURPOSE, "sha256")


def expiry_of(night_ends_at: datetime, now: datetime) -> datetime:
    """When a link made now ends: seven days after the night, or after today when that is later."""
    return (max(night_ends_at, now) + LASTS_AFTER_NIGHT).replace(microsecond=0)


def mint_link(key: bytes, link: ManageLink) -> str:
    """The link as a token of 60 characters. Raises ValueError: a figure that it cannot hold."""
    if not 1 <= link.generation <= GENERATIONS_MAX:
        raise ValueError(f"a link's generation is 1 to {GENERATIONS_MAX}")
    seconds = int(link.expires_at.timestamp())
    if not 0 < seconds <= 0xFFFF_FFFF or link.expires_at.microsecond:
        raise ValueError("a link ends at a whole second between 1970 and 2106")
    body = _BODY.pack(UUID(link.booking_id).bytes, link.generation, seconds)
    return PREFIX + urlsafe_b64encode(body + _mac(key, body)).decode()


def read_link(key: bytes, token: str, now: datetime) -> ManageLink:
    """What the token says. `now` is real time.

    Raises LinkRefused: another form, another signature, or over. Whether its generation is still
    the booking's is known to the database alone.
    """
    form = _FORM.fullmatch(token)
    if form is None:
        raise LinkRefused("not in the form of a link")
    whole = urlsafe_b64decode(form[1])
    body, mac = whole[: _BODY.size], whole[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(key, body)):
        raise LinkRefused("not signed by this service")
    booking, generation, seconds = _BODY.unpack(body)
    expires_at = datetime.fromtimestamp(seconds, UTC)
    if now >= expires_at:
        raise LinkRefused("over")
    return ManageLink(str(UUID(bytes=booking)), generation, expires_at)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC_BYTES]
