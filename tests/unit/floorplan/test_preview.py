"""What a move would break: every thing alone, and nothing where nothing breaks.

Goal: the preview forbids what the action refuses, and says what it only should know. Method: one
quiet floor, and one thing of it changed for each case.
"""

from typing import Any

import pytest
from msgspec.structs import replace

from floorplan.preview import FORBIDDING, Preview, preview_move
from floorplan.state import Block, BookingState, NightState, TableState, empty_state
from floorplan.venue import Combination

NIGHT = "2026-11-21"
TEN, MIDNIGHT, TWO = (f"2026-11-2{day}T{hour}:00:00.000Z" for day, hour in
                      ((1, "22"), (2, "00"), (2, "02")))  # fmt: skip
NOW = "2026-11-21T21:00:00.000Z"
JOINED = Combination((15, 16), "COMBINED_PREMIUM", 7, 12)


def booking(name: str = "b", **what: Any) -> BookingState:
    """A confirmed party of four at table 7 from ten to midnight."""
    facts: dict[str, Any] = {
        "id": name, "status": "confirmed", "party": 4, "slot_from": TEN, "slot_until": MIDNIGHT,
        "source": "desk", "tables": (7,),
    } | what  # fmt: skip
    return BookingState(**facts)


def floor(*others: BookingState, mine: BookingState | None = None, **changed: Any) -> NightState:
    """Tables 1 to 8 upstairs and 9 to 16 downstairs; `changed` is what is different at table 8."""
    tables = {
        n: TableState(n, "upstairs" if n <= 8 else "downstairs", 2, 6, 4, 5000, 20000)
        for n in range(1, 17)
    }
    party = mine or booking()
    for one in (party, *others):
        for n in one.tables:
            if one.status == "seated":
                tables[n] = replace(tables[n], occupied_by=one.id)
            else:
                tables[n] = replace(tables[n], claims=(*tables[n].claims, one.id))
    tables[8] = replace(tables[8], **changed)
    known = {one.id: one for one in (party, *others)}
    return replace(empty_state(NIGHT), tables=tables, bookings=known)


def seen(state: NightState, *numbers: int) -> Preview:
    return preview_move(state, state.bookings["b"], numbers, [JOINED], NOW)


def kinds(preview: Preview) -> list[str]:
    return [broken.kind for broken in preview.breaks]


def test_a_move_to_a_free_table_of_the_same_kind_breaks_nothing() -> None:
    assert seen(floor(), 8) == Preview((), 0, 0)
    assert seen(floor(), 8).possible


OTHER = {"tables": (8,), "party": 3}
LATER = {**OTHER, "slot_from": MIDNIGHT, "slot_until": TWO}
CASES: dict[str, tuple[NightState, list[str]]] = {
    "somebody sits there": (floor(booking("o", **OTHER, status="seated")), ["occupied"]),
    "somebody sits there and has gone by then": (
        floor(booking("o", **LATER, status="seated")), [],
    ),
    "of a party that sits, somebody later sits there": (
        floor(booking("o", **LATER, status="seated"), mine=booking(status="seated")), ["occupied"],
    ),
    "booked in that time": (floor(booking("o", **OTHER)), ["claimed"]),
    "held in that time": (
        floor(booking("o", **OTHER, status="pending", hold_expires_at=TEN)), ["claimed"],
    ),
    "a hold past its time": (
        floor(booking("o", **OTHER, status="pending", hold_expires_at=NOW)), [],
    ),
    "booked for the minute that it ends": (floor(booking("o", **LATER)), ["booked_after"]),
    "booked and over before": (
        floor(booking("o", **{**OTHER, "slot_from": NOW, "slot_until": TEN})), [],
    ),
    "out of service then": (
        floor(blocks=(Block("x", NOW, MIDNIGHT, "spill", False),)), ["blocked"],
    ),
    "out of service now": (floor(blocks=(Block("x", NOW, TEN, "spill", True),)), ["blocked"]),
    "out of service before": (floor(blocks=(Block("x", NOW, TEN, "spill", False),)), []),
    "not laid, and the party waits": (floor(resetting_since=NOW), ["to_be_laid"]),
    "not laid, and the party sits": (
        floor(mine=booking(status="seated"), resetting_since=NOW), ["not_laid"],
    ),
    "a table too small": (floor(mine=booking(party=7)), ["too_small"]),
    "a table too large": (floor(capacity_min=5), ["too_large"]),
    "a dearer table": (floor(deposit_pence=7000), ["deposit"]),
    "a table with a lower minimum": (floor(minimum_spend_pence=10000), ["minimum_spend"]),
    "some of it are in": (floor(mine=booking(admitted=2, left=1)), ["arrivals"]),
    "all of it have left": (floor(mine=booking(admitted=2, left=2)), []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_one_thing_that_is_different_is_the_one_thing_told(case: str) -> None:
    state, expected = CASES[case]
    preview = seen(state, 8)
    assert kinds(preview) == expected
    assert preview.possible == (not set(expected) & FORBIDDING)
    for broken in preview.breaks:
        assert broken.text.endswith(".")


def test_who_is_in_the_way_is_named_with_their_time() -> None:
    broken = seen(floor(booking("o", **OTHER)), 8).breaks[0]
    assert (broken.table, broken.booking_id, broken.begins, broken.ends) == (8, "o", TEN, MIDNIGHT)
    assert broken.text == "Table 8 is booked for a party of 3 in that time."


def test_a_table_that_there_is_not_is_said_and_forbids() -> None:
    preview = seen(floor(), 8, 17)
    assert (kinds(preview), preview.possible) == (["unknown_table"], False)


def test_what_forbids_stands_first() -> None:
    state = floor(booking("o", **OTHER), deposit_pence=7000, resetting_since=NOW)
    assert kinds(seen(state, 8)) == ["claimed", "to_be_laid", "deposit"]


def test_money_is_the_difference_of_all_tables() -> None:
    preview = seen(floor(mine=booking(tables=(7, 6))), 8)
    assert (preview.deposit_difference_pence, preview.minimum_spend_difference_pence) == (
        -5000, -20000,
    )  # fmt: skip
    assert [b.text for b in preview.breaks] == [
        "The deposit there is £50 less; it stays as agreed.",
        "The minimum spend there is £200 less.",
    ]


def test_a_combination_takes_more_than_its_seats_and_is_told_when_it_is_left_or_split() -> None:
    many = booking(party=12, tables=(15, 16))
    assert "too_small" not in kinds(seen(floor(mine=booking(party=12)), 15, 16))
    left = seen(floor(mine=many), 7, 8)
    assert "combination_left" in kinds(left)
    assert "combination_split" in kinds(seen(floor(), 15))
    taken = booking("o", tables=(16,))
    assert "combination_split" not in kinds(seen(floor(taken), 15)), "it was no set any more"


def test_stairs_are_told_with_who_is_counted_where() -> None:
    down = seen(floor(mine=booking(admitted=3)), 9)
    assert kinds(down) == ["floor_change", "arrivals"]
    assert down.breaks[0].text == (
        "The party goes down the stairs: 3 of them are in, counted upstairs until they pass the"
        " stairs."
    )
    assert kinds(seen(floor(), 8, 9)) == ["deposit", "minimum_spend", "two_floors"]
