"""Whatever breaks on the way: no screen shows a wrong table, and everything heals by itself."""

import asyncio
from typing import Any

import asyncpg
import pytest
import redis.asyncio as aioredis

from app.embedded.servers import URLs
from app.live import listener as listener_module
from app.live import redis_state
from app.live.messages import MessageUnreadable
from app.live.redis_state import Applied
from tests.integration.live.network import OwnRedis, proxied
from tests.integration.live.nodes import (
    Node,
    Screen,
    Scribe,
    node,
    screen,
    scribe,
    until,
    until_async,
)

AUDIENCES = ("manager", "door", "public")


async def execute(url: str, *statements: str) -> Any:
    conn = await asyncpg.connect(url)
    try:
        value = None
        for statement in statements:
            value = await conn.fetchval(statement)
        return value
    finally:
        await conn.close()


async def cut_listeners(url: str) -> int:
    """End the listening connections to this database, as an administrator would."""
    return int(
        await execute(
            url,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            # A role may end its own connections.
            "WHERE application_name = 'backroom listener' AND datname = current_database()",
        )
    )


async def converge(hand: Scribe, nodes: list[Node], screens: list[Screen]) -> None:
    """Every node is at the head, and every screen shows exactly what its audience sees."""
    head = hand.play.state.version
    for each in nodes:
        await each.reach(hand.night, head)
    first = nodes[0].live
    for it in screens:
        audience = it.frames[0]["audience"] if it.frames else "manager"
        await it.reach(first.state(hand.night).changed[audience])
        assert it.state == first.document(hand.night, audience)
    # The fold of what was written is the truth; only the instants are Postgres's own.
    assert {n: t.claims for n, t in first.state(hand.night).tables.items()} == {
        n: t.claims for n, t in hand.play.state.tables.items()
    }


def never_started_over(screens: list[Screen]) -> bool:
    return all(it.kinds().count("snapshot") == 1 and it.gaps == 0 for it in screens)


async def redis_head(url: str, night: str) -> int:
    client: Any = aioredis.Redis.from_url(url)
    try:
        version = await client.hget(f"{{night:{night}}}:head", "version")
        return int(version or 0)
    finally:
        await client.aclose()


async def flush(url: str) -> None:
    client: Any = aioredis.Redis.from_url(url)
    await client.flushall()
    await client.aclose()


async def is_whole(n1: Node, hand: Scribe, url: str) -> bool:
    """Redis holds exactly the node's state."""
    client = redis_state.connect(url)
    try:
        stored = await redis_state.RedisState(client).read(hand.night)
    except MessageUnreadable:
        return False
    finally:
        await client.aclose()
    return stored is not None and stored.state == n1.live.state(hand.night)


# -- Redis ----------------------------------------------------------------------------------------


async def test_a_flushed_redis_is_whole_again_and_no_screen_notices(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        node(database.app, redis_url, name="n2") as n2,
        screen(n1, "manager") as manager,
        screen(n2, "door") as door,
        screen(n1, "public") as public,
    ):
        screens = [manager, door, public]
        for it in screens:
            await it.reach(1)
        assert n1.live.mirror is not None
        for _ in range(3):
            await hand.go_on(15)
            loads = n1.live.mirror.loads + (n2.live.mirror.loads if n2.live.mirror else 0)
            await flush(redis_url)
            await hand.go_on(15)
            await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
            assert n1.live.mirror.loads + (n2.live.mirror.loads if n2.live.mirror else 0) > loads
        await converge(hand, [n1, n2], screens)
        assert never_started_over(screens)


async def test_a_flush_while_nothing_happens_is_noticed_too(database: URLs, redis_url: str) -> None:
    async with scribe(database.app) as hand, node(database.app, redis_url) as n1:
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
        await flush(redis_url)
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")


async def test_screens_go_on_without_redis_and_a_stale_one_never_shows_the_past(
    database: URLs, own_redis: OwnRedis
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, own_redis.url) as n1,
        screen(n1) as manager,
    ):
        await manager.reach(1)
        await hand.go_on(10)
        await until_async(lambda: is_whole(n1, hand, own_redis.url), "a whole Redis")
        own_redis.save()
        stale = await redis_head(own_redis.url, hand.night)
        await hand.go_on(10)
        own_redis.kill()
        version = await hand.go_on(10)
        await n1.reach(hand.night, version)
        await until(lambda: not n1.live.status()["redis"]["connected"], "the truth about Redis")
        await manager.reach(n1.live.state(hand.night).changed["manager"])

        own_redis.start()
        assert await redis_head(own_redis.url, hand.night) >= stale > 0, "the old data came back"
        await until_async(lambda: is_whole(n1, hand, own_redis.url), "a whole Redis")
        await until(lambda: n1.live.status()["redis"]["connected"], "the truth about Redis")
        async with screen(n1, "manager") as late:
            await late.reach(version)
            await hand.go_on(5)
            await converge(hand, [n1], [manager, late])
        versions = [frame["version"] for frame in manager.of("event")]
        assert versions == sorted(versions)
        assert never_started_over([manager])


async def test_a_redis_that_swallows_everything_delays_no_screen(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        proxied(redis_url) as (url, proxy),
        node(database.app, url) as n1,
        screen(n1) as manager,
    ):
        await manager.reach(1)
        await until(lambda: n1.live.status()["redis"]["connected"])
        proxy.swallow()
        await hand.go_on(20)
        await converge(hand, [n1], [manager])
        await until(lambda: not n1.live.status()["redis"]["connected"], "the truth about Redis")
        assert proxy.swallowed > 0
        proxy.heal()
        await hand.go_on(5)
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
        await converge(hand, [n1], [manager])
        assert never_started_over([manager])


async def test_a_night_of_another_world_in_redis_is_replaced(
    database: URLs, redis_url: str
) -> None:
    async with scribe(database.app) as hand:
        await hand.go_on(10)
        client = redis_state.connect(redis_url)
        foreign = redis_state.RedisState(client)
        await foreign.load("another world", hand.play.state)
        async with node(database.app, redis_url) as n1, screen(n1) as manager:
            await until_async(lambda: is_whole(n1, hand, redis_url), "our own state in Redis")
            await converge(hand, [n1], [manager])
            assert manager.epoch == n1.live.epoch != "another world"
        await client.aclose()


async def test_redis_ahead_of_postgres_is_wrong_and_is_replaced(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.mirror.AHEAD_SECONDS", 0.2)
    async with scribe(database.app) as hand, node(database.app, redis_url) as n1:
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
        client = redis_state.connect(redis_url)
        hand.play.run(5)  # played, never committed
        await redis_state.RedisState(client).load(n1.live.epoch, hand.play.state)
        assert await redis_head(redis_url, hand.night) == 6
        await until_async(lambda: is_whole(n1, hand, redis_url), "our own state in Redis")
        assert await redis_head(redis_url, hand.night) == 1
        await client.aclose()


# -- Postgres -------------------------------------------------------------------------------------


async def test_a_listener_that_is_cut_comes_back_and_misses_nothing(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1) as manager,
    ):
        await manager.reach(1)
        for cuts in range(1, 4):
            assert await cut_listeners(database.app) == 1
            await hand.go_on(10)
            await converge(hand, [n1], [manager])
            await until(lambda cuts=cuts: n1.live.listener.connects > cuts)  # type: ignore[misc]
        assert never_started_over([manager])


async def test_a_lost_wake_is_made_good_by_the_poll(database: URLs, redis_url: str) -> None:
    await execute(database.owner, "ALTER TABLE event DISABLE TRIGGER event_wake")
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1) as manager,
    ):
        await manager.reach(1)
        await hand.go_on(10)
        await converge(hand, [n1], [manager])
        assert n1.live.listener.wakes == 0, "no wake came"


async def test_without_the_poll_a_lost_wake_would_stay_lost(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: another book's wake shows that the listener has looked since."""
    await execute(database.owner, "ALTER TABLE event DISABLE TRIGGER event_wake")
    monkeypatch.setattr(listener_module, "POLL_SECONDS", 3600.0)
    async with scribe(database.app) as hand, node(database.app, redis_url) as n1:
        await n1.reach(hand.night, 1)
        await hand.go_on(5)
        await execute(database.app, "SELECT pg_notify('floor', 'venue:1')")
        await until(lambda: n1.live.listener.wakes == 1, "the other wake")
        await execute(database.app, "SELECT pg_notify('floor', 'venue:2')")
        await until(lambda: n1.live.listener.wakes == 2, "one more, after the first was handled")
        assert n1.version(hand.night) == 1


async def test_a_deaf_connection_is_noticed_and_replaced(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a transaction pooler does: queries are answered, notifications never come."""
    monkeypatch.setattr(listener_module, "ECHO_SECONDS", 0.2)
    async with scribe(database.app), node(database.app, redis_url) as n1:
        await until(lambda: n1.live.listener.answered_at > 0)
        connects = n1.live.listener.connects
        monkeypatch.setattr(listener_module, "SEND_ECHO", "SELECT $1::text")
        await until(lambda: n1.live.listener.connects > connects, "a new connection")


async def test_a_node_cut_off_from_postgres_hears_from_the_others_through_redis(
    database: URLs, either_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis_url, patience = either_redis, listener_module.CONNECT_SECONDS
    async with (
        scribe(database.app) as hand,
        proxied(database.app) as (url, proxy),
        node(database.app, redis_url, name="n1") as n1,
        node(database.app, redis_url, name="n2", listen_url=url) as n2,
        screen(n2) as manager,
    ):
        await manager.reach(1)
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
        mirror = n2.live.mirror
        await until(lambda: mirror and hand.night in mirror.followed, "its ear at Redis")
        proxy.swallow()
        monkeypatch.setattr(listener_module, "CONNECT_SECONDS", 0.3)
        await hand.go_on(20)
        await converge(hand, [n1, n2], [manager])
        assert proxy.swallowed > 0
        await until(lambda: not n2.live.status()["listener"]["connected"], "the truth about it")
        await hand.go_on(10)
        await converge(hand, [n1, n2], [manager])
        monkeypatch.setattr(listener_module, "CONNECT_SECONDS", patience)
        proxy.heal()
        await until(lambda: n2.live.status()["listener"]["connected"], "the way back")
        await hand.go_on(5)
        await converge(hand, [n1, n2], [manager])
        assert never_started_over([manager])


async def test_a_node_that_hears_neither_takes_the_state_from_redis_as_soon_as_it_can(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both links lost, Redis flushed meanwhile: its log no longer leads from where the node is."""
    monkeypatch.setattr(listener_module, "CONNECT_SECONDS", 0.3)
    async with (
        scribe(database.app) as hand,
        proxied(database.app) as (postgres_url, postgres),
        proxied(redis_url) as (proxied_redis, redis),
        node(database.app, redis_url, name="n1") as n1,
        node(database.app, proxied_redis, name="n2", listen_url=postgres_url) as n2,
        screen(n2) as manager,
    ):
        await manager.reach(1)
        postgres.swallow()
        redis.swallow()
        await hand.go_on(10)
        await n1.reach(hand.night, hand.play.state.version)
        await flush(redis_url)
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
        await until(lambda: not n2.live.status()["listener"]["connected"], "a node without both")
        assert n2.version(hand.night) == 1
        redis.heal()
        await converge(hand, [n1, n2], [manager])
        assert manager.kinds().count("snapshot") == 2
        await hand.go_on(5)
        await converge(hand, [n1, n2], [manager])


async def test_a_restored_postgres_is_another_epoch_and_everybody_starts_over(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1, "manager") as manager,
        screen(n1, "public") as public,
    ):
        await hand.go_on(10)
        await converge(hand, [n1], [manager, public])
        before = n1.live.epoch
        await execute(database.owner, "UPDATE installation SET id = gen_random_uuid()")
        await cut_listeners(database.app)
        await until(lambda: manager.epoch not in ("", before) and public.epoch == manager.epoch)
        assert manager.epoch == n1.live.epoch
        await hand.go_on(10)
        await converge(hand, [n1], [manager, public])
        assert manager.kinds().count("snapshot") == public.kinds().count("snapshot") == 2
        await until_async(lambda: is_whole(n1, hand, redis_url), "the new epoch in Redis")
        async with screen(n1, "manager") as old:
            old_since = {"epoch": before, "version": 3, "night": hand.night}
            await old.reach(1)
            async with screen(n1, "manager", since=old_since) as stale:
                await until(lambda: stale.version > 0)
                assert stale.kinds()[:2] == ["welcome", "snapshot"]


async def test_a_book_that_became_shorter_is_shown_as_it_is(database: URLs, redis_url: str) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1) as manager,
    ):
        version = await hand.go_on(10)
        await manager.reach(n1.live.state(hand.night).changed["manager"])
        await n1.reach(hand.night, version)
        await execute(
            database.owner,
            "ALTER TABLE event DISABLE TRIGGER USER",
            f"DELETE FROM event WHERE book = '{hand.night}' AND version > 4",
            f"UPDATE book SET version = 4 WHERE name = '{hand.night}'",
            "ALTER TABLE event ENABLE TRIGGER USER",
        )
        await until(lambda: n1.version(hand.night) == 4, "the shorter book")
        await until(lambda: manager.version == 4 and manager.kinds().count("snapshot") == 2)
        assert manager.state == n1.live.document(hand.night, "manager")
        await until_async(lambda: is_whole(n1, hand, redis_url), "the shorter book in Redis")


# -- a worker that starts --------------------------------------------------------------------------


async def test_a_new_worker_takes_the_night_from_redis_and_resumes_screens_of_another(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url, name="n1") as n1,
        screen(n1) as before,
    ):
        await before.reach(1)
        await hand.go_on(30)
        await converge(hand, [n1], [before])
        await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")

        async def not_from_the_book(*_: object) -> None:
            raise AssertionError("the book was folded")

        monkeypatch.setattr("app.live.projector._folded", not_from_the_book)
        # The log in Redis begins where its state was loaded: let that do for a ring.
        monkeypatch.setattr("app.live.projector.RING_AT_START", 20)
        async with node(database.app, redis_url, name="n2") as n2:
            old = Screen.__new__(Screen)
            old.epoch, old.night, old.version = before.epoch, before.night, before.version - 5
            old.state = {}
            async with screen(n2, start=old) as resumed:
                await until(lambda: "heartbeat" in resumed.kinds(), "the end of the resume")
                same = [text for text in before.texts if '"type":"event"' in text]
                got = [text for text in resumed.texts if '"type":"event"' in text]
                assert got
                assert same[-len(got) :] == got, "the same bytes as they were live"
                assert "snapshot" not in resumed.kinds()


@pytest.mark.parametrize("redis_has", ["nothing", "rubbish", "a stale state"])
async def test_a_new_worker_folds_the_book_when_redis_is_of_no_use(
    database: URLs, redis_url: str, redis_has: str
) -> None:
    async with scribe(database.app) as hand:
        await hand.go_on(30)
        if redis_has == "rubbish":
            client: Any = aioredis.Redis.from_url(redis_url)
            await client.hset(f"{{night:{hand.night}}}:head", mapping={"epoch": "x", "version": 9})
            await client.hset(f"{{night:{hand.night}}}:tables", mapping={"meta": "}{"})
            await client.aclose()
        elif redis_has == "a stale state":
            async with node(database.app, redis_url) as n0:
                await until_async(lambda: is_whole(n0, hand, redis_url), "a whole Redis")
            await hand.go_on(30)
        async with node(database.app, redis_url) as n1, screen(n1) as manager:
            await converge(hand, [n1], [manager])
            await until_async(lambda: is_whole(n1, hand, redis_url), "a whole Redis")
            assert n1.live.mirror is not None
            assert n1.live.mirror.answers[Applied.EPOCH] <= 1


async def test_a_worker_runs_on_postgres_alone(database: URLs) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, None) as n1,
        screen(n1) as manager,
    ):
        await manager.reach(1)
        await hand.go_on(10)
        await converge(hand, [n1], [manager])
        assert n1.live.status()["redis"] is None


async def test_a_long_book_is_stored_now_and_then_so_that_nobody_folds_it_all(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.projector.SNAPSHOT_EVERY", 10)
    async with scribe(database.app) as hand, node(database.app, redis_url) as n1:
        await hand.go_on(34)
        await converge(hand, [n1], [])

        async def stored() -> bool:  # after the screens were told
            versions = await execute(
                database.app,
                "SELECT string_agg(version::text, ' ' ORDER BY version) FROM snapshot "
                f"WHERE book = '{hand.night}'",
            )
            return bool(versions == "10 20 30")

        await until_async(stored, "a snapshot at 10, 20 and 30")


async def test_live_waits_for_a_version_that_was_promised(database: URLs, redis_url: str) -> None:
    async with scribe(database.app) as hand, node(database.app, redis_url) as n1:
        await n1.reach(hand.night, 1)
        version = await hand.go_on(3)
        state = await n1.live.ensure(hand.night, version)
        assert state.version >= version
        await asyncio.wait_for(n1.live.ensure(hand.night, version + 100), 5)
