"""The operations on the outbox."""

from typing import Final

from app import wire
from app.web import outbox
from app.web.operations import Operation
from app.wire.outbox import MessageText, OutboxAnswer, OutboxQuery, ReplayedMessage

MESSAGE: Final = {"message_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """What customers are told, for whoever answers for it."""
    return (
        Operation(
            method="GET", path="/v1/outbox", handler=outbox.get_outbox, query=OutboxQuery,
            permission="message:manage", tag="messages", answers={200: OutboxAnswer},
            summary="The messages to customers, newest first: sent, waiting, kept, given up.",
        ),
        Operation(
            method="GET", path="/v1/outbox/{message_id}", handler=outbox.get_message,
            parameters=MESSAGE, permission="message:manage", tag="messages",
            answers={200: MessageText}, summary="What one message says, without the guest's link.",
        ),
        Operation(
            method="POST", path="/v1/outbox/{message_id}/replay", handler=outbox.post_replay,
            parameters=MESSAGE, permission="message:manage", request=wire.Nothing,
            request_may_be_empty=True, answers={200: ReplayedMessage}, tag="messages",
            limits="write", idempotent=True,
            summary="Send a message once more that was given up, or that nobody carried.",
        ),
    )  # fmt: skip
