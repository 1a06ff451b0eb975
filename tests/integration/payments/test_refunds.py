"""What comes back of a deposit, who asked for it, and how it ends; the sum is asked each time."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.actions.desk_payments import verify_payment
from app.actions.refunds import give_refund, refund_booking
from app.domain.payments import SeenDispute
from app.domain.principals import Principal
from app.errors import Conflict, NotAllowed
from app.wire import RefundBooking
from tests.integration.changing import SUNDAY, change, rescheduled, split
from tests.integration.customers import owner_of
from tests.integration.floor import MANAGER, NIGHT, read
from tests.integration.payments.till import Till

DEPOSIT = 2000  # of table 7
SECOND = Principal(kind="staff", id="0b8a1f4e-53a5-4f0e-9d55-1c0c0ad0f111", role="MANAGER")
DAYS_BEFORE = {day: datetime(2026, 11, day, 12, tzinfo=UTC) for day in range(10, 23)}


@pytest.mark.parametrize(
    ("day", "back"), [(18, DEPOSIT), (20, DEPOSIT // 2), (21, 0)], ids=["all", "half", "nothing"]
)
async def test_a_guest_who_cancels_gets_what_the_policy_says(
    desk: Till, day: int, back: int
) -> None:
    await desk.house.at(DAYS_BEFORE[17])
    booking = await desk.paid([7])
    await desk.house.at(DAYS_BEFORE[day])
    cancelled = await desk.cancel(booking)
    assert (cancelled["status"], cancelled["refund_pence"]) == ("cancelled", back)
    pending = (DEPOSIT, DEPOSIT - back, back, 0)
    assert (await desk.row(booking))["payments"] == [pending]
    await desk.agrees()
    for _ in range(2):
        await desk.work()
        row = await desk.row(booking)
        assert row["payments"] == [(DEPOSIT, DEPOSIT - back, 0, back)]
        assert row["paid_pence"] == DEPOSIT - back
        await desk.agrees()
    told = await desk.messages()
    assert (told["cancelled"], told["refunded"]) == (1, 1 if back else 0)


async def test_the_policy_is_that_of_the_day_on_which_the_booking_was_made(desk: Till) -> None:
    await desk.house.at(DAYS_BEFORE[17])
    booking = await desk.paid([7])
    async with desk.house.looking() as conn:
        await conn.execute(
            'UPDATE booking SET refund_policy = \'{"steps": [{"hours_before": 1, "percent": 25}]}\''
        )
    assert (await desk.cancel(booking))["refund_pence"] == DEPOSIT // 4


async def test_moving_a_booking_away_does_not_bring_back_what_was_lost(desk: Till) -> None:
    """The guest whose refund is half takes the booking to another night, and cancels there in
    time; a manager who moves it gives it fresh terms."""
    await desk.house.open("2026-11-28")
    for by_guest, back in ((True, DEPOSIT // 2), (False, DEPOSIT)):
        await desk.house.at(DAYS_BEFORE[17])
        booking = await desk.paid([7])
        await desk.house.at(DAYS_BEFORE[20])
        by = owner_of(booking) if by_guest else MANAGER
        await rescheduled(desk.house, booking, by, night="2026-11-28")
        assert (await desk.cancel(booking))["refund_pence"] == back
        await desk.work()
        await desk.agrees(NIGHT, "2026-11-28")


async def test_a_guest_who_moves_a_booking_in_time_loses_nothing_by_it(desk: Till) -> None:
    await desk.house.open("2026-11-28")
    await desk.house.at(DAYS_BEFORE[17])
    booking = await desk.paid([7])
    await rescheduled(desk.house, booking, owner_of(booking), night="2026-11-28")
    await desk.house.at(DAYS_BEFORE[22])
    assert (await desk.cancel(booking))["refund_pence"] == DEPOSIT


async def test_a_manager_gives_back_parts_until_nothing_is_kept(desk: Till) -> None:
    booking = await desk.paid([7])

    async def give(pence: int | None) -> int:
        caller = desk.house.caller()
        answer = await refund_booking(
            desk.house.db, caller, booking["booking_id"], RefundBooking(amount_pence=pence)
        )
        return int(read(answer)["refund_pence"])

    assert await give(500) == 500
    with pytest.raises(Conflict, match="1500 pence are kept"):
        await give(1501)
    await desk.agrees()
    await desk.work()
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, 1500, 0, 500)]
    assert await give(None) == 1500
    await desk.work()
    row = await desk.row(booking)
    assert (row["status"], row["paid_pence"]) == ("confirmed", 0)
    assert row["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    with pytest.raises(Conflict, match="Nothing is kept"):
        await give(1)
    assert (await desk.messages())["refunded"] == 2
    await desk.agrees()


async def test_what_was_given_back_in_stripes_own_pages_is_found(desk: Till) -> None:
    booking = await desk.paid([7])
    intent = await desk.intent_of(booking)
    await desk.given_by_hand(intent, 700)
    assert await desk.compared() == 1
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, 1300, 0, 700)]
    assert await desk.compared() == 0
    assert (await desk.messages())["refunded"] == 1
    await desk.agrees()


async def test_a_refund_by_hand_takes_the_place_of_ours_that_was_still_to_be_made(
    desk: Till,
) -> None:
    await desk.house.at(DAYS_BEFORE[17])
    booking = await desk.paid([7])
    await desk.cancel(booking)
    intent = await desk.intent_of(booking)
    await desk.given_by_hand(intent, DEPOSIT)
    await desk.compared()
    assert await desk.work() == 0
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    assert (await desk.messages())["refunded"] == 1
    await desk.agrees()


async def test_a_refund_that_the_bank_sends_back_is_owed_again_and_told_once(desk: Till) -> None:
    await desk.house.at(DAYS_BEFORE[17])
    booking = await desk.paid([7])
    await desk.cancel(booking)
    await desk.work()
    intent = await desk.intent_of(booking)
    (made,) = (await desk.fetched(intent)).refunds
    desk.side.turned[made.stripe_id] = "failed"
    for _ in range(2):  # told twice, it is reversed once
        await desk.tell(desk.event("charge.refund.updated", intent))
        async with desk.house.looking() as conn:
            await conn.execute("UPDATE stripe_inbox SET next_at = now()")
        assert await desk.worked() == 1
        assert (await desk.row(booking))["payments"] == [(DEPOSIT, 0, DEPOSIT, 0)]
        await desk.agrees()
    assert (await desk.house.kinds()).count("REFUND_REVERSED") == 1
    assert (await desk.house.figures()).refunds_pence == 0
    await desk.work()  # an hour later it is tried again, and this time it arrives
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    assert (await desk.messages())["refunded"] == 1
    await desk.agrees()


async def test_a_refund_by_hand_that_the_bank_sends_back_is_kept_again(desk: Till) -> None:
    booking = await desk.paid([7])
    intent = await desk.intent_of(booking)
    await desk.given_by_hand(intent, 700)
    await desk.compared()
    (made,) = (await desk.fetched(intent)).refunds
    desk.side.turned[made.stripe_id] = "failed"
    await desk.compared()
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, DEPOSIT, 0, 0)]
    assert await desk.compared() == 0
    assert await desk.work() == 0
    await desk.agrees()


async def test_a_refund_that_fails_is_tried_under_another_key_and_listed(desk: Till) -> None:
    await desk.house.at(DAYS_BEFORE[17])
    booking = await desk.paid([7])
    await desk.cancel(booking)
    keys = []
    refund = desk.side.refund

    async def failing(*, key: str, **asked: object) -> None:
        keys.append(key)
        await refund(key=key, **asked)  # type: ignore[arg-type]
        for one in (await desk.fetched(str(asked["intent"]))).refunds:
            desk.side.turned.setdefault(one.stripe_id, "failed")

    desk.side.refund = failing  # type: ignore[method-assign]
    for _ in range(3):
        await desk.work()
        assert (await desk.row(booking))["payments"] == [(DEPOSIT, 0, DEPOSIT, 0)]
        await desk.agrees()
    assert len(set(keys)) == 3
    desk.side.refund = refund  # type: ignore[method-assign]
    await desk.work()
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    assert (await desk.messages())["refunded"] == 1
    await desk.agrees()


# -- the desk --------------------------------------------------------------------------------------


async def test_money_of_the_desk_is_verified_by_somebody_else_and_given_back_there(
    desk: Till,
) -> None:
    house = desk.house
    await house.at(DAYS_BEFORE[17])
    booking = await house.booked([7])
    async with house.looking() as conn:
        payment = await conn.fetchval("SELECT id::text FROM payment")
    with pytest.raises(NotAllowed, match="somebody else"):
        await verify_payment(house.db, house.caller(), payment)
    seen = read(await verify_payment(house.db, house.caller(SECOND), payment))
    assert seen["verified_by"] == SECOND.actor
    with pytest.raises(Conflict, match="already"):
        await verify_payment(house.db, house.caller(SECOND), payment)
    await desk.cancel_by_staff(booking)
    assert await desk.work() == 0  # Stripe has nothing to do with it
    assert (await desk.row(booking))["payments"] == [(DEPOSIT, 0, DEPOSIT, 0)]
    async with house.looking() as conn:
        refund = await conn.fetchval("SELECT id::text FROM refund")
    given = read(await give_refund(house.db, house.caller(SECOND), refund))
    assert given["paid_pence"] == 0
    with pytest.raises(Conflict, match="already"):
        await give_refund(house.db, house.caller(), refund)
    assert (await desk.messages())["refunded"] == 0  # nobody left an address
    await desk.agrees()


async def test_the_database_too_wants_a_second_person(desk: Till) -> None:
    await desk.house.booked([7])
    async with desk.house.looking() as conn:
        with pytest.raises(Exception, match="payment_verified_by_another"):
            await conn.execute("UPDATE payment SET verified_by = taken_by, verified_at = now()")


async def test_who_pays_at_the_desk_and_online_gets_the_second_payment_back(desk: Till) -> None:
    held = await desk.held([7])
    await desk.paid_unseen(held)
    await desk.house.confirm(held)
    await desk.tell(desk.event("payment_intent.succeeded", await desk.intent_of(held)))
    await desk.work()
    await desk.work()
    row = await desk.row(held)
    assert sorted(row["payments"]) == [(DEPOSIT, 0, 0, DEPOSIT), (DEPOSIT, DEPOSIT, 0, 0)]
    assert (row["status"], row["paid_pence"]) == ("confirmed", DEPOSIT)
    assert await desk.messages() == {"confirmation": 1, "refunded": 1}
    await desk.agrees()


# -- disputes and changes --------------------------------------------------------------------------


async def test_a_dispute_goes_with_its_booking_to_another_night(desk: Till) -> None:
    await desk.house.open(SUNDAY)
    booking = await desk.paid([7])
    intent = await desk.intent_of(booking)
    desk.side.disputes["dp_1"] = SeenDispute("dp_1", intent, DEPOSIT, "needs_response")
    await desk.tell(desk.event("charge.dispute.created", intent, "dp_1"))
    await desk.work()
    assert (await desk.row(booking))["disputed"]
    await rescheduled(desk.house, booking, night=SUNDAY)
    await desk.agrees(NIGHT, SUNDAY)
    desk.side.disputes["dp_1"] = SeenDispute("dp_1", intent, DEPOSIT, "won")
    await desk.tell(desk.event("charge.dispute.closed", intent, "dp_1"))
    await desk.work()
    assert not (await desk.row(booking))["disputed"]
    assert (await desk.house.kinds(0, SUNDAY))[-1] == "PAYMENT_DISPUTED"
    await desk.agrees(NIGHT, SUNDAY)


async def test_a_part_of_a_party_keeps_its_terms_and_wishes(desk: Till) -> None:
    house = desk.house
    await house.at(DAYS_BEFORE[17])
    booking = await desk.paid([15, 16], 8)
    wishes: dict[str, Any] = {"requests": "Near the stage", "occasion": "birthday"}
    await change(house, booking, **wishes)
    parts = await split(house, booking, 3, [16])
    async with house.looking() as conn:
        found = await conn.fetch("SELECT refund_policy, wishes FROM booking ORDER BY created_at")
    assert found[0]["refund_policy"] == found[1]["refund_policy"] is not None
    assert found[0]["wishes"] != found[1]["wishes"] is not None  # sealed each for its own booking
    with pytest.raises(Exception, match="like this already"):
        await change(house, parts["other"], **wishes)
    await desk.agrees()
