"""The private address of a calendar: a path with a signed token in its query.

A calendar program sends an address and nothing more: no header, no cookie, and nothing behind a
`#`. So the secret is in the query, of which this service logs nothing.
"""

from datetime import UTC, datetime
from typing import Final

from app.domain.signed_links import Kind, SignedLink, mint

PATH: Final = "/v1/calendar.ics"
# A booking's night may move, so the database says when a feed ends; the token's own end is none.
NEVER: Final = datetime(2100, 1, 1, tzinfo=UTC)


def address_of(kind: Kind, secret: str, subject: str, generation: int) -> str:
    """The path of the calendar; the same for as long as its generation is."""
    token = mint(kind, kind.key(secret), SignedLink(subject, generation, NEVER))
    return f"{PATH}?key={token}"
