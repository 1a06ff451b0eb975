"""A worker's web side behind a real port, with uvicorn and its connections as they are served."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from app.live.server import LiveServer
from app.main import server_config
from app.settings import Settings
from tests.integration.web.club import Club, opened

PROTOCOL = Subprotocol("backroom.v1")
DEADLINE_SECONDS = 10.0


@dataclass
class Served:
    """A worker on a port, and the cookie of a manager."""

    club: Club
    address: str
    manager: httpx.AsyncClient

    @property
    def origin(self) -> str:
        return f"http://{self.address}"

    @property
    def cookie(self) -> str:
        return f"sid={self.manager.cookies['sid']}"

    @asynccontextmanager
    async def socket(self, name: str = "", **headers: str) -> AsyncIterator[ClientConnection]:
        """A socket, asked for under that name."""
        host, _, port = self.address.partition(":")
        async with connect(
            f"ws://{name or self.address}/ws",
            host=host,
            port=int(port),
            subprotocols=[PROTOCOL],
            additional_headers=headers,
        ) as ws:
            yield ws

    async def raw(self, *sent: bytes) -> bytes:
        """Everything that is answered to these bytes until the other end closes."""
        host, _, port = self.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                for piece in sent:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def serving(settings: Settings, **changed: Any) -> AsyncIterator[Served]:
    async with opened(settings, **changed) as club:
        await club.open()
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            server = LiveServer(server_config(settings, club.app))
            server.live = club.parts.live
            running = asyncio.create_task(server._serve([listener]))
            try:
                host, port = listener.getsockname()
                yield Served(club, f"{host}:{port}", await club.signed_in())
            finally:
                server.should_exit = True
                await running
