"""How the things that do not move are drawn: bar, stage, stairs, dance floor, rooms, doors.

Each returns SVG text in centimetres, drawn about its own centre with its back at the top and then
turned into place. Labels are turned back, so that they always read upright.
"""

from math import cos, pi, sin
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from floorplan.footprint import Place
from floorplan.venue import Door, Fixture, Floor

LABEL_CM: Final = 30
STOOL_SPACING_CM: Final = 62
TREAD_CM: Final = 26
RAYS: Final = 24


def fixture_shapes(fixture: Fixture) -> str:
    """Return the group of one fixture, label included."""
    place = fixture.place
    drawn = {
        "bar": _bar,
        "stage": _stage,
        "stairs": _stairs,
        "dj": _dj,
        "toilets": _room,
        "cloakroom": _cloakroom,
        "dance_floor": _dance_floor,
        "rope": _rope,
    }[fixture.kind](place.width_cm / 2, place.depth_cm / 2)
    kind = fixture.kind.replace("_", "-")
    return (
        f'<g id="fixture-{fixture.id}" class="fixture fixture-{kind}"{_at(place)}>'
        f"{drawn}{_label(fixture)}</g>"
    )


def threshold(door: Door) -> str:
    """Return the group of a door: two leaves that open in a fan, and its name for the reader."""
    x, y = door.place.width_cm / 2, door.place.depth_cm
    leaves = (
        f"M{_n(-x)} 0A{_n(x)} {_n(x)} 0 0 1 0 {_n(-y)}M{_n(x)} 0A{_n(x)} {_n(x)} 0 0 0 0 {_n(-y)}"
    )
    rays = "".join(
        f"M0 {_n(-y * 0.22)}L{_n(-cos(turn) * x * 0.82)} {_n(-sin(turn) * y * 0.82)}"
        for turn in (pi * step / 10 for step in range(1, 10))
    )
    inner = "" if door.leaves else f'<path class="door-opening" d="M{_n(-x)} 0H{_n(x)}"/>'
    return (
        f'<g id="door-{door.id}" class="door" data-door="{door.id}" data-floor="{door.floor}"'
        f"{_at(door.place)}><title>{escape(door.name)}</title>"
        f'<path class="door-rays" d="{rays}"/>{inner}'
        f'<path class="door-leaves" d="{leaves}"/></g>'
    )


def ornament(floor: Floor) -> str:
    """Return the inlay of the ground: a fan of rays in each lower corner of the room."""
    xs = [x for x, _ in floor.outline]
    left, right = min(xs), max(xs)
    bottom = max(y for x, y in floor.outline if x in (left, right))
    lines = ""
    for corner, side in ((left, 1), (right, -1)):
        for step in range(7):
            turn = step * pi / 12
            lines += (
                f"M{_n(corner + side * cos(turn) * 60)} {_n(bottom - sin(turn) * 60)}"
                f"L{_n(corner + side * cos(turn) * 430)} {_n(bottom - sin(turn) * 430)}"
            )
        for radius in (300, 360, 430):
            sweep = 1 if side < 0 else 0
            lines += (
                f"M{_n(corner + side * radius)} {bottom}"
                f"A{radius} {radius} 0 0 {sweep} {_n(corner)} {_n(bottom - radius)}"
            )
    return f'<path class="floor-ornament" d="{lines}"/>'


def _bar(x: float, y: float) -> str:
    """Back bar with bottles at the wall, the counter with rounded ends, and its stools."""
    shelf = f'<rect class="bar-back" x="{_n(-x)}" y="{_n(-y)}" width="{_n(2 * x)}" height="34"/>'
    bottles = ""
    count = int((2 * x - 40) // 18)
    for index in range(count):
        at = -9 * (count - 1) + index * 18
        tall = (22, 16, 26, 18)[index % 4]
        bottles += f"M{_n(at)} {_n(-y + 30)}v{-tall}"
    top, front = -y + 66, y - 46
    bend = 30
    counter = (
        f"M{_n(-x)} {_n(-y + 34)}V{_n(front - bend)}A{bend} {bend} 0 0 0 {_n(-x + bend)}"
        f" {_n(front)}H{_n(x - bend)}A{bend} {bend} 0 0 0 {_n(x)} {_n(front - bend)}"
        f"V{_n(-y + 34)}H{_n(x - 38)}V{_n(top)}H{_n(-x + 38)}V{_n(-y + 34)}Z"
    )
    edge = (
        f"M{_n(-x + 12)} {_n(-y + 40)}V{_n(front - bend)}A{bend - 12} {bend - 12} 0 0 0"
        f" {_n(-x + bend)} {_n(front - 12)}H{_n(x - bend)}A{bend - 12} {bend - 12} 0 0 0"
        f" {_n(x - 12)} {_n(front - bend)}V{_n(-y + 40)}"
    )
    count = int((2 * x - 60) // STOOL_SPACING_CM)
    stools = "".join(
        f'<circle class="bar-stool" cx="{_n((index - (count - 1) / 2) * STOOL_SPACING_CM)}"'
        f' cy="{_n(y - 20)}" r="17"/>'
        for index in range(count)
    )
    return (
        f'{shelf}<path class="bar-bottles" d="{bottles}"/><path class="bar-counter" d="{counter}"/>'
        f'<path class="bar-edge" d="{edge}"/>{stools}'
    )


def _stage(x: float, y: float) -> str:
    """A stepped front like a ziggurat, boards, and a row of lamps that throw light forward."""
    steps = ""
    for index, inset in enumerate((0, 22, 44)):
        back = x - inset
        front, wing = y - 34 - inset * 0.5, y - 84 - inset * 0.5
        middle = back - 90
        steps += (
            f'<path class="stage-step stage-step-{index}" d="M{_n(-back)} {_n(-y)}H{_n(back)}'
            f"V{_n(wing)}H{_n(back - 45)}V{_n((wing + front) / 2)}H{_n(middle)}V{_n(front)}"
            f"H{_n(-middle)}V{_n((wing + front) / 2)}H{_n(-back + 45)}V{_n(wing)}H{_n(-back)}Z"
            '"/>'
        )
    boards = "".join(f"M{_n(-x + 60)} {_n(-y + at)}H{_n(x - 60)}" for at in (126, 142, 158))
    lamps = ""
    beams = ""
    for index in range(7):
        at = (index - 3) * (x - 110) / 3.2
        beams += f"M{_n(at)} {_n(y - 24)}L{_n(at * 1.5 - 26)} {_n(y + 86)}H{_n(at * 1.5 + 26)}Z"
        lamps += f'<circle class="stage-lamp" cx="{_n(at)}" cy="{_n(y - 20)}" r="10"/>'
    return (
        f'{steps}<path class="stage-boards" d="{boards}"/>'
        f'<path class="stage-beams" d="{beams}"/>{lamps}'
    )


def _stairs(x: float, y: float) -> str:
    """Treads between two strings, each a little shorter than the last, and the arrow of travel."""
    count = int((2 * y - 20) // TREAD_CM)
    treads = ""
    for index in range(count):
        at = -y + 18 + index * TREAD_CM
        inset = 14 + 22 * index / max(1, count - 1)
        treads += f"M{_n(-x + inset)} {_n(at)}H{_n(x - inset)}"
    arrow = f"M0 {_n(-y + 70)}V{_n(y - 70)}M-16 {_n(y - 92)}L0 {_n(y - 66)}L16 {_n(y - 92)}"
    return (
        f'<path class="stairs-well" d="M{_n(-x)} {_n(-y)}H{_n(x)}L{_n(x - 22)} {_n(y)}'
        f'H{_n(-x + 22)}Z"/><path class="stairs-treads" d="{treads}"/>'
        f'<path class="stairs-arrow" d="{arrow}"/>'
    )


def _dj(x: float, y: float) -> str:
    """Two decks and a mixer on a desk with stepped ends."""
    radius = min(y * 0.52, x * 0.3)
    decks = "".join(
        f'<circle class="dj-deck" cx="{_n(side * x * 0.52)}" cy="{_n(y * 0.1)}" r="{_n(r)}"/>'
        for side in (-1, 1)
        for r in (radius, radius * 0.62, radius * 0.16)
    )
    faders = "".join(f"M{_n(at)} {_n(-y * 0.25)}V{_n(y * 0.5)}" for at in (-10, 0, 10))
    return (
        f'<path class="dj-desk" d="M{_n(-x)} {_n(-y * 0.6)}H{_n(-x + 18)}V{_n(-y)}H{_n(x - 18)}'
        f'V{_n(-y * 0.6)}H{_n(x)}V{_n(y)}H{_n(-x)}Z"/>{decks}'
        f'<path class="dj-faders" d="{faders}"/>'
    )


def _dance_floor(x: float, y: float) -> str:
    """Stepped octagons around a sunburst of parquet."""
    rings = ""
    for index, inset in enumerate((0, 18, 34)):
        rings += (
            f'<path class="dance-ring dance-ring-{index}" d="{_octagon(x - inset, y - inset)}"/>'
        )
    rays = ""
    for step in range(RAYS):
        turn = 2 * pi * (step + 0.5) / RAYS
        reach = _reach(turn, x - 34, y - 34)
        rays += (
            f"M{_n(cos(turn) * 130)} {_n(sin(turn) * 74)}"
            f"L{_n(cos(turn) * reach)} {_n(sin(turn) * reach)}"
        )
    return (
        f'{rings}<path class="dance-rays" d="{rays}"/>'
        '<ellipse class="dance-heart" rx="130" ry="74"/>'
        '<ellipse class="dance-heart-line" rx="119" ry="64"/>'
    )


def _octagon(x: float, y: float) -> str:
    cut = min(x, y) * 0.42
    return (
        f"M{_n(-x + cut)} {_n(-y)}H{_n(x - cut)}L{_n(x)} {_n(-y + cut)}V{_n(y - cut)}"
        f"L{_n(x - cut)} {_n(y)}H{_n(-x + cut)}L{_n(-x)} {_n(y - cut)}V{_n(-y + cut)}Z"
    )


def _reach(turn: float, x: float, y: float) -> float:
    """How far a ray runs from the centre before it meets the octagon."""
    across, down = abs(cos(turn)), abs(sin(turn))
    cut = min(x, y) * 0.42
    sides = [(x, across), (y, down), (x + y - cut, across + down)]
    return min(length / part for length, part in sides if part > 1e-9)


def _room(x: float, y: float) -> str:
    """Walls of a side room with a stepped line inside."""
    box = f'x="{_n(-x)}" y="{_n(-y)}" width="{_n(2 * x)}" height="{_n(2 * y)}"'
    step = 12
    line = (
        f"M{_n(-x + 2 * step)} {_n(-y + step)}H{_n(x - 2 * step)}v{step}h{step}V{_n(y - 2 * step)}"
        f"h{-step}v{step}H{_n(-x + 2 * step)}v{-step}h{-step}V{_n(-y + 2 * step)}h{step}Z"
    )
    return f'<rect class="room-walls" {box}/><path class="room-line" d="{line}"/>'


def _cloakroom(x: float, y: float) -> str:
    """A side room with a rail of hangers under its ceiling line."""
    hangers = ""
    for index in range(int((2 * x - 70) // 22)):
        at = -x + 46 + index * 22
        hangers += f"M{_n(at)} {_n(-y + 34)}v8l-9 14h18l-9 -14"
    rail = f"M{_n(-x + 34)} {_n(-y + 34)}H{_n(x - 34)}"
    return f'{_room(x, y)}<path class="room-rail" d="{rail}{hangers}"/>'


def _rope(x: float, y: float) -> str:
    """Brass posts with a rope that hangs between them."""
    count = max(2, round(2 * x / 66) + 1)
    gap = 2 * x / (count - 1)
    rope = f"M{_n(-x)} 0" + f"q{_n(gap / 2)} 16 {_n(gap)} 0" * (count - 1)
    posts = "".join(
        f'<circle class="rope-post" cx="{_n(-x + index * gap)}" cy="0" r="{_n(min(9, y + 1))}"/>'
        for index in range(count)
    )
    return f'<path class="rope-line" d="{rope}"/>{posts}'


# Where a label sits: the share of half the depth below the centre, before turning.
_LABEL_AT: Final = {
    "bar": 0.02, "stage": 0.42, "dj": 0.0, "cloakroom": 0.42, "toilets": 0.0, "dance_floor": 0.0,
    "stairs": 0.0, "rope": 0.0,
}  # fmt: skip


def _label(fixture: Fixture) -> str:
    if not fixture.label:
        return ""
    place = fixture.place
    # A desk is too small to write on: its label stands in front of it.
    at = (
        place.depth_cm / 2 + 30
        if fixture.kind == "dj"
        else (_LABEL_AT[fixture.kind] * place.depth_cm / 2)
    )
    turned = -90 if fixture.kind == "stairs" else 0
    back = (turned - place.rotation_degrees) % 360
    turn = f" rotate({back})" if back else ""
    return (
        f'<g transform="translate(0 {_n(at)}){turn}"><text class="fixture-label" x="0" y="10"'
        f' text-anchor="middle" font-size="{LABEL_CM}">{escape(fixture.label)}</text></g>'
    )


def _at(place: Place) -> str:
    turn = f" rotate({place.rotation_degrees})" if place.rotation_degrees else ""
    return " transform=" + quoteattr(f"translate({place.x_cm} {place.y_cm}){turn}")


def _n(number: float) -> str:
    """Return a coordinate to the millimetre, without a needless zero."""
    return f"{round(number, 1) + 0.0:g}"
