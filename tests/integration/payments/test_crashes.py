"""The process dies at every step between a hold and its confirmation: before and after each commit
that wrote anything, and each call of Stripe's. Another one goes on, and money and table agree.

First each way is gone to its end, to learn its steps; then once for each step, to die at it.
"""

import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from app.actions import act
from app.db.pool import Database
from app.domain.principals import Principal
from app.payments.work import work
from tests.integration.payments.till import Died, Till

TABLES = (7, 8, 5, 6, 1, 2, 3, 4)
Booking = dict[str, Any]
WROTE = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


class Doom:
    """Counts the steps of what happens, and is the end at the one that is chosen."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.last: int | None = None

    def begin(self, last: int | None) -> None:
        self.steps, self.last = [], last

    def step(self, name: str) -> None:
        self.steps.append(name)
        if self.last == len(self.steps) - 1:
            raise Died(name)


@pytest.fixture
def doom(monkeypatch: pytest.MonkeyPatch) -> Doom:
    made = Doom()
    finish, acting = act.finish, Database.acting

    async def finishing(*given: Any, **named: Any) -> int:
        made.step("before an action's commit")
        version = await finish(*given, **named)
        made.step("after an action's commit")
        return version

    @asynccontextmanager
    async def as_somebody(
        self: Database, who: Principal, pool: asyncpg.Pool | None = None
    ) -> AsyncIterator[asyncpg.Connection]:
        async with acting(self, who, pool) as conn:
            yield conn
            if wrote := await conn.fetchval(WROTE):
                made.step("before a commit")
        if wrote:
            made.step("after a commit")

    monkeypatch.setattr(act, "finish", finishing)
    monkeypatch.setattr(Database, "acting", as_somebody)
    return made


async def _each_step(
    desk: Till,
    doom: Doom,
    arranged: Callable[[int], Awaitable[Booking]],
    way: Callable[[Booking], Awaitable[object]],
    judged: Callable[[Booking], Awaitable[None]],
) -> list[str]:
    """The way dies at each of its steps, once; returns their names."""
    steps: list[str] = []
    number = -1
    while number < len(steps):
        doom.begin(None)
        desk.side.at = lambda when, call: None
        booking = await arranged(TABLES[(number + 1) % len(TABLES)])
        desk.side.at = lambda when, call: doom.step(f"{when} {call}")
        doom.begin(None if number < 0 else number)
        try:
            await way(booking)
        except Died:
            assert number >= 0
        else:
            assert number in (-1, len(steps)), f"nobody died at step {number}"
            steps = steps or doom.steps
        doom.begin(None)
        await desk.restarted()
        await judged(booking)
        await desk.cancel_by_staff(booking)  # whoever has the table now lets it go
        number += 1
    await desk.agrees()
    return steps


async def _took_once(desk: Till, booking: Booking) -> None:
    """Stripe took the deposit once, whatever it knows of the booking."""
    taken = [
        seen.received_pence
        async for seen in desk.side.list_intents(0)
        if seen.booking_id == booking["booking_id"] and seen.status == "succeeded"
    ]
    assert taken == [booking["deposit_pence"]]


async def test_whoever_pays_on_the_page_has_the_table_when_it_comes_back(
    desk: Till, doom: Doom
) -> None:
    async def way(booking: Booking) -> None:
        await desk.begin(booking)
        await desk.card(booking)

    async def judged(booking: Booking) -> None:
        # The guest may never look again; nothing is kept for a table that is not theirs.
        if (intent := await desk.find_intent_of(booking)) is not None:
            await desk.tell(desk.event("payment_intent.succeeded", intent))
        while await desk.work():
            pass
        await desk.agrees(of=booking)
        await way(booking)
        row = await desk.row(booking)
        deposit = booking["deposit_pence"]
        assert (row["status"], row["payments"]) == ("confirmed", [(deposit, deposit, 0, 0)])
        assert await desk.messages(booking) == {"confirmation": 1}
        await _took_once(desk, booking)

    steps = await _each_step(desk, doom, lambda number: desk.held([number]), way, judged)
    for call in ("create_intent", "fetch_intent"):
        assert {f"before {call}", f"after {call}"} <= set(steps)
    assert steps.count("after an action's commit") == 2
    assert "after a commit" in steps


async def test_the_worker_that_looks_into_an_event_may_die_at_any_step(
    desk: Till, doom: Doom
) -> None:
    async def arranged(number: int) -> Booking:
        held = await desk.held([number])
        await desk.tell(desk.event("payment_intent.succeeded", await desk.paid_unseen(held)))
        return held

    async def judged(booking: Booking) -> None:
        while await desk.work():
            pass
        row = await desk.row(booking)
        deposit = booking["deposit_pence"]
        assert (row["status"], row["payments"]) == ("confirmed", [(deposit, deposit, 0, 0)])
        assert await desk.messages(booking) == {"confirmation": 1}
        await desk.agrees(of=booking)

    steps = await _each_step(desk, doom, arranged, lambda booking: desk.worked(), judged)
    assert len(steps) == 10


async def test_late_money_goes_back_once_wherever_its_worker_dies(desk: Till, doom: Doom) -> None:
    others: list[Booking] = []

    async def arranged(number: int) -> Booking:
        held = await desk.held([number])
        intent = await desk.paid_unseen(held)
        await desk.ran_out(held)
        others.append(await desk.house.booked([number]))
        await desk.settled(intent)
        return held

    async def judged(booking: Booking) -> None:
        while await desk.work():
            pass
        row = await desk.row(booking)
        deposit = booking["deposit_pence"]
        assert (row["status"], row["payments"]) == ("expired", [(deposit, 0, 0, deposit)])
        seen = await desk.fetched(await desk.intent_of(booking))
        assert [one.amount_pence for one in seen.refunds] == [deposit]
        assert await desk.messages(booking) == {"late_payment_refunded": 1}
        await desk.agrees(of=booking)
        booking["booking_id"] = others.pop()["booking_id"]

    steps = await _each_step(desk, doom, arranged, lambda booking: desk.worked(), judged)
    assert {"before refund", "after refund"} <= set(steps)


def _killed_after(call: str, settings: Any) -> None:
    """A worker of its own, killed by the kernel the moment Stripe has answered the call."""
    import asyncio  # noqa: PLC0415 - in the other process

    from app.domain.sealing import Vault  # noqa: PLC0415
    from app.payments.money import Money  # noqa: PLC0415
    from floorplan.venue import load_venue  # noqa: PLC0415
    from tests.integration.payments.till import Watched  # noqa: PLC0415

    async def run() -> None:
        db = await Database.open(settings)
        vault = Vault.from_text(settings.person_keys, settings.secret)
        money = Money(settings, db, load_venue(), vault)
        money.side = side = Watched(settings.stripe_api_key, settings.stripe_api_url, lambda: 0.0)
        side.at = lambda when, name: (
            os.kill(os.getpid(), signal.SIGKILL) if (when, name) == ("after", call) else None
        )
        await work(money)

    asyncio.run(run())


async def test_a_worker_that_is_killed_once_stripe_made_the_refund_makes_no_second_one(
    desk: Till,
) -> None:
    """A process, and kill -9: no code of ours runs after it."""
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    await desk.ran_out(held)
    await desk.house.booked([7])
    await desk.tell(desk.event("payment_intent.succeeded", intent))
    process = multiprocessing.get_context("spawn").Process(
        target=_killed_after, args=("refund", desk.settings)
    )
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    assert len((await desk.fetched(intent)).refunds) == 1
    assert (await desk.row(held))["payments"] == [(2000, 0, 2000, 0)]
    while await desk.work():
        pass
    assert (await desk.row(held))["payments"] == [(2000, 0, 0, 2000)]
    assert len((await desk.fetched(intent)).refunds) == 1
    await desk.agrees()
