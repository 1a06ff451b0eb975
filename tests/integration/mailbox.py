"""A real mail server on this machine, which keeps what it is sent and can be told to misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

from app.messages.carriers import SmtpServer
from app.messages.outbox import Outbox, Sender
from tests.integration.floor import House

ORIGIN = "https://tables.example.com"


class Mailbox:
    """What arrived, in order. `answers` are given to the next messages instead of 250, one each."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.answers: list[str] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.envelopes.append(envelope)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    @property
    def server(self) -> SmtpServer:
        return SmtpServer.from_url(f"smtp://127.0.0.1:{self.port}")

    @property
    def subjects(self) -> list[str]:
        return [message["Subject"].split(" · ")[0] for message in self.messages]


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="mail.example", loop=loop), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


def outbox_of(house: House, **more: Any) -> Outbox:
    """A worker that sends for the house."""
    sender = Sender(ORIGIN, "tables@example.com", house.settings.secret)
    return Outbox(house.db, house.venue, house.vault, sender, **more)


async def rows_of(house: House) -> list[tuple[str, str, str | None]]:
    """Kind, status and reason of each message, in order."""
    async with house.looking() as owner:
        found = await owner.fetch("SELECT kind, status, reason FROM outbox ORDER BY number")
    return [tuple(row) for row in found]


async def try_now(house: House) -> None:
    """What waits for another try, or for a dead worker's lease, is due."""
    async with house.looking() as owner:
        await owner.execute(
            "UPDATE outbox SET next_try_at = now(), lease_until = now() WHERE status = 'waiting'"
        )


def part_of(message: EmailMessage, kind: str) -> Any:
    """What the message's part of that content type holds."""
    return next(p.get_content() for p in message.walk() if p.get_content_type() == kind)
