"""The shapes of manage links."""

from app.wire import Answer


class LinkAnswer(Answer, frozen=True):
    """A link to a booking, for its customer. `token` acts; `link` is the page that takes it.

    Both are derived each time and stored nowhere. The token is behind the `#`, which no browser
    sends to any server. `generation` tells which links count.
    """

    booking_id: str
    generation: int
    expires_at: str
    version: int
    token: str | None = None
    link: str | None = None


class LinksRevoked(Answer, frozen=True):
    """Every link of the booking that was made before is over."""

    booking_id: str
    generation: int
    version: int
