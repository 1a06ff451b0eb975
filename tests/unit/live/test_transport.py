"""What `LiveProtocol` relies on in uvicorn's protocol, which uvicorn does not promise.

When one of these fails after an upgrade, look at `app/live/transport.py` line by line.
"""

import asyncio
import inspect
import itertools
import os
import socket
from collections.abc import Callable, Coroutine
from typing import cast

import pytest
import uvicorn
import uvloop
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.protocol import State

from app.live import transport as transport_module
from app.live.frames import framed
from app.live.transport import EXTENSION, MESSAGE_BYTES, LiveProtocol

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: club.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


class MemoryTransport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.limits: tuple[int | None, int | None] = (None, None)
        self.closing = self.aborted = self.reading_paused = False

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high, low)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False


class Application:
    """Accepts, then receives until the socket is closed."""

    def __init__(self) -> None:
        self.scope: dict[str, object] = {}
        self.last: dict[str, object] = {}
        self.accepted = asyncio.Event()
        self.closed = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept"})
        self.accepted.set()
        while self.last.get("type") != "websocket.disconnect":
            self.last = await receive()
        self.closed.set()


def made(application: Application) -> LiveProtocol:
    config = uvicorn.Config(
        application,
        ws=LiveProtocol,
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE_BYTES,
        log_level="critical",
    )
    config.load()
    assert config.ws_protocol_class is LiveProtocol
    return LiveProtocol(config=config, server_state=ServerState(), app_state={})


async def connected() -> tuple[LiveProtocol, MemoryTransport, Application]:
    application = Application()
    protocol = made(application)
    transport = MemoryTransport()
    protocol.connection_made(transport)
    protocol.data_received(HANDSHAKE)
    await asyncio.wait_for(application.accepted.wait(), 5)
    return protocol, transport, application


async def end(protocol: LiveProtocol, application: Application) -> None:
    protocol.connection_lost(None)
    await asyncio.wait_for(application.closed.wait(), 5)
    await asyncio.sleep(0)


async def test_the_application_finds_the_outlet_in_its_scope() -> None:
    protocol, _, application = await connected()
    extensions = application.scope["extensions"]
    assert isinstance(extensions, dict)
    assert extensions[EXTENSION] is protocol
    await end(protocol, application)


async def test_frames_are_written_as_they_are_and_without_compression() -> None:
    protocol, transport, application = await connected()
    assert b"permessage-deflate" not in b"".join(transport.written)
    wire = framed(b"{}")
    assert protocol.push(wire)
    assert transport.written[-1] == wire
    await end(protocol, application)


async def test_nothing_is_written_before_the_handshake_or_after_the_close() -> None:
    protocol, transport, application = await connected()
    fresh = LiveProtocol(config=protocol.config, server_state=ServerState(), app_state={})
    other = MemoryTransport()
    fresh.connection_made(other)
    assert not fresh.push(framed(b"{}"))
    assert other.written == []
    protocol.end(4008, "too slow")
    count = len(transport.written)
    assert not protocol.push(framed(b"{}"))
    assert len(transport.written) == count
    await end(protocol, application)


async def test_nothing_is_queued_behind_the_kernel_and_the_watcher_hears_of_it() -> None:
    protocol, transport, application = await connected()
    assert transport.limits == (0, None)
    heard: list[str] = []

    class Watching:
        def on_pause(self) -> None:
            heard.append("pause")

        def on_drain(self) -> None:
            heard.append("drain")

        def on_shut(self) -> None:
            heard.append("shut")

    protocol.watcher = Watching()
    protocol.pause_writing()
    assert not protocol.push(framed(b"{}"))
    protocol.resume_writing()
    assert protocol.push(framed(b"{}"))
    assert heard == ["pause", "drain"]
    await end(protocol, application)


async def test_ending_sends_the_code_once_tells_the_application_and_waits_for_the_peer() -> None:
    protocol, transport, application = await connected()
    protocol.end(4403, "revoked")
    protocol.end(4008, "too slow")
    assert transport.written[-1] == b"\x88\x09" + (4403).to_bytes(2, "big") + b"revoked"
    await asyncio.wait_for(application.closed.wait(), 5)
    assert application.last["code"] == 4403
    await asyncio.sleep(0)
    assert not transport.is_closing(), "the close frame must reach the peer first"
    protocol.data_received(b"\x88\x82\0\0\0\0" + (4403).to_bytes(2, "big"))
    assert transport.is_closing()
    assert not transport.aborted
    protocol.connection_lost(None)


async def test_a_peer_that_does_not_answer_the_close_is_cut() -> None:
    protocol, transport, application = await connected()
    protocol.end(4008, "too slow")
    assert protocol.close_timer is not None
    protocol.close_timer._run()
    assert transport.aborted
    await end(protocol, application)


CLOSE = b"\x88\x82\0\0\0\0" + (1001).to_bytes(2, "big")
PING = b"\x89\x80\0\0\0\0"
UNMASKED = b"\x81\x02{}"  # which a client must not send


@pytest.mark.parametrize(
    "ending",
    [
        lambda it: it.end(4403, "revoked"),
        lambda it: it.shutdown(),
        lambda it: it.keepalive_timeout(),
        lambda it: it.data_received(CLOSE),
        lambda it: it.data_received(UNMASKED),
        lambda it: it.eof_received() or it.transport.close(),
        lambda it: it.connection_lost(None),
    ],
    ids=["end", "shutdown", "keepalive", "peer closes", "nonsense", "half closed", "lost"],
)
async def test_the_watcher_hears_of_every_end_before_anything_else_could_be_written(
    ending: Callable[[LiveProtocol], None],
) -> None:
    """Whoever holds the sink asks nothing before writing, so nothing may end in silence."""
    protocol, transport, application = await connected()
    told: list[int] = []

    class Watching:
        def on_pause(self) -> None: ...

        def on_drain(self) -> None: ...

        def on_shut(self) -> None:
            told.append(len(transport.written))

    protocol.watcher = Watching()
    written = len(transport.written)
    ending(protocol)
    assert told[0] == written
    assert not protocol.push(framed(b"{}"))
    assert protocol._cut is not None
    assert protocol._cut.cancelled() == protocol.disconnected
    if not protocol.disconnected:
        await end(protocol, application)
        assert protocol._cut.cancelled(), "the transport is another's from now on"


async def never_reads(farewell: bytes) -> None:
    """A peer that takes nothing more says farewell; the file is closed all the same."""
    loop = asyncio.get_running_loop()
    application = Application()
    protocol = made(application)
    lost = asyncio.Event()

    def connection_lost(exc: Exception | None) -> None:
        LiveProtocol.connection_lost(protocol, exc)
        lost.set()

    protocol.connection_lost = connection_lost  # type: ignore[method-assign]
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
    peer = socket.create_connection(server.sockets[0].getsockname()[:2])
    peer.setblocking(False)
    await loop.sock_sendall(peer, HANDSHAKE)
    await asyncio.wait_for(application.accepted.wait(), 5)
    while protocol.push(framed(b"x" * 30_000)):
        pass
    queued = protocol.transport.get_write_buffer_size()
    assert queued
    await loop.sock_sendall(peer, PING * 1000)
    if farewell:
        await loop.sock_sendall(peer, farewell)
    else:
        peer.shutdown(socket.SHUT_WR)
    await asyncio.wait_for(application.closed.wait(), 5)
    assert protocol.transport.get_write_buffer_size() <= queued + 100, "a close frame, no pongs"
    await asyncio.wait_for(lost.wait(), 5)
    peer.close()
    server.close()


@pytest.mark.parametrize("farewell", [CLOSE, b""], ids=["a close frame", "half closed"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_peer_that_never_reads_cannot_keep_a_closing_socket(
    run: Callable[[Coroutine[object, object, None]], None],
    farewell: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_module, "CUT_SECONDS", 0.05)
    run(never_reads(farewell))


async def test_pings_are_answered_while_the_peer_reads_and_no_longer() -> None:
    protocol, transport, application = await connected()
    written = len(transport.written)
    protocol.data_received(PING)
    assert transport.written[written:] == [b"\x8a\x00"]
    protocol.pause_writing()
    protocol.data_received(PING * 100)
    protocol.resume_writing()
    assert len(transport.written) == written + 1
    protocol.data_received(PING)
    assert transport.written[-1] == b"\x8a\x00", "nothing was kept for later"
    await end(protocol, application)


class Before(asyncio.Protocol):
    """What the connection was before it became a WebSocket; the peer has not read all of it."""

    def __init__(self, protocol: LiveProtocol, answer: bytes) -> None:
        self.protocol = protocol
        self.answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=2 * len(self.answer))
        self.transport.write(self.answer)

    def data_received(self, data: bytes) -> None:
        assert self.transport.get_write_buffer_size()
        self.protocol.connection_made(self.transport)
        self.protocol.data_received(data)
        self.transport.set_protocol(self.protocol)


async def upgraded_with_an_answer_unread() -> None:
    loop = asyncio.get_running_loop()
    application = Application()
    protocol = made(application)
    drained = asyncio.Event()

    class Watching:
        def on_pause(self) -> None: ...

        def on_drain(self) -> None:
            assert protocol.transport.get_write_buffer_size() == 0
            drained.set()

        def on_shut(self) -> None: ...

    protocol.watcher = Watching()
    answer = b"a" * 10_000_000
    server = await loop.create_server(lambda: Before(protocol, answer), "127.0.0.1", 0)
    peer = socket.create_connection(server.sockets[0].getsockname()[:2])
    peer.setblocking(False)
    await loop.sock_sendall(peer, HANDSHAKE)
    await asyncio.wait_for(application.accepted.wait(), 5)
    taken_at_once = protocol.push(framed(b"{}"))
    received = 0
    while received < len(answer):
        received += len(await asyncio.wait_for(loop.sock_recv(peer, 1_000_000), 5))
    await asyncio.wait_for(drained.wait(), 5)
    taken_after = protocol.push(framed(b"{}"))
    peer.close()
    await asyncio.wait_for(application.closed.wait(), 5)
    server.close()
    assert (taken_at_once, taken_after) == (False, True)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_what_waits_since_before_the_upgrade_counts(
    run: Callable[[Coroutine[object, object, None]], None],
) -> None:
    """The pause was told to the protocol before: it would be written past, without a limit."""
    run(upgraded_with_an_answer_unread())


async def test_a_goodbye_behind_pings_is_answered_while_the_peer_takes_nothing() -> None:
    protocol, transport, application = await connected()
    protocol.pause_writing()
    protocol.data_received(PING + CLOSE)
    assert b"".join(transport.written).endswith(b"\x88\x02\x03\xe9")
    await end(protocol, application)


async def test_a_handshake_that_is_refused_is_given_as_long_as_every_other_end() -> None:
    application = Application()
    protocol = made(application)
    transport = MemoryTransport()
    protocol.connection_made(transport)
    protocol.data_received(HANDSHAKE.replace(b"-Version: 13", b"-Version: 12"))
    assert transport.closing
    assert protocol._cut is not None
    protocol.connection_lost(None)
    assert protocol._cut.cancelled()


async def test_the_application_ends_it_too() -> None:
    protocol, _, application = await connected()
    told: list[str] = []

    class Watching:
        def on_pause(self) -> None: ...

        def on_drain(self) -> None: ...

        def on_shut(self) -> None:
            told.append("shut")

    protocol.watcher = Watching()
    await protocol.send({"type": "websocket.close", "code": 1000})
    assert told
    await end(protocol, application)


async def test_an_application_that_returns_leaves_no_socket_to_a_peer_that_reads_nothing() -> None:
    protocol, transport, application = await connected()
    protocol.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
    await asyncio.wait_for(application.closed.wait(), 5)
    await asyncio.sleep(0)
    assert transport.closing
    assert protocol._cut is not None
    protocol._cut._run()
    assert transport.aborted
    await end(protocol, application)


def test_uvicorn_has_the_attributes_that_the_protocol_uses() -> None:
    source = inspect.getsource(WebSocketsSansIOProtocol)
    for name in (
        "self.conn", "self.queue", "self.close_sent", "self.disconnected", "self.read_paused",
        "self.close_timer", "self.transport", "self.scope",
    ):  # fmt: skip
        assert f"{name} = " in source or f"{name}: " in source, name
    for method in (
        "pause_writing", "resume_writing", "handle_connect", "stop_keepalive", "handle_ping",
        "handle_close", "handle_parser_exception", "keepalive_timeout", "eof_received", "shutdown",
        "on_task_complete",
    ):  # fmt: skip
        assert method in WebSocketsSansIOProtocol.__dict__, method
    # The task starts on the loop's next turn: the scope may be added to after handle_connect.
    assert "self.loop.create_task(self.run_asgi())" in source
    assert State.OPEN.name == "OPEN"


async def over_a_real_socket() -> None:
    """Frames to the sink and by `push`, in turn, to a peer that reads nothing until one is not
    taken whole: the rest is queued, nothing was queued before, and all arrives in order."""
    loop = asyncio.get_running_loop()
    application = Application()
    protocol = made(application)
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
    peer = socket.create_connection(server.sockets[0].getsockname()[:2])
    peer.setblocking(False)
    await loop.sock_sendall(peer, HANDSHAKE)
    await asyncio.wait_for(application.accepted.wait(), 5)
    told: list[str] = []
    drained = asyncio.Event()

    class Watching:
        def on_pause(self) -> None:
            told.append("pause")

        def on_drain(self) -> None:
            told.append("drain")
            drained.set()

        def on_shut(self) -> None:
            assert os.fstat(number), "nobody else has the file's number yet"
            told.append("shut")

    protocol.watcher = Watching()
    transport = protocol.transport
    number = transport.get_extra_info("socket").fileno()
    raw = protocol.sink()
    assert isinstance(raw, socket.socket), "past the transport"
    assert raw.fileno() == number
    sent = b""
    for count in itertools.count():
        assert (transport.get_write_buffer_size(), told) == (0, [])
        wire = framed(b"%d" % len(sent) * 100)
        sent += wire
        if count < 10 and count % 2:
            assert protocol.push(wire)
            continue
        try:
            taken = raw.send(wire)
        except BlockingIOError:
            taken = 0
        if taken != len(wire):
            protocol.write_rest(wire, taken)
            break
    assert told == ["pause"]
    assert not protocol.push(framed(b"{}"))
    received = b""
    while not received.endswith(sent):
        received += await asyncio.wait_for(loop.sock_recv(peer, 65_536), 5)
    await asyncio.wait_for(drained.wait(), 5)
    assert (told, transport.get_write_buffer_size()) == (["pause", "drain"], 0)
    peer.close()
    await asyncio.wait_for(application.closed.wait(), 5)
    assert set(told[2:]) == {"shut"}
    assert raw.fileno() == -1, "it is the transport's to close"
    server.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_what_goes_past_the_transport_overtakes_nothing(
    run: Callable[[Coroutine[object, object, None]], None],
) -> None:
    run(over_a_real_socket())
