"""What years of history cost tonight: `python -m load.history [--bookings 1000000] [--seconds 4]`.

A hundred sealed nights of sixteen tables, and so many past bookings with their claims and tickets,
are written straight into the database of a service that runs; what tonight takes is measured before
and after, in one run on one machine: committed floor actions a second, the availability's answers,
and the night's list. Exit code 1 when one of them is more than 20 % worse, beyond what an answer
without any work became slower by. The best of three rounds counts, because the machine is not ours
alone.
"""

import argparse
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import asyncpg
import httpx
import uvloop

from load.event_rate import NIGHT, measure
from load.house import House
from load.options import amount, whole

# What is read is of a night that the actions do not fill, so that it is the same before and after.
READ_NIGHT = "2030-06-22"
NIGHTS = 100
WORSE_MOST = 1.20
# An answer that reads nothing and waits for nobody: what it takes longer is the machine's.
NO_WORK = "an answer without any work"
ROUNDS = 3
PATHS = {
    "availability": f"/v1/nights/{READ_NIGHT}/availability?party=4",
    "the night's bookings": f"/v1/nights/{READ_NIGHT}/bookings?search=nobody",
    NO_WORK: "/health/live",
}
READS = 100  # in turn; a member of staff may read 1200 times a minute
FILL_NIGHTS = """
WITH past AS (
    SELECT $1::date - 7 * n AS date FROM generate_series(1, $2::integer) AS n
), made AS (
    INSERT INTO night (date, name, status, doors_at, last_entry_at, closes_at, ends_at, house_limit)
    SELECT date, 'A Saturday', 'sealed', date + interval '22 h', date + interval '27 h',
           date + interval '29 h', date + interval '30 h', 350 FROM past
    RETURNING date
)
INSERT INTO floor_table (night, number, floor, capacity_min, capacity_max, capacity_optimal,
                         deposit_pence, minimum_spend_pence)
SELECT date, number, CASE WHEN number <= 8 THEN 'upstairs' ELSE 'downstairs' END, 2, 6, 4, 5000,
       20000
  FROM made, generate_series(1, 16) AS number
"""
FILL_BOOKINGS = """
WITH made AS (
    INSERT INTO booking (id, reference, night, status, party, slot, source, deposit_pence,
                         paid_pence, created_at)
    SELECT gen_random_uuid(), 'PAST' || n, d.night, 'completed', 4,
           tstzrange(d.night + interval '22 h', d.night + interval '29 h'), 'public', 5000, 5000,
           d.night::timestamptz
      FROM generate_series($3::integer, $4::integer) AS n,
           LATERAL (SELECT $1::date - 7 * (1 + n % $2::integer) AS night) AS d
    RETURNING id, night, slot
), claimed AS (
    INSERT INTO booking_table (booking_id, night, number, slot, live)
    SELECT id, night, 1 + get_byte(uuid_send(id), 0) % 16, slot, false FROM made
)
INSERT INTO ticket (id, booking_id, night, party, admitted)
SELECT gen_random_uuid(), id, night, 4, 4 FROM made
"""
CHUNK = 50_000
# What a row costs besides itself: checks of foreign keys, which the fill cannot break, and entries
# of indexes, which are made faster at once. Both are there again before anything is measured.
FILLED = ["booking", "booking_table", "ticket"]
LIST_KEYS = """
SELECT format('ALTER TABLE %I DROP CONSTRAINT %I', r.relname, c.conname) AS without,
       format('ALTER TABLE %I ADD CONSTRAINT %I %s NOT VALID', r.relname, c.conname,
              pg_get_constraintdef(c.oid)) AS again
  FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
 WHERE c.contype = 'f' AND r.relname = ANY ($1)
"""
LIST_INDEXES = """
SELECT format('DROP INDEX %I', i.indexname) AS without, i.indexdef AS again
  FROM pg_indexes i
 WHERE i.schemaname = 'public' AND i.tablename = ANY ($1)
   AND NOT EXISTS (SELECT FROM pg_constraint c JOIN pg_class x ON x.oid = c.conindid
                    WHERE x.relname = i.indexname)
"""


async def fill(conn: asyncpg.Connection, tonight: str, bookings: int, nights: int = NIGHTS) -> None:
    """So many past bookings over so many sealed nights before tonight; then the statistics."""
    last = date.fromisoformat(tonight)
    await conn.execute(FILL_NIGHTS, last, nights)
    for first in range(1, bookings + 1, CHUNK):
        upto = min(first + CHUNK - 1, bookings)
        await conn.execute(FILL_BOOKINGS, last, nights, first, upto)
    for table in ("night", "floor_table", "booking", "booking_table", "ticket"):
        await conn.execute(f"ANALYZE {table}")


@asynccontextmanager
async def bare(conn: asyncpg.Connection) -> AsyncIterator[None]:
    """The filled tables are without foreign keys and plain indexes, and have them again after."""
    parts = [*await conn.fetch(LIST_KEYS, FILLED), *await conn.fetch(LIST_INDEXES, FILLED)]
    for part in parts:
        await conn.execute(part["without"])
    yield
    for part in reversed(parts):
        await conn.execute(part["again"])
    # As it is on the next day: else the first minutes measure what Postgres does about a fill.
    for table in FILLED:
        await conn.execute(f"VACUUM (ANALYZE) {table}")


def enter(service: House, demo_token: str) -> httpx.Client:
    """A manager with tonight open: half past nine, an hour before anybody comes."""
    http = httpx.Client(base_url=service.origin, headers={"Origin": service.origin}, timeout=60)
    links = http.post("/v1/demo/links", json={"token": demo_token}).json()["links"]
    manager = next(link["link"] for link in links if link["role"] == "MANAGER")
    http.post("/v1/session", json={"link": manager}).raise_for_status()
    clock = {"token": demo_token, "shown_at": f"{NIGHT}T21:30:00.000Z", "speed": 1}
    http.post("/v1/demo/clock", json=clock).raise_for_status()
    for night in (NIGHT, READ_NIGHT):
        key = {"Idempotency-Key": secrets.token_hex(16)}
        http.post("/v1/nights", json={"night": night}, headers=key).raise_for_status()
    return http


def figures(service: House, http: httpx.Client, seconds: float) -> dict[str, float]:
    """Milliseconds each: one action, one answer of the availability, one list; lower is better."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        rate, counts, _ = uvloop.run(measure(service.port, seconds))
        assert set(counts) <= {200, 201}, counts
        found = {"a committed floor action": 1000 / rate, **_medians(http)}
        best = {name: min(ms, best.get(name, ms)) for name, ms in found.items()}
    return best


def _medians(http: httpx.Client) -> dict[str, float]:
    """Of each path, asked by turns: what the machine does besides meets them alike."""
    took: dict[str, list[float]] = {name: [] for name in PATHS}
    for _ in range(READS):
        for name, path in PATHS.items():
            began = time.perf_counter()
            http.get(path).raise_for_status()
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(each) for name, each in took.items()}


async def _fill(service: House, bookings: int) -> float:
    conn = await asyncpg.connect(**service.database("owner"))
    try:
        began = time.perf_counter()
        await conn.execute("SET synchronous_commit = off")
        async with bare(conn):
            await fill(conn, NIGHT, bookings)
        return time.perf_counter() - began
    finally:
        await conn.close()


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--bookings", type=whole, default=1_000_000, help="of nights before")
    options.add_argument("--seconds", type=amount, default=4.0, help="of each figure")
    given = options.parse_args()
    demo_token = secrets.token_hex(32)
    service = House(
        BACKROOM_DEMO="1", BACKROOM_DEMO_TOKEN=demo_token, WORKERS="1", TRUSTED_PROXIES="127.0.0.1"
    )
    try:
        service.wait_until_ready()
        http = enter(service, demo_token)
        uvloop.run(measure(service.port, 1.0))  # plans are made, pools are full
        before = figures(service, http, given.seconds)
        took = uvloop.run(_fill(service, given.bookings))
        uvloop.run(measure(service.port, 1.0))  # and made again with the new statistics
        after = figures(service, http, given.seconds)
    finally:
        service.stop()
    print(f"{NIGHTS} nights and {given.bookings} past bookings written in {took:.0f} s")
    slower = max(1.0, after[NO_WORK] / before[NO_WORK])
    print(
        f"{NO_WORK}: {before[NO_WORK]:.2f} ms before, {after[NO_WORK]:.2f} ms after: the machine is"
        f" {slower:.2f} times as slow, and so much more is allowed"
    )
    missed = 0
    for name, ms in before.items():
        if name == NO_WORK:
            continue
        good = after[name] <= ms * WORSE_MOST * slower
        missed += not good
        print(
            f"{name}: {ms:.2f} ms without history, {after[name]:.2f} ms with it"
            f"  (at most {WORSE_MOST:.0%})  {'ok' if good else 'MISSED'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
