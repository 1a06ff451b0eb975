"""Stripe goes away and comes back: guests are told at once, nothing of theirs is lost, and the
circuit closes by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.errors import NotReady
from app.payments.breaker import FAILURES, WAIT_SECONDS
from app.payments.side import AnsweredBroken, away
from app.payments.work import look, work
from app.settings import Settings
from tests.integration.payments.till import StandIn, Till, till


@pytest.fixture
def stripe_itself(tmp_path: Path) -> Iterator[StandIn]:
    """A stand-in of this test's own, to stop and start."""
    made = StandIn(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _circuit(desk: Till) -> str:
    return desk.side.breaker.state


async def _refused(desk: Till, booking: dict[str, Any]) -> NotReady:
    with pytest.raises(NotReady) as refused:
        await desk.begin(booking)
    assert refused.value.reason == "payments_away"
    assert "Nothing was taken" in refused.value.detail
    return refused.value


async def test_while_stripe_is_away_guests_are_told_and_lose_nothing(
    settings: Settings, stripe_itself: StandIn
) -> None:
    async with till(settings, stripe_itself.changed) as desk:
        began, fresh, paid = await desk.held([7]), await desk.held([8]), await desk.held([6])
        gone = await desk.paid([5])
        await desk.begin(began)
        intent = await desk.paid_unseen(paid)
        await desk.cancel_by_staff(gone)
        await desk.refund_all(gone)
        stripe_itself.stop()

        # A webhook that came just before, a refund that is due, and guests who want to pay.
        await desk.tell(desk.event("payment_intent.succeeded", intent))
        while _circuit(desk) == "closed":
            await _refused(desk, fresh)
            await desk.worked()
        assert desk.side.calls.total() >= FAILURES
        asked = len(desk.side.asked)
        refused = await _refused(desk, began)
        assert refused.retry_after_seconds is not None
        assert await desk.worked() == 0
        assert len(desk.side.asked) == asked  # nobody waits for it
        await look(desk.money)
        assert desk.money.is_away
        assert desk.money.waiting is not None
        assert (desk.money.waiting.inbox, desk.money.waiting.refunds) == (1, 1)
        for booking in (began, fresh, paid):
            assert (await desk.row(booking))["status"] == "pending"

        # The first probe fails, and it waits twice as long.
        desk.clock += WAIT_SECONDS
        assert _circuit(desk) == "probing"
        await _refused(desk, fresh)
        assert _circuit(desk) == "open"
        desk.clock += WAIT_SECONDS
        assert _circuit(desk) == "open"

        # Back: nobody pays just now, and the service finds out by itself.
        stripe_itself.start()
        desk.clock += WAIT_SECONDS
        assert _circuit(desk) == "probing"
        await work(desk.money)
        assert _circuit(desk) == "closed"
        while await desk.work():
            pass
        assert (await desk.row(paid))["status"] == "confirmed"
        assert (await desk.row(gone))["payments"] == [(4000, 0, 0, 4000)]
        for booking in (began, fresh):
            await desk.begin(booking)
            assert (await desk.card(booking))["status"] == "confirmed"
        assert (await desk.messages(paid))["confirmation"] == 1
        await desk.agrees()


async def test_an_error_of_stripes_own_does_not_come_back_under_the_same_key(
    desk: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe repeats its answer under a key for a day, and a 500 too."""
    keys: list[str] = []
    create = desk.side.create_intent

    async def broken(*, key: str, **asked: Any) -> Any:
        keys.append(key)
        if key == keys[0]:
            raise away(1, AnsweredBroken)
        return await create(key=key, **asked)

    monkeypatch.setattr(desk.side, "create_intent", broken)
    held = await desk.held([7])
    await _refused(desk, held)
    assert (await desk.begin(held))["deposit"]["state"] == "waiting"
    assert (await desk.card(held))["status"] == "confirmed"
    assert len(set(keys)) == 2
    await desk.work()
    await desk.agrees()
