"""Health that tells the truth: alive, ready with each part by name, and the metrics."""

import asyncio
import dataclasses
import time
from typing import Any, Final

from msgspec import Struct
from redis.exceptions import RedisError

from app.db.book import list_heads
from app.db.health import read_health
from app.errors import Refusal
from app.web.answers import NO_STORE, Answer, encoded
from app.web.metrics import CONTENT_TYPE
from app.web.operations import Call
from app.web.parts import Parts

# The listener hears from Postgres at least every 5 s (its own wake); twice that is dead.
LISTENER_SILENCE_SECONDS: Final = 10.0
# Half a second of the busiest night that was measured; a node further behind shows an old floor.
VERSIONS_BEHIND_MAX: Final = 250
READY_SECONDS: Final = 3.0
# Three quick tries are over by then: the mail server is away, not restarting.
MESSAGES_LATE_SECONDS: Final = 120.0


class Alive(Struct, frozen=True):
    status: str
    node: str


class Part(Struct, frozen=True):
    """One part of the service. `needed`: without it the node cannot do its work."""

    ok: bool
    needed: bool
    detail: str


class Readiness(Struct, frozen=True):
    """`ready`, or `degraded` (something is away that the floor can do without), or `away`."""

    status: str
    node: str
    parts: dict[str, Part]


Servers = tuple[dict[str, Part], dict[str, int]]


async def get_live(call: Call) -> Answer:
    return encoded(Alive("alive", call.parts.node))


async def get_ready(call: Call) -> Answer:
    """503 while a needed part is away, so that a proxy sends nobody here."""
    found = await readiness(call.parts, fresh=call.visitor.is_near)
    return encoded(found, 503 if found.status == "away" else 200)


async def readiness(parts: Parts, *, fresh: bool) -> Readiness:
    """What is true of each part now; asks Postgres and Redis themselves.

    Unless it is to be `fresh`, their answers may be a second old.
    """
    servers, heads = await parts.looks.find(lambda: look_at_servers(parts), fresh=fresh)
    found = {**servers, **_live(parts, heads), "messages": _messages(parts)}
    found["payments"] = _payments(parts)
    if any(part.needed and not part.ok for part in found.values()):
        status = "away"
    else:
        status = "ready" if all(part.ok for part in found.values()) else "degraded"
    return Readiness(status, parts.node, found)


async def look_at_servers(parts: Parts) -> Servers:
    """The parts of Postgres and Redis, and the version of every book."""
    heads: dict[str, int] = {}
    database, redis = await asyncio.gather(_database(parts, heads), _redis(parts))
    return {**database, "redis": redis}, heads


async def _database(parts: Parts, heads: dict[str, int]) -> dict[str, Part]:
    """The parts of Postgres; `heads` gets the version of every book."""
    began = time.perf_counter()
    checks = {"app": parts.db.app, "jobs": parts.db.jobs, "auth": parts.db.auth}
    strong: list[str] = []
    missing: list[str] = []
    other: list[str] = []
    try:
        async with asyncio.timeout(READY_SECONDS):
            for name, pool in checks.items():
                async with parts.db.reading(pool) as conn:
                    health = await read_health(conn)
                    missing, other = health.missing_migrations, health.other_functions
                    heads.update(await list_heads(conn))
                    if health.is_superuser or health.owns_tables or health.bypasses_policies:
                        strong.append(f"{name} (as {health.role})")
    except (Refusal, TimeoutError) as error:
        away = Part(False, True, f"Postgres does not answer: {type(error).__name__}")
        return {"database": away}
    milliseconds = (time.perf_counter() - began) * 1000
    roles = (
        f"too strong: {', '.join(strong)}; connect as roles that own nothing (docs/operations.md)"
        if strong
        else "no connection is a superuser or owns a table"
    )
    schema = f"missing: {', '.join(missing)}; run backroom migrate" if missing else "current"
    functions = (
        f"{len(other)} are another release's (the first is {other[0]}): once every node is "
        "upgraded, run backroom migrate"
        if other
        else "this release's"
    )
    return {
        "database": Part(True, True, f"three roles answered in {milliseconds:.1f} ms"),
        "migrations": Part(not missing, True, schema),
        # A node goes on serving while the next release's migrate under it.
        "functions": Part(not other, False, functions),
        "roles": Part(not strong, True, roles),
    }


async def _redis(parts: Parts) -> Part:
    try:
        async with asyncio.timeout(1):
            await parts.redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        return Part(False, False, f"away, screens are fed from Postgres: {type(error).__name__}")
    return Part(True, False, "answers")


def _live(parts: Parts, heads: dict[str, int]) -> dict[str, Part]:
    status: dict[str, Any] = parts.live.status()
    listener = status["listener"]
    silence = listener["answered_seconds"]
    heard = listener["connected"] and silence is not None and silence < LISTENER_SILENCE_SECONDS
    detail = "not connected" if not listener["connected"] else f"heard {silence} s ago"
    behind = sum(max(0, heads.get(n, 0) - version) for n, version in status["nights"].items())
    working = not status["crashed"] and not status["draining"] and bool(status["epoch"])
    doing = "draining" if status["draining"] else f"epoch {status['epoch'] or 'none yet'}"
    return {
        "listener": Part(heard, True, detail),
        "live": Part(
            working and behind <= VERSIONS_BEHIND_MAX,
            True,
            f"{doing}, tonight {status['tonight']}, {behind} versions behind Postgres",
        ),
    }


def _messages(parts: Parts) -> Part:
    """The floor runs without mail, so a node whose messages wait is degraded and not away."""
    counts, carried = parts.outbox.counts, parts.outbox.carriers
    ways = ", ".join(f"{way} {'goes out' if sent else 'is kept'}" for way, sent in carried.items())
    if counts is None:
        return Part(True, False, f"{ways}; not looked at yet")
    late = counts.oldest_seconds > MESSAGES_LATE_SECONDS
    detail = f"{ways}; {counts.waiting} wait, {counts.dead} are dead"
    return Part(
        not late,
        False,
        f"{detail}, the first for {counts.oldest_seconds:.0f} s" if late else detail,
    )


def _payments(parts: Parts) -> Part:
    """Guests pay at the desk while Stripe is away, and what was paid is found afterwards."""
    money = parts.money
    if money.side is None:
        return Part(True, False, "no cards are taken online: deposits are paid at the desk")
    state, waiting = money.side.breaker.state, money.waiting
    detail = "the circuit to Stripe is closed" if state == "closed" else f"Stripe is away: {state}"
    if waiting is None:
        return Part(not money.is_away, False, f"{detail}; not looked at yet")
    return Part(
        not money.is_away,
        False,
        f"{detail}; {waiting.inbox} events and {waiting.refunds} refunds wait,"
        f" {waiting.stuck} of these for a person",
    )


async def get_metrics(call: Call) -> Answer:
    """Gauges are read when they are asked for."""
    parts = call.parts
    observe(parts)
    return Answer(200, parts.metrics.text(), content_type=CONTENT_TYPE, cache_control=NO_STORE)


def observe(parts: Parts) -> None:
    """The gauges show what is true now."""
    metrics, worker = parts.metrics, parts.node
    for name, pool in (("app", parts.db.app), ("jobs", parts.db.jobs), ("auth", parts.db.auth)):
        idle = pool.get_idle_size()
        metrics.connections.labels(worker, name, "idle").set(idle)
        metrics.connections.labels(worker, name, "busy").set(pool.get_size() - idle)
    status = parts.live.status()
    for audience, count in status["sockets"].items():
        metrics.sockets.labels(worker, audience).set(count)
    for what, count in dataclasses.asdict(parts.live.hub.counts).items():
        metrics.live.labels(worker, what).set(count)
    if (counts := parts.outbox.counts) is not None:
        metrics.outbox.labels(worker, "waiting").set(counts.waiting)
        metrics.outbox.labels(worker, "dead").set(counts.dead)
        metrics.outbox_age.labels(worker).set(counts.oldest_seconds)
    _observe_money(parts)
    tonight = parts.live.tonight()
    if tonight is None:
        return
    state = parts.live.state(tonight)
    by_status = dict.fromkeys(("pending", "confirmed", "seated"), 0)
    for booking in state.bookings.values():
        by_status[booking.status] = by_status.get(booking.status, 0) + 1
    for word, count in by_status.items():
        metrics.bookings.labels(worker, word).set(count)
    for floor, people in state.inside.items():
        metrics.people.labels(worker, floor).set(people)


def _observe_money(parts: Parts) -> None:
    metrics, worker, money = parts.metrics, parts.node, parts.money
    if money.side is None:
        return
    metrics.payments_away.labels(worker).set(money.is_away)
    for (call, ending), count in money.side.calls.items():
        metrics.stripe_calls.labels(worker, call, ending).set(count)
    if (waiting := money.waiting) is not None:
        for what in ("inbox", "refunds", "stuck"):
            metrics.payments_waiting.labels(worker, what).set(getattr(waiting, what))
