"""What others may leave where the live path reads: it says so, goes on, and mends its own copy."""

import json
from typing import Any

import asyncpg
import pytest
import redis.asyncio as aioredis

from app.db.book import read_state
from app.embedded.servers import URLs
from app.live import redis_state
from app.live.messages import MessageUnreadable
from tests.integration.live.nodes import Node, Scribe, node, scribe, until_async

GARBAGE: dict[str, tuple[str, list[Any]]] = {
    "a head that is a text": ("head", ["SET", "rubbish"]),
    "a version that is no number": ("head", ["HSET", "epoch", "x", "version", "many"]),
    "an epoch that is no text": ("head", ["HSET", "epoch", b"\xff", "version", "9"]),
    "tables that are a text": ("tables", ["SET", "rubbish"]),
    "a table that is no text": ("tables", ["HSET", b"table:\xff", "{}"]),
    "a log that is a text": ("log", ["SET", "rubbish"]),
}


async def is_whole(n1: Node, hand: Scribe, url: str) -> bool:
    """Redis holds exactly the node's state, and the node lives."""
    assert not n1.live.crashed
    client = redis_state.connect(url)
    try:
        stored = await redis_state.RedisState(client).read(hand.night)
    except (MessageUnreadable, *redis_state.AWAY):
        return False
    finally:
        await client.aclose()
    return stored is not None and stored.state == n1.live.state(hand.night)


async def put(url: str, night: str, what: str) -> None:
    name, (command, *arguments) = GARBAGE[what]
    key = f"{{night:{night}}}:{name}"
    client: Any = aioredis.Redis.from_url(url)
    if command == "SET":
        await client.delete(key)
    await client.execute_command(command, key, *arguments)
    await client.aclose()


async def publish(url: str, channel: str, data: bytes) -> None:
    client: Any = aioredis.Redis.from_url(url)
    assert await client.publish(channel, data) == 1
    await client.aclose()


@pytest.mark.parametrize("what", GARBAGE)
async def test_garbage_in_redis_is_replaced(database: URLs, redis_url: str, what: str) -> None:
    async with scribe(database.app) as hand:
        await hand.go_on(5)
        await put(redis_url, hand.night, what)
        async with node(database.app, redis_url) as n1:
            await n1.reach(hand.night, await hand.go_on(2))
            await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis at the start")
            await put(redis_url, hand.night, what)
            await n1.reach(hand.night, await hand.go_on(2))
            if what != "a table that is no text":  # nobody reads it before the next start
                await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
            assert n1.live.status()["redis"]["connected"]


async def test_a_message_of_another_release_moves_no_room(database: URLs, redis_url: str) -> None:
    async with scribe(database.app) as hand, node(database.app, redis_url) as n1:
        await n1.reach(hand.night, 1)
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
        meta: dict[str, Any] = {
            "night": hand.night,
            "version": 2,
            "at": "",
            "info": None,
            "inside": {},
            "figures": {},
            "changed": {},
        }
        message: dict[str, Any] = {
            "epoch": n1.live.epoch,
            "night": hand.night,
            "version": 2,
            "at": "",
            "frames": {"artist": {}},
            "patch": {"meta": meta},
        }
        channel = f"{{night:{hand.night}}}:live"
        await until_async(lambda: _hears(n1), "the subscription")
        await publish(redis_url, channel, json.dumps(message).encode())
        meta["version"] = 7
        message["frames"] = {}
        await publish(redis_url, channel, json.dumps(message).encode())
        await publish(redis_url, channel, b"\xff")
        await n1.reach(hand.night, await hand.go_on(3))
        assert not n1.live.crashed
        state = n1.live.state(hand.night)
        conn = await asyncpg.connect(database.app)
        assert state == await read_state(conn, hand.night)
        await conn.close()


async def _hears(n1: Node) -> bool:
    assert n1.live.mirror is not None
    return n1.live.mirror.hears


@pytest.mark.parametrize("stored", ['{"night": 1}', "[]", None])
async def test_a_snapshot_that_cannot_be_read_is_as_good_as_none(
    database: URLs, redis_url: str, stored: str | None
) -> None:
    """None: a state of another version."""
    async with scribe(database.app) as hand:
        await hand.go_on(12)
        conn = await asyncpg.connect(database.app)
        whole = await read_state(conn, hand.night)
        await conn.execute(
            "INSERT INTO snapshot (book, version, state) VALUES ($1, 5, $2::text::jsonb)",
            hand.night,
            stored or json.dumps({"night": hand.night, "version": 40, "at": "", "info": None,
                                  "tables": {}, "bookings": {}, "inside": {}, "figures": {},
                                  "changed": {}}),
        )  # fmt: skip
        assert await read_state(conn, hand.night) == whole
        await conn.close()
        async with node(database.app, redis_url) as n1:
            await n1.reach(hand.night, whole.version)
            assert n1.live.state(hand.night) == whole
