"""A screen of a simulated person: a WebSocket that notes how long updates took to arrive.

It is written for Locust, whose users are greenlets: a plain socket, read in a loop. An event says
when it was numbered, by the venue's clock, to the millisecond. How far that clock is from this
machine's is known from the frames that say `now`: the one that took least.
"""

import json
import socket
import time
from datetime import datetime
from typing import Any, Final

HELLO_SECONDS: Final = 10.0


class Latencies:
    """What all screens of this process saw, in milliseconds."""

    def __init__(self) -> None:
        self.taken_ms: list[float] = []
        self._behind = float("inf")  # this machine's clock less the venue's, at least

    def heard_now(self, now: str, at: float) -> None:
        self._behind = min(self._behind, at - _seconds(now))

    def heard_event(self, at_text: str, at: float) -> None:
        self.taken_ms.append(max(0.0, (at - _seconds(at_text) - self._behind) * 1000))

    def quantile(self, share: float) -> float:
        """The quantile in milliseconds; 0 when nothing was heard."""
        return quantile(self.taken_ms, share)


class Lateness:
    """How much later than it wanted this process woke up: by as much what it times is too long.

    A load that does not keep up asks less than it says, and calls its own delay the service's.
    """

    every: Final = 0.05

    def __init__(self) -> None:
        self.taken_ms: list[float] = []

    def woke(self, due: float, at: float) -> None:
        self.taken_ms.append(max(0.0, (at - due) * 1000))

    def p99_ms(self) -> float:
        return quantile(self.taken_ms, 0.99)


class Screen:
    """Connected, greeted, and with its picture; `listen` reads until it is closed.

    Of `headers` the socket takes who asks: the cookie, with our Origin, and the address.
    """

    def __init__(
        self, origin: str, port: int, hello: dict[str, Any], headers: dict[str, str]
    ) -> None:
        self.version = 0
        self.gaps = 0
        self._socket = socket.create_connection(("127.0.0.1", port), HELLO_SECONDS)
        given = "".join(
            f"{name}: {headers[name]}\r\n"
            for name in ("Cookie", "Origin", "X-Forwarded-For")
            if name in headers
        )
        self._socket.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {origin.partition('://')[2]}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{given}"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        self._data = b""
        head = self._until(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.split(b"\r\n")[0].decode(errors="replace"))
        text = json.dumps({"type": "hello", **hello}).encode()
        size = bytes((0x80 | len(text),)) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2)
        self._socket.sendall(b"\x81" + size + b"\0\0\0\0" + text)
        self._socket.settimeout(None)

    def listen(self, latencies: Latencies) -> None:
        """Read every frame, for as long as the socket lives. Raises ConnectionError: it ended."""
        while True:
            text = self._frame()
            at = time.time()
            frame = json.loads(text)
            match frame["type"]:
                case "welcome" | "heartbeat":
                    latencies.heard_now(frame["now"], at)
                case "snapshot":
                    self.version = frame["version"]
                case "event":
                    if frame["after"] > self.version:
                        self.gaps += 1
                    if frame["version"] > self.version:
                        self.version = frame["version"]
                        latencies.heard_event(frame["at"], at)
                case _:
                    pass

    def close(self) -> None:
        self._socket.close()

    def _frame(self) -> bytes:
        while True:
            kind, size = self._exactly(2)
            length = size & 0x7F
            if length == 126:
                length = int.from_bytes(self._exactly(2))
            elif length == 127:
                length = int.from_bytes(self._exactly(8))
            body = self._exactly(length)
            if kind & 0x0F == 1:
                return body
            if kind & 0x0F == 8:
                raise ConnectionError(f"closed with {int.from_bytes(body[:2])}")
            if kind & 0x0F == 9:
                self._socket.sendall(bytes((0x8A, 0x80 | len(body))) + b"\0\0\0\0" + body)

    def _exactly(self, count: int) -> bytes:
        while len(self._data) < count:
            self._more()
        found, self._data = self._data[:count], self._data[count:]
        return found

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._data:
            self._more()
        found, _, self._data = self._data.partition(mark)
        return found

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("the socket ended")
        self._data += data


def quantile(values: list[float], share: float) -> float:
    """0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
