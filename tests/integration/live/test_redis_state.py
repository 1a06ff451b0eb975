"""The one script that writes Redis: in order and once, whoever calls; it says when it cannot."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from redis import Redis as PlainRedis
from redis.asyncio import Redis

from app.live.messages import Message, messages_of
from app.live.redis_state import Applied, RedisState, Subscription, connect, whole_log
from floorplan.fold import fold
from floorplan.state import NightState, empty_state
from tests import needs
from tests.cases.play import NIGHT, Play
from tests.integration.live.network import OwnRedis

EPOCH = "0123456789abcdef"
HEAD, TABLES, LOG = (f"{{night:{NIGHT}}}:{name}" for name in ("head", "tables", "log"))


class Night:
    """A played night with its messages, and its state at any version."""

    def __init__(self, steps: int = 60, seed: int = 6) -> None:
        self.play = Play(seed)
        self.play.run(steps)
        self.messages, self.end = messages_of(EPOCH, empty_state(NIGHT), self.play.events)

    def at(self, version: int) -> NightState:
        return fold(empty_state(NIGHT), self.play.events[:version])

    def between(self, after: int, upto: int) -> list[Message]:
        return self.messages[after:upto]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The addresses of Debian's Redis 7: "alone", or as the only node of a "cluster"."""
    started: dict[str, OwnRedis] = {}

    def url_of(kind: str) -> str:
        if kind not in started:
            folder = tmp_path_factory.mktemp(kind)
            started[kind] = OwnRedis(folder, needs.redis7(), clustered=kind == "cluster")
            started[kind].start()
        return started[kind].url

    yield url_of
    for one in started.values():
        one.stop()


@pytest.fixture(params=["embedded", "alone", "cluster"])
def redis_url(request: pytest.FixtureRequest, others: Callable[[str], str]) -> str:
    """Every test here is of the embedded Redis 6.2, of Redis 7, and of a Redis 7 in a cluster."""
    kind = request.param
    url: str = request.getfixturevalue("servers").redis if kind == "embedded" else others(kind)
    with PlainRedis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def redis(client: Redis) -> RedisState:
    return RedisState(client)


async def stored_state(redis: RedisState) -> NightState:
    stored = await redis.read(NIGHT)
    assert stored is not None
    return stored.state


async def log_after(redis: RedisState, version: int) -> list[Message]:
    stored = await redis.read(NIGHT)
    assert stored is not None
    return [message for message in stored.log if message.version > version]


async def quiet(subscription: Subscription) -> None:
    """Take all there is: the confirmations of the subscription, and what follows them."""
    nothing = 0
    while nothing < 3:
        nothing = 0 if await subscription.hear(0.05) else nothing + 1


async def test_an_empty_redis_says_cold_and_takes_a_whole_state(redis: RedisState) -> None:
    night = Night()
    answer = await redis.apply(EPOCH, NIGHT, night.between(0, 1))
    assert answer == (Applied.COLD, 0)
    assert await redis.read(NIGHT) is None
    assert (await redis.load(EPOCH, night.at(40))).word is Applied.OK
    assert await stored_state(redis) == night.at(40)


async def test_the_next_messages_are_applied_logged_and_published(
    redis: RedisState, client: Any
) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    heard: list[bytes] = []
    async with redis.subscribed(heard.append) as subscription:
        await subscription.follow([NIGHT])
        await quiet(subscription)
        assert await redis.apply(EPOCH, NIGHT, night.between(10, 30)) == (Applied.OK, 30)
        async with asyncio.timeout(5):
            while len(heard) < 20:
                await subscription.hear(1)
    assert await stored_state(redis) == night.at(30)
    assert await log_after(redis, 10) == night.between(10, 30)
    assert await log_after(redis, 25) == night.between(25, 30)
    ids = [entry[0] for entry in await client.xrange(LOG)]
    assert ids == [f"{version}-0".encode() for version in range(11, 31)]


async def test_channels_are_a_shards_own_where_the_server_offers_them(
    redis: RedisState, client: Any, redis_url: str
) -> None:
    """And only the nights that are followed are heard, until they no longer are."""
    night, heard = Night(), list[bytes]()
    info = await client.info("server")
    offered = int(info["redis_version"].split(".")[0]) >= 7
    await redis.load(EPOCH, night.at(10))
    async with redis.subscribed(heard.append) as subscription:
        assert subscription.sharded is offered
        await subscription.follow([])
        await quiet(subscription)
        await redis.apply(EPOCH, NIGHT, night.between(10, 11))
        await quiet(subscription)
        assert heard == []
        await subscription.follow([NIGHT, "2026-12-31"])
        await quiet(subscription)
        kind = "SHARDCHANNELS" if offered else "CHANNELS"
        channels = await client.execute_command("PUBSUB " + kind, "*night:*")
        nights = (NIGHT, "2026-12-31", "")
        assert sorted(channels) == sorted(redis.channel(night).encode() for night in nights)
        await redis.apply(EPOCH, NIGHT, night.between(11, 12))
        await quiet(subscription)
        assert len(heard) == 1
        await subscription.follow(["2026-12-31"])
        await quiet(subscription)
        await redis.apply(EPOCH, NIGHT, night.between(12, 13))
        await quiet(subscription)
        assert len(heard) == 1


async def test_what_is_known_already_changes_nothing(redis: RedisState) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    await redis.apply(EPOCH, NIGHT, night.between(10, 30))
    assert await redis.apply(EPOCH, NIGHT, night.between(10, 30)) == (Applied.DUP, 30)
    assert await redis.apply(EPOCH, NIGHT, night.between(0, 5)) == (Applied.DUP, 30)
    assert await redis.load(EPOCH, night.at(20)) == (Applied.DUP, 30)
    assert await stored_state(redis) == night.at(30)
    assert len(await log_after(redis, 0)) == 20


async def test_a_batch_that_overlaps_is_applied_from_where_it_is_new(redis: RedisState) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    await redis.apply(EPOCH, NIGHT, night.between(10, 30))
    assert await redis.apply(EPOCH, NIGHT, night.between(20, 40)) == (Applied.OK, 40)
    assert await stored_state(redis) == night.at(40)
    assert await log_after(redis, 0) == night.between(10, 40)


async def test_a_hole_is_refused_and_a_newer_whole_state_mends_it(redis: RedisState) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    assert await redis.apply(EPOCH, NIGHT, night.between(20, 25)) == (Applied.GAP, 10)
    assert await stored_state(redis) == night.at(10)
    assert (await redis.load(EPOCH, night.at(25))).word is Applied.OK
    assert await stored_state(redis) == night.at(25)
    assert await redis.apply(EPOCH, NIGHT, night.between(25, 26)) == (Applied.OK, 26)
    stored = await redis.read(NIGHT)
    assert stored is not None
    assert whole_log(stored.log, stored.state) == night.between(25, 26)


async def test_another_epoch_is_refused_until_it_is_forced(redis: RedisState) -> None:
    night = Night()
    await redis.load("an older world", night.at(50))
    assert await redis.apply(EPOCH, NIGHT, night.between(50, 51)) == (Applied.EPOCH, 50)
    assert (await redis.load(EPOCH, night.at(20))).word is Applied.EPOCH
    assert (await redis.load(EPOCH, night.at(20), force=True)).word is Applied.OK
    assert await redis.apply(EPOCH, NIGHT, night.between(20, 30)) == (Applied.OK, 30)
    stored = await redis.read(NIGHT)
    assert stored is not None
    assert (stored.epoch, stored.state) == (EPOCH, night.at(30))
    assert stored.log == night.between(20, 30)


@pytest.mark.parametrize("lost", [HEAD, TABLES])
async def test_half_a_state_counts_as_none(redis: RedisState, client: Any, lost: str) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    await client.delete(lost)
    assert (await redis.apply(EPOCH, NIGHT, night.between(10, 11))).word is Applied.COLD
    assert await redis.read(NIGHT) is None
    assert await redis.read_heads([NIGHT]) == {NIGHT: None}
    assert (await redis.load(EPOCH, night.at(10))).word is Applied.OK
    assert await stored_state(redis) == night.at(10)


async def test_a_log_of_other_times_is_begun_anew(redis: RedisState, client: Any) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    await client.xadd(LOG, {"m": b"x"}, id="900-0")
    assert await redis.apply(EPOCH, NIGHT, night.between(10, 20)) == (Applied.OK, 20)
    assert await log_after(redis, 0) == night.between(10, 20)


async def test_two_projectors_that_race_apply_every_version_once(redis_url: str) -> None:
    night = Night(200)
    clients = [connect(redis_url) for _ in range(2)]
    projectors = [RedisState(client) for client in clients]
    await projectors[0].load(EPOCH, night.at(1))
    heard: list[bytes] = []
    said: list[Applied] = []

    async def project(redis: RedisState, seed: int) -> None:
        choose = random.Random(seed)
        version = 1
        while version < 200:
            batch = choose.randint(1, 5)
            answer = await redis.apply(EPOCH, NIGHT, night.between(version, version + batch))
            said.append(answer.word)
            version = max(version + batch, answer.version)

    async with projectors[0].subscribed(heard.append) as subscription:
        await subscription.follow([NIGHT])
        await quiet(subscription)
        await asyncio.gather(*(project(redis, i) for i, redis in enumerate(projectors)))
        async with asyncio.timeout(5):
            while len(heard) < 199:
                await subscription.hear(1)
        await quiet(subscription)
    assert {Applied.OK, Applied.DUP} <= set(said), "the race took place"
    assert await stored_state(projectors[0]) == night.end
    assert len(heard) == 199, "each version was published once"
    log = await log_after(projectors[0], 0)
    assert [message.version for message in log] == list(range(2, 201))
    for client in clients:
        await client.aclose()


async def test_without_the_script_two_projectors_lose_the_order(redis_url: str) -> None:
    """The negative control: read the head, compare, write, as separate commands."""
    night = Night(60)
    clients: list[Any] = [connect(redis_url) for _ in range(2)]
    written: list[int] = []

    async def project(client: Any) -> None:
        for message in night.messages:
            head = int(await client.get("naive") or 0)
            if message.version > head:
                await asyncio.sleep(0)
                await client.set("naive", message.version)
                written.append(message.version)

    await asyncio.gather(*map(project, clients))
    assert len(written) > len(set(written)), "a version was written twice"
    for client in clients:
        await client.aclose()


async def test_every_key_of_a_night_has_its_tag_and_an_end(redis: RedisState, client: Any) -> None:
    night = Night()
    await redis.load(EPOCH, night.at(10))
    await redis.apply(EPOCH, NIGHT, night.between(10, 20))
    keys = await client.keys("*")
    assert {key.decode() for key in keys} == {HEAD, TABLES, LOG}
    for key in keys:
        assert await client.ttl(key) > 0
