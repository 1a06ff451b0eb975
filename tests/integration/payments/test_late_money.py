"""Money that comes late, or in the instant in which its hold ends: it buys its table, or it goes
back by itself. Never both, never neither."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.actions.holds import release_hold
from tests.integration.changing import outcome
from tests.integration.payments.till import Till
from tests.integration.racing import as_time_runs_out, at_once, without_locks

DEPOSIT = 2000  # of table 7
PAST_MINUTES = 31  # beyond a hold and its extension
ONE_TABLE = "SELECT count(*) FROM booking_table WHERE live AND number = 7"


async def _paid_too_late(desk: Till, numbers: list[int]) -> dict[str, Any]:
    """The card was charged; the hold ran out before anybody here heard of it."""
    held = await desk.held(numbers)
    await desk.paid_unseen(held)
    await desk.house.later(minutes=PAST_MINUTES)
    assert await desk.swept() >= 1
    assert (await desk.row(held))["status"] == "expired"
    return held


async def _told(desk: Till, booking: dict[str, Any]) -> None:
    await desk.tell(desk.event("payment_intent.succeeded", await desk.intent_of(booking)))
    while await desk.work():
        pass


async def test_the_table_is_taken_back_while_it_is_free(desk: Till) -> None:
    held = await _paid_too_late(desk, [7])
    for _ in range(2):
        await _told(desk, held)
        row = await desk.row(held)
        assert (row["status"], row["tables"], row["paid_pence"]) == ("confirmed", [7], DEPOSIT)
        assert row["payments"] == [(DEPOSIT, DEPOSIT, 0, 0)]
        await desk.agrees()
    kinds = await desk.house.kinds()
    assert kinds[-3:] == ["HOLD_RESTORED", "PAYMENT_PROCESSED", "BOOKING_CONFIRMED"]
    assert await desk.messages() == {"confirmation": 1}


async def test_the_table_is_taken_back_from_a_hold_whose_time_is_over_too(desk: Till) -> None:
    held = await _paid_too_late(desk, [7])
    other = await desk.held([7])
    await desk.house.later(minutes=11)
    await _told(desk, held)
    assert (await desk.row(held))["tables"] == [7]
    assert (await desk.row(other))["status"] == "expired"
    await desk.agrees()


@pytest.mark.parametrize("how", ["sold", "held", "blocked", "night over"])
async def test_what_cannot_be_had_any_more_is_given_back_and_told_once(
    desk: Till, how: str
) -> None:
    held = await _paid_too_late(desk, [7])
    if how == "sold":
        await desk.house.booked([7])
    elif how == "held":
        await desk.held([7])
    elif how == "blocked":
        await desk.house.block(7)
    else:
        await desk.house.later(hours=9)
        await desk.swept()
    for _ in range(2):
        await _told(desk, held)
        row = await desk.row(held)
        assert (row["status"], row["tables"], row["paid_pence"]) == ("expired", [], 0)
        assert row["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    assert await desk.messages(held) == {"late_payment_refunded": 1}
    await desk.agrees()


async def test_a_hold_that_was_let_go_while_its_card_was_charged_is_given_back(
    desk: Till,
) -> None:
    held = await desk.held([7])
    await desk.paid_unseen(held)
    await release_hold(desk.house.db, desk.house.caller(), held["booking_id"])
    await _told(desk, held)
    assert (await desk.row(held))["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    assert await desk.messages() == {"late_payment_refunded": 1}
    await desk.agrees()


async def test_the_hourly_comparison_finds_what_no_webhook_told(desk: Till) -> None:
    paid = await desk.held([7])
    await desk.paid_unseen(paid)
    late = await _paid_too_late(desk, [8])
    sold = await desk.house.booked([8])
    given = await desk.paid([6])
    await desk.given_by_hand(await desk.intent_of(given), 100)
    assert await desk.compared() == 3
    while await desk.work():
        pass
    assert (await desk.row(paid))["status"] == "confirmed"
    assert (await desk.row(late))["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
    assert (await desk.row(given))["payments"] == [(4000, 3900, 0, 100)]
    assert (await desk.row(sold))["status"] == "confirmed"
    assert await desk.compared() == 0
    assert (await desk.messages())["late_payment_refunded"] == 1
    await desk.agrees()


# -- the instant in which the hold ends ------------------------------------------------------------


async def _raced(
    desk: Till, *against: Callable[[], Awaitable[object]]
) -> tuple[dict[str, Any], Counter[str]]:
    """The payment of a hold whose time is just over is settled while others end it or want its
    table; the hold, and what each of them got."""
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    await desk.tell(desk.event("payment_intent.succeeded", intent))
    await desk.house.later(minutes=PAST_MINUTES)
    found = await at_once(desk.house, outcome(desk.worked()), *(outcome(one()) for one in against))
    while await desk.work():
        pass
    return held, Counter(found)


async def _assert_one_outcome(desk: Till, held: dict[str, Any]) -> None:
    """The table is the payer's, or the money went back, and the books agree."""
    row = await desk.row(held)
    if row["status"] == "confirmed":
        assert (row["tables"], row["payments"]) == ([7], [(DEPOSIT, DEPOSIT, 0, 0)])
        assert await desk.messages(held) == {"confirmation": 1}
    else:
        assert (row["status"], row["tables"]) == ("expired", [])
        assert row["payments"] == [(DEPOSIT, 0, 0, DEPOSIT)]
        assert await desk.messages(held) == {"late_payment_refunded": 1}
    await desk.agrees()


async def test_a_payment_against_the_end_of_its_hold_has_one_outcome(desk: Till) -> None:
    held, _ = await _raced(desk, desk.swept, desk.swept)
    await _assert_one_outcome(desk, held)
    async with desk.house.looking() as conn:
        assert await conn.fetchval(ONE_TABLE) == 1


async def test_a_payment_against_who_wants_the_table_sells_it_once(desk: Till) -> None:
    held, found = await _raced(desk, lambda: desk.held([7]), desk.swept)
    assert found["won"] + found["table_not_available"] == 3
    await _assert_one_outcome(desk, held)
    async with desk.house.looking() as conn:
        assert await conn.fetchval(ONE_TABLE) == 1


async def _settled_as_it_runs_out(desk: Till) -> dict[str, Any]:
    """The hold, whose time ran out and which was swept while its payment was judged and not yet
    written."""
    held = await desk.held([7])
    intent = await desk.paid_unseen(held)
    await desk.tell(desk.event("payment_intent.succeeded", intent))

    async def settled() -> str:
        return await outcome(desk.worked())

    async def swept() -> str:
        return await outcome(desk.swept())

    await as_time_runs_out(desk.house, "settle_payment", settled, swept, PAST_MINUTES)
    while await desk.work():
        pass
    return held


async def test_money_in_the_last_moment_of_a_hold_keeps_its_table(desk: Till) -> None:
    held = await _settled_as_it_runs_out(desk)
    assert (await desk.row(held))["status"] == "confirmed"
    assert (await desk.house.kinds()).count("HOLD_EXPIRED") == 0
    await _assert_one_outcome(desk, held)


async def test_without_the_locks_the_hold_ends_under_the_payment_that_confirms_it(
    desk: Till,
) -> None:
    """The negative control: the end of the hold does not wait for the payment, nor it for the
    end; both judge a hold that is pending, and what is asked after each race fails."""
    await without_locks(desk.house)
    held = await _settled_as_it_runs_out(desk)
    kinds = await desk.house.kinds()
    assert kinds[-3:] == ["HOLD_EXPIRED", "PAYMENT_PROCESSED", "BOOKING_CONFIRMED"]
    with pytest.raises(AssertionError):
        await _assert_one_outcome(desk, held)
