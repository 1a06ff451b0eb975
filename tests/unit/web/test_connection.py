"""One HTTP connection: how long it waits for a request, and how much of one it keeps.

Method: uvicorn's protocol over a transport in memory, its deadlines called instead of waited for.
When one of these fails after an upgrade, look at `app/web/connection.py` line by line.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from app.web import connection
from app.web.connection import HEAD_BYTES, HttpConnection

HOST = b"Host: club.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: club.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class MemoryTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def status(self) -> int:
        """Of the first answer."""
        return int(self.written.removeprefix(b"HTTP/1.1 ").split()[0])


async def application(_scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


def opened() -> tuple[HttpConnection, MemoryTransport]:
    config = uvicorn.Config(application, lifespan="off", log_config=None)
    made = HttpConnection(config, ServerState(), {})
    transport = MemoryTransport()
    made.connection_made(transport)
    return made, transport


async def answered(made: HttpConnection) -> None:
    while made.tasks:
        await asyncio.gather(*made.tasks)


def ring(made: HttpConnection) -> None:
    """The deadline is now."""
    deadline = made._deadline
    assert deadline is not None, "nobody waits"
    deadline.cancel()
    made._give_up()


async def test_a_head_in_pieces_is_answered_and_its_deadline_is_gone() -> None:
    made, transport = opened()
    for at in range(len(GET)):
        made.data_received(GET[at : at + 1])
    await answered(made)
    assert transport.status() == 200
    assert made._deadline is None
    assert not transport.closing
    made.connection_lost(None)


async def test_a_head_that_does_not_end_is_refused_in_time() -> None:
    made, transport = opened()
    made.data_received(b"GET / HTTP/1.1\r\nHo")
    ring(made)
    assert transport.status() == 408
    assert transport.closing
    made.connection_lost(None)


async def test_trickling_does_not_move_the_deadline() -> None:
    made, _ = opened()
    made.data_received(b"G")
    deadline = made._deadline
    made.data_received(b"ET / HTTP/1.1\r\n")
    made.data_received(HOST)
    assert deadline is not None
    assert made._deadline is deadline
    made.connection_lost(None)
    assert deadline.cancelled()


@pytest.mark.parametrize(
    "piece", [b"a" * 10_000, b"X-Line: of many\r\n" * 600], ids=["one", "many"]
)
async def test_a_head_without_a_measure_is_refused(piece: bytes) -> None:
    made, transport = opened()
    made.data_received(b"GET / HTTP/1.1\r\n" + HOST + b"X-A: ")
    sent = 0
    while not transport.closing:
        made.data_received(piece)
        sent += len(piece)
        assert sent <= HEAD_BYTES + len(piece), "it still waits"
    assert transport.status() == 431
    made.connection_lost(None)


async def test_a_head_of_twenty_thousand_characters_is_answered() -> None:
    made, transport = opened()
    made.data_received(b"GET / HTTP/1.1\r\n" + HOST + b"X-A: " + b"a" * 10_000)
    made.data_received(b"a" * 10_000 + b"\r\n\r\n")
    await answered(made)
    assert transport.status() == 200
    made.connection_lost(None)


async def test_what_trickles_in_after_the_answer_keeps_nothing_open() -> None:
    made, transport = opened()
    made.data_received(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n")
    await answered(made)
    made.data_received(b"1")
    ring(made)
    assert transport.closing
    made.connection_lost(None)


async def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    made, transport = opened()
    silence = made.timeout_keep_alive_task
    assert silence is not None
    silence.cancel()
    made.timeout_keep_alive_handler()
    assert transport.closing
    assert transport.written == b""
    made.connection_lost(None)


async def test_what_is_not_http_is_refused_by_a_problem_document_with_its_number() -> None:
    made, transport = opened()
    made.data_received(b"\x16\x03\x01 hello\r\n\r\n")
    assert transport.status() == 400
    head, _, body = transport.written.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert problem["reason"] == "malformed_request"
    assert b"x-request-id: " + problem["request_id"].encode() in head
    assert b"connection: close" in head
    assert transport.closing
    made.connection_lost(None)


async def test_a_websocket_has_no_deadline_of_a_request() -> None:
    made, transport = opened()
    made.data_received(HANDSHAKE[:20])
    made.data_received(HANDSHAKE[20:])
    assert isinstance(transport.protocol, WebSocketsSansIOProtocol)
    assert made._deadline is None
    assert not transport.closing
    for task in made.tasks:
        task.cancel()
    made.connection_lost(None)


async def test_no_websocket_while_an_answer_is_owed() -> None:
    """Its application would wait for ever for a line that nobody tells it is free, or gone."""
    made, transport = opened()
    made.data_received(GET)
    made.flow.pause_writing()  # the peer reads nothing
    try:
        made.data_received(HANDSHAKE)
        assert transport.protocol is None
        assert transport.closing
    finally:
        made.connection_lost(None)
        await answered(made)


async def test_a_websocket_after_an_answer() -> None:
    made, transport = opened()
    made.data_received(GET)
    await answered(made)
    made.data_received(HANDSHAKE)
    assert isinstance(transport.protocol, WebSocketsSansIOProtocol)
    assert not transport.closing
    for task in made.tasks:
        task.cancel()
    made.connection_lost(None)


def test_the_limits_leave_room_for_what_browsers_send() -> None:
    assert HEAD_BYTES >= 32 * 1024
    assert connection.HEAD_SECONDS >= 5
