"""What the parts below the service cost on this machine: `python -m load.unit_costs`.

The capacity model in docs/scale.md is made of these. They are no budgets: nothing is judged, and
each is measured bare, beside the same thing without what it is to show.

- a venue in which nothing happens: its processor and its memory
- the disk: fdatasync of one page of WAL
- Postgres with its fsync: rows committed a second by one and by sixteen connections, without and
  with a NOTIFY each, while nobody and while two connections listen. A NOTIFY takes one lock of the
  whole server from before the commit until after it, so commits with it are one after the other
- WAL and rows that an action leaves: sixteen tables are held and let go through the public API
- Redis: messages of 3.5 KB that one connection publishes a second, to one and to ten listeners
"""

import argparse
import asyncio
import os
import re
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg
import redis.asyncio as aioredis
import uvloop

from load.event_rate import NIGHT, open_night
from load.event_rate import measure as hold_and_let_go
from load.house import House
from load.options import amount

Work = Callable[[], Awaitable[object]]

PAGE: Final = b"\0" * 8192
MESSAGE: Final = b"x" * 3500
CONNECTIONS: Final = (1, 16)
CREATE: Final = "CREATE TABLE IF NOT EXISTS bare (text text NOT NULL)"
INSERT: Final = "INSERT INTO bare (text) VALUES ($1)"
INSERT_AND_NOTIFY: Final = """
WITH written AS (INSERT INTO bare (text) VALUES ($1)) SELECT pg_notify('unit_costs', $2)
"""
LEFT: Final = """
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8, (SELECT count(*) FROM event)
"""


def told(name: str, figure: str) -> None:
    print(f"  {name:<62} {figure:>16}", flush=True)


def sync_disk(folder: Path, count: int = 300) -> None:
    place = folder / "synced"
    taken = []
    with place.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(PAGE)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - begin) * 1000)
    place.unlink()
    cuts = statistics.quantiles(taken, n=100, method="inclusive")
    told("fdatasync of 8 KB, p50 and p99", f"{cuts[49]:.2f}, {cuts[98]:.2f} ms")


async def rate(works: Sequence[Work], seconds: float) -> float:
    """How often a second all of them together, each one call after the other."""
    until = time.perf_counter() + seconds
    counts = [0] * len(works)

    async def go(place: int, work: Work) -> None:
        while time.perf_counter() < until:
            await work()
            counts[place] += 1

    begin = time.perf_counter()
    await asyncio.gather(*(go(place, work) for place, work in enumerate(works)))
    return sum(counts) / (time.perf_counter() - begin)


@asynccontextmanager
async def connected(service: House, count: int) -> AsyncIterator[list[Any]]:
    address = service.database("owner")
    found = [await asyncpg.connect(**address) for _ in range(count)]
    try:
        yield found
    finally:
        for one in found:
            await one.close()


async def commits(service: House, seconds: float) -> None:
    row = "x" * 300
    async with connected(service, max(CONNECTIONS) + 2) as conns:
        *writers, first, second = conns
        await first.execute(CREATE)
        bare: list[Work] = [partial(conn.execute, INSERT, row) for conn in writers]
        telling: list[Work] = [
            partial(conn.execute, INSERT_AND_NOTIFY, row, f"book-{number}:1")
            for number, conn in enumerate(writers)
        ]
        for count in CONNECTIONS:
            figure = f"{await rate(bare[:count], seconds):,.0f}"
            told(f"commits a second, {count} connections", figure)
        for count in CONNECTIONS:
            figure = f"{await rate(telling[:count], seconds):,.0f}"
            told(f"commits with NOTIFY a second, {count} connections, nobody listens", figure)
        for listener in (first, second):
            await listener.add_listener("unit_costs", lambda *_: None)
        for count in CONNECTIONS:
            figure = f"{await rate(telling[:count], seconds):,.0f}"
            told(f"commits with NOTIFY a second, {count} connections, two listen", figure)


async def idle(service: House, seconds: float) -> None:
    """What a venue costs while nothing happens: it polls, sweeps and compares."""
    before = service.cpu_seconds()
    await asyncio.sleep(5 * seconds)
    used = {k: (v - before[k]) / (5 * seconds) for k, v in service.cpu_seconds().items()}
    figure = ", ".join(f"{100 * share:.1f}" for share in used.values())
    told("idle: worker, Postgres, Redis, of a core", f"{figure} %")
    (worker,) = service.workers()
    told("memory of the worker, private", f"{private_mb(worker):.0f} MB")
    told("memory of its parent, private", f"{private_mb(service.pid):.0f} MB")


def private_mb(pid: int) -> float:
    """What no other process has, of its resident memory."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    return sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE)) / 1024


async def actions(service: House, seconds: float) -> None:
    async with connected(service, 1) as (conn,):
        await hold_and_let_go(service.port, 1.0)  # pages and plans are warm
        before, events = await conn.fetchrow(LEFT)
        each, _, _ = await hold_and_let_go(service.port, seconds)
        after, later = await conn.fetchrow(LEFT)
    told(
        "WAL of a hold or a release, with all of its rows",
        f"{(after - before) / (each * seconds):,.0f} B",
    )
    told("lines of the book for each", f"{(later - events) / (each * seconds):.1f}")


async def publishing(url: str, seconds: float) -> None:
    client: Any = aioredis.Redis.from_url(url)
    for listeners in (1, 10):
        heard = [client.pubsub() for _ in range(listeners)]
        for one in heard:
            await one.subscribe("unit_costs")
        reading = [asyncio.create_task(_drained(one)) for one in heard]
        works = [lambda: client.publish("unit_costs", MESSAGE)] * 8
        figure = f"{await rate(works, seconds):,.0f}"
        told(f"messages of 3.5 KB published a second, {listeners} listen", figure)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        for one in heard:
            await one.aclose()
    await client.aclose()


async def _drained(pubsub: Any) -> None:
    while True:
        await pubsub.get_message(timeout=1.0)


async def measure(service: House, seconds: float) -> None:
    sync_disk(service.folder)
    await idle(service, seconds)
    await commits(service, seconds)
    await actions(service, seconds)
    await publishing(service.redis_url, seconds)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--seconds", type=amount, default=3.0, help="of each figure")
    given = options.parse_args()
    token = secrets.token_hex(32)
    service = House(
        own_redis=True, BACKROOM_DEMO="1", BACKROOM_DEMO_TOKEN=token, TRUSTED_PROXIES="127.0.0.1"
    )
    try:
        service.wait_until_ready()
        open_night(service.origin, token, NIGHT)
        uvloop.run(measure(service, given.seconds))
    finally:
        service.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
