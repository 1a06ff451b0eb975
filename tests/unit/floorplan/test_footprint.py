"""Which places overlap, and which lie within a room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.footprint import Place, Shape, corners, extent, inside, overlap

ROOM = ((0, 0), (1000, 0), (1000, 600), (600, 600), (600, 1000), (0, 1000))  # an L

places = st.builds(
    Place,
    x_cm=st.integers(-500, 1500),
    y_cm=st.integers(-500, 1500),
    width_cm=st.integers(10, 400),
    depth_cm=st.integers(10, 400),
    rotation_degrees=st.integers(0, 359),
    shape=st.sampled_from(["rectangle", "circle", "horseshoe"]),
)


def box(x: int, y: int, turn: int = 0, size: int = 100, shape: Shape = "rectangle") -> Place:
    return Place(x, y, size, size, turn, shape)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (box(150, 150), True),
        (box(200, 100), False),  # wall to wall
        (box(195, 100), True),
        (box(200, 100, turn=45), True),  # its corner reaches in
        (box(225, 100, turn=45), False),
        (box(190, 190), True),
        (box(190, 190, shape="circle"), False),  # round, it misses the corner
        (box(100, 100, size=10), True),  # one within the other
    ],
)
def test_two_places_overlap_when_they_share_ground(other: Place, expected: bool) -> None:
    assert overlap(box(100, 100), other) is expected


@given(places, places)
def test_overlap_does_not_depend_on_the_order(one: Place, other: Place) -> None:
    assert overlap(one, other) is overlap(other, one)


@given(places)
def test_a_place_overlaps_itself(place: Place) -> None:
    assert overlap(place, place)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (box(100, 100), True),
        (box(50, 50), True),  # against two walls
        (box(45, 100), False),
        (box(800, 800), False),  # in the part that the L leaves out
        (box(610, 610, turn=45), False),  # across the inner corner
        (box(2000, 100), False),
    ],
)
def test_a_place_is_inside_when_no_wall_cuts_it(place: Place, expected: bool) -> None:
    assert inside(place, ROOM) is expected


def test_a_place_across_a_niche_in_the_wall_is_not_inside_though_its_corners_are() -> None:
    room = ((0, 0), (400, 0), (400, 300), (600, 300), (600, 0), (1000, 0), (1000, 600), (0, 600))
    across = Place(500, 200, 400, 100)
    assert not inside(across, room)
    assert inside(Place(500, 400, 400, 100), room)


def test_a_quarter_turn_clockwise_brings_the_back_to_the_right() -> None:
    turned = Place(0, 0, 200, 100, 90)
    first_x, first_y = corners(turned)[0]  # the left end of the back
    assert (round(first_x), round(first_y)) == (50, -100)
    assert tuple(map(round, extent(turned))) == (100, 200)
