"""uvicorn's WebSocket protocol with one more door: `push` writes finished frames to the socket.

The ordinary ASGI path makes a frame again for every client; here the hub's bytes go to the
transport as they are. Everything else (handshake, close, ping) stays uvicorn's. The class relies
on attributes that uvicorn does not promise; `tests/unit/live/test_transport.py` holds the contract
for the locked version.

Give it as `Config(ws=LiveProtocol, ws_per_message_deflate=False, ws_max_size=MESSAGE_BYTES)`.
"""

import asyncio
import socket
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import State

from app.live.clients import Sink, Watcher

EXTENSION: Final = "backroom.outlet"
MESSAGE_BYTES: Final = 65_536  # the longest message from a client; a hello has 200
# What the kernel may hold for one socket (it doubles this). Its own choice grows to megabytes for
# a peer that does not read, which nobody would see here, and which would all be old news.
SEND_BUFFER_BYTES: Final = 32_768
CUT_SECONDS: Final = 2.0  # a peer that does not read its close frame is cut after this


class Through:
    """A sink for transports without a socket to send to; they take everything."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def send(self, wire: bytes, /) -> int:
        self._transport.write(wire)
        return len(wire)


class LiveProtocol(WebSocketsSansIOProtocol):
    """One WebSocket; it is an Outlet."""

    watcher: Watcher | None = None
    _paused = False
    _raw: socket.socket | None = None  # the transport's own file, which it closes; see `sink`
    _cut: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # No second queue behind the kernel's: what it does not take at once is the last that a
        # slow peer gets before it is conflated. With 32 KB of frames queued here such a peer cost
        # up to 150 KB, because uvloop keeps an object for every write that waits.
        self.transport.set_write_buffer_limits(high=0)
        # An answer from before the upgrade may still wait; its pause was told to the HTTP protocol.
        self._paused = self.transport.get_write_buffer_size() > 0
        raw = self.transport.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._shut()
        self.watcher = None
        if self._cut is not None:
            self._cut.cancel()
        if self._raw is not None:
            self._raw.detach()
            self._raw = None
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # The application's task starts on the loop's next turn, so the scope may be added to.
        scope = getattr(self, "scope", None)
        if scope is not None:
            cast(dict[str, Any], scope["extensions"])[EXTENSION] = self
        else:
            self._shut()  # refused

    # Whatever ends the socket comes by one of these (and `connection_lost`, `send`, `end`).

    def shutdown(self) -> None:
        self._shut()
        super().shutdown()

    def eof_received(self) -> None:
        self._shut()
        super().eof_received()

    def handle_close(self, event: Frame) -> None:
        self._shut()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        self._shut()
        super().handle_parser_exception()

    def keepalive_timeout(self) -> None:
        self._shut()
        super().keepalive_timeout()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        self._shut()
        super().on_task_complete(task)

    def _shut(self) -> None:
        if self._cut is None:
            # A transport that closes waits until all has left, which a peer that does not read
            # prevents: it would keep its memory for as long as it likes, and nobody would know.
            self._cut = self.loop.call_later(CUT_SECONDS, self.transport.abort)
        if self.watcher is not None:
            self.watcher.on_shut()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self._shut()
        await super().send(message)
        if message["type"] == "websocket.accept":
            # Nothing reads them again: 4 KB of a socket's 28, for as long as it lives.
            del self.request, self.response

    def handle_ping(self) -> None:
        if self._paused and self.conn.state is State.OPEN:
            self.conn.data_to_send()  # no pongs are queued for a peer that takes nothing
            return
        super().handle_ping()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused = True
        if self.watcher is not None:
            self.watcher.on_pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._paused = False
        if self.watcher is not None:
            self.watcher.on_drain()

    def push(self, wire: bytes) -> bool:
        """Write whole frames; False: the peer takes no more or is not open, nothing written.

        Frames of ours are never fragmented, so between any two writes a frame may begin.
        """
        if self._paused or not self._is_open():
            return False
        self.transport.write(wire)
        return True

    def sink(self) -> Sink:
        """Past the transport to the kernel: with no queue there (`connection_made`) nothing is
        overtaken, and the watcher hears of everything that forbids it before the file is closed.

        `send` takes 5.1 us of CPU where `os.write` takes 5.5.
        """
        if self._raw is None:
            raw = self.transport.get_extra_info("socket")
            if raw is None or self.transport.get_extra_info("ssl_object") is not None:
                return Through(self.transport)
            self._raw = socket.socket(raw.family, raw.type, raw.proto, fileno=raw.fileno())
            self._raw.setblocking(False)
        return self._raw

    def write_rest(self, wire: bytes, taken: int) -> None:
        self.transport.write(wire[taken:])

    def end(self, code: int, reason: str) -> None:
        """Send a close frame and wait shortly for the peer's; idempotent.

        uvicorn's own close waits for the buffer to drain, which a peer that never reads prevents.
        """
        if not self._is_open():
            return
        self._shut()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        # While it has a timer of its own, uvicorn's protocol waits for the peer's close frame.
        self.close_timer = self.loop.call_later(CUT_SECONDS, self.transport.abort)

    def _is_open(self) -> bool:
        return (
            self.conn.state is State.OPEN
            and not self.close_sent
            and not self.disconnected
            and not self.transport.is_closing()
        )
