"""Deposits, with Stripe's own client against what stands in for Stripe."""

import pytest

from app.actions.holds import extend_hold
from app.errors import Conflict
from tests.integration.payments.till import Till


async def test_a_paid_hold_is_confirmed_on_its_table(desk: Till) -> None:
    held = await desk.held([7])
    begun = await desk.begin(held)
    assert begun["status"] == "pending"
    assert begun["hold_expires_at"] > held["hold_expires_at"]
    assert begun["deposit"]["state"] == "waiting"
    assert begun["deposit"]["client_secret"].startswith("pi_")
    paid = await desk.card(held)
    assert (paid["status"], paid["paid_pence"]) == ("confirmed", 2000)
    assert (await desk.house.kinds())[-3:] == [
        "HOLD_EXTENDED", "PAYMENT_PROCESSED", "BOOKING_CONFIRMED",
    ]  # fmt: skip
    await desk.agrees()


async def test_the_hold_is_extended_once_however_often_the_payment_begins(desk: Till) -> None:
    held = await desk.held([7])
    first, second = await desk.begin(held), await desk.begin(held)
    assert first["hold_expires_at"] == second["hold_expires_at"]
    assert first["deposit"] == second["deposit"]
    assert (await desk.house.kinds()).count("HOLD_EXTENDED") == 1
    with pytest.raises(Conflict, match="extended once"):
        await extend_hold(desk.house.db, desk.house.venue, desk.house.caller(), held["booking_id"])


async def test_a_card_that_is_declined_may_be_followed_by_one_that_pays(desk: Till) -> None:
    held = await desk.held([7])
    await desk.begin(held)
    declined = await desk.card(held, "declined")
    assert (declined["status"], declined["deposit"]["state"]) == ("pending", "failed")
    assert (await desk.row(held))["payment_failed"]
    await desk.agrees()
    paid = await desk.card(held)
    assert paid["status"] == "confirmed"
    assert not (await desk.row(held))["payment_failed"]
    assert (await desk.house.kinds()).count("PAYMENT_FAILED") == 1
    await desk.agrees()


async def test_the_bank_asks_and_the_guest_approves(desk: Till) -> None:
    held = await desk.held([7])
    await desk.begin(held)
    assert (await desk.card(held, "asks"))["deposit"]["state"] == "action"
    assert (await desk.card(held, "refuse"))["deposit"]["state"] == "failed"
    assert (await desk.card(held, "asks"))["deposit"]["state"] == "action"
    assert (await desk.card(held, "approve"))["status"] == "confirmed"
    await desk.agrees()
