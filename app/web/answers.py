"""What a handler gives back, and how it goes out over ASGI."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.types import Send

JSON: Final = "application/json"
NO_STORE: Final = "no-store"


class Answer(Struct, frozen=True):
    """Status, bytes and headers. Without a `cache_control` nothing may keep a copy.

    `cookies` are whole lines of Set-Cookie.
    """

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: Mapping[str, str] = {}
    cache_control: str = NO_STORE
    cookies: tuple[str, ...] = ()


def encoded(value: Any, status: int = 200, **headers: str) -> Answer:
    """The value as JSON; dictionaries keep their order, so equal values are equal bytes."""
    return Answer(status, msgspec.json.encode(value), headers=headers)


async def send_answer(send: Send, answer: Answer) -> None:
    """The whole answer goes out. The header lines of every answer are the envelope's."""
    lines = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", answer.cache_control.encode()),
    ]
    if answer.body or answer.status not in (204, 304):
        lines.append((b"content-type", answer.content_type.encode()))
    lines += [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers.items()
    ]
    lines += [(b"set-cookie", cookie.encode("latin-1")) for cookie in answer.cookies]
    if answer.status in (204, 304):
        lines = [line for line in lines if line[0] != b"content-length"]
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": answer.body})
