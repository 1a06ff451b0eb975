"""What one client may say and when: a pure state machine, without sockets or clocks of its own.

The first message is a hello; after it, asks for a snapshot and acknowledgements, at most 10
messages a second. Everything else ends the conversation with a close code and a reason that says
what was wrong. `docs/protocol.md` is the same for the other side.
"""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

# Close codes.
RESTART: Final = 1012  # the node restarts, or is full: come back
SLOW: Final = 4008  # took nothing for too long
BAD_MESSAGE: Final = 4400
SIGN_IN: Final = 4401  # nobody, or not enough for this audience
REVOKED: Final = 4403
CROWDED: Final = 4429  # too many screens of one person, or of strangers at one address

HELLO_SECONDS: Final = 5.0
# A screen says hello, and then one acknowledgement per heartbeat; 10 a second is a fault.
MESSAGES_PER_SECOND: Final = 10.0

Version = Annotated[int, Meta(ge=0, le=2**53)]


Night = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]


class Since(Struct, frozen=True, forbid_unknown_fields=True):
    """The last frame that the client has: it wants those after it.

    Versions are counted per night. A hello that names no night says here which night the version is
    of; without it the answer is a snapshot.
    """

    epoch: Annotated[str, Meta(max_length=64)]
    version: Version
    night: Night | None = None


class Hello(Struct, frozen=True, tag_field="type", tag="hello", forbid_unknown_fields=True):
    """Without `night` the client watches tonight, and follows it to the next night."""

    audience: Literal["public", "door", "manager"] = "public"
    night: Night | None = None
    since: Since | None = None
    token: Annotated[str, Meta(min_length=1, max_length=512)] | None = None

    def version_of(self, night: str, epoch: str) -> int | None:
        """The version of that night and epoch that the client has, or None."""
        since = self.since
        if since is None or since.epoch != epoch or (since.night or self.night) != night:
            return None
        return since.version


class Ask(Struct, frozen=True, tag_field="type", tag="snapshot", forbid_unknown_fields=True):
    """The client noticed that something is missing, and wants to start over."""


class Ack(Struct, frozen=True, tag_field="type", tag="ack", forbid_unknown_fields=True):
    """The version that the client's screen shows."""

    version: Version


class Ended(Struct, frozen=True):
    """The conversation is over: close with this code and reason."""

    code: int
    reason: str


Heard = Hello | Ask | Ack | Ended

_decoder: Final = msgspec.json.Decoder(Hello | Ask | Ack)


class Conversation:
    """One client's side, message by message."""

    def __init__(self) -> None:
        self._greeted = False
        self._allowance = MESSAGES_PER_SECOND
        self._heard_at = 0.0

    def hear(self, text: str | None, now: float) -> Heard:
        """What the message means. `text` is None for a binary one; `now` in monotonic seconds."""
        if not self._may_speak(now):
            return Ended(BAD_MESSAGE, "at most 10 messages a second")
        if text is None:
            return Ended(BAD_MESSAGE, "send text, not binary")
        try:
            message: Hello | Ask | Ack = _decoder.decode(text)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeEncodeError) as error:
            return Ended(BAD_MESSAGE, _short(str(error)))
        if isinstance(message, Hello) == self._greeted:
            first = "hello was said already" if self._greeted else "say hello first"
            return Ended(BAD_MESSAGE, first)
        self._greeted = True
        return message

    def _may_speak(self, now: float) -> bool:
        earned = (now - self._heard_at) * MESSAGES_PER_SECOND
        self._allowance = min(MESSAGES_PER_SECOND, self._allowance + max(0.0, earned)) - 1
        self._heard_at = now
        return self._allowance >= 0


def judge_origin(
    origin: str | None, host: str | None, scheme: str, allowed: frozenset[str]
) -> Literal["own", "missing", "foreign"]:
    """Whether a page of ours opened the socket.

    Browsers send Origin with every WebSocket and no page can forge it, so a foreign one is another
    site trying with our visitor's cookie. A missing one is no browser: it brings no cookie that
    counts. `allowed` holds further origins, such as https://tables.example.com. Source: OWASP
    WebSocket Security Cheat Sheet.
    """
    if origin is None:
        return "missing"
    origin = origin.lower()
    if origin in allowed:
        return "own"
    try:
        page = urlsplit(origin)
    except ValueError:
        return "foreign"
    secure = scheme in ("https", "wss")
    if host and page.netloc == host.lower() and page.scheme == ("https" if secure else "http"):
        return "own"
    return "foreign"


def _short(reason: str) -> str:
    """A close reason has at most 123 bytes (RFC 6455 section 5.5)."""
    return reason.encode("ascii", "replace")[:120].decode()
