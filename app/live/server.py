"""uvicorn's server, ending in the right order: first the screens are told, then sockets close.

uvicorn closes all connections before the application's lifespan ends, so a screen would only see a
broken connection. Here it hears when to come back.
"""

import gc
import socket
from typing import Final

import uvicorn

from app.live.live import Live

# Python's own (700, 10, 10) looks through every object of the process each time a few hundred
# sockets have come, which was measured at 30 to 70 ms in which no frame leaves.
COLLECT_AFTER: Final = (10_000, 20, 50)


class LiveServer(uvicorn.Server):
    """`live` is set by the composition root once it is built."""

    live: Live | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; then whatever was made until now is for ever, and not collected again."""
        await super().startup(sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        gc.enable()

    async def on_tick(self, counter: int) -> bool:
        """As uvicorn's; a worker whose live path crashed ends too, and is started again."""
        if self.live is not None and self.live.crashed:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, say goodbye to every screen, then as uvicorn's."""
        for server in self.servers:
            server.close()
        if self.live is not None:
            await self.live.drain()
        await super().shutdown(sockets)
