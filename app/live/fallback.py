"""The outlet for servers that only speak ASGI: the same back-pressure, one task more.

Used under any server but uvicorn with `LiveProtocol`, test clients included. A frame is queued
here and sent by a task of the socket; slow screens are conflated in the same way.
"""

import asyncio
import contextlib
from collections import deque

from starlette.websockets import WebSocket, WebSocketDisconnect

from app.live.clients import Sink, Watcher
from app.live.frames import texts_of

# The server behind says only by waiting that the peer takes no more: so much may wait for it here.
QUEUE_BYTES = 8_192


class AsgiOutlet:
    """An Outlet over `websocket.send`; `run` must run beside it."""

    def __init__(self, websocket: WebSocket) -> None:
        self.watcher: Watcher | None = None
        self._websocket = websocket
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._paused = False
        self._closing: tuple[int, str] | None = None
        self._wake = asyncio.Event()

    def push(self, wire: bytes) -> bool:
        if self._paused or self._closing is not None:
            return False
        self._queue.append(wire)
        self._bytes += len(wire)
        self._wake.set()
        if self._bytes > QUEUE_BYTES:
            self._paused = True
            if self.watcher is not None:
                self.watcher.on_pause()
        return True

    def sink(self) -> Sink:
        return self

    def send(self, wire: bytes, /) -> int:
        self.push(wire)
        return len(wire)

    def write_rest(self, wire: bytes, taken: int) -> None:
        assert taken == len(wire), "it takes everything"

    def end(self, code: int, reason: str) -> None:
        """Close after what is queued; one that takes no more is closed without it."""
        if self._closing is None:
            self._closing = (code, reason)
            if self._paused:
                self._queue.clear()
            self._wake.set()

    @property
    def is_ending(self) -> bool:
        """`end` was called: the last words have a moment to leave."""
        return self._closing is not None

    async def run(self) -> None:
        """Send until the socket ends or `end` was called."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    await self._send(self._queue.popleft())
                if self._closing is not None:
                    await self._websocket.close(*self._closing)
                    return

    async def _send(self, wire: bytes) -> None:
        for text in texts_of(wire):
            await self._websocket.send_text(text)
        self._bytes -= len(wire)
        if self._paused and not self._queue:
            self._paused = False
            if self.watcher is not None:
                self.watcher.on_drain()
