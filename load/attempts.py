"""A night that everybody wants at once: `python -m load.attempts`.

Everything is real: `backroom serve` with its embedded Postgres (fsync on) and Redis, the public API
over HTTP, limits on; each customer has a connection, a telephone and an address of their own, the
address through the trusted proxy header.

1. 1,000 customers hold a set of tables of one night in the same instant, each of the sixteen tables
   and the combination among them. Exactly as many succeed as there are tables to give: at the end
   every table is claimed, none twice. No 5xx, every answer within 3 s; whoever lost is told what is
   free instead, or how to wait.
2. On another night 500 customers arrive within one second, whether or not the service keeps up (an
   open model): p95 below 200 ms.

Exit code 1 when one of these is missed.
"""

import argparse
import asyncio
import json
import secrets
import sys
import time
from collections import Counter
from typing import Any, Final

import asyncpg
import uvloop

from load.event_rate import NIGHT, Customer, open_night
from load.house import House
from load.options import whole

AT_ONCE: Final = 1000
ALL_WITHIN_SECONDS: Final = 3.0
ARRIVALS: Final = 500
P95_SECONDS: Final = 0.200
NEXT_NIGHT: Final = "2030-06-16"
SETS: Final = [[number] for number in range(1, 17)] + [[15, 16]]
PARTY: Final = {(3,): 7, (10,): 7, (15, 16): 10}  # the others take 4
COUNT_CLAIMS: Final = """
SELECT count(*) AS claims, count(DISTINCT number) AS tables
  FROM booking_table WHERE live AND night = $1::text::date
"""


class Attempt:
    """One customer who tries once."""

    def __init__(self, number: int, night: str) -> None:
        self.tables = SETS[number % len(SETS)]
        self.address = f"10.{number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
        self.body = json.dumps(
            {
                "night": night,
                "tables": self.tables,
                "party": PARTY.get(tuple(self.tables), 4),
                "contact": {"name": f"Guest {number}", "phone": f"+4477009{number:05d}"},
            }
        ).encode()
        self.status = 0
        self.seconds = 0.0
        self.answer: dict[str, Any] = {}
        self._customer: Customer | None = None

    async def connect(self, port: int) -> None:
        self._customer = Customer(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, at: float) -> None:
        """Tries at the instant; what it takes is counted from then, however late this is."""
        assert self._customer is not None
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        self.status, self.answer = await self._customer.send(
            "POST", "/v1/holds", self.address, self.body
        )
        self.seconds = time.perf_counter() - at


async def tried(port: int, first: int, night: str, count: int, seconds: float) -> list[Attempt]:
    """So many attempts, spread evenly over so many seconds."""
    attempts = [Attempt(first + number, night) for number in range(count)]
    for begin in range(0, count, 100):
        await asyncio.gather(*(one.connect(port) for one in attempts[begin : begin + 100]))
    start = time.perf_counter() + 0.5
    await asyncio.gather(
        *(one.send(start + seconds * place / count) for place, one in enumerate(attempts))
    )
    return attempts


async def claims(service: House, night: str) -> tuple[int, int]:
    """How many live claims the night has, and on how many tables."""
    conn = await asyncpg.connect(**service.database("owner"))
    try:
        row = await conn.fetchrow(COUNT_CLAIMS, night)
    finally:
        await conn.close()
    return row["claims"], row["tables"]


def judged(name: str, good: bool, figure: str) -> bool:
    print(f"{name}: {figure}  {'ok' if good else 'MISSED'}")
    return good


async def rushed(service: House, night: str) -> tuple[bool, int, float]:
    """Whether everybody at once got all tables once and no other answer than yes and taken; how
    many tables are claimed, and how many seconds the last answer took."""
    crowd = await tried(service.port, 30_000, night, AT_ONCE, 0.0)
    total, distinct = await claims(service, night)
    right = (total, distinct) == (16, 16) and {one.status for one in crowd} == {201, 409}
    return right, distinct, max(one.seconds for one in crowd)


async def measure(service: House) -> bool:
    port = service.port
    await tried(port, 20_000, "2030-06-17", 16, 0.2)  # plans are made, pools are full
    crowd = await tried(port, 0, NIGHT, AT_ONCE, 0.0)
    counts = Counter(one.status for one in crowd)
    total, distinct = await claims(service, NIGHT)
    won = sum(len(one.tables) for one in crowd if one.status == 201)
    lost = [one.answer for one in crowd if one.status == 409]
    told = sum(1 for one in lost if "alternatives" in one and "waitlist" in one)
    latest = max(one.seconds for one in crowd)
    print(f"{AT_ONCE} attempts in one instant, answers by status: {dict(counts)}")
    good = [
        judged("tables claimed", (total, distinct, won) == (16, 16, 16), f"{distinct} of 16"),
        judged("claims on one table twice", total == distinct, str(total - distinct)),
        judged("answers that are no 201 and no 409", set(counts) <= {201, 409},
               str(sum(counts.values()) - counts[201] - counts[409])),
        judged("losers told what else there is", told == len(lost), f"{told} of {len(lost)}"),
        judged("the last answer", latest <= ALL_WITHIN_SECONDS,
               f"{latest:.2f} s (budget {ALL_WITHIN_SECONDS:.0f} s)"),
    ]  # fmt: skip
    stream = await tried(port, 5000, NEXT_NIGHT, ARRIVALS, 1.0)
    times = sorted(one.seconds for one in stream)
    p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    statuses = dict(Counter(one.status for one in stream))
    print(f"{ARRIVALS} attempts within one second, answers by status: {statuses}")
    total, distinct = await claims(service, NEXT_NIGHT)
    good.append(judged("tables claimed", (total, distinct) == (16, 16), f"{distinct} of 16"))
    good.append(
        judged(
            "p95 of an attempt",
            p95 < P95_SECONDS,
            f"{p95 * 1000:.0f} ms, p50 {p50 * 1000:.0f} ms (budget {P95_SECONDS * 1000:.0f} ms)",
        )
    )
    return all(good)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
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
        open_night(service.origin, demo_token, NIGHT, NEXT_NIGHT, "2030-06-17")
        good = uvloop.run(measure(service))
        verified = service.verifies(NIGHT)
    finally:
        service.stop()
    return 0 if good and verified else 1


if __name__ == "__main__":
    sys.exit(main())
