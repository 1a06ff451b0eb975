"""One scan per code: time is a number given by the test."""

from scanners.sightings import CODES_MOST, Sightings


def see(sightings: Sightings, codes: list[str], start: float, end: float) -> list[str]:
    """Show the codes at 10 frames/s over [start, end) and return what counted as new."""
    new = []
    for tick in range(round(start * 10), round(end * 10)):
        new += sightings.notice(codes, tick / 10)
    return new


def test_a_code_held_up_is_new_once_however_long() -> None:
    assert see(Sightings(), ["A"], 0, 60) == ["A"]


def test_a_code_that_flickers_is_still_the_same_sighting() -> None:
    sightings = Sightings()
    assert see(sightings, ["A"], 0, 1) == ["A"]
    assert see(sightings, [], 1, 3.8) == []
    assert see(sightings, ["A"], 3.8, 5) == []


def test_a_code_that_was_out_of_view_for_three_seconds_is_new() -> None:
    sightings = Sightings()
    assert see(sightings, ["A"], 0, 1) == ["A"]
    assert see(sightings, [], 1, 3.9) == []
    assert see(sightings, ["A"], 3.9, 5) == ["A"]


def test_the_three_seconds_begin_anew_with_every_glimpse() -> None:
    sightings = Sightings()
    new = []
    for start in range(0, 20, 2):
        new += see(sightings, ["A"], start, start + 0.1)
        new += see(sightings, [], start + 0.1, start + 2)
    assert new == ["A"]


def test_while_the_camera_is_blind_no_time_passes() -> None:
    """The same gap as in the test above, but with no frames in it."""
    sightings = Sightings()
    assert see(sightings, ["A"], 0, 1) == ["A"]
    assert see(sightings, ["A"], 61, 62) == []


def test_several_codes_are_each_their_own() -> None:
    sightings = Sightings()
    assert see(sightings, ["A", "B", "A"], 0, 1) == ["A", "B"]
    assert see(sightings, ["B"], 1, 5) == []
    assert see(sightings, ["A", "B"], 5, 6) == ["A"]


def test_a_forgotten_code_is_new_in_the_next_frame() -> None:
    sightings = Sightings()
    assert sightings.notice(["A"], 0.0) == ["A"]
    sightings.forget("A")
    sightings.forget("never seen")
    assert sightings.notice(["A"], 0.1) == ["A"]


def test_a_clock_that_goes_back_does_not_make_a_code_new() -> None:
    sightings = Sightings()
    assert sightings.notice(["A"], 100.0) == ["A"]
    assert sightings.notice(["A"], 0.0) == []
    assert see(sightings, ["A"], 0, 5) == []


def test_beyond_the_limit_the_code_unseen_for_longest_is_forgotten() -> None:
    sightings = Sightings()
    codes = [str(number) for number in range(CODES_MOST)]
    assert sightings.notice(codes, 0.0) == codes
    assert sightings.notice(["one more"], 0.1) == ["one more"]
    assert sightings.notice(codes[1:], 0.2) == []
    assert sightings.notice(["0"], 0.3) == ["0"]
