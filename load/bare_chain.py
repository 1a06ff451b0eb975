"""The least that a live update can be: LISTEN, and one write of a finished frame to each socket.

`load.commit_to_screen` runs it beside the service, on the same core, against the same Postgres and
with the same screens: what it takes is what this machine takes, whatever the program. It speaks
just enough of the protocol for the bench's screens. Arguments: port, and how to connect as JSON.
"""

import asyncio
import json
import os
import sys
from typing import Any, Final

import asyncpg
import uvloop

CHANNEL: Final = "bare"
FRAME_BYTES: Final = 330  # a public frame of the service for one table that changed


class Socket(asyncio.Protocol):
    """One screen; it is answered as if it had been welcomed."""

    def __init__(self, sockets: "set[asyncio.Transport]") -> None:
        self._sockets = sockets

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        self._sockets.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._sockets.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET "):
            self._transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        else:
            self._transport.write(b'"type":"snapshot"')


def frame(version: int) -> bytes:
    """An event's frame as the bench's screens know it, of the usual size."""
    text = b'{"type":"event","night":"2099-12-31","after":%d,"version":%d,"changes":"' % (
        version - 1,
        version,
    )
    return b"\x81\x7e" + FRAME_BYTES.to_bytes(2, "big") + text.ljust(FRAME_BYTES, b"x")


async def serve(port: int, database: dict[str, Any]) -> None:
    """Until it is killed."""
    sockets: set[asyncio.Transport] = set()

    def heard(_conn: Any, _pid: int, _channel: str, payload: str) -> None:
        wire = frame(int(payload))
        for transport in sockets:
            transport.write(wire)

    conn = await asyncpg.connect(**database)
    await conn.add_listener(CHANNEL, heard)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Socket(sockets), "127.0.0.1", port, backlog=2048)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    os.sched_setaffinity(0, {0})
    uvloop.run(serve(int(sys.argv[1]), json.loads(sys.argv[2])))
