"""The shapes of the outbox: what customers were told, or are to be, as managers read it."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from app.wire import Answer, NightDate, Uuid

MESSAGES_PER_ANSWER: Final = 100
MessageStatus = Literal["waiting", "sent", "kept", "dropped", "dead"]


class OutboxQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /v1/outbox`: newest first; every filter that is given must hold.

    `status` may be given several times. `before` is the number to go on from.
    """

    status: list[MessageStatus] = msgspec.field(default_factory=list)
    night: NightDate | None = None
    booking: Uuid | None = None
    before: Annotated[int, Meta(ge=1, le=2**62)] = 2**62
    limit: Annotated[int, Meta(ge=1, le=MESSAGES_PER_ANSWER)] = 50


class OutboxMessage(Struct, frozen=True):
    """One message on one way. Nothing of a person; what it says is asked for by itself.

    `reason` is why it is kept, dropped or dead, or what the last try met.
    """

    message_id: str
    number: int
    kind: str
    channel: str
    status: str
    reason: str | None
    attempts: int
    booking_id: str | None
    reference: str | None
    night: str | None
    made_at: str
    settled_at: str | None
    next_try_at: str | None


class OutboxAnswer(Answer, frozen=True):
    """Messages, newest first, and how many wait or are dead in all. `sends` says which channels go
    out; on the others messages are kept. `older` is the `before` that goes on, None at the end."""

    messages: list[OutboxMessage]
    waiting: int
    dead: int
    oldest_seconds: float
    sends: dict[str, bool]
    older: int | None = None


class MessageText(Answer, frozen=True):
    """What a message says now, without the guest's link; `silent` is why it says nothing."""

    message_id: str
    to: str | None
    subject: str | None = None
    text: str | None = None
    silent: str | None = None


class ReplayedMessage(Answer, frozen=True):
    """The message is to be sent once more."""

    message_id: str
    status: str
    version: int
