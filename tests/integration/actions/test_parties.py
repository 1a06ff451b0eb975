"""Two parties that swap, split and join, and parties that did not come."""

import pytest
from msgspec.structs import replace

from app.actions import no_shows
from app.actions.sweeper import sweep
from app.errors import NotValid
from tests.integration.changing import (
    SUNDAY,
    contradictions,
    merged,
    refused,
    reinstated,
    rescheduled,
    split,
    swapped,
)
from tests.integration.floor import NIGHT, House

# -- two parties -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (0, 1), (1, 1)])
async def test_parties_swap_whether_they_wait_or_sit(
    venue_house: House, first: int, second: int
) -> None:
    house = venue_house
    made = [house.booked, house.seated]
    one, other = await made[first]([7]), await made[second]([6])
    answer = await swapped(house, one, other, edition=0, other_edition=0)
    assert (answer["booking"]["tables"], answer["other"]["tables"]) == ([6], [7])
    await house.agrees()
    assert await contradictions(house, NIGHT) == []
    async with house.looking() as conn:
        resetting = await conn.fetch("SELECT number FROM floor_table WHERE resetting ORDER BY 1")
    left = [[], [7], [6], []][first + 2 * second]
    assert [row["number"] for row in resetting] == left


@pytest.mark.parametrize("sits", [False, True])
async def test_a_party_is_split_and_joined_again(venue_house: House, sits: bool) -> None:
    house = venue_house
    booking = await (house.seated if sits else house.booked)([15, 16], 8)
    parts = await split(house, booking, 3, [16])
    first, second = parts["booking"], parts["other"]
    assert (first["party"], first["tables"]) == (5, [15])
    assert (second["party"], second["tables"], second["status"]) == (3, [16], booking["status"])
    assert second["reference"] != first["reference"]
    await house.agrees()
    assert await contradictions(house, NIGHT) == []
    if not sits:
        assert (await house.scan(parts["code"], 2))["reason"] == "admitted"
        assert (await house.scan(booking["code"], 5))["reason"] == "admitted"
        await house.agrees()
    joined = await merged(house, first, second)
    assert (joined["booking"]["party"], joined["booking"]["tables"]) == (8, [15, 16])
    assert joined["booking"]["admitted"] == (8 if sits else 7)
    assert joined["other"]["status"] == "merged"
    await house.agrees()
    assert await contradictions(house, NIGHT) == []
    if not sits:
        assert (await house.scan(parts["code"], 1))["reason"] == "joined"
        assert (await house.scan(booking["code"], 1))["reason"] == "admitted"
    assert await contradictions(house, NIGHT) == []


async def test_what_is_no_split_and_no_merge(venue_house: House) -> None:
    house = venue_house
    booking, sits = await house.booked([7], 4), await house.seated([6], 4)
    assert await refused(split(house, booking, 2, [7]), NotValid) == "no_table_left"
    assert await refused(split(house, booking, 4, [8]), NotValid) in (
        "split_not_valid", "no_table_left",
    )  # fmt: skip
    assert await refused(merged(house, booking, sits)) == "other_sits"
    assert await refused(merged(house, booking, booking), NotValid) == "same_booking"
    await house.open(SUNDAY)
    away = await rescheduled(house, await house.booked([8]), night=SUNDAY)
    assert await refused(swapped(house, booking, away)) == "other_night"
    await house.agrees()


# -- no-shows --------------------------------------------------------------------------------------


async def test_a_party_is_told_to_be_overdue_once_and_not_within_its_grace(
    venue_house: House,
) -> None:
    house = venue_house
    booking = await house.booked([7])
    here = await house.booked([6])
    await house.scan(here["code"], 4)
    await house.later(minutes=29)
    assert await sweep(house.db, house.venue) == 0
    await house.later(minutes=2)
    assert await sweep(house.db, house.venue) == 1
    assert await sweep(house.db, house.venue) == 0
    assert (await house.kinds())[-1] == "BOOKING_OVERDUE"
    await house.agrees()
    await no_shows.mark_no_show(house.db, house.venue, house.caller(), booking["booking_id"])
    assert (await house.scan(booking["code"], 4))["reason"] == "released"
    back = await reinstated(house, booking)
    assert (back["status"], back["tables"]) == ("confirmed", [7])
    assert (await house.scan(booking["code"], 4))["reason"] == "admitted"
    await house.agrees()
    assert await contradictions(house, NIGHT) == []


async def test_a_late_party_gets_another_table_when_its_own_is_gone(venue_house: House) -> None:
    house = venue_house
    booking = await house.booked([7])
    await house.later(minutes=31)
    await no_shows.mark_no_show(house.db, house.venue, house.caller(), booking["booking_id"])
    await house.booked([7])
    assert await refused(reinstated(house, booking)) == "table_not_available"
    assert (await reinstated(house, booking, tables=[8]))["tables"] == [8]
    assert await refused(reinstated(house, booking)) == "illegal_transition"
    await house.agrees()
    assert await contradictions(house, NIGHT) == []


async def test_by_the_rule_the_sweeper_gives_a_table_up(venue_house: House) -> None:
    house = venue_house
    rules = replace(house.venue.rules, no_show_minutes=60)
    venue = replace(house.venue, rules=rules)
    await house.booked([7])
    await house.later(minutes=31)
    assert await sweep(house.db, venue) == 1
    await house.later(minutes=30)
    assert await sweep(house.db, venue) == 1
    assert (await house.kinds())[-2:] == ["BOOKING_OVERDUE", "NO_SHOW_MARKED"]
    await house.agrees()
