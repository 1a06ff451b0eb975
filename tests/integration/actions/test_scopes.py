"""Rights that reach no further than a floor, a door or a night."""

from uuid import uuid4

import pytest

from app.actions import bookings, holds, nights
from app.domain.principals import Principal, Scope
from app.errors import NotAllowed
from app.wire import ConfirmHold, Contact, HoldTables, MoveTables, OpenNight
from tests.integration.floor import NIGHT, House, read

UPSTAIRS, DOWNSTAIRS = 3, 12  # tables of the two floors


def somebody(role: str = "DOOR_STAFF", **scope: str) -> Principal:
    return Principal("staff", str(uuid4()), role, "Dev", scope=Scope(**scope))


async def refused(act: object) -> str:
    with pytest.raises(NotAllowed) as caught:
        await act  # type: ignore[misc]
    return caught.value.reason


async def arrived(venue_house: House, table: int) -> str:
    """The id of a booking whose party stands at its table."""
    booking = await venue_house.booked([table])
    assert (await venue_house.scan(booking["code"], 4))["verdict"] == "admit"
    found: str = booking["booking_id"]
    return found


async def test_door_staff_of_one_floor_seat_nobody_on_the_other(venue_house: House) -> None:
    above, below = await arrived(venue_house, UPSTAIRS), await arrived(venue_house, DOWNSTAIRS)
    dev = somebody(floor="downstairs")
    before = await venue_house.kinds()
    assert (
        await refused(bookings.seat_party(venue_house.db, venue_house.caller(dev), above))
        == "out_of_scope"
    )
    assert await venue_house.kinds() == before
    answered = await bookings.seat_party(venue_house.db, venue_house.caller(dev), below)
    assert read(answered)["status"] == "seated"
    # Without the scope the same person may do both.
    free = Principal("staff", dev.id, dev.role)
    assert (
        read(await bookings.seat_party(venue_house.db, venue_house.caller(free), above))["status"]
        == "seated"
    )


async def test_a_party_is_moved_off_ones_floor_by_nobody_with_a_scope(venue_house: House) -> None:
    booking = await venue_house.booked([DOWNSTAIRS])
    mara = somebody("MANAGER", floor="downstairs")

    async def move(to: int) -> object:
        return await bookings.move_tables(
            venue_house.db,
            venue_house.venue,
            venue_house.caller(mara),
            booking["booking_id"],
            MoveTables([to]),
        )

    assert await refused(move(UPSTAIRS)) == "out_of_scope"
    await move(DOWNSTAIRS + 1)


async def test_a_door_of_ones_own_is_the_only_one_to_scan_and_count_at(venue_house: House) -> None:
    booking = await venue_house.booked([UPSTAIRS])
    dev = somebody(door="basement")
    assert await refused(venue_house.scan(booking["code"], 4, by=dev, at="main")) == "out_of_scope"
    assert await refused(venue_house.click(1, at="main", by=dev)) == "out_of_scope"
    assert (await venue_house.scan(booking["code"], 4, by=dev, at="basement"))["verdict"] == "admit"


async def test_rights_for_another_night_are_no_rights_tonight(venue_house: House) -> None:
    booking = await venue_house.booked([UPSTAIRS])
    mara = somebody("MANAGER", night="2027-06-19")
    hold = await venue_house.hold([UPSTAIRS + 1])
    request = ConfirmHold("cash", hold["deposit_pence"])

    async def confirm(by: Principal) -> object:
        return await holds.confirm_hold(
            venue_house.db,
            venue_house.venue,
            venue_house.vault,
            venue_house.caller(by),
            hold["booking_id"],
            request,
        )

    assert await refused(confirm(mara)) == "out_of_scope"
    assert await refused(venue_house.scan(booking["code"], 4, by=mara)) == "out_of_scope"
    await confirm(somebody("MANAGER", night=NIGHT))


async def test_a_code_of_another_night_is_judged_by_the_door_and_not_by_the_scope(
    venue_house: House,
) -> None:
    """The guest is told the truth: whose rights end where is nothing to them."""
    await venue_house.open("2026-11-28")
    dev = somebody(night=NIGHT)
    ask = HoldTables("2026-11-28", [UPSTAIRS], 4, Contact("Ada Lovelace"))
    hold = read(
        await holds.hold_tables(
            venue_house.db,
            venue_house.venue,
            venue_house.vault,
            venue_house.settings.secret,
            venue_house.caller(body=ask),
            ask,
        )
    )
    booked = await venue_house.confirm(hold)
    assert (await venue_house.scan(booked["code"], by=dev))["reason"] == "wrong_night"


async def test_who_has_one_floor_counts_nobody_on_the_other(venue_house: House) -> None:
    """The floor is said beside the door: a door of one's own is no way to the other floor."""
    await venue_house.click(2, at="main")
    dev, mara = somebody(floor="downstairs"), somebody("MANAGER", floor="downstairs")
    for by in (dev, mara):
        above = venue_house.click(1, at="basement", floor="upstairs", by=by)
        assert await refused(above) == "out_of_scope"
        await venue_house.click(1, at="basement", floor="downstairs", by=by)
    counted = await venue_house.click(1, at="basement", floor="downstairs", by=dev)
    assert counted["inside"] == {"upstairs": 2, "downstairs": 3}
    right = venue_house.click(people=0, at="basement", floor="upstairs", by=mara)
    assert await refused(right) == "out_of_scope"


async def test_a_manager_of_one_night_opens_no_other(venue_house: House) -> None:
    async def opened(by: Principal) -> object:
        return await nights.open_night(
            venue_house.db,
            venue_house.venue,
            venue_house.vault,
            venue_house.caller(by),
            OpenNight("2026-11-28"),
        )

    assert await refused(opened(somebody("MANAGER", night=NIGHT))) == "out_of_scope"
    await opened(somebody("MANAGER"))
