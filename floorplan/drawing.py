"""The floor as a picture: one SVG per storey, drawn from the venue's measures alone.

Coordinates are centimetres. The picture carries classes, ids and data attributes but neither style
nor script, so that it stands under a strict content security policy and one stylesheet dresses it.
A table is `<g class="table" id="table-7" data-number="7">`; the view sets `data-status` on it and
fills the empty texts `table-status`, `table-party` and `table-badge`. Of the six marks in
`table-glyph` the stylesheet shows the one of that status, so that shape speaks beside colour.
Writing on a table is never turned: only its furniture is.
"""

from math import cos, pi, sin
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import msgspec

from floorplan.fixtures import fixture_shapes, ornament, threshold
from floorplan.footprint import Place, extent
from floorplan.venue import Combination, Floor, Table, Venue

MARGIN_CM: Final = 40  # room for the walls' lines and for the leaves of the doors
STATUSES: Final = ("available", "reserved", "held", "occupied", "resetting", "maintenance")

# One mark per status in a box of 28 cm; each is told from the others by its outline alone.
GLYPHS: Final = {
    "available": "M0 -13L13 0L0 13L-13 0Z",
    "reserved": "M-11 -13H11V13L0 4L-11 13Z",
    "held": "M-11 -13H11L0 0L11 13H-11L0 0Z",
    "occupied": "M0 -13A13 13 0 1 1 0 13A13 13 0 1 1 0 -13Z",
    "resetting": "M12 -4A12 12 0 1 0 8 9L3 4H15V15L11 11",
    "maintenance": "M-13 -8L-8 -13L0 -5L8 -13L13 -8L5 0L13 8L8 13L0 5L-8 13L-13 8L-5 0Z",
}

BADGE_CM: Final = 27
BANQUETTE_CM: Final = 36
STOOL_CM: Final = 21


class Lettering(NamedTuple):
    """Sizes and baselines (cm) of a table's lines: mark, number, status word, party.

    On a phone of 375 px a floor is drawn at 0.35 px per cm: a number is 18 px tall or more, a
    word 8.
    """

    glyph_y: int
    number: int
    number_y: int
    status: int
    status_y: int
    party: int
    party_y: int


HORSESHOE_LETTERING: Final = Lettering(-58, 62, 12, 25, 41, 29, 73)
ROUND_LETTERING: Final = Lettering(-60, 54, 0, 24, 28, 25, 55)


def floor_svg(venue: Venue, floor: str) -> str:
    """Return the SVG text of one floor ("upstairs" or "downstairs"). Raises KeyError: no such."""
    storey = venue.get_floor(floor)
    left, top, width, height = view_box(storey)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="floor-{floor}" class="floor"'
        f' data-floor="{floor}" viewBox="{left} {top} {width} {height}" role="group"'
        f" aria-label={quoteattr(f'{storey.title}, {floor}')}>"
    )
    layers = {
        "fixtures": [fixture_shapes(fixture) for fixture in storey.fixtures],
        "doors": [threshold(door) for door in venue.doors if door.floor == floor],
        "combinations": [_link(venue, each, floor) for each in venue.combinations],
        "tables": [_table(table) for table in venue.tables_on(floor)],
    }
    drawn = (f'<g class="{layer}">{"".join(parts)}</g>' for layer, parts in layers.items())
    return f"{opening}{_room(storey)}{''.join(drawn)}</svg>"


def view_box(floor: Floor) -> tuple[int, int, int, int]:
    """Return left, top, width and height (cm) of the picture of a floor."""
    xs, ys = zip(*floor.outline, strict=True)
    left, top = min(xs) - MARGIN_CM, min(ys) - MARGIN_CM
    return left, top, max(xs) + MARGIN_CM - left, max(ys) + MARGIN_CM - top


def geometry(venue: Venue) -> dict[str, Any]:
    """Return the floor for `GET /v1/floor`: plain values, lengths in cm, money in pence.

    Keys: venue {id, name, time_zone}; floors [{name, title, view_box, outline, fixtures}]; tables
    (ascending, each with `combines_with`); combinations; doors. Nothing in it depends on a night.
    """
    combined: dict[int, set[int]] = {table.number: set() for table in venue.tables}
    for combination in venue.combinations:
        for number in combination.tables:
            combined[number] |= set(combination.tables) - {number}
    tables = sorted(venue.tables, key=lambda table: table.number)
    return {
        "venue": {"id": venue.id, "name": venue.name, "time_zone": venue.time_zone},
        "floors": [{**_plain(floor), "view_box": list(view_box(floor))} for floor in venue.floors],
        "tables": [
            {**_plain(table), "combines_with": sorted(combined[table.number])} for table in tables
        ],
        "combinations": [_plain(combination) for combination in venue.combinations],
        "doors": [_plain(door) for door in venue.doors],
    }


def _plain(piece: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(piece)
    return plain


# ------------------------------------------------------------------------------------ the room
def _room(floor: Floor) -> str:
    points = " ".join(f"{x},{y}" for x, y in floor.outline)
    return (
        f'<g class="room"><polygon class="floor-ground" points="{points}"/>{ornament(floor)}'
        f'<polygon class="floor-wall" points="{points}"/>'
        f'<polygon class="floor-wall-inlay" points="{points}"/></g>'
    )


def _link(venue: Venue, combination: Combination, floor: str) -> str:
    """Draw the bond between tables that are offered as one."""
    members = [venue.get_table(number) for number in sorted(combination.tables)]
    if any(table.floor != floor for table in members):
        return ""
    line = " ".join(f"{table.place.x_cm},{table.place.y_cm}" for table in members)
    numbers = " ".join(str(table.number) for table in members)
    return (
        f'<g class="combination" id="combination-{numbers.replace(" ", "-")}"'
        f' data-tables="{numbers}"><polyline class="combination-bond" points="{line}"/>'
        f'<polyline class="combination-line" points="{line}"/></g>'
    )


# ---------------------------------------------------------------------------------- the tables
def _table(table: Table) -> str:
    number, place = table.number, table.place
    capacity = table.capacity
    spoken = f"Table {number}, {table.name}, {capacity.min} to {capacity.max} people"
    horseshoe = place.shape == "horseshoe"
    furniture = _horseshoe(place, table.kind) if horseshoe else _free_standing(table)
    width, height = extent(place)
    shift_x, shift_y = _writing_centre(place)
    lettering = HORSESHOE_LETTERING if horseshoe else ROUND_LETTERING
    corner_x, corner_y = (
        (width / 2 - 14, -height / 2 + 14) if horseshoe else (width * 0.36, -height * 0.36)
    )
    glyphs = "".join(
        f'<path class="glyph glyph-{status}" d="{GLYPHS[status]}"/>' for status in STATUSES
    )
    return (
        f'<g id="table-{number}" class="table table-{table.kind}" data-number="{number}"'
        f' data-floor="{table.floor}" data-kind="{table.kind}" data-zone={quoteattr(table.zone)}'
        f' tabindex="0" role="button" aria-label={quoteattr(spoken)}'
        f' transform="translate({place.x_cm} {place.y_cm})">'
        f'<g class="table-furniture" transform="rotate({place.rotation_degrees})">{furniture}</g>'
        f'<g class="table-writing" transform="translate({_n(shift_x)} {_n(shift_y)})">'
        f'<g class="table-glyph" transform="translate(0 {lettering.glyph_y})">{glyphs}</g>'
        f"{_text('table-number', lettering.number_y, lettering.number, str(number))}"
        f"{_text('table-status', lettering.status_y, lettering.status)}"
        f"{_text('table-party', lettering.party_y, lettering.party)}"
        "</g>"
        f'<g class="table-corner" transform="translate({_n(corner_x)} {_n(corner_y)})">'
        '<circle class="table-badge-plate" r="26"/>'
        f"{_text('table-badge', 9, BADGE_CM)}"
        "</g></g>"
    )


def _writing_centre(place: Place) -> tuple[float, float]:
    """Return where the writing goes: a horseshoe's free space lies towards its opening."""
    if place.shape != "horseshoe":
        return 0.0, 0.0
    turn = pi * place.rotation_degrees / 180
    away = BANQUETTE_CM / 2
    return -sin(turn) * away, cos(turn) * away


def _horseshoe(place: Place, kind: str) -> str:
    """A curved banquette around a table, back at the top, fluted like a shell."""
    x, y, band = place.width_cm / 2, place.depth_cm / 2, float(BANQUETTE_CM)
    bend = min(x, y) * 0.62
    inner_x, inner_y, inner_bend = x - band, y - band, max(bend - band, 12.0)
    outside = (
        f"M{_n(-x)} {_n(y)}V{_n(-y + bend)}A{_n(bend)} {_n(bend)} 0 0 1 {_n(-x + bend)} {_n(-y)}"
        f"H{_n(x - bend)}A{_n(bend)} {_n(bend)} 0 0 1 {_n(x)} {_n(-y + bend)}V{_n(y)}"
    )
    inside = (
        f"H{_n(inner_x)}V{_n(-inner_y + inner_bend)}"
        f"A{_n(inner_bend)} {_n(inner_bend)} 0 0 0 {_n(inner_x - inner_bend)} {_n(-inner_y)}"
        f"H{_n(-inner_x + inner_bend)}"
        f"A{_n(inner_bend)} {_n(inner_bend)} 0 0 0 {_n(-inner_x)} {_n(-inner_y + inner_bend)}"
        f"V{_n(y)}Z"
    )
    parts = [
        f'<path class="table-shape" d="{outside}Z"/>',
        f'<path class="table-seat" d="{outside}{inside}"/>',
        f'<path class="table-flutes" d="{_flutes(x, y, bend, band)}"/>',
    ]
    if kind in ("stage", "vip"):
        crown = "".join(
            f"M0 {_n(-y + 5)}L{_n(sin(t) * 30)} {_n(-y + 5 + cos(t) * 25)}"
            for t in (-1.2, -0.6, 0.0, 0.6, 1.2)
        )
        parts.append(f'<path class="table-crown" d="{crown}"/>')
    return "".join(parts)


def _flutes(x: float, y: float, bend: float, band: float) -> str:
    """Short lines across the banquette, evenly spaced along its arms, bends and back."""
    lines: list[str] = []
    reach = band - 4
    for step in range(int((2 * y - bend) // 24)):
        at = y - 12 - step * 24
        lines.append(
            f"M{_n(-x + 4)} {_n(at)}H{_n(-x + reach)}M{_n(x - 4)} {_n(at)}H{_n(x - reach)}"
        )
    for step in range(1, 5):
        turn = step * pi / 10
        for side in (-1, 1):
            centre_x, centre_y = side * (x - bend), -y + bend
            away_x, away_y = side * cos(turn), -sin(turn)
            near, far = bend - reach, bend - 4
            lines.append(
                f"M{_n(centre_x + away_x * near)} {_n(centre_y + away_y * near)}"
                f"L{_n(centre_x + away_x * far)} {_n(centre_y + away_y * far)}"
            )
    count = max(1, round((x - bend) * 2 / 24))
    for step in range(count + 1):
        at = -(x - bend) + step * 2 * (x - bend) / count
        lines.append(f"M{_n(at)} {_n(-y + 4)}V{_n(-y + reach)}")
    return "".join(lines)


def _free_standing(table: Table) -> str:
    """A round top with a stool or chair for each person of its largest party."""
    place = table.place
    radius = min(place.width_cm, place.depth_cm) / 2
    top = radius - 15.0  # the seats stand partly under it, which leaves the most room to write
    seats = table.capacity.max
    chairs: list[str] = []
    for seat in range(seats):
        turn = 2 * pi * seat / seats + pi / seats
        x, y = sin(turn), -cos(turn)
        if table.kind == "high":
            away = radius - STOOL_CM
            chairs.append(
                f'<circle class="table-seat" cx="{_n(x * away)}" cy="{_n(y * away)}"'
                f' r="{STOOL_CM}"/>'
            )
        else:
            chairs.append(f'<path class="table-seat" d="{_chair(turn, radius, top - 6, seats)}"/>')
    return (
        "".join(chairs) + f'<circle class="table-shape" r="{_n(top)}"/>'
        f'<circle class="table-rim" r="{_n(top - 9)}"/>'
    )


def _chair(turn: float, outer: float, inner: float, seats: int) -> str:
    """A sector of a ring: the back of a chair as seen from above."""
    half = 0.62 * pi / seats
    a, b = turn - half, turn + half
    points = [
        (sin(angle) * away, -cos(angle) * away)
        for angle, away in ((a, inner), (a, outer), (b, outer), (b, inner))
    ]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    return (
        f"M{_n(ax)} {_n(ay)}L{_n(bx)} {_n(by)}A{_n(outer)} {_n(outer)} 0 0 1 {_n(cx)} {_n(cy)}"
        f"L{_n(dx)} {_n(dy)}A{_n(inner)} {_n(inner)} 0 0 0 {_n(ax)} {_n(ay)}Z"
    )


def _text(name: str, y: int, size_cm: int, content: str = "") -> str:
    return (
        f'<text class="{name}" x="0" y="{y}" text-anchor="middle"'
        f' font-size="{size_cm}">{escape(content)}</text>'
    )


def _n(number: float) -> str:
    """Return a coordinate to the millimetre, without a needless zero."""
    return f"{round(number, 1) + 0.0:g}"
