"""The worker's own connection to Postgres: it is woken, and it reads.

LISTEN first, then read: what commits in between wakes. asyncpg promises nothing beyond that, so:
- the heads of all books are compared every 400 ms, which covers every lost wake;
- every 5 s the connection sends itself a wake; one that does not arrive means that LISTEN is deaf
  although queries are answered (a transaction pooler in between does that);
- every answer has a deadline, because a network that swallows packets reports nothing;
- a connection that ends is made again, with growing and random pauses.
"""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import asyncpg

from app.db.book import list_heads, read_epoch
from app.db.clock import Clock, read_clock

logger = logging.getLogger(__name__)

CHANNEL: Final = "floor"
POLL_SECONDS: Final = 0.4
ECHO_SECONDS: Final = 5.0  # between two self-sent wakes, and the deadline of each
ANSWER_SECONDS: Final = 3.0  # a head comes in 0.3 ms; this long, and the connection is dead
CONNECT_SECONDS: Final = 5.0
BACKOFF_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)  # the last one for ever

SEND_ECHO = "SELECT pg_notify('floor', $1)"


class Deaf(Exception):
    """Queries are answered, but the self-sent wake never came."""


class Listener:
    """Calls back with its connection, one call at a time.

    `begin(conn, epoch)` after every connect; `catch_up(conn, heads, polled)` with the versions that
    books are known to have, which may be at or below what the caller has; `set_clock(clock)`.
    """

    def __init__(
        self,
        url: str,
        *,
        begin: Callable[[asyncpg.Connection, str], Awaitable[None]],
        catch_up: Callable[[asyncpg.Connection, dict[str, int], bool], Awaitable[None]],
        set_clock: Callable[[Clock], None],
    ) -> None:
        self._url = url
        self._begin = begin
        self._catch_up = catch_up
        self._set_clock = set_clock
        self._heads: dict[str, int] = {}
        self._clock_is_due = True
        self._wake = asyncio.Event()
        self._echo = ""
        self.connected = False
        self.connects = 0
        self.wakes = 0
        self.answered_at = 0.0  # monotonic: when Postgres last answered

    def wake(self, name: str, version: int) -> None:
        """Somebody heard that the book has this version: read it now."""
        self._heads[name] = max(version, self._heads.get(name, 0))
        self._wake.set()

    async def run(self) -> None:
        """Listen for ever, over as many connections as it takes."""
        failures = 0
        while True:
            try:
                async with self._connection() as conn:
                    await self._start(conn)
                    failures = 0
                    await self._follow(conn)
            except (
                OSError,
                TimeoutError,
                Deaf,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
            ) as e:
                if self.connected or not failures:
                    logger.warning("the listening connection ended: %s: %s", type(e).__name__, e)
            finally:
                self.connected = False
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            failures += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        conn = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings={"application_name": "backroom listener", "jit": "off"},
        )
        try:
            yield conn
        finally:
            conn.terminate()

    async def _start(self, conn: asyncpg.Connection) -> None:
        conn.add_termination_listener(self._ended)
        await conn.add_listener(CHANNEL, self._heard)
        self._echo = ""
        self._clock_is_due = True
        await self._begin(conn, await read_epoch(conn))
        self.connected = True
        self.connects += 1

    async def _follow(self, conn: asyncpg.Connection) -> None:
        poll_at = echo_at = 0.0
        while not conn.is_closed():
            now = time.monotonic()
            polled = now >= poll_at
            if polled:
                for name, version in (await list_heads(conn)).items():
                    self._heads[name] = max(version, self._heads.get(name, 0))
                poll_at = now + POLL_SECONDS
                self.answered_at = now
            if now >= echo_at:
                if self._echo:
                    raise Deaf("the self-sent wake did not arrive within 5 s")
                self._echo = f"echo:{secrets.token_hex(8)}"
                self._clock_is_due = True
                await conn.execute(SEND_ECHO, self._echo)
                echo_at = now + ECHO_SECONDS
            if self._clock_is_due:
                self._clock_is_due = False
                self._set_clock(await read_clock(conn))
            heads, self._heads = self._heads, {}
            await self._catch_up(conn, heads, polled)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, poll_at - time.monotonic())):
                    await self._wake.wait()
            self._wake.clear()

    def _heard(self, _conn: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload == self._echo:
            self._echo = ""
        elif payload == "clock":
            self._clock_is_due = True
            self._wake.set()
        else:
            name, _, version = payload.rpartition(":")
            if version.isascii() and version.isdigit() and len(version) < 19:
                self.wakes += 1
                self.wake(name, int(version))

    def _ended(self, _conn: Any) -> None:
        self._wake.set()
