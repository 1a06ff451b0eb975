"""The parts together: loading once, telling the truth, crashing loudly."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.db.clock import mark_demo, set_clock
from app.embedded.servers import URLs
from app.errors import NotFound, NotReady
from app.live import live as live_module
from app.live.live import Live
from app.live.projector import load_room
from tests.integration.live.nodes import LONDON, Reader, node, screen, scribe, until


async def test_readers_of_a_cold_night_share_one_load(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    async def counted(*arguments: Any) -> Any:
        loads.append(arguments[-1])
        return await load_room(*arguments)

    monkeypatch.setattr(live_module, "load_room", counted)
    async with scribe(database.app, night="2020-02-01"), node(database.app, redis_url) as n1:
        states = await asyncio.gather(*(n1.live.ensure("2020-02-01") for _ in range(50)))
        assert loads == ["2020-02-01"]
        assert len({id(state) for state in states}) == 1


async def test_a_night_that_does_not_exist_is_not_found(database: URLs, redis_url: str) -> None:
    async with node(database.app, redis_url) as n1:
        for night in ("2031-02-03", "2031-99-99", "venue", ""):
            with pytest.raises(NotFound):
                await n1.live.ensure(night)
        assert n1.live.nights() == []


async def test_status_tells_where_everything_is(database: URLs, redis_url: str) -> None:
    async with (
        scribe(database.app) as hand,
        node(database.app, redis_url) as n1,
        screen(n1, "manager") as manager,
        screen(n1, "public"),
    ):
        await manager.reach(1)
        await until(lambda: n1.live.status()["redis"]["connected"])
        await until(lambda: n1.live.status()["sockets"] == {"manager": 1, "door": 0, "public": 1})
        status = n1.live.status()
        assert status["listener"]["connected"]
        assert status["nights"] == {hand.night: 1}
        assert status["tonight"] == hand.night == n1.live.tonight()
        assert not status["crashed"]


async def test_the_demo_clock_is_told_to_every_screen_at_once(
    database: URLs, redis_url: str
) -> None:
    async with (
        scribe(database.app, night="2099-12-31") as hand,
        node(database.app, redis_url) as n1,
        screen(n1, "public") as it,
    ):
        await it.reach(1)
        conn = await asyncpg.connect(database.owner)
        await mark_demo(conn)
        shown = n1.live.clock.now().replace(year=2099, month=12, day=31)
        await set_clock(conn, shown, 60.0)
        await conn.close()
        await until(lambda: it.of("heartbeat"), "a heartbeat")
        beat = it.of("heartbeat")[-1]
        assert beat["speed"] == 60.0
        assert beat["now"].startswith("2099-12-31")
        assert n1.live.clock.speed == 60.0
        assert n1.live.tonight() == hand.night


async def test_a_crash_ends_the_worker_instead_of_leaving_it_half_alive(
    database: URLs, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    async def run_with_a_bug() -> None:
        async with scribe(database.app), node(database.app, redis_url) as n1:
            monkeypatch.setattr(n1.live.hub, "_beat", broken)
            await until(lambda: n1.live.crashed)
            await until(lambda: n1.server.should_exit, "the end of the server")

    with pytest.raises(ExceptionGroup):
        await run_with_a_bug()


async def test_a_worker_does_not_start_without_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "START_SECONDS", 0.3)
    nowhere = "postgresql://app@127.0.0.1:1/nothing"
    live = Live(listen_url=nowhere, database=Reader(nowhere), redis=None, node="n", zone=LONDON)
    with pytest.raises(NotReady):
        await live.start()
    assert live.crashed
