"""The minute before a night ends and the minute after the next has begun, at one table; and the
hours that the clocks skip or repeat."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.actions import holds, nights
from app.domain.principals import ANONYMOUS, Principal
from app.errors import Conflict, NotValid, Refusal
from app.wire import EditNight, HoldTables, OpenNight
from tests.integration.changing import SUNDAY, contradictions
from tests.integration.floor import ADA, MANAGER, NIGHT, House, read

FIVE, SIX, NOON = (f"2026-11-22T{hour}:00:00.000Z" for hour in ("05", "06", "12"))


async def held(house: House, night: str, begins: str, ends: str) -> dict[str, Any]:
    request = HoldTables(night, [7], 4, ADA, slot_from=begins, slot_until=ends)
    return read(
        await holds.hold_tables(
            house.db, house.venue, house.vault, house.settings.secret, house.caller(), request
        )
    )


async def refused(house: House, night: str, begins: str, ends: str, kind: type[Refusal]) -> str:
    with pytest.raises(kind) as caught:
        await held(house, night, begins, ends)
    return caught.value.reason


async def test_a_booking_at_a_minute_to_six_is_saturdays_and_one_at_a_minute_past_is_sundays(
    venue_house: House,
) -> None:
    house = venue_house
    # As late and as early as a night can be: one closes at the instant at which the other opens.
    await nights.edit_night(house.db, house.venue, house.caller(), NIGHT, EditNight(closes_at=SIX))
    await nights.open_night(
        house.db, house.venue, house.vault, house.caller(),
        OpenNight(SUNDAY, doors_at=SIX, last_entry_at=NOON, closes_at=NOON),
    )  # fmt: skip
    await house.at(datetime(2026, 11, 22, 5, 59, tzinfo=UTC))
    last = await held(house, NIGHT, FIVE, SIX)
    first = await held(house, SUNDAY, SIX, NOON)
    assert (last["night"], first["night"]) == (NIGHT, SUNDAY)
    assert await refused(house, SUNDAY, FIVE, SIX, NotValid) == "slot_outside_night"
    assert await refused(house, NIGHT, SIX, NOON, NotValid) == "slot_outside_night"
    assert await refused(house, NIGHT, FIVE, SIX, Conflict) == "table_not_available"
    for booking in (last, first):
        await holds.release_hold(house.db, house.caller(), booking["booking_id"])

    await house.at(datetime(2026, 11, 22, 6, 1, tzinfo=UTC))
    assert await refused(house, NIGHT, FIVE, SIX, Conflict) == "slot_over"
    after = await held(house, SUNDAY, SIX, NOON)
    assert after["night"] == SUNDAY
    claims = ["BOOKING_INITIATED", "TABLES_SELECTED"]
    assert (await house.kinds(book=NIGHT))[-3:] == [*claims, "HOLD_RELEASED"]
    assert (await house.kinds(book=SUNDAY))[-5:] == [*claims, "HOLD_RELEASED", *claims]
    assert await contradictions(house, NIGHT, SUNDAY) == []


@pytest.mark.parametrize(
    ("night", "slots"),
    [
        # 28 March 2027: at 01:00 it becomes 02:00. One before the jump, one across it.
        (
            "2027-03-27",
            [("27T22:00", "28T00:30"), ("28T00:30", "28T01:30"), ("28T01:30", "28T04:00")],
        ),
        # 31 October 2027: 01:30 comes twice, at 00:30 and at 01:30 UTC, and is two instants.
        (
            "2027-10-30",
            [("30T21:00", "31T00:30"), ("31T00:30", "31T01:30"), ("31T01:30", "31T05:00")],
        ),
    ],
)
async def test_when_the_clocks_change_slots_touch_and_no_minute_is_sold_twice(
    venue_house: House, night: str, slots: list[tuple[str, str]]
) -> None:
    """Three parties follow each other at one table, across midnight and across the change."""
    house, month = venue_house, night[:8]
    await house.open(night)
    made = []
    for begins, ends in slots:
        begin, end = (f"{month}{at}:00.000Z" for at in (begins, ends))
        made.append(await held(house, night, begin, end))
        assert await refused(house, night, begin, end, Conflict) == "table_not_available"
    booked = [await house.confirm(one) for one in made]
    assert [(one["from"], one["until"]) for one in booked] == [
        (f"{month}{begins}:00.000Z", f"{month}{ends}:00.000Z") for begins, ends in slots
    ]
    # The last party comes in the second of the two hours, or in the one after the jump.
    await house.at(datetime.fromisoformat(f"{month}{slots[2][0]}+00:00"))
    assert (await house.scan(booked[2]["code"], 4))["reason"] == "admitted"
    await house.agrees(night)
    assert await contradictions(house, night) == []


async def test_a_guest_books_until_last_entry_and_the_desk_until_close(venue_house: House) -> None:
    house = venue_house

    async def hold(principal: Principal, table: int) -> str:
        request = HoldTables(NIGHT, [table], 4, ADA)
        answered = await holds.hold_tables(
            house.db, house.venue, house.vault, house.settings.secret,
            house.caller(principal), request,
        )  # fmt: skip
        return str(read(answered)["status"])

    await house.at(datetime(2026, 11, 22, 2, 59, 59, tzinfo=UTC))
    assert await hold(ANONYMOUS, 7) == "pending"
    await house.at(datetime(2026, 11, 22, 3, 0, 1, tzinfo=UTC))
    with pytest.raises(Conflict) as late:
        await hold(ANONYMOUS, 8)
    assert late.value.reason == "too_late"
    assert await hold(MANAGER, 8) == "pending"
