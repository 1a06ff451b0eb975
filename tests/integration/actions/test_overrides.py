"""Against the rule: what a supervisor lets in or takes back is counted, told, and bounded."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from app.actions import bookings, nights, overrides
from app.db.floor import list_contradictions
from app.domain.principals import Principal
from app.errors import Conflict, NotValid, Refusal
from app.wire import EditNight, OverrideScan, Supervisor, UndoScan
from tests.integration.actions.test_door import AT_THE_STAIRS, inside, limit
from tests.integration.floor import DEVICE, NIGHT, House, read
from tests.integration.racing import at_once, without_locks

MORGAN = Principal(
    "staff", str(uuid4()), "MANAGER", "Morgan", door="main", assurance="pin", device=DEVICE.id
)
PIN = Supervisor("7394")


async def override(
    house: House, scan_id: str, people: int = 1, *rules: str, key: str | None = None
) -> dict[str, Any]:
    request = OverrideScan(PIN, "known_guest", people, list(rules) or None)
    caller = house.caller(MORGAN, key, request)
    return read(await overrides.override_scan(house.db, house.venue, caller, scan_id, request))


async def undo(house: House, scan_id: str, by: Principal = MORGAN, **more: Any) -> dict[str, Any]:
    request = UndoScan(PIN, "scanned_twice", **more)
    return read(await overrides.undo(house.db, house.venue, house.caller(by), scan_id, request))


async def whole(house: House) -> None:
    """Rows, book and scans say the same."""
    await house.agrees()
    async with house.looking() as conn:
        assert await list_contradictions(conn, NIGHT) == []


async def ticket(house: House, booking: dict[str, Any]) -> tuple[int, int, int]:
    async with house.looking() as conn:
        row = await conn.fetchrow(
            "SELECT admitted, gone, extra FROM ticket WHERE booking_id = $1", booking["booking_id"]
        )
    return tuple(row)


async def test_one_more_than_the_party_comes_in_by_a_supervisors_word(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    refused = await house.scan(party["code"], 1)
    assert (refused["reason"], "override" in refused["steps"]) == ("already_in", True)
    let_in = await override(house, refused["scan_id"])
    assert (let_in["verdict"], let_in["reason"], let_in["admitted"]) == ("admit", "overridden", 5)
    assert await ticket(house, party) == (5, 0, 1)
    assert await inside(house) == {"upstairs": 5, "downstairs": 0}
    assert (await house.kinds())[-1] == "ENTRY_OVERRIDDEN"
    assert (await house.scan(party["code"], 1))["reason"] == "already_in"
    await whole(house)


async def test_an_override_is_one_even_when_two_supervisors_give_it(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    refused = await house.scan(party["code"], 1)
    answers = await at_once(
        house, override(house, refused["scan_id"]), override(house, refused["scan_id"]),
        return_exceptions=True,
    )  # fmt: skip
    refusals = [a.reason for a in answers if isinstance(a, Refusal)]
    assert refusals == ["already_overridden"]
    assert await ticket(house, party) == (5, 0, 1)
    same = str(uuid4())
    other = await house.scan(party["code"], 1)
    first = await override(house, other["scan_id"], key=same)
    again = await override(house, other["scan_id"], key=same)
    assert (first["version"], again["replayed"]) == (again["version"], True)
    await whole(house)


async def test_without_the_locks_two_supervisors_let_in_one_too_many(
    venue_house: House,
) -> None:
    """The negative control: each answers another refusal of the party, and counts from the same."""
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    refused = [await house.scan(party["code"], 1) for _ in range(2)]
    await without_locks(house)
    answers = await at_once(house, *(override(house, one["scan_id"]) for one in refused))
    assert [one["admitted"] for one in answers] == [5, 5]
    assert await ticket(house, party) == (5, 0, 1), "two came in, and one is counted"


async def test_two_supervisors_at_once_count_both_whom_they_let_in(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    refused = [await house.scan(party["code"], 1) for _ in range(2)]
    answers = await at_once(house, *(override(house, one["scan_id"]) for one in refused))
    assert sorted(one["admitted"] for one in answers) == [5, 6]
    assert await ticket(house, party) == (6, 0, 2)
    await whole(house)


async def test_no_supervisor_breaks_a_limit_of_the_law(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    await limit(house, 4, 150, 154)
    refused = await house.scan(party["code"], 1)
    with pytest.raises(Conflict, match="Full") as full:
        await override(house, refused["scan_id"])
    assert (full.value.reason, full.value.fields["rule"]) == ("still_refused", "capacity_full")
    assert full.value.fields["may_override"] is False
    with pytest.raises(Conflict, match="Nobody may override capacity_full"):
        await override(house, refused["scan_id"], 1, "already_in", "capacity_full")
    await limit(house, 5, 150, 155)
    assert (await override(house, refused["scan_id"]))["reason"] == "overridden"
    await whole(house)


async def test_a_second_rule_has_to_be_named_too(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 2)
    await house.at(datetime(2026, 11, 22, 3, 10, tzinfo=UTC))
    late = await house.scan(party["code"], 3)
    assert late["reason"] == "too_late"
    with pytest.raises(Conflict) as second:
        await override(house, late["scan_id"], 3)
    assert (second.value.fields["rule"], second.value.fields["may_override"]) == (
        "party_full",
        True,
    )
    assert (await override(house, late["scan_id"], 3, "too_late", "party_full"))["admitted"] == 5
    assert await ticket(house, party) == (5, 0, 1)
    await whole(house)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [({"code": "nonsense"}, "not_overridable"), ({"direction": "out"}, "not_overridable")],
)
async def test_what_is_no_entry_of_a_booking_is_not_overridden(
    venue_house: House, asked: dict[str, Any], reason: str
) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    refused = await house.scan(**{"code": party["code"], **asked})
    with pytest.raises(Conflict) as no:
        await override(house, refused["scan_id"])
    assert no.value.reason == reason
    assert "override" not in refused["steps"]


async def test_a_booking_that_was_cancelled_meanwhile_stays_outside(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    early = await house.scan(party["code"], 5)
    assert early["reason"] == "party_full"
    await bookings.cancel_booking(house.db, house.caller(), party["booking_id"])
    with pytest.raises(Conflict) as no:
        await override(house, early["scan_id"], 5)
    assert (no.value.reason, no.value.fields["rule"]) == ("still_refused", "cancelled")


async def test_an_override_is_of_now_and_of_its_own_rule(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    refused = await house.scan(party["code"], 1)
    with pytest.raises(NotValid, match="Name already_in"):
        await override(house, refused["scan_id"], 1, "party_full")
    with pytest.raises(Conflict, match="At most 10 people beyond"):
        await override(house, refused["scan_id"], 11)
    await house.later(minutes=11)
    with pytest.raises(Conflict, match="too old"):
        await override(house, refused["scan_id"])


async def test_a_count_is_taken_back_once_and_its_history_stays(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    admitted = await house.scan(party["code"], 3)
    undone = await undo(house, admitted["scan_id"])
    assert (undone["admitted"], undone["inside"]) == (0, {"upstairs": 0, "downstairs": 0})
    with pytest.raises(Conflict, match="undone already"):
        await undo(house, admitted["scan_id"])
    assert (await house.kinds())[-2:] == ["GUEST_CHECKED_IN", "CHECK_IN_UNDONE"]
    again = await house.scan(party["code"], 4)
    assert (again["reason"], again["admitted"]) == ("admitted", 4)
    await whole(house)


async def test_two_who_undo_at_once_take_it_back_once(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 1)
    admitted = await house.scan(party["code"], 2)
    answers = await at_once(
        house, *(undo(house, admitted["scan_id"]) for _ in range(4)), return_exceptions=True
    )
    assert [a.reason for a in answers if isinstance(a, Refusal)] == ["already_undone"] * 3
    assert await ticket(house, party) == (1, 0, 0)
    await whole(house)


async def test_without_the_locks_a_count_is_taken_back_more_than_once(venue_house: House) -> None:
    """The negative control: nobody sees that another has taken it back."""
    house = venue_house
    party = await house.booked([7], 4)
    admitted = await house.scan(party["code"], 2)
    await without_locks(house)
    await at_once(house, *(undo(house, admitted["scan_id"]) for _ in range(2)))
    assert (await house.kinds()).count("CHECK_IN_UNDONE") == 2


async def test_what_later_scans_count_on_is_undone_after_them(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    came = await house.scan(party["code"], 4)
    left = await house.scan(party["code"], 3, direction="out")
    with pytest.raises(Conflict, match="undo the latest first"):
        await undo(house, came["scan_id"])
    await undo(house, left["scan_id"])
    assert await ticket(house, party) == (4, 0, 0)
    await undo(house, came["scan_id"])
    assert await ticket(house, party) == (0, 0, 0)
    assert await inside(house) == {"upstairs": 0, "downstairs": 0}
    await whole(house)


async def test_stairs_and_overrides_are_taken_back_too(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    await house.scan(party["code"], 4)
    moved = await house.scan(party["code"], 3, by=AT_THE_STAIRS, at="stairs")
    on_stairs = replace(MORGAN, device=AT_THE_STAIRS.id, door="stairs")
    await undo(house, moved["scan_id"], on_stairs)
    assert await inside(house) == {"upstairs": 4, "downstairs": 0}
    refused = await house.scan(party["code"], 2)
    let_in = await override(house, refused["scan_id"], 2)
    assert await ticket(house, party) == (6, 0, 2)
    await undo(house, let_in["scan_id"])
    assert await ticket(house, party) == (4, 0, 0)
    await whole(house)


async def test_a_manager_undoes_what_a_device_counted_and_nobody_after_the_seal(
    venue_house: House,
) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    first = await house.scan(party["code"], 1)
    second = await house.scan(party["code"], 1)
    scanner = f"device:{DEVICE.id}"
    await undo(house, first["scan_id"], replace(MORGAN, assurance="totp", device=None, door=None),
               scanner=scanner)  # fmt: skip
    assert await ticket(house, party) == (1, 0, 0)
    await nights.edit_night(
        house.db, house.venue, house.caller(), NIGHT, EditNight(status="sealed")
    )
    with pytest.raises(Conflict, match="sealed"):
        await undo(house, second["scan_id"])


async def test_the_figures_of_the_night_tell_overrides_and_undone_apart(venue_house: House) -> None:
    house = venue_house
    party = await house.booked([7], 4)
    mistaken = await house.scan(party["code"], 2)
    await undo(house, mistaken["scan_id"])
    await house.scan(party["code"], 4)
    refused = await house.scan(party["code"], 1)
    await override(house, refused["scan_id"])
    figures = await house.figures()
    assert figures.people_admitted == 5
    assert figures.entries_overridden == 1
    assert figures.check_ins_undone == 1
    assert figures.entries_refused == 1
