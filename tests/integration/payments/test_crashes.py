"""The process dies at every step between a hold and its confirmation: before and after each commit
that wrote anything, and each call of Stripe's. Another one goes on, and money and table agree.

First each way is gone to its end, to learn its steps; then once for each step, to die at it. The
negative controls take away what is written down before a call: then the same judgement must fail.
"""

import multiprocessing
import os
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from app.actions import act
from app.db.pool import Database
from app.domain.principals import Principal
from app.payments import work as background
from app.payments.work import work
from tests.integration.payments.till import Died, Till, Watched

TABLES = (7, 8, 5, 6, 1, 2, 3, 4)
Booking = dict[str, Any]
WROTE = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


class Doom:
    """Counts the steps of what happens, and is the end at the one that is chosen."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.last: int | str | None = None

    def begin(self, last: int | str | None) -> None:
        """The end comes at the step of that number, or of that name."""
        self.steps, self.last = [], last

    def step(self, name: str) -> None:
        self.steps.append(name)
        if self.last in (len(self.steps) - 1, name):
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
    """Stripe made one intent and took the deposit once, whatever it knows of the booking."""
    made = [
        seen.received_pence if seen.status == "succeeded" else 0
        async for seen in desk.side.list_intents(0)
        if seen.booking_id == booking["booking_id"]
    ]
    assert made == [booking["deposit_pence"]], "what Stripe made for the booking"


async def _pays(desk: Till, booking: Booking) -> None:
    await desk.begin(booking)
    await desk.card(booking)


async def _has_the_table(desk: Till, booking: Booking) -> None:
    # The guest may never look again; nothing is kept for a table that is not theirs.
    if (intent := await desk.find_intent_of(booking)) is not None:
        await desk.tell(desk.event("payment_intent.succeeded", intent))
    while await desk.work():
        pass
    await desk.agrees(of=booking)
    await _pays(desk, booking)
    row = await desk.row(booking)
    deposit = booking["deposit_pence"]
    assert (row["status"], row["payments"]) == ("confirmed", [(deposit, deposit, 0, 0)])
    assert await desk.messages(booking) == {"confirmation": 1}
    await _took_once(desk, booking)


async def test_whoever_pays_on_the_page_has_the_table_when_it_comes_back(
    desk: Till, doom: Doom
) -> None:
    steps = await _each_step(
        desk,
        doom,
        lambda number: desk.held([number]),
        lambda booking: _pays(desk, booking),
        lambda booking: _has_the_table(desk, booking),
    )
    for call in ("create_intent", "fetch_intent"):
        assert {f"before {call}", f"after {call}"} <= set(steps)
    assert steps.count("after an action's commit") == 2
    assert "after a commit" in steps


async def _died_after(desk: Till, doom: Doom, call: str, way: Awaitable[object]) -> None:
    """The way ends once Stripe has answered the call; another process goes on."""
    desk.side.at = lambda when, name: doom.step(f"{when} {name}")
    doom.begin(f"after {call}")
    with pytest.raises(Died):
        await way
    doom.begin(None)
    await desk.restarted()


@pytest.mark.parametrize("written_down", [True, False])
async def test_without_the_key_that_was_written_down_stripe_makes_a_second_intent(
    desk: Till, doom: Doom, monkeypatch: pytest.MonkeyPatch, written_down: bool
) -> None:
    """The negative control of the test above, and the same without it."""
    if not written_down:
        _with_new_keys(monkeypatch, "create_intent")
    booking = await desk.held([7])
    await _died_after(desk, doom, "create_intent", _pays(desk, booking))
    if written_down:
        await _has_the_table(desk, booking)
    else:
        with pytest.raises(AssertionError, match="what Stripe made for the booking"):
            await _has_the_table(desk, booking)


def _with_new_keys(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Each call at Stripe has a key of its own, as if nobody had kept the last one."""
    real = getattr(Watched, call)

    async def calling(self: Watched, *, key: str, **named: Any) -> Any:
        return await real(self, key=f"{key}:{secrets.token_hex(4)}", **named)

    monkeypatch.setattr(Watched, call, calling)


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


@pytest.mark.parametrize("guarded", [True, False])
async def test_without_a_look_and_its_key_the_refund_is_made_a_second_time(
    desk: Till, doom: Doom, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """The negative control of the test above, and the same with both."""
    if not guarded:
        _with_new_keys(monkeypatch, "refund")
        monkeypatch.setattr(background, "_is_under_way", lambda one, refund_id: False)
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    await desk.ran_out(held)
    await desk.house.booked([7])
    await desk.settled(intent)
    await _died_after(desk, doom, "refund", desk.worked())
    await desk.work()
    back = [one.amount_pence for one in (await desk.fetched(intent)).refunds]
    assert back == [held["deposit_pence"]] * (1 if guarded else 2)


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
