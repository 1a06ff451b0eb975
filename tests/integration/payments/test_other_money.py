"""Money that is not what was asked for: recorded as it came, and on the managers' list until one of
them has seen it."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from app.actions.desk_payments import verify_payment
from app.db.payments import list_unverified
from app.errors import Conflict
from tests.integration.floor import MANAGER
from tests.integration.payments.till import Till

DEPOSIT = 2000  # of table 7
ANOTHER = str(uuid4())
# How it differs: what Stripe says, then the booking's state, the house's pence, where the payment's
# money is, and how many messages of each kind there are.
CASES: dict[str, tuple[dict[str, Any], str, int, tuple[int, ...], dict[str, int]]] = {
    "less": (
        {"received_pence": 1500}, "confirmed", 1500, (1500, 1500, 0, 0), {"confirmation": 1},
    ),
    "more": (
        {"received_pence": 2600}, "confirmed", DEPOSIT, (2600, DEPOSIT, 0, 600),
        {"confirmation": 1, "refunded": 1},
    ),
    "currency": ({"currency": "eur"}, "pending", 0, (DEPOSIT, 0, 0, DEPOSIT), {}),
    "booking": (
        {"booking_id": ANOTHER}, "confirmed", DEPOSIT, (DEPOSIT, DEPOSIT, 0, 0),
        {"confirmation": 1},
    ),
}  # fmt: skip


async def _found(desk: Till, how: str, intent: str) -> None:
    """By a webhook, or by the hourly comparison alone; and what is due is done."""
    if how == "webhook":
        await desk.tell(desk.event("payment_intent.succeeded", intent))
    else:
        assert await desk.compared() == 1
    while await desk.work():
        pass


async def _listed(desk: Till) -> list[tuple[str | None, str]]:
    """What of online money a manager has to see: how it differs, and the payment's id."""
    async with desk.house.db.acting(MANAGER) as conn:
        return [(one.differs, one.id) for one in await list_unverified(conn)]


async def _assert_seen_by_a_person(desk: Till, what: str, how: str) -> None:
    """What came of one case, to which nothing that is told again adds anything."""
    other, status, paid, payment, messages = CASES[what]
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    desk.side.other[intent] = other
    await _found(desk, how, intent)
    for _ in range(2):
        row = await desk.row(held)
        assert (row["status"], row["paid_pence"], row["tables"]) == (status, paid, [7])
        assert row["payments"] == [payment]
        assert await desk.messages(held) == messages
        assert [differs for differs, _ in await _listed(desk)] == [what]
        await desk.agrees()
        await _found(desk, "webhook", intent)
        assert await desk.compared() == 0
    # In another currency its line comes once more, with what is back.
    lines = 2 if what == "currency" else 1
    assert (await desk.lines_of(held)).count("PAYMENT_DIFFERED") == lines


@pytest.mark.parametrize("how", ["webhook", "comparison"])
@pytest.mark.parametrize("what", list(CASES))
async def test_what_came_otherwise_is_recorded_as_it_came_and_listed(
    desk: Till, what: str, how: str
) -> None:
    await _assert_seen_by_a_person(desk, what, how)
    (_, payment) = (await _listed(desk))[0]
    await verify_payment(desk.house.db, desk.house.caller(), payment)
    assert await _listed(desk) == []
    with pytest.raises(Conflict, match="already"):
        await verify_payment(desk.house.db, desk.house.caller(), payment)
    await desk.agrees()


@pytest.mark.parametrize("what", list(CASES))
async def test_without_the_comparison_other_money_is_taken_in_silence(
    desk: Till, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The negative control: nobody compares what came with what was asked for."""
    monkeypatch.setattr("app.actions.deposits.judge_difference", lambda *_: None)
    with pytest.raises(AssertionError):
        await _assert_seen_by_a_person(desk, what, "webhook")


async def test_what_was_asked_for_is_no_task_and_needs_no_second_person(desk: Till) -> None:
    held = await desk.paid([7])
    assert await _listed(desk) == []
    assert "PAYMENT_DIFFERED" not in await desk.lines_of(held)
    async with desk.house.looking() as conn:
        payment = await conn.fetchval("SELECT id::text FROM payment")
    with pytest.raises(Conflict, match="Stripe took this one"):
        await verify_payment(desk.house.db, desk.house.caller(), payment)


async def test_who_paid_in_another_currency_may_pay_again(desk: Till) -> None:
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    desk.side.other[intent] = {"currency": "eur"}
    await _found(desk, "webhook", intent)
    assert (await desk.begin(held))["deposit"]["state"] == "waiting"
    assert (await desk.card(held))["status"] == "confirmed"
    assert (await desk.row(held))["payments"] == [
        (DEPOSIT, 0, 0, DEPOSIT), (DEPOSIT, DEPOSIT, 0, 0),
    ]  # fmt: skip
    assert (await desk.row(held))["paid_pence"] == DEPOSIT
    assert await desk.messages(held) == {"confirmation": 1}
    await desk.agrees()


async def test_other_money_that_comes_too_late_goes_back_whole(desk: Till) -> None:
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    desk.side.other[intent] = {"received_pence": 1500}
    await desk.ran_out(held)
    await desk.house.booked([7])
    await _found(desk, "webhook", intent)
    row = await desk.row(held)
    assert (row["status"], row["payments"]) == ("expired", [(1500, 0, 0, 1500)])
    assert await desk.messages(held) == {"late_payment_refunded": 1}
    await desk.agrees()


async def test_what_nobody_asked_for_and_names_the_booking_is_judged_by_its_deposit(
    desk: Till,
) -> None:
    """Somebody makes an intent over a pound in Stripe's own pages, with the booking's id."""
    held = await desk.held([7])
    made = await desk.side.create_intent(
        key=f"by-hand:{uuid4()}", amount_pence=100, currency="gbp",
        metadata={"booking_id": held["booking_id"]},
    )  # fmt: skip
    desk.side.other[made.stripe_id] = {"status": "succeeded"}
    await _found(desk, "webhook", made.stripe_id)
    row = await desk.row(held)
    assert (row["status"], row["paid_pence"]) == ("confirmed", 100)
    assert [differs for differs, _ in await _listed(desk)] == ["less"]
    await desk.agrees()


async def test_other_money_that_is_told_at_once_by_everybody_is_recorded_once(desk: Till) -> None:
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    desk.side.other[intent] = CASES["more"][0]
    for _ in range(4):
        await desk.tell(desk.event("payment_intent.succeeded", intent))
    await asyncio.gather(*(desk.worked() for _ in range(4)), desk.compared())
    while await desk.work():
        pass
    assert (await desk.row(held))["payments"] == [CASES["more"][3]]
    assert (await desk.lines_of(held)).count("PAYMENT_DIFFERED") == 1
    await desk.agrees()
