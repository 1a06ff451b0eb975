"""What is spent where, without Redis: the count that a worker keeps alone."""

import asyncio
from hashlib import sha256
from typing import Any

import pytest
from redis.asyncio import Redis

from app.errors import TooMany
from app.web import limits
from app.web.limits import STRANGER_WRITES, Limiter, Window

SECRET = sha256(b"secret").hexdigest()
LIMIT = Window("test", 3, 1000)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Limiter:
    """A limiter whose Redis is away."""
    limiter = Limiter(Redis(), SECRET)

    async def away(*_: object) -> int:
        raise ConnectionError("refused")

    monkeypatch.setattr(limiter, "_ask", away)
    return limiter


async def test_alone_a_worker_counts_strangers_writes_and_nothing_else(alone: Limiter) -> None:
    for _ in range(3):
        await alone.spend(LIMIT, "192.0.2.1", stranger_writes=True)
    with pytest.raises(TooMany) as refused:
        await alone.spend(LIMIT, "192.0.2.1", stranger_writes=True)
    assert refused.value.retry_after_seconds is not None
    assert 1 <= refused.value.retry_after_seconds <= 1001
    await alone.spend(LIMIT, "192.0.2.2", stranger_writes=True)
    for _ in range(10):
        await alone.spend(LIMIT, "192.0.2.1")


async def test_the_memory_of_a_worker_alone_has_a_limit(
    alone: Limiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OWN_COUNTS_MAX", 5)
    for number in range(50):
        await alone.spend(LIMIT, f"192.0.2.{number}", stranger_writes=True)
    assert len(alone._own) == 5


async def test_redis_is_not_asked_again_right_after_it_failed(
    alone: Limiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def away(*_: object) -> int:
        nonlocal asked
        asked += 1
        raise ConnectionError("refused")

    monkeypatch.setattr(alone, "_ask", away)
    for _ in range(5):
        await alone.spend(LIMIT, "192.0.2.1")
    assert asked == 1


def test_a_key_carries_no_address() -> None:
    limiter = Limiter(Redis(), SECRET)
    key = limiter.key_of(STRANGER_WRITES, "192.0.2.1")
    assert key.startswith("limit:stranger-writes:")
    assert "192.0.2" not in key
    assert key == Limiter(Redis(), SECRET).key_of(STRANGER_WRITES, "192.0.2.1")
    assert key != limiter.key_of(STRANGER_WRITES, "192.0.2.2")
    # Whoever has not the secret cannot try the addresses.
    other = Limiter(Redis(), sha256(b"another").hexdigest())
    assert key != other.key_of(STRANGER_WRITES, "192.0.2.1")


class Held(Limiter):
    """A limiter whose Redis answers when it is let go, with 0 for everybody or not at all."""

    def __init__(self) -> None:
        super().__init__(Redis(), SECRET)
        self.sent: list[int] = []
        self.sending, self.let_go = asyncio.Event(), asyncio.Event()
        self.fails = False

    async def _send(self, asked: list[limits.Asked]) -> list[Any]:
        self.sent.append(len(asked))
        self.sending.set()
        await self.let_go.wait()
        if self.fails:
            raise ConnectionError("gone")
        return [0] * len(asked)


async def waiting(limiter: Held, count: int) -> list["asyncio.Task[None]"]:
    """So many calls at once; the first one's message is under way."""
    calls = [asyncio.create_task(limiter.spend(LIMIT, f"192.0.2.{n}")) for n in range(count)]
    await limiter.sending.wait()
    return calls


@pytest.mark.parametrize("fails", [False, True])
async def test_who_waits_for_a_redis_that_fails_waits_for_one_failure(fails: bool) -> None:
    """And not for one after the other of each message that they would have been in."""
    limiter = Held()
    limiter.fails = fails
    calls = await waiting(limiter, 3 * limits.ASKED_AT_ONCE)
    limiter.let_go.set()
    await asyncio.gather(*calls)
    assert len(limiter.sent) == (1 if fails else 3)


async def test_so_many_may_wait_for_redis_and_the_next_is_counted_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "ASKED_MOST", 70)
    limiter = Held()
    calls = await waiting(limiter, limits.ASKED_AT_ONCE)  # under way
    more = [asyncio.create_task(limiter.spend(LIMIT, "192.0.3.1")) for _ in range(70)]
    await asyncio.sleep(0)
    assert len(limiter._asked) == 70
    for _ in range(3):  # beyond it: at once, and by the worker's own count
        await limiter.spend(LIMIT, "192.0.4.1", stranger_writes=True)
    with pytest.raises(TooMany):
        await limiter.spend(LIMIT, "192.0.4.1", stranger_writes=True)
    assert len(limiter._asked) == 70
    limiter.let_go.set()
    await asyncio.gather(*calls, *more)
    assert limiter._asked == []
