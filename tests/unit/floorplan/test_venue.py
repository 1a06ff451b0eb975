"""The venue's file: what it says, and how each kind of mistake in it is told."""

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floorplan import venue as venue_module
from floorplan.shape import place_of
from floorplan.venue import (
    TABLE_NUMBERS,
    VenueInvalid,
    leaf_paths,
    load_venue,
    read_venue,
    values_at,
)

FILE = Path(venue_module.__file__).with_name("venue.toml")
Document = dict[str, Any]
Edit = Callable[[Document], object]

# What the venue has said: its name and town, sixteen tables on two floors, and 15 + 16.
GIVEN = ("name", "time_zone", "floors.*.name", "tables.*.number", "combinations")


@pytest.fixture
def document() -> Document:
    return tomllib.loads(FILE.read_text())


def problems_of(document: Document) -> tuple[str, ...]:
    with pytest.raises(VenueInvalid) as invalid:
        read_venue(document)
    return invalid.value.problems


def test_the_shipped_venue_has_sixteen_tables_on_two_floors() -> None:
    venue = load_venue()
    assert sorted(table.number for table in venue.tables) == list(TABLE_NUMBERS)
    assert [table.number for table in venue.tables_on("upstairs")] == list(range(1, 9))
    assert [table.number for table in venue.tables_on("downstairs")] == list(range(9, 17))
    assert venue.get_table(16).zone == "vip"
    assert venue.get_door("stairs").leaves == "upstairs"
    assert str(venue.zone) == "Europe/London"


def test_the_only_combination_is_fifteen_and_sixteen_for_seven_to_twelve() -> None:
    [pair] = load_venue().combinations
    assert (pair.tables, pair.party_min, pair.party_max) == ((15, 16), 7, 12)
    assert pair.strategy == "COMBINED_PREMIUM"


def test_each_value_is_given_by_the_venue_or_marked_to_be_confirmed(document: Document) -> None:
    marks = document.pop("to_confirm")
    covered = [set(values_at(document, path)) for path in (*GIVEN, *marks)]
    assert set(leaf_paths(document)) == set.union(*covered)
    assert sum(map(len, covered)) == len(set.union(*covered)), "a value is marked twice"


def test_each_section_with_invented_values_says_so_where_a_reader_looks() -> None:
    assert FILE.read_text().count("venue to confirm") >= 8


def test_every_question_to_the_venue_is_in_the_documents(document: Document) -> None:
    page = (FILE.parent.parent / "docs" / "floor.md").read_text()
    for path, question in document["to_confirm"].items():
        assert f"| `{path}` | {question} |" in page


def put(path: str, value: Any) -> Edit:
    """An edit of one value; a step may be a key or a place in a list."""
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]

    def edit(document: Any) -> None:
        for step in steps:
            document = document[step]
        document[last] = value

    return edit


def drop(path: str) -> Edit:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]

    def edit(document: Any) -> None:
        for step in steps:
            document = document[step]
        del document[last]

    return edit


def drop_all_but_stairs(document: Document) -> None:
    del document["doors"][:2]


CLOCK = tomllib.loads("early = 02:00:00\nnoon = 12:00:00\nlate = 05:30:00\n")
MISTAKES: list[tuple[str, Edit, str]] = [
    ("an unknown key", put("colour", "red"), "colour: is not a setting"),
    ("a missing key", drop("rules"), "rules: is missing; add it"),
    ("a list that is none", put("tables", 7), "tables: is not a list; write [[tables]]"),
    ("a field of the wrong type", put("tables.3.number", "four"), "tables[3].number: expected"),
    ("an unknown field", put("tables.3.colour", 1), "tables[3]: object contains unknown field"),
    ("a time as text", put("hours.doors", "ten"), "hours.doors: "),
    ("an id beyond 16 bits", put("id", 65_536), "id: expected `int` <= 65535"),
    ("a repeated number", put("tables.3.number", 3), "tables: number 3 occurs 2 times"),
    ("a missing number", drop("tables.3"), "tables: 4 missing; there are exactly 16"),
    ("a number too high", put("tables.3.number", 17), "(table 17): the number is outside"),
    ("an unknown floor", put("tables.3.floor", "roof"), "tables[3].floor: invalid enum value"),
    ("a floor too few", drop("floors.1"), "floors: downstairs is missing"),
    ("min above optimal", put("tables.0.capacity.min", 6), "min 6, optimal 5, max 6; make 1"),
    ("optimal above max", put("tables.0.capacity.optimal", 7), "min 3, optimal 7, max 6"),
    ("min of nobody", put("tables.0.capacity.min", 0), "min 0, optimal 5, max 6"),
    ("a negative deposit", put("tables.0.deposit_pence", -1), "deposit_pence is -1; write 0"),
    ("a negative spend", put("tables.0.minimum_spend_pence", -1), "minimum_spend_pence is -1"),
    ("a deposit above the spend", put("tables.0.deposit_pence", 90_000), "above the minimum spend"),
    ("an unknown member", put("combinations.0.tables", [15, 20]), "table 20 does not exist"),
    ("a member twice", put("combinations.0.tables", [15, 15]), "table 15 occurs 2 times"),
    ("one member", put("combinations.0.tables", [15]), "has 1 table; name two or more"),
    ("two floors", put("combinations.0.tables", [1, 16]), "on different floors"),
    ("a party range upside down", put("combinations.0.party_min", 13), "party_min 13, party_max"),
    ("a party too large", put("combinations.0.party_max", 13), "above the 12 that its tables take"),
    ("last entry after close", put("hours.last_entry", CLOCK["late"]), "is after close 05:00:00"),
    ("close before doors", put("hours.closes", CLOCK["noon"]), "close 12:00:00 is not after doors"),
    ("doors after entry", put("hours.doors", CLOCK["late"]), "is not after doors 05:30:00"),
    ("no open weekday", put("hours.weekdays", []), "no weekday is open"),
    ("a hold of no time", put("rules.hold_minutes", 0), "hold_minutes is 0; write 1 to 120"),
    ("endless extension", put("rules.hold_extensions", 99), "hold_extensions is 99"),
    ("a negative grace", put("rules.grace_minutes", -5), "grace_minutes is -5"),
    ("a house above its floors", put("limits.licence.house", 351), "351 is above the floors"),
    ("a floor without limit", drop("limits.fire.floors.upstairs"), "upstairs has no limit"),
    ("tables on one spot", put("tables.1.place.y_cm", 400), "(table 1): overlaps tables[1]"),
    ("a table on the bar", put("tables.6.place.y_cm", 200), "overlaps fixture lounge-bar"),
    ("a table in the wall", put("tables.0.place.x_cm", 60), "(table 1): stands outside"),
    ("a bar in the wall", put("floors.0.fixtures.0.place.y_cm", 40), "fixture lounge-bar: stands"),
    ("a table too small", put("tables.6.place.width_cm", 40), "smaller than 60 x 60 cm"),
    ("a room of two points", put("floors.0.outline", [[0, 0], [9, 9]]), "fewer than 3 points"),
    ("no door", put("doors", []), "doors: there is none"),
    ("a door twice", put("doors.1.id", "main"), "doors: id main occurs 2 times"),
    ("a door to itself", put("doors.2.leaves", "downstairs"), "leaves the floor that it enters"),
    ("a door in the street", put("doors.0.place.y_cm", 1500), "its centre is outside upstairs"),
    ("only inner doors", drop_all_but_stairs, "every door is inside the house"),
    ("a stale mark", put("to_confirm", {"tables.*.age": "?"}), '"tables.*.age" names nothing'),
    ("an unknown zone of time", put("time_zone", "Europe/Leeds"), "'Europe/Leeds' is not known"),
    ("a time zone that is a path", put("time_zone", "../etc"), "'../etc' is not known"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "told"), [pytest.param(e, t, id=i) for i, e, t in MISTAKES])
def test_a_mistake_is_told_with_its_place_and_what_to_do(
    document: Document, edit: Edit, told: str
) -> None:
    edit(document)
    problems = problems_of(document)
    assert any(told in problem for problem in problems), problems
    assert all(":" in problem and ";" in problem for problem in problems), problems


def test_the_document_that_each_mistake_is_made_in_is_valid(document: Document) -> None:
    assert read_venue(copy.deepcopy(document)) == load_venue()


def test_all_problems_are_told_at_once_in_one_message(document: Document) -> None:
    for name in ("a negative deposit", "a party too large", "a house above its floors"):
        next(edit for label, edit, _ in MISTAKES if label == name)(document)
    assert len(problems_of(document)) == 3
    with pytest.raises(VenueInvalid) as invalid:
        read_venue(document, "club.toml")
    message = str(invalid.value)
    assert message.startswith("club.toml has 3 problems:\n  - ")
    assert message.count("\n  - ") == 3


def test_wrong_shapes_are_all_told_too(document: Document) -> None:
    put("tables.0.number", "one")(document)
    put("tables.9.floor", "roof")(document)
    put("colour", "red")(document)
    assert len(problems_of(document)) == 3


def test_a_wrong_shape_hides_neither_the_next_of_its_piece_nor_what_the_file_says(
    document: Document,
) -> None:
    put("tables.0.capacity.min", "two")(document)
    put("tables.0.capacity.max", "six")(document)
    put("tables.0.seats", 4)(document)
    put("rules.hold_minutes", "ten")(document)
    del document["tables"][5]["deposit_pence"]
    next(edit for label, edit, _ in MISTAKES if label == "a house above its floors")(document)
    put("tables.9.deposit_pence", -1)(document)
    found = problems_of(document)
    assert [place_of(one) for one in found] == [
        "rules", "tables[0]", "tables[0]", "tables[0]", "tables[5]", "tables[9]", "limits",
    ]  # fmt: skip
    assert ["min" in found[1], "max" in found[2], "seats" in found[3]] == [True] * 3


def test_every_value_can_be_wrong_at_once(document: Document) -> None:
    paths = list(leaf_paths({key: document[key] for key in ("tables", "limits", "rules", "doors")}))
    for path in paths:
        put(path, {"wrong": True})(document)
    # The floors' numbers under a licence, or a fire limit, are told together.
    together = [path for path in paths if ".floors." in path]
    assert len(problems_of(document)) == len(paths) - len(together) // 2


def test_a_file_that_is_missing_or_not_toml_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(VenueInvalid, match=r"none\.toml has 1 problem:\n  - cannot be read"):
        load_venue(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ")
    with pytest.raises(VenueInvalid, match="is not TOML"):
        load_venue(broken)
    broken.write_bytes(b"\xff")
    with pytest.raises(VenueInvalid, match="is not TOML"):
        load_venue(broken)


def test_a_file_of_ones_own_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "club.toml"
    own.write_text(FILE.read_text().replace("The Backroom Leeds", "The Cellar"))
    assert load_venue(own).name == "The Cellar"


def test_an_unknown_floor_table_or_door_has_no_answer() -> None:
    venue = load_venue()
    for ask in (
        lambda: venue.get_floor("roof"),
        lambda: venue.get_table(17),
        lambda: venue.get_door("window"),
    ):
        with pytest.raises(KeyError):
            ask()
