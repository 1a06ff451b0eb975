"""Where a thing stands and what ground it covers: plane geometry in whole centimetres.

x runs to the right and y down the page, as in SVG. A place is turned clockwise about its centre.
"""

from collections.abc import Sequence
from math import cos, hypot, pi, radians, sin
from typing import Annotated, Literal

from msgspec import Meta, Struct

Point = tuple[int, int]
Corner = tuple[float, float]
Shape = Literal["rectangle", "circle", "horseshoe"]
Length = Annotated[int, Meta(ge=1, le=10_000)]

# Whole centimetres are measured by people: what touches to within a centimetre does not overlap.
TOLERANCE_CM = 1.0
CIRCLE_CORNERS = 32


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """A centre, a size and a turn; of a circle the smaller size is the diameter."""

    x_cm: int
    y_cm: int
    width_cm: Length
    depth_cm: Length
    rotation_degrees: Annotated[int, Meta(ge=0, lt=360)] = 0
    shape: Shape = "rectangle"


def corners(place: Place) -> list[Corner]:
    """Return the convex polygon of the ground that a place covers, in floor coordinates."""
    if place.shape == "circle":
        radius = min(place.width_cm, place.depth_cm) / 2
        turns = (2 * pi * step / CIRCLE_CORNERS for step in range(CIRCLE_CORNERS))
        return [(place.x_cm + radius * cos(t), place.y_cm + radius * sin(t)) for t in turns]
    half_width, half_depth = place.width_cm / 2, place.depth_cm / 2
    turn = radians(place.rotation_degrees)
    return [
        (place.x_cm + x * cos(turn) - y * sin(turn), place.y_cm + x * sin(turn) + y * cos(turn))
        for x, y in (
            (-half_width, -half_depth),
            (half_width, -half_depth),
            (half_width, half_depth),
            (-half_width, half_depth),
        )
    ]


def extent(place: Place) -> tuple[float, float]:
    """Return the width and height (cm) of the upright box around a place."""
    xs, ys = zip(*corners(place), strict=True)
    return max(xs) - min(xs), max(ys) - min(ys)


def overlap(one: Place, other: Place) -> bool:
    """Tell whether two places share ground, by the separating axis theorem."""
    apart = hypot(one.x_cm - other.x_cm, one.y_cm - other.y_cm)
    if apart >= _reach(one) + _reach(other):
        return False
    first, second = corners(one), corners(other)
    for (ax, ay), (bx, by) in _edges(first) + _edges(second):
        normal_x, normal_y = ay - by, bx - ax
        length = hypot(normal_x, normal_y)
        shadows = [
            [(x * normal_x + y * normal_y) / length for x, y in polygon]
            for polygon in (first, second)
        ]
        if min(max(shadows[0]), max(shadows[1])) - max(min(shadows[0]), min(shadows[1])) < (
            TOLERANCE_CM
        ):
            return False
    return True


def inside(place: Place, outline: Sequence[Point]) -> bool:
    """Tell whether a place lies wholly within a polygon, which need not be convex."""
    polygon = corners(place)
    walls = _edges([(float(x), float(y)) for x, y in outline])
    if not all(_contains(walls, corner) for corner in polygon):
        return False
    return not any(_cross(edge, wall) for edge in _edges(polygon) for wall in walls)


Edge = tuple[Corner, Corner]


def _reach(place: Place) -> float:
    """Return the radius of a circle around a place: most pairs are further apart than these."""
    return hypot(place.width_cm, place.depth_cm) / 2


def _edges(polygon: Sequence[Corner]) -> list[Edge]:
    return list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))


def _contains(walls: list[Edge], point: Corner) -> bool:
    """Count the walls to the right of a point; one that lies on a wall is inside."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in walls:
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
        near = min(1.0, max(0.0, along))
        away_x, away_y = x - ax - near * (bx - ax), y - ay - near * (by - ay)
        if away_x**2 + away_y**2 <= TOLERANCE_CM**2:
            return True
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd


def _cross(one: Edge, other: Edge) -> bool:
    (a, b), (c, d) = one, other
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Corner, b: Corner, c: Corner) -> float:
    """Return the turn of a, b, c as a sign; within the tolerance it counts as straight."""
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    length = hypot(b[0] - a[0], b[1] - a[1])
    distance = area / length if length else 0.0
    return 0.0 if abs(distance) < TOLERANCE_CM else distance
