"""Committed floor actions per second on one night: `python -m load.event_rate [--seconds 5]`.

Everything is real: `backroom serve` with its embedded Postgres (fsync on) and Redis, the public API
over HTTP, limits on. Thirty-two customers, for each table one who wants it early and one who wants
it late, hold it and let it go, again and again: with sixteen the worker had nothing to do while
their common transaction was under way. Each round comes from an address of its own through the
trusted proxy header, as the limits ask. Every answer is a committed transaction on the same night.
At the end the versions are counted (there must be no hole) and `backroom verify` must agree.

The client's own work is measured beside: it shares two cores with the service, so a figure is a
lower bound of what the service does. What the same Postgres commits bare, one row each, is measured
before and after; on a machine where that is slower than it was on the reference machine, the budget
is that much smaller. Exit code 1 when the budget is missed.
"""

import argparse
import asyncio
import json
import secrets
import sys
import time
from typing import Any

import asyncpg
import httpx
import uvloop

from load.house import House
from load.options import amount, whole

BUDGET_PER_SECOND = 500.0
# Bare commits a second on the reference machine, the least of what was seen there.
REFERENCE_PER_SECOND = 4000.0
NIGHT = "2030-06-15"  # a Saturday to come: tonight, as no other is open
TABLES = range(1, 17)
EARLY = (f"{NIGHT}T21:00:00.000Z", "2030-06-16T00:00:00.000Z")
LATE = ("2030-06-16T00:30:00.000Z", "2030-06-16T04:00:00.000Z")
CREATE_BARE = """
CREATE TABLE IF NOT EXISTS bare (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text);
CREATE OR REPLACE FUNCTION bare_commit() RETURNS void LANGUAGE sql AS
    $$ INSERT INTO bare (text) VALUES (repeat('x', 300)) $$
"""
PARTY = {3: 7, 10: 7, 15: 6, 16: 6}  # the others take 4


class Customer:
    """One kept-open connection that writes requests and reads answers by hand.

    A general client costs about 1 ms of CPU for each request, which on two cores would measure
    itself; this costs about 0.1 ms.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(
        self, method: str, path: str, address: str, body: bytes = b"", token: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON of the answer."""
        bearer = f"Authorization: Bearer {token}\r\n" if token else ""
        kind = "Content-Type: application/json\r\n" if body else ""
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\n"
            f"Idempotency-Key: {secrets.token_hex(16)}\r\n{bearer}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        answer = await self._reader.readexactly(length)
        return int(head[9:12]), json.loads(answer)


async def hold_and_release(
    port: int, table: int, slot: tuple[str, str], until: float, counts: dict[int, int]
) -> None:
    """One table is held and let go until the time is over; answers are counted by status."""
    customer = Customer(*await asyncio.open_connection("127.0.0.1", port))
    body = json.dumps(
        {
            "night": NIGHT,
            "tables": [table],
            "party": PARTY.get(table, 4),
            "contact": {"name": f"Guest {table}"},
            "from": slot[0],
            "until": slot[1],
        }
    ).encode()
    rounds, network = 0, table if slot == EARLY else 100 + table
    while time.perf_counter() < until:
        rounds += 1
        address = f"10.{network}.{rounds // 250}.{rounds % 250 + 1}"
        status, held = await customer.send("POST", "/v1/holds", address, body)
        counts[status] = counts.get(status, 0) + 1
        if status != 201:
            print(f"refused: {held}", file=sys.stderr)
            return
        status, _ = await customer.send(
            "DELETE", f"/v1/holds/{held['booking_id']}", address, token=held["token"]
        )
        counts[status] = counts.get(status, 0) + 1


async def measure(port: int, seconds: float) -> tuple[float, dict[int, int], float]:
    """Actions per second, answers by status, and the client's share of one core."""
    counts: dict[int, int] = {}
    began, cpu = time.perf_counter(), time.process_time()
    until = began + seconds
    await asyncio.gather(
        *(
            hold_and_release(port, table, slot, until, counts)
            for table in TABLES
            for slot in (EARLY, LATE)
        )
    )
    took = time.perf_counter() - began
    done = sum(n for status, n in counts.items() if status < 300)
    return done / took, counts, (time.process_time() - cpu) / took


def open_night(origin: str, demo_token: str, *nights: str) -> None:
    """A manager signs in by a link and opens the night, or those given."""
    with httpx.Client(base_url=origin, headers={"Origin": origin}) as http:
        links = http.post("/v1/demo/links", json={"token": demo_token}).json()["links"]
        manager = next(link["link"] for link in links if link["role"] == "MANAGER")
        http.post("/v1/session", json={"link": manager}).raise_for_status()
        clock = {"token": demo_token, "shown_at": f"{NIGHT}T21:30:00.000Z", "speed": 1}
        http.post("/v1/demo/clock", json=clock).raise_for_status()
        for night in nights or (NIGHT,):
            answer = http.post(
                "/v1/nights",
                json={"night": night},
                headers={"Idempotency-Key": secrets.token_hex(16)},
            )
            answer.raise_for_status()


def bare_commits(service: House, seconds: float) -> float:
    """Commits a second of one row by as many connections at once, through no service at all."""

    owner = service.database("owner")

    async def commit(until: float) -> int:
        conn = await asyncpg.connect(**owner)
        done = 0
        while time.perf_counter() < until:
            await conn.execute("SELECT bare_commit()")
            done += 1
        await conn.close()
        return done

    async def measured() -> float:
        conn = await asyncpg.connect(**owner)
        await conn.execute(CREATE_BARE)
        await conn.close()
        began = time.perf_counter()
        done = await asyncio.gather(*(commit(began + seconds) for _ in TABLES))
        return sum(done) / (time.perf_counter() - began)

    return uvloop.run(measured())


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--seconds", type=amount, default=5.0, help="of actions")
    options.add_argument("--workers", type=whole, default=1, help="of the service")
    given = options.parse_args()
    demo_token = secrets.token_hex(32)
    service = House(
        BACKROOM_DEMO="1",
        BACKROOM_DEMO_TOKEN=demo_token,
        WORKERS=str(given.workers),
        TRUSTED_PROXIES="127.0.0.1",
    )
    try:
        service.wait_until_ready()
        open_night(service.origin, demo_token)
        uvloop.run(measure(service.port, 1.0))  # plans are made, pools are full
        before = bare_commits(service, given.seconds / 2)
        used = service.cpu_seconds()
        rate, counts, share = uvloop.run(measure(service.port, given.seconds))
        spent = {kind: s - used[kind] for kind, s in service.cpu_seconds().items()}
        after = bare_commits(service, given.seconds / 2)
        verified = service.verifies(NIGHT)
    finally:
        service.stop()
    bare = (before + after) / 2
    budget = BUDGET_PER_SECOND * min(1.0, bare / REFERENCE_PER_SECOND)
    good = rate >= budget
    print(f"answers by status: {counts}; the client used {share:.0%} of a core")
    done = sum(n for status, n in counts.items() if status < 300)
    each = ", ".join(f"{kind} {s / done * 1000:.2f} ms" for kind, s in spent.items())
    print(f"CPU for each action: {each}")
    print(f"bare commits per second: {bare:.0f}  (reference {REFERENCE_PER_SECOND:.0f})")
    print(
        f"committed floor actions per second: {rate:.0f}, one for {bare / rate:.1f} bare commits  "
        f"(budget {budget:.0f})  {'ok' if good else 'MISSED'}"
    )
    return 0 if good and verified else 1


if __name__ == "__main__":
    sys.exit(main())
