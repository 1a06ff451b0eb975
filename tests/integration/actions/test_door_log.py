"""What the doors did can be asked: who was kept out and why, and how many were inside when."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from app.actions import bookings, incidents, nights, reissues
from app.actions.tickets import code_of as read_code
from app.db.door_log import list_door_lines
from app.errors import Conflict, NotValid
from app.wire import EditNight, LimitsBody, RecordIncident, ReissueCode
from tests.integration.actions.test_overrides import override, undo
from tests.integration.floor import DEVICE, MANAGER, NIGHT, House, read

ALL = ["ENTRY_REFUSED", "ENTRY_OVERRIDDEN", "CHECK_IN_UNDONE", "INCIDENT_RECORDED"]


async def found(house: House, *kinds: str, **filters: Any) -> list[str]:
    async with house.db.reading() as conn:
        lines = await list_door_lines(conn, NIGHT, list(kinds or ALL), limit=100, **filters)
    return [line.type for line in lines]


async def code_of(house: House, party: dict[str, Any]) -> str:
    code = await read_code(house.db, house.venue, house.vault, MANAGER, party["booking_id"])
    assert code is not None
    return code


async def reissue(house: House, party: dict[str, Any]) -> dict[str, Any]:
    return read(
        await reissues.reissue_code(
            house.db, house.venue, house.vault, house.caller(), party["booking_id"],
            ReissueCode("shared"),
        )
    )  # fmt: skip


async def test_the_log_is_searched_by_door_reason_staff_and_time(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    refused = await house.scan(party["code"], 1)
    await house.scan("nonsense", at="main")
    let_in = await override(house, refused["scan_id"])
    await undo(house, let_in["scan_id"])
    record = RecordIncident(NIGHT, "main", "ejection", "police", 2, party["booking_id"])
    await incidents.record_incident(house.db, house.venue, house.caller(DEVICE), record)
    assert await found(house) == [
        "INCIDENT_RECORDED", "CHECK_IN_UNDONE", "ENTRY_OVERRIDDEN", "ENTRY_REFUSED",
        "ENTRY_REFUSED",
    ]  # fmt: skip
    assert await found(house, reason="already_in") == ["ENTRY_OVERRIDDEN", "ENTRY_REFUSED"]
    assert await found(house, reason="ejection") == ["INCIDENT_RECORDED"]
    assert await found(house, reason="scanned_twice") == ["CHECK_IN_UNDONE"]
    assert await found(house, door="basement") == []
    assert len(await found(house, actor=f"device:{DEVICE.id}")) == 3
    assert await found(house, ends_at=datetime(2026, 11, 21, 22, tzinfo=UTC)) == []
    figures = await house.figures()
    assert (figures.incidents, figures.entries_refused) == (1, 2)
    await house.agrees()


async def test_a_head_count_is_in_the_log_with_its_difference(venue_house: House) -> None:
    house = venue_house
    await house.click(5)
    await house.click(people=3)
    assert await found(house, "HEADCOUNT_CHANGED") == ["HEADCOUNT_CHANGED"]
    assert await found(house, "HEADCOUNT_CHANGED", steps=True) == ["HEADCOUNT_CHANGED"] * 2


async def test_a_code_that_is_issued_again_voids_the_one_before(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 1)
    again = await reissue(house, party)
    assert (again["generation"], again["may_still_admit"]) == (2, [])
    assert (await house.scan(party["code"], 1))["reason"] == "replaced"
    new = await code_of(house, party)
    admitted = await house.scan(new, 1)
    assert (admitted["reason"], admitted["admitted"]) == ("admitted", 2)
    assert "CODE_REISSUED" in await house.kinds()
    await house.agrees()


async def test_the_same_request_issues_once(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    first = await reissues.reissue_code(
        house.db, house.venue, house.vault, house.caller(key="k"), party["booking_id"],
        ReissueCode("lost"),
    )  # fmt: skip
    again = await reissues.reissue_code(
        house.db, house.venue, house.vault, house.caller(key="k"), party["booking_id"],
        ReissueCode("lost"),
    )  # fmt: skip
    assert (again.body, again.replayed) == (first.body, True)
    assert (await house.kinds()).count("CODE_REISSUED") == 1


async def test_a_cancelled_booking_gets_no_new_code(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await bookings.cancel_booking(house.db, house.caller(), party["booking_id"])
    with pytest.raises(Conflict):
        await reissue(house, party)
    # While they queue: what was cancelled is said, whatever was issued again before.
    assert (await house.scan(party["code"], 1))["reason"] == "cancelled"


async def test_a_screenshot_among_nine_friends_lets_in_the_party_and_no_more(
    venue_house: House,
) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    answers = [await house.scan(party["code"], 1, scan_id=str(uuid4())) for _ in range(9)]
    assert [a["reason"] for a in answers] == ["admitted"] * 4 + ["already_in"] * 5
    last = answers[-1]["seen"]
    assert (last["door"], last["by"]) == ("main", f"device:{DEVICE.id}")


async def test_a_lost_reply_is_green_again_and_counted_once(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    scan_id = str(uuid4())
    first = await house.scan(party["code"], 4, scan_id=scan_id)
    again = await house.scan(party["code"], 4, scan_id=scan_id)
    assert (first.pop("replayed"), again.pop("replayed")) == (False, True)
    assert first == again
    assert (await house.figures()).people_admitted == 4


async def test_nine_tenths_are_warned_of_and_the_limit_is_said_with_its_numbers(
    venue_house: House,
) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await nights.edit_night(
        house.db, house.venue, house.caller(), NIGHT,
        EditNight(limits=LimitsBody(10, 150, 160)),
    )  # fmt: skip
    assert (await house.click(7))["warnings"] == []
    some = await house.scan(party["code"], 2)
    assert [w["reason"] for w in some["warnings"]] == ["floor_nearly_full"]
    assert some["capacity"]["here"] == {"inside": 9, "limit": 10, "free": 1}
    stays = await house.click(-1)
    assert stays["warnings"] == []
    assert [w["reason"] for w in (await house.click(1))["warnings"]] == ["floor_nearly_full"]
    full = await house.scan(party["code"], 2)
    assert (full["reason"], full["left_to_enter"]) == ("capacity_full", 1)
    assert full["instruction"].startswith("The Lounge 9 of 10. Room One has 150 free. 1 of them")


async def test_no_night_is_opened_beyond_licence_and_fire(venue_house: House) -> None:
    house = venue_house
    with pytest.raises(NotValid, match="allow fewer people"):
        await nights.edit_night(
            house.db, house.venue, house.caller(), NIGHT,
            EditNight(limits=LimitsBody(201, 150, 350)),
        )  # fmt: skip
