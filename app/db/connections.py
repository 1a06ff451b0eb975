"""The connections of one role, lent for a moment: a few at once, not counting whoever takes long.

Postgres does an action with less work when few are under way together: caches stay warm and nobody
queues for the book's row inside it. So at most `at_once` are lent at a time, and the next one waits
for its turn here. Whoever has a connection for longer than TURN_SECONDS waits for a lock or a slow
disk and keeps no processor busy: it counts no longer, so no turn is waited for much longer than
that. `most` bounds them all.

asyncpg's pool makes and mends the connections. What came back in order stays here, because its pool
makes a task for each one that is given back.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from types import TracebackType
from typing import Final, TypeVar

import asyncpg

from app.errors import NotReady, Refusal

ACQUIRE_SECONDS: Final = 2.0  # a request that waits longer for a connection is told to come back
AT_ONCE: Final = 4
TURN_SECONDS: Final = 0.02

Got = TypeVar("Got")


class Connections:
    """Lends what `pool` makes, at most `most` and of these `at_once` that are quick."""

    def __init__(self, pool: asyncpg.Pool, most: int, *, at_once: int = AT_ONCE) -> None:
        self._pool = pool
        self._most = most
        self._at_once = min(at_once, most)
        self._idle: list[asyncpg.Connection] = []
        self._lent: set[Loan] = set()
        self._waiting: deque[tuple[asyncio.Future[None], Loan]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def lend(self) -> "Loan":
        """A connection for an `async with`. Raises NotReady `database_busy`: none within 2 s."""
        return Loan(self)

    def get_size(self) -> int:
        """How many there are."""
        return int(self._pool.get_size())

    def get_idle_size(self) -> int:
        """How many of them nobody uses."""
        return int(self._pool.get_idle_size()) + len(self._idle)

    async def close(self) -> None:
        """All that come back are closed."""
        while self._idle:
            await self._pool.release(self._idle.pop())
        await self._pool.close()

    def terminate(self) -> None:
        """All are cut."""
        self._idle.clear()
        self._pool.terminate()

    async def begin(self, loan: "Loan") -> asyncpg.Connection:
        """The connection that the loan is for. Raises NotReady `database_busy`."""
        if self._waiting or not self._has_room():
            await self._turn(loan)
        else:
            self._enter(loan)
        try:
            while self._idle:
                conn = self._idle.pop()
                if _lives(conn):
                    return conn
            return await _in_time(self._pool.acquire())
        except BaseException:
            self._leave(loan)
            raise

    async def end(self, loan: "Loan", conn: asyncpg.Connection, in_order: bool) -> None:
        """It is given back; not `in_order`: nobody knows in which state."""
        try:
            if in_order and _lives(conn) and not conn.is_in_transaction():
                self._idle.append(conn)
                return
            # A connection that breaks while asyncpg gives it back has been given back by its own
            # end; what was done with it stands.
            with suppress(asyncpg.InternalClientError):
                await self._pool.release(conn, timeout=ACQUIRE_SECONDS)
        finally:
            self._leave(loan)

    def _has_room(self) -> bool:
        if len(self._lent) < self._at_once:
            return True
        late = time.monotonic() - TURN_SECONDS
        quick = sum(loan.began > late for loan in self._lent)
        return quick < self._at_once and len(self._lent) < self._most

    def _enter(self, loan: "Loan") -> None:
        loan.began = time.monotonic()
        self._lent.add(loan)

    def _leave(self, loan: "Loan") -> None:
        self._lent.discard(loan)
        if self._waiting:
            self._admit()

    async def _turn(self, loan: "Loan") -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, loan))
        self._look_again()
        try:
            await _in_time(turn)
        except BaseException:
            with suppress(ValueError):
                self._waiting.remove((turn, loan))
            self._leave(loan)  # its turn may have come in this very moment
            raise

    def _admit(self) -> None:
        while self._waiting and self._has_room():
            turn, loan = self._waiting.popleft()
            if not turn.done():
                self._enter(loan)
                turn.set_result(None)
        self._look_again()

    def _look_again(self) -> None:
        """When the one that was lent first counts no longer, the next may have its turn."""
        if self._timer is not None or not self._waiting:
            return
        late = time.monotonic() - TURN_SECONDS
        quick = [loan.began for loan in self._lent if loan.began > late]
        if quick:
            wait = max(0.001, min(quick) - late)
            self._timer = asyncio.get_running_loop().call_later(wait, self._rung)

    def _rung(self) -> None:
        self._timer = None
        self._admit()


class Loan:
    """One connection, for the time of an `async with`."""

    __slots__ = ("_conn", "_of", "began")

    def __init__(self, of: Connections) -> None:
        self._of = of
        self._conn: asyncpg.Connection | None = None
        self.began = 0.0

    async def __aenter__(self) -> asyncpg.Connection:
        self._conn = await self._of.begin(self)
        return self._conn

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After anything but a refusal asyncpg looks in which state the connection was left.
        in_order = kind is None or issubclass(kind, Refusal)
        await self._of.end(self, self._conn, in_order)


async def _in_time(work: Awaitable[Got]) -> Got:
    """Raises NotReady `database_busy`: it did not come in time."""
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            return await work
    except TimeoutError as late:
        raise NotReady(
            "database_busy", "The database is busy. Try again.", retry_after_seconds=1
        ) from late


def _lives(conn: asyncpg.Connection) -> bool:
    try:
        return not conn.is_closed()
    except asyncpg.InterfaceError:  # it ended while nobody used it, and went back by itself
        return False
