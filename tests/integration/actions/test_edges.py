"""What lies at the edge of a rule: a moment too late, a party that stays, two wishes at once."""

from typing import Any

import pytest

from app.actions import bookings, nights
from app.errors import Conflict, NotValid
from app.wire import EditNight
from tests.integration.floor import NIGHT, House


async def test_a_hold_past_its_time_moves_nowhere(venue_house: House) -> None:
    held = await venue_house.hold([7])
    await venue_house.later(minutes=11)
    with pytest.raises(Conflict, match="ran out"):
        await venue_house.move(held, [8])
    await venue_house.agrees()


async def test_a_table_where_a_party_stays_beyond_its_slot_is_not_blocked(
    venue_house: House,
) -> None:
    house = venue_house
    slot: dict[str, Any] = {
        "slot_from": "2026-11-21T22:00:00.000Z",
        "slot_until": "2026-11-21T23:00:00.000Z",
    }
    party = await house.confirm(await house.hold([7], **slot))
    await house.scan(party["code"], 4)
    await bookings.seat_party(house.db, house.caller(), party["booking_id"])
    await house.later(minutes=45)
    with pytest.raises(Conflict, match="A party sits at table 7"):
        await house.block(7)
    later = await house.block(7, blocked_from="2026-11-22T01:00:00.000Z")
    assert later["status"] == "blocked_later"
    await house.agrees()


async def test_a_night_is_not_sealed_and_edited_at_once(venue_house: House) -> None:
    house = venue_house
    edit = EditNight(name="The last one", status="sealed")
    with pytest.raises(NotValid, match="send status alone"):
        await nights.edit_night(house.db, house.venue, house.caller(), NIGHT, edit)
    assert await house.kinds() == ["NIGHT_OPENED"]
