"""The picture of a floor: complete, well formed, safe under a strict policy, upright."""

import json
import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from floorplan.drawing import STATUSES, floor_svg, geometry, view_box
from floorplan.footprint import corners
from floorplan.venue import Venue, load_venue

VENUE = load_venue()
FLOORS = ("upstairs", "downstairs")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(floor: str, venue: Venue = VENUE) -> ET.Element:
    return ET.fromstring(floor_svg(venue, floor))


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [each for each in root.iter() if name in (each.get("class") or "").split()]


@pytest.mark.parametrize("floor", FLOORS)
def test_each_table_of_the_floor_is_drawn_once_with_its_places_to_fill_in(floor: str) -> None:
    tables = of_class(drawn(floor), "table")
    expected = [table.number for table in VENUE.tables_on(floor)]
    assert [int(table.get("data-number", "0")) for table in tables] == expected
    for table in tables:
        number = table.get("data-number")
        assert table.get("id") == f"table-{number}"
        assert [len(of_class(table, "table-shape"))] == [1]
        for name, text in (
            ("table-number", number),
            ("table-status", None),
            ("table-party", None),
            ("table-badge", None),
        ):
            [place] = of_class(table, name)
            assert (place.tag, place.text) == (f"{SVG}text", text)
        [glyphs] = of_class(table, "table-glyph")
        assert [glyph.get("class") for glyph in glyphs] == [f"glyph glyph-{s}" for s in STATUSES]


def test_no_id_occurs_twice_on_a_page_with_both_floors() -> None:
    ids = [each.get("id") for floor in FLOORS for each in drawn(floor).iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    assert {f"table-{number}" for number in range(1, 17)} <= set(ids)


@pytest.mark.parametrize("floor", FLOORS)
def test_the_picture_carries_no_style_no_script_and_no_address(floor: str) -> None:
    allowed = {"svg", "g", "path", "polygon", "polyline", "circle", "ellipse", "rect", "text"}
    for each in drawn(floor).iter():
        assert each.tag.removeprefix(SVG) in allowed | {"title"}
        for name in each.attrib:
            assert name != "style"
            assert not name.startswith("on")
            assert "href" not in name
            assert name not in ("fill", "stroke")


def test_names_are_escaped() -> None:
    evil = '<script>alert("1")</script> & co'
    floors = tuple(
        msgspec.structs.replace(
            floor,
            title=evil,
            fixtures=tuple(msgspec.structs.replace(f, label=evil) for f in floor.fixtures),
        )
        for floor in VENUE.floors
    )
    venue = msgspec.structs.replace(
        VENUE,
        floors=floors,
        tables=tuple(msgspec.structs.replace(t, name=evil, zone=evil) for t in VENUE.tables),
        doors=tuple(msgspec.structs.replace(door, name=evil) for door in VENUE.doors),
    )
    for floor in FLOORS:
        root = drawn(floor, venue)
        assert "<script" not in floor_svg(venue, floor)
        assert root.get("aria-label") == f"{evil}, {floor}"
        assert evil in (of_class(root, "table")[0].get("aria-label") or "")
        assert evil in [label.text for label in of_class(root, "fixture-label")]


@pytest.mark.parametrize("floor", FLOORS)
def test_writing_on_a_table_is_never_turned(floor: str) -> None:
    root = drawn(floor)
    for turned in (each for each in root.iter() if "rotate" in (each.get("transform") or "")):
        assert not of_class(turned, "table-number")
    assert any(
        "rotate(270)" in (each.get("transform") or "") for each in of_class(root, "table-furniture")
    )


@pytest.mark.parametrize("floor", FLOORS)
def test_fixtures_and_doors_of_the_floor_are_drawn_with_their_names(floor: str) -> None:
    root = drawn(floor)
    storey = VENUE.get_floor(floor)
    ids = {each.get("id") for each in root.iter()}
    assert {f"fixture-{fixture.id}" for fixture in storey.fixtures} <= ids
    assert {f"door-{door.id}" for door in VENUE.doors if door.floor == floor} <= ids
    labels = [label.text for label in of_class(root, "fixture-label")]
    assert labels == [fixture.label for fixture in storey.fixtures if fixture.label]


def test_a_combination_is_drawn_on_its_own_floor_only() -> None:
    [bond] = of_class(drawn("downstairs"), "combination")
    assert bond.get("data-tables") == "15 16"
    assert of_class(drawn("upstairs"), "combination") == []


@pytest.mark.parametrize("floor", FLOORS)
def test_everything_lies_within_the_picture(floor: str) -> None:
    left, top, width, height = view_box(VENUE.get_floor(floor))
    assert drawn(floor).get("viewBox") == f"{left} {top} {width} {height}"
    for table in VENUE.tables_on(floor):
        for x, y in corners(table.place):
            assert left < x < left + width
            assert top < y < top + height


@pytest.mark.parametrize("floor", FLOORS)
def test_a_number_can_be_read_on_a_phone(floor: str) -> None:
    scale = 375 / view_box(VENUE.get_floor(floor))[2]
    for number in of_class(drawn(floor), "table-number"):
        assert int(number.get("font-size", "0")) * scale >= 16
    for table in VENUE.tables_on(floor):
        assert min(table.place.width_cm, table.place.depth_cm) * scale >= 48


@pytest.mark.parametrize("floor", FLOORS)
def test_the_same_venue_gives_the_same_picture(floor: str) -> None:
    assert floor_svg(VENUE, floor) == floor_svg(load_venue(), floor)


@pytest.mark.parametrize("floor", FLOORS)
def test_every_path_is_written_in_plain_numbers(floor: str) -> None:
    paths = [each.get("d") or "" for each in drawn(floor).iter(f"{SVG}path")]
    assert len(paths) > 50
    for path in paths:
        assert re.fullmatch(r"([MLHVACZQhvlqz]|-?\d+(\.\d)?|[ ,])+", path), path


def test_an_unknown_floor_has_no_picture() -> None:
    with pytest.raises(KeyError):
        floor_svg(VENUE, "roof")


def test_geometry_is_plain_and_complete() -> None:
    plain = geometry(VENUE)
    assert json.loads(json.dumps(plain)) == json.loads(msgspec.json.encode(plain))
    assert [table["number"] for table in plain["tables"]] == list(range(1, 17))
    assert plain["tables"][14]["combines_with"] == [16]
    assert plain["tables"][0]["combines_with"] == []
    assert plain["tables"][0]["capacity"] == {"min": 3, "max": 6, "optimal": 5}
    assert {floor["name"] for floor in plain["floors"]} == set(FLOORS)
    assert plain["floors"][0]["view_box"] == list(view_box(VENUE.floors[0]))
    assert [door["id"] for door in plain["doors"]] == ["main", "basement", "stairs"]
