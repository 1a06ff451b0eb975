"""A manage link: a signed link by which a customer reaches one booking, without a password.

Its form is that of every signed link (`app/domain/signed_links.py`).
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from app.domain.signed_links import GENERATIONS_MAX, MANAGE, LinkRefused, SignedLink, mint, read

__all__ = [
    "GENERATIONS_MAX", "LASTS_AFTER_NIGHT", "PREFIX", "LinkRefused", "ManageLink", "expiry_of",
    "link_key", "message_link", "mint_link", "read_link",
]  # fmt: skip

PREFIX: Final = MANAGE.prefix
# A guest may want their data, or a left coat, in the week after the night.
LASTS_AFTER_NIGHT: Final = timedelta(days=7)


class ManageLink(Struct, frozen=True):
    """What a link says: which booking, under which generation, until when (UTC, whole seconds)."""

    booking_id: str
    generation: int
    expires_at: datetime


def link_key(secret: str) -> bytes:
    """The key of the links, of the service's secret (hexadecimal digits)."""
    return MANAGE.key(secret)


def expiry_of(night_ends_at: datetime, now: datetime) -> datetime:
    """When a link made now ends: seven days after the night, or after today when that is later."""
    return (max(night_ends_at, now) + LASTS_AFTER_NIGHT).replace(microsecond=0)


def mint_link(key: bytes, link: ManageLink) -> str:
    """The link as a token of 60 characters. Raises ValueError: a figure that it cannot hold."""
    return mint(MANAGE, key, SignedLink(link.booking_id, link.generation, link.expires_at))


def message_link(key: bytes, booking_id: str, generation: int, night_ends_at: datetime) -> str:
    """The token of the link that messages carry: until a week after the night, whenever sent."""
    ends = expiry_of(night_ends_at, night_ends_at)
    return mint_link(key, ManageLink(booking_id, generation, ends))


def read_link(key: bytes, token: str, now: datetime) -> ManageLink:
    """What the token says; `now` is real time. Raises LinkRefused as `signed_links.read`."""
    link = read(MANAGE, key, token, now)
    return ManageLink(link.subject, link.generation, link.expires_at)
