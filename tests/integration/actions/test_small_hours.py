"""The minute before a night ends and the minute after the next has begun, at one table."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.actions import holds, nights
from app.errors import Conflict, NotValid, Refusal
from app.wire import EditNight, HoldTables, OpenNight
from tests.integration.changing import SUNDAY, contradictions
from tests.integration.floor import ADA, NIGHT, House, read

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
