"""The limits' scripts in a real Redis: what they let through, and when they let go."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest
from redis.asyncio import Redis

from app.errors import TooMany
from app.web.limits import Bucket, Limit, Limiter, Window

SECRET = sha256(b"secret").hexdigest()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as made:
        yield made


async def spend(limiter: Limiter, limit: Limit, count: int, who: str = "192.0.2.1") -> list[bool]:
    found = []
    for _ in range(count):
        try:
            await limiter.spend(limit, who)
            found.append(True)
        except TooMany:
            found.append(False)
    return found


async def shift(client: Redis, limit: Window, windows: int) -> None:
    """The count was made so many windows earlier."""
    await client.hincrby(Limiter(client, SECRET).key_of(limit, "192.0.2.1"), "index", -windows)


async def test_a_window_takes_so_many_and_counts_each_apart(client: Redis) -> None:
    limit = Window("test", 3, 100_000)
    limiter = Limiter(client, SECRET)
    assert await spend(limiter, limit, 5) == [True, True, True, False, False]
    assert await spend(limiter, limit, 1, "192.0.2.2") == [True]
    assert await spend(limiter, Window("other", 3, 100_000), 1) == [True]


async def test_two_workers_count_together(client: Redis) -> None:
    limit = Window("test", 3, 100_000)
    assert await spend(Limiter(client, SECRET), limit, 2) == [True, True]
    assert await spend(Limiter(client, SECRET), limit, 2) == [True, False]


async def test_the_last_window_counts_for_the_part_that_is_still_inside(client: Redis) -> None:
    # So long a window that its begin lies in 1970: nearly all of it is still inside.
    limit = Window("test", 10, 10_000_000_000)
    limiter = Limiter(client, SECRET)
    assert await spend(limiter, limit, 10) == [True] * 10
    await shift(client, limit, 1)
    # 10 calls in the last window, of which 82 % are inside: one more fits, not ten.
    assert (await spend(limiter, limit, 10)).count(True) in (2, 3)


async def test_what_is_two_windows_old_is_forgotten(client: Redis) -> None:
    limit = Window("test", 3, 100_000)
    limiter = Limiter(client, SECRET)
    assert await spend(limiter, limit, 4) == [True, True, True, False]
    await shift(client, limit, 2)
    assert await spend(limiter, limit, 4) == [True, True, True, False]


async def test_a_refusal_says_how_long_to_wait_and_does_not_prolong_it(client: Redis) -> None:
    limit = Window("test", 1, 100_000)
    limiter = Limiter(client, SECRET)
    await limiter.spend(limit, "192.0.2.1")
    waits = []
    for _ in range(2):
        with pytest.raises(TooMany) as refused:
            await limiter.spend(limit, "192.0.2.1")
        waits.append(refused.value.retry_after_seconds)
    assert waits[0] is not None
    assert waits[1] is not None
    assert 1 <= waits[1] <= waits[0] <= 200_000


async def test_a_bucket_takes_a_burst_and_fills_again(client: Redis) -> None:
    limit = Bucket("test", 3, 0.001)
    limiter = Limiter(client, SECRET)
    assert await spend(limiter, limit, 5) == [True, True, True, False, False]
    key = Limiter(client, SECRET).key_of(limit, "192.0.2.1")
    at = await client.hget(key, "at")
    assert at is not None
    await client.hset(key, "at", str(float(at) - 2000))
    assert await spend(limiter, limit, 4) == [True, True, False, False]


async def test_no_count_stays_for_ever(client: Redis) -> None:
    limiter = Limiter(client, SECRET)
    for limit in (Window("test", 3, 60), Bucket("test2", 3, 1.0)):
        await limiter.spend(limit, "192.0.2.1")
        assert 0 < await client.ttl(Limiter(client, SECRET).key_of(limit, "192.0.2.1")) <= 120


async def test_calls_that_come_together_are_counted_one_by_one_also_after_redis_forgot(
    client: Redis,
) -> None:
    """They share a message; a Redis that was started anew knows no script."""
    limit = Window("test", 30, 100_000)
    limiter = Limiter(client, SECRET)
    for _ in range(2):
        found = await asyncio.gather(*(spend(limiter, limit, 1) for _ in range(10)))
        assert found == [[True]] * 10
        await client.script_flush()
    found = await asyncio.gather(*(spend(limiter, limit, 1) for _ in range(100)))
    assert sum(one == [True] for one in found) == 10
    # Whoever goes away meanwhile takes nobody along.
    gone = asyncio.create_task(spend(limiter, Window("other", 3, 60), 1))
    stays = asyncio.create_task(spend(limiter, Window("other", 3, 60), 1, "192.0.2.2"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == [True]
