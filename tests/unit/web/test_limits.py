"""What is spent where, without Redis: the count that a worker keeps alone."""

from hashlib import sha256

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
