"""What is free, asked by many: `python -m load.availability [--seconds 5]`.

Everything is real: one worker of `backroom serve`, the public API over HTTP, limits on, an address
for every two hundred questions through the trusted proxy header. The questions are parties of 1 to
12; every third page has an answer already and asks whether it still holds (ETag).

1. As many as sixteen connections can ask: requests for each second of the worker's own CPU time,
   which is what one core answers; beside it what was answered in a second of this machine.
2. 500 questions a second, whether or not the service keeps up (an open model): p99. One in ten
   asks for an answer without any work instead: its p99 is the server's, the client's and the
   machine's, and how long the worker waited for a core stands beside it.
3. A night at work: one hold or release a second meanwhile, a hundred pages that ask every two
   seconds as the public page does. Hit rate: answers that were not made anew, of all answers.

Exit code 1 when a budget is missed.
"""

import argparse
import asyncio
import json
import re
import secrets
import sys
import time
from pathlib import Path
from typing import Final

import httpx
import uvloop

from load.event_rate import NIGHT, Customer, open_night
from load.house import House
from load.options import amount

PER_CORE: Final = 2000.0
P99_SECONDS: Final = 0.010
PER_SECOND: Final = 500
HIT_RATE: Final = 0.90
CONNECTIONS: Final = 16
PAGES: Final = 100
PAGE_SECONDS: Final = 2.0
NO_WORK: Final = "/health/live"
NO_WORK_EVERY: Final = 10


class Asker:
    """One kept-open connection that asks; reads the head and as many bytes as it says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, number: int, party: int, tag: str = "") -> tuple[int, str]:
        """The status and the ETag. `number` chooses the address; no party: nothing to find out."""
        path = f"/v1/nights/{NIGHT}/availability?party={party}" if party else NO_WORK
        house = number // 200
        address = f"10.{house // 62500}.{house // 250 % 250}.{house % 250 + 1}"
        seen = f"If-None-Match: {tag}\r\n" if tag else ""
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"X-Forwarded-For: {address}\r\n{seen}\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length:
            await self._reader.readexactly(int(length[1]))
        found = re.search(rb"etag: ([^\r]+)", head)
        return int(head[9:12]), found[1].decode() if found else ""


async def asker(port: int) -> Asker:
    return Asker(*await asyncio.open_connection("127.0.0.1", port))


async def ask_on(one: Asker, place: int, until: float, counts: dict[int, int], first: int) -> None:
    tags: dict[int, str] = {}
    number = place * 1_000_000 + first
    while time.perf_counter() < until:
        number += 1
        party = number % 12 + 1
        status, tags[party] = await one.ask(
            number, party, tags.get(party, "") if number % 3 == 0 else ""
        )
        counts[status] = counts.get(status, 0) + 1


async def saturate(port: int, seconds: float, *, first: int = 0) -> tuple[float, dict[int, int]]:
    """Answers a second, and by status; `first` keeps two rounds at addresses of their own."""
    askers = [await asker(port) for _ in range(CONNECTIONS)]
    counts: dict[int, int] = {}
    began = time.perf_counter()
    await asyncio.gather(
        *(ask_on(one, place, began + seconds, counts, first) for place, one in enumerate(askers))
    )
    return sum(counts.values()) / (time.perf_counter() - began), counts


async def steady(port: int, seconds: float) -> tuple[list[float], list[float]]:
    """How long each of 500 questions a second took, from the instant at which it was due; apart
    from them the answers without any work."""
    free: asyncio.Queue[Asker] = asyncio.Queue()
    for _ in range(64):
        free.put_nowait(await asker(port))
    times: list[float] = []
    no_work: list[float] = []

    async def one(number: int, at: float) -> None:
        connection = await free.get()
        is_question = number % NO_WORK_EVERY > 0
        party = number % 12 + 1 if is_question else 0
        status, _ = await connection.ask(50_000_000 + number, party)
        assert status == 200, status
        (times if is_question else no_work).append(time.perf_counter() - at)
        free.put_nowait(connection)

    start = time.perf_counter() + 0.2
    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * PER_SECOND * NO_WORK_EVERY / (NO_WORK_EVERY - 1))):
            at = start + number / PER_SECOND * (NO_WORK_EVERY - 1) / NO_WORK_EVERY
            if (wait := at - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            group.create_task(one(number, at))
    return sorted(times), sorted(no_work)


def waited_for_a_core(pid: int) -> tuple[float, float]:
    """Seconds that the worker's loop ran so far, and that it could have run and did not."""
    ran, waited, _ = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text("ascii").split()
    return int(ran) / 1e9, int(waited) / 1e9


def p99(times: list[float]) -> float:
    return times[int(len(times) * 0.99)]


async def at_work(port: int, seconds: float) -> None:
    """Pages that ask as the public page does, while tables are held and let go."""
    until = time.perf_counter() + seconds

    async def page(place: int) -> None:
        connection, tag, party = await asker(port), "", place % 12 + 1
        await asyncio.sleep(place / PAGES * PAGE_SECONDS)
        while time.perf_counter() < until:
            _, tag = await connection.ask(90_000_000 + place * 200, party, tag)
            await asyncio.sleep(PAGE_SECONDS)

    async def desk() -> None:
        customer, count = Customer(*await asyncio.open_connection("127.0.0.1", port)), 0
        while time.perf_counter() < until:
            count += 1
            body = {"night": NIGHT, "tables": [7], "party": 4, "contact": {"name": "Guest"}}
            address = f"172.16.1.{count % 250}"
            _, held = await customer.send("POST", "/v1/holds", address, json.dumps(body).encode())
            await asyncio.sleep(1)
            path = f"/v1/holds/{held['booking_id']}"
            await customer.send("DELETE", path, address, token=held["token"])
            await asyncio.sleep(1)

    await asyncio.gather(desk(), *(page(place) for place in range(PAGES)))


def answers(service: House) -> dict[str, float]:
    """How the worker's answers came about, from its metrics."""
    text = httpx.get(f"{service.origin}/metrics").text
    found = re.findall(r'availability_answers_total\{how="(\w+)",[^}]*\} ([0-9.e+]+)', text)
    return {how: float(count) for how, count in found}


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--seconds", type=amount, default=5.0, help="of each figure")
    given = options.parse_args()
    demo_token = secrets.token_hex(32)
    service = House(
        BACKROOM_DEMO="1",
        BACKROOM_DEMO_TOKEN=demo_token,
        WORKERS="1",
        TRUSTED_PROXIES="127.0.0.1",
    )
    try:
        service.wait_until_ready()
        open_night(service.origin, demo_token)
        uvloop.run(saturate(service.port, 1.0))
        used = service.cpu_seconds()["worker"]
        rate, counts = uvloop.run(saturate(service.port, given.seconds, first=500_000))
        spent = service.cpu_seconds()["worker"] - used
        (worker,) = service.workers()
        ran, waited = waited_for_a_core(worker)
        times, no_work = uvloop.run(steady(service.port, given.seconds))
        ran, waited = (b - a for a, b in zip((ran, waited), waited_for_a_core(worker), strict=True))
        before = answers(service)
        uvloop.run(at_work(service.port, 4 * given.seconds))
        after = answers(service)
    finally:
        service.stop()
    per_core = sum(counts.values()) / spent
    p50 = times[len(times) // 2]
    made = {how: after.get(how, 0) - before.get(how, 0) for how in after}
    hits = 1 - made.get("computed", 0) / sum(made.values())
    good = [per_core >= PER_CORE, p99(times) < P99_SECONDS, hits > HIT_RATE]
    words = ["ok" if one else "MISSED" for one in good]
    print(f"answers by status: {counts}; {rate:.0f} a second on this machine")
    print(f"requests a second of one core: {per_core:.0f} (budget {PER_CORE:.0f})  {words[0]}")
    print(
        f"at {PER_SECOND} a second: p50 {p50 * 1000:.1f} ms, p99 {p99(times) * 1000:.1f} ms"
        f" (budget {P99_SECONDS * 1000:.0f} ms)  {words[1]}"
    )
    print(
        f"  meanwhile an answer without any work: p99 {p99(no_work) * 1000:.1f} ms; the worker ran"
        f" {ran:.2f} s and waited {waited:.2f} s for a core"
    )
    print(
        f"hit rate of a night at work: {hits:.1%} of {sum(made.values()):.0f}, {made}  {words[2]}"
    )
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
