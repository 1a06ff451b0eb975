"""A whole evening by hand: after every action the rows are the fold of the book."""

from datetime import UTC, datetime

import pytest

from app.actions import bookings, holds, nights, no_shows
from app.actions.sweeper import sweep
from app.errors import Conflict, NotFound, NotValid
from app.wire import EditNight
from tests.integration.floor import NIGHT, House, read


async def test_an_evening_in_which_everything_happens(venue_house: House) -> None:
    house = venue_house
    ada = await house.hold([7])
    assert ada["status"] == "pending"
    assert len(ada["token"]) == 43
    await house.agrees()
    confirmed = await house.confirm(ada)
    assert confirmed["status"] == "confirmed"
    assert confirmed["code"].startswith("BR1:")
    await house.agrees()
    assert (await house.scan(confirmed["code"]))["reason"] == "how_many"
    admitted = await house.scan(confirmed["code"], 3)
    assert (admitted["verdict"], admitted["admitted"], admitted["left_to_enter"]) == ("admit", 3, 1)
    assert admitted["name"] == "Ada L."
    await house.agrees()
    await bookings.seat_party(house.db, house.caller(), ada["booking_id"])
    await house.agrees()
    moved = await house.move(confirmed, [6])
    assert moved["tables"] == [6]
    await house.agrees()
    await house.reset(7)
    assert (await house.scan(confirmed["code"], 2, direction="out"))["reason"] == "out"
    await house.agrees()
    assert (await house.scan(confirmed["code"], 3))["admitted"] == 4
    await house.agrees()
    assert (await house.scan(confirmed["code"]))["reason"] == "already_in"
    await house.vacate(6)
    await house.agrees()
    await house.walk_in([9], 3)
    await house.block(1)
    await house.unblock(1)
    await house.click(5)
    await house.walk_in([2], 4, counted=True)
    await house.click(-1)
    await house.click(2, at="stairs", floor="downstairs")
    await house.click(people=40)
    await house.agrees()
    grace = await house.hold([8])
    await holds.extend_hold(house.db, house.venue, house.caller(), grace["booking_id"])
    await holds.release_hold(house.db, house.caller(), grace["booking_id"])
    late = await house.booked([10])
    await house.later(minutes=45)
    await no_shows.mark_no_show(house.db, house.venue, house.caller(), late["booking_id"])
    gone = await house.booked([11])
    await bookings.cancel_booking(house.db, house.caller(), gone["booking_id"])
    await nights.edit_night(
        house.db, house.venue, house.caller(), NIGHT, EditNight(name="Saturday, late")
    )
    await house.hold([12])
    await house.agrees()
    await house.later(hours=1)
    assert await sweep(house.db, house.venue) == 1
    await house.agrees()
    await house.booked([13])
    await house.at(datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC))
    assert await sweep(house.db, house.venue) == 1
    await house.agrees()
    assert (await house.kinds())[-1] == "NIGHT_SEALED"
    with pytest.raises(Conflict) as refused:
        await house.hold([3])
    assert refused.value.reason == "night_sealed"


async def test_people_of_a_party_that_gave_up_its_table_still_come_and_go(
    venue_house: House,
) -> None:
    house = venue_house
    booking = await house.booked([7])
    assert (await house.scan(booking["code"], 4))["verdict"] == "admit"
    await bookings.seat_party(house.db, house.caller(), booking["booking_id"])
    await house.vacate(7)
    assert (await house.scan(booking["code"], 2, direction="out"))["reason"] == "out"
    await house.agrees()
    assert (await house.scan(booking["code"], 2))["reason"] == "admitted"
    await house.agrees()


async def test_the_same_key_gives_the_same_answer_and_one_booking(venue_house: House) -> None:
    first = await venue_house.hold([5], key="k1")
    again = await venue_house.hold([5], key="k1")
    assert again == first
    assert (await venue_house.kinds()).count("TABLES_SELECTED") == 1
    with pytest.raises(NotValid) as refused:
        await venue_house.hold([6], key="k1")
    assert refused.value.reason == "key_reused"


async def test_a_confirmed_hold_answers_its_key_again_with_the_same_code(
    venue_house: House,
) -> None:
    held = await venue_house.hold([5])
    first = await venue_house.confirm(held, key="pay")
    assert await venue_house.confirm(held, key="pay") == first
    with pytest.raises(Conflict) as refused:
        await venue_house.confirm(held)
    assert refused.value.reason == "illegal_transition"


async def test_a_table_is_taken_once(venue_house: House) -> None:
    await venue_house.hold([4])
    with pytest.raises(Conflict) as refused:
        await venue_house.hold([4])
    assert refused.value.reason == "table_not_available"
    assert refused.value.fields == {"table": 4}


async def test_an_expired_hold_gives_way_without_the_sweeper(venue_house: House) -> None:
    first = await venue_house.hold([15, 16], 8)
    await venue_house.later(minutes=11)
    second = await venue_house.hold([15])
    assert second["tables"] == [15]
    assert (await venue_house.kinds())[-3:] == [
        "HOLD_EXPIRED", "BOOKING_INITIATED", "TABLES_SELECTED",
    ]  # fmt: skip
    with pytest.raises(Conflict) as refused:
        await venue_house.confirm(first)
    assert refused.value.reason == "hold_expired"
    await venue_house.hold([16])
    await venue_house.agrees()


async def test_a_hold_past_its_time_can_not_be_confirmed(venue_house: House) -> None:
    held = await venue_house.hold([4])
    await venue_house.later(minutes=10)
    with pytest.raises(Conflict) as refused:
        await venue_house.confirm(held)
    assert refused.value.reason == "hold_expired"


async def test_two_slots_share_a_table_when_they_touch(venue_house: House) -> None:
    one = "2026-11-22T01:00:00.000Z"
    await venue_house.hold([3], slot_from="2026-11-21T22:30:00.000Z", slot_until=one)
    await venue_house.hold([3], slot_from=one)
    with pytest.raises(Conflict):
        await venue_house.hold([3], slot_from=one)
    await venue_house.agrees()


async def test_a_block_refuses_holds_and_a_later_one_begins_by_itself(venue_house: House) -> None:
    await venue_house.block(2, blocked_from="2026-11-21T23:00:00.000Z")
    with pytest.raises(Conflict) as refused:
        await venue_house.hold([2])
    assert refused.value.reason == "table_blocked"
    await venue_house.later(minutes=31)
    assert await sweep(venue_house.db, venue_house.venue) == 1
    await venue_house.agrees()
    assert (await venue_house.kinds())[-1] == "TABLE_BLOCKED"
    assert await sweep(venue_house.db, venue_house.venue) == 0


async def test_a_block_on_a_booked_table_names_what_it_breaks(venue_house: House) -> None:
    booking = await venue_house.booked([2])
    with pytest.raises(Conflict) as refused:
        await venue_house.block(2)
    assert refused.value.reason == "table_claimed"
    assert refused.value.fields == {"bookings": [booking["booking_id"]]}
    assert (await venue_house.block(2, even_if_booked=True))["status"] == "maintenance"


async def test_a_night_is_opened_once_and_not_in_the_past(venue_house: House) -> None:
    with pytest.raises(Conflict) as refused:
        await venue_house.open()
    assert refused.value.reason == "night_exists"
    with pytest.raises(NotValid) as past:
        await venue_house.open("2026-11-20")
    assert past.value.reason == "night_past"
    with pytest.raises(NotFound):
        await venue_house.open("2026-02-30")


async def test_the_hours_can_not_leave_booked_slots_outside(venue_house: House) -> None:
    booking = await venue_house.booked([2])
    with pytest.raises(Conflict) as refused:
        await nights.edit_night(
            venue_house.db,
            venue_house.venue,
            venue_house.caller(),
            NIGHT,
            EditNight(closes_at="2026-11-22T04:00:00.000Z"),
        )
    assert refused.value.fields == {"bookings": [booking["booking_id"]]}


async def test_both_nights_when_the_clocks_change_open_with_their_own_length(
    venue_house: House,
) -> None:
    spring = read(await venue_house.open("2027-03-27"))
    autumn = read(await venue_house.open("2027-10-30"))
    assert (spring["doors_at"], spring["closes_at"], spring["ends_at"]) == (
        "2027-03-27T22:00:00.000Z", "2027-03-28T04:00:00.000Z", "2027-03-28T05:00:00.000Z",
    )  # fmt: skip
    assert (autumn["doors_at"], autumn["closes_at"], autumn["ends_at"]) == (
        "2027-10-30T21:00:00.000Z", "2027-10-31T05:00:00.000Z", "2027-10-31T06:00:00.000Z",
    )  # fmt: skip
    await venue_house.agrees("2027-03-27")
