"""Connections are lent a few at once; whoever takes long is not counted."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.db import connections
from app.db.connections import Connections
from app.errors import NotReady, Refusal


class Connection:
    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    def is_in_transaction(self) -> bool:
        return False


class Pool:
    """Makes connections, as asyncpg's does."""

    def __init__(self) -> None:
        self.made: list[Connection] = []
        self.released: list[Connection] = []

    async def acquire(self) -> Connection:
        self.made.append(Connection())
        return self.made[-1]

    async def release(self, conn: Connection, *, timeout: float | None = None) -> None:
        self.released.append(conn)


class Borrower:
    """Holds a loan until it is told to end."""

    def __init__(self, of: Connections, error: Exception | None = None) -> None:
        self._of = of
        self._error = error
        self._ending = asyncio.Event()
        self.has = asyncio.Event()
        self.task = asyncio.create_task(self._borrow())

    async def _borrow(self) -> None:
        async with self._of.lend():
            self.has.set()
            await self._ending.wait()
            if self._error is not None:
                raise self._error

    async def end(self) -> None:
        self._ending.set()
        await asyncio.wait([self.task])
        await asyncio.sleep(0)  # whoever waits behind has its turn


@pytest.fixture
async def pool() -> Pool:
    return Pool()


@pytest.fixture
async def borrowers(pool: Pool) -> AsyncIterator[list[Borrower]]:
    """Two at once, four at most; three ask."""
    of = Connections(pool, 4, at_once=2)
    asking = [Borrower(of) for _ in range(3)]
    await asyncio.wait_for(asking[1].has.wait(), 10)
    yield asking
    for one in asking:
        one.task.cancel()
    await asyncio.wait([one.task for one in asking])


async def test_the_third_has_its_turn_when_one_ends(pool: Pool, borrowers: list[Borrower]) -> None:
    assert not borrowers[2].has.is_set()
    await borrowers[0].end()
    assert borrowers[2].has.is_set()
    assert len(pool.made) == 2, "what came back in order was lent again"


async def test_the_third_does_not_wait_for_who_takes_long(borrowers: list[Borrower]) -> None:
    """Nobody gives anything back: without the limit this would never end."""
    await asyncio.wait_for(borrowers[2].has.wait(), 10)
    assert not any(one.task.done() for one in borrowers)


@pytest.mark.parametrize("at_once", [1, 4])
async def test_at_most_so_many_however_long_they_take(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    of = Connections(pool, 2, at_once=at_once)
    first, second = Borrower(of), Borrower(of)
    await asyncio.wait_for(second.has.wait(), 10)
    monkeypatch.setattr(connections, "ACQUIRE_SECONDS", 0.1)
    with pytest.raises(NotReady) as refused:
        async with of.lend():
            pass
    assert refused.value.reason == "database_busy"
    assert len(pool.made) == 2
    await first.end()
    async with of.lend():
        pass
    await second.end()


async def test_who_gives_up_waiting_takes_no_turn(borrowers: list[Borrower]) -> None:
    borrowers[2].task.cancel()
    await borrowers[0].end()
    await borrowers[1].end()
    assert not borrowers[2].has.is_set()


@pytest.mark.parametrize(
    ("error", "kept"), [(None, True), (Refusal("no", "No."), True), (LookupError(), False)]
)
async def test_only_what_came_back_in_order_is_lent_again(
    pool: Pool, error: Exception | None, kept: bool
) -> None:
    of = Connections(pool, 2)
    one = Borrower(of, error)
    await one.has.wait()
    await one.end()
    one.task.exception()
    assert pool.released == ([] if kept else pool.made)
    async with of.lend() as conn:
        assert (conn is pool.made[0]) == kept


async def test_a_connection_that_ended_meanwhile_is_not_lent(pool: Pool) -> None:
    of = Connections(pool, 2)
    async with of.lend():
        pass
    pool.made[0].closed = True
    async with of.lend() as conn:
        assert conn is pool.made[1]
