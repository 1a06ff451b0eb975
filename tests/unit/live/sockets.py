"""A socket as the hub has it, `LiveProtocol` over a kernel that takes some bytes, in memory."""

import asyncio
from collections.abc import Callable

from app.live.clients import Sink, Watcher


class MemorySocket:
    """The kernel holds `capacity` bytes that the peer has not read; the rest waits in a queue.

    `test_transport.py` holds the real one to what is assumed here: nothing is queued without a
    pause being told, an end is told before the file is closed, and a write that fails closes the
    transport on the loop's next turn.
    """

    def __init__(self, capacity: int) -> None:
        self.watcher: Watcher | None = None
        self.capacity = capacity
        self.read: list[bytes] = []  # whole frames that the peer has read
        self.is_lost = False
        self.on_lost: Callable[[], object] = lambda: None
        self._kernel = b""
        self._queue = b""
        self._inbox = b""
        self._paused = False
        self._shut = False
        self._closing = False
        self._reset = False

    @property
    def is_open(self) -> bool:
        return not (self._shut or self._closing or self.is_lost)

    @property
    def held(self) -> int:
        """How many bytes the peer has not read."""
        return len(self._kernel) + len(self._queue)

    # -- what the hub does ------------------------------------------------------------------------

    def push(self, wire: bytes) -> bool:
        if self._paused or not self.is_open:
            return False
        self._write(wire)
        return True

    def sink(self) -> Sink:
        return self

    def send(self, wire: bytes, /) -> int:
        assert not self.is_lost, "the file's number may be another's"
        assert not self._queue, "this would overtake what waits"
        assert not self._shut, "nothing follows a close frame"
        return self._to_kernel(wire)

    def write_rest(self, wire: bytes, taken: int) -> None:
        assert not self.is_lost, "uvloop's transport raises"
        self._write(wire[taken:])

    def end(self, code: int, reason: str) -> None:
        if self.is_open:
            self._begin_end()
            self._close()

    # -- what the peer and the network do ---------------------------------------------------------

    def take(self, count: int) -> None:
        """The peer reads so many bytes."""
        self._inbox, self._kernel = self._inbox + self._kernel[:count], self._kernel[count:]
        while (end := _end_of_frame(self._inbox)) is not None:
            self.read.append(self._inbox[:end])
            self._inbox = self._inbox[end:]
        if self._queue:
            free = max(0, self.capacity - len(self._kernel))
            self._kernel, self._queue = self._kernel + self._queue[:free], self._queue[free:]
        if self._paused and not self._queue:
            self._paused = False
            if self.watcher is not None:
                self.watcher.on_drain()

    def say_goodbye(self) -> None:
        """The peer closes, or half closes."""
        if self.is_open:
            self._begin_end()
            self._close()

    def reset(self) -> None:
        """Nothing reaches the peer any more; who writes next is told."""
        self._reset = True

    # -- inside -----------------------------------------------------------------------------------

    def _to_kernel(self, wire: bytes) -> int:
        if self._reset:
            raise ConnectionResetError
        free = self.capacity - len(self._kernel)
        if free <= 0:
            raise BlockingIOError
        self._kernel += wire[:free]
        return min(free, len(wire))

    def _write(self, wire: bytes) -> None:
        if self._closing:
            return
        taken = 0
        if not self._queue:
            try:
                taken = self._to_kernel(wire)
            except BlockingIOError:
                pass
            except ConnectionResetError:
                self._close()
                return
        self._queue += wire[taken:]
        if self._queue and not self._paused:
            self._paused = True
            if self.watcher is not None:
                self.watcher.on_pause()

    def _begin_end(self) -> None:
        self._shut = True
        if self.watcher is not None:
            self.watcher.on_shut()

    def _close(self) -> None:
        self._closing = True
        asyncio.get_running_loop().call_soon(self._lose)

    def _lose(self) -> None:
        if not self.is_lost:
            self._begin_end()
            self.watcher = None
            self.is_lost = True
            # The application hears of it through its queue: on a later turn.
            asyncio.get_running_loop().call_soon(self.on_lost)


def _end_of_frame(wire: bytes) -> int | None:
    if len(wire) < 10:
        return None if len(wire) < 2 or len(wire) < 2 + wire[1] else 2 + wire[1]
    match wire[1]:
        case 126:
            end = 4 + int.from_bytes(wire[2:4], "big")
        case 127:
            end = 10 + int.from_bytes(wire[2:10], "big")
        case length:
            end = 2 + length
    return end if len(wire) >= end else None
