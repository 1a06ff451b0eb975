"""Processes that are killed while customers are busy and screens look on.

Each test proves that its fault happened: another process is there afterwards, answers were lost, or
screens were disconnected. In the end the book has no hole, has everything that was promised, each
screen shows the same, and `backroom verify` agrees.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from app.live.redis_state import RedisState
from floorplan.fold import apply
from floorplan.state import empty_state
from tests.faults.customers import Customers, busy
from tests.faults.watchers import Watcher, assert_right, read_book, until, until_async, watching
from tests.premises import Premises
from tests.probes import is_alive, running


async def all_is_well(
    premises: Premises, night: str, customers: Customers | None, screens: list[Watcher]
) -> None:
    await assert_right(premises, night, screens)
    if customers is not None:
        customers.assert_kept(await read_book(premises, night))
    await asyncio.to_thread(premises.assert_agrees)


def node_of(worker: int) -> str:
    line = Path(f"/proc/{worker}/cmdline").read_bytes().decode().split("\0")
    return line[line.index("--node") + 1]


async def test_a_killed_worker_costs_its_screens_a_moment_and_nobody_anything(
    premises: Premises, night: str
) -> None:
    async with watching(premises, 8) as screens, watching(premises, 2, "public") as strangers:
        async with busy(premises, night) as customers:
            workers = {node_of(pid): pid for pid in premises.workers()}
            assert len(workers) == 2
            node = max(workers, key=lambda name: sum(one.node == name for one in screens))
            hit = [one for one in screens if one.node == node]
            spared = [one for one in screens if one not in hit]
            assert hit
            os.kill(workers[node], signal.SIGKILL)
            await until(lambda: all(one.closed == [1006] for one in hit), "broken sockets")
            await until(lambda: all(one.node for one in hit), "the way back")
            await customers.acknowledged(40)
        assert not is_alive(workers[node])
        await until(lambda: len(premises.workers()) == 2, "another worker")
        assert all(one.closed == [] for one in spared)
        await all_is_well(premises, night, customers, screens + strangers)


async def test_a_killed_redis_is_started_again_and_no_screen_notices(
    premises: Premises, night: str
) -> None:
    redis: Any = Redis.from_url(premises.urls().redis)
    try:
        before = (await redis.info("server"))["process_id"]
        async with watching(premises, 6) as screens:
            async with busy(premises, night) as customers:
                os.kill(before, signal.SIGKILL)
                await customers.acknowledged(30)
                await until(lambda: not is_alive(before), "its end")
                await until(lambda: "Redis had ended" in premises.said(), "its restart")
                await customers.acknowledged(30)
            assert (await redis.info("server"))["process_id"] != before
            assert all(one.closed == [] for one in screens)
            assert all((one.snapshots, one.asked) == (1, 0) for one in screens)
            assert set(customers.answers) <= {(200, ""), (201, "")}
            await all_is_well(premises, night, customers, screens)
    finally:
        await redis.aclose()


async def test_an_emptied_redis_is_whole_again_and_no_screen_is_told_to_start_over(
    premises: Premises, night: str
) -> None:
    redis: Any = Redis.from_url(premises.urls().redis)
    try:
        async with watching(premises, 6) as screens:
            async with busy(premises, night) as customers:
                async with redis.pipeline(transaction=True) as at_once:
                    at_once.flushall()
                    at_once.dbsize()
                    _, left = await at_once.execute()
                assert left == 0
                stored = await until_async(lambda: RedisState(redis).read(night, 1), "a copy")
                await customers.acknowledged(20)
            state = empty_state(night)
            for event in await read_book(premises, night):
                state = apply(state, event).state
                if event.version == stored.state.version:
                    assert stored.state == state, "the rebuilt copy is not the fold"
            assert state.version > stored.state.version, "nothing went on meanwhile"
            assert all(one.closed == [] for one in screens)
            assert all((one.snapshots, one.asked) == (1, 0) for one in screens)
            await all_is_well(premises, night, customers, screens)
    finally:
        await redis.aclose()


async def test_without_postgres_every_request_is_told_to_try_again_and_nothing_is_lost(
    premises: Premises, night: str
) -> None:
    assert premises.process is not None
    async with watching(premises, 6) as screens:
        async with busy(premises, night) as customers:
            before = premises.postgres_pid()
            premises.process.send_signal(signal.SIGSTOP)  # so that nobody starts it again yet
            try:
                os.kill(before, signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends
                await until(lambda: any(s == 503 for s, _ in customers.answers), "a 503")
                async with httpx.AsyncClient(base_url=premises.origin) as http:
                    assert (await http.get("/health/live")).status_code == 200
                    assert (await http.get("/health/ready")).status_code == 503
                    path = f"/v1/nights/{night}/availability?party=4"
                    assert (await http.get(path)).status_code == 200, "answered from memory"
                    refused = await http.get("/v1/session", headers={"Cookie": screens[0]._cookie})
                    assert refused.status_code == 503
                    assert refused.headers["content-type"] == "application/problem+json"
                    assert int(refused.headers["retry-after"]) > 0
                assert all(one.closed == [] for one in screens)
            finally:
                premises.process.send_signal(signal.SIGCONT)
            await customers.acknowledged(40)
        assert premises.postgres_pid() != before
        await until(premises.is_ready, "readiness")
        await all_is_well(premises, night, customers, screens)


async def test_sigterm_tells_every_screen_when_to_return_and_ends_well(
    premises: Premises, night: str
) -> None:
    async with watching(premises, 5) as screens, watching(premises, 5, "public") as strangers:
        everybody = screens + strangers
        left = premises.workers() + running(premises.servers())
        status = await asyncio.to_thread(premises.stop, signal.SIGTERM)
        assert status == 0
        assert "killed" not in premises.said().rpartition("The floor is live")[2]
        assert [one.closed for one in everybody] == [[1012]] * 10
        assert all(len(one.byes) == 1 and one.byes[0] >= 0 for one in everybody)
        assert not any(is_alive(pid) for pid in left)
        await asyncio.to_thread(premises.start)
        await until(lambda: all(one.node for one in everybody), "the way back")
        await all_is_well(premises, night, None, everybody)


async def test_a_killed_parent_leaves_no_process_and_the_next_start_has_everything(
    premises: Premises, night: str
) -> None:
    async with watching(premises, 4) as screens:
        async with busy(premises, night) as customers:
            left = premises.workers() + running(premises.servers())
            assert len(left) > 4
            await asyncio.to_thread(premises.stop, signal.SIGKILL)
            await until(lambda: not any(is_alive(pid) for pid in left), "the end of all")
            await asyncio.to_thread(premises.start)
            await customers.acknowledged(20)
        assert customers.cut > 0
        await all_is_well(premises, night, customers, screens)
