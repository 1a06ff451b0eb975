"""A verdict is told apart without its colour, and its colours stay apart for the colour-blind.

The eyes of people with protanopia, deuteranopia and tritanopia are simulated by the matrices of
Machado, Oliveira and Fernandes (2009, "A Physiologically-based Model for Simulation of Color Vision
Deficiency", severity 1.0), on linear light; the difference of two colours is CIE76's in CIELAB.
"""

import itertools
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "static"
CSS = (STATIC / "css/verdict.css").read_text()
SPREAD = re.MULTILINE | re.DOTALL
VERDICTS = ("admit", "out", "wait", "refuse")
APART = 40.0  # a just noticeable difference is 2.3; this is seen across a street at night

Colour = tuple[float, float, float]
Matrix = tuple[Colour, Colour, Colour]
EYES: dict[str, Matrix] = {
    "common": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
WHITE: Colour = (0.95047, 1.0, 1.08883)


def grounds() -> dict[str, tuple[str, str]]:
    """Each verdict's ground and ink."""
    found = {}
    for name in VERDICTS:
        [rule] = re.findall(rf'\.verdict\[data-verdict="{name}"\] {{ (--back[^}}]*)}}', CSS)
        [back] = re.findall(r"--back: (#[0-9a-f]{6});", rule)
        found[name] = (back, (re.findall(r"--on: (#[0-9a-f]{6});", rule) or ["#ffffff"])[0])
    return found


def linear(colour: str) -> Colour:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return red, green, blue


def times(matrix: Matrix, colour: Colour) -> Colour:
    x, y, z = (
        min(1.1, max(0.0, sum(a * b for a, b in zip(row, colour, strict=True)))) for row in matrix
    )
    return x, y, z


def lab(light: Colour) -> Colour:
    def f(t: float) -> float:
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    x, y, z = (f(one / white) for one, white in zip(times(TO_XYZ, light), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one: str, other: str, eyes: str) -> float:
    a, b = (lab(times(EYES[eyes], linear(colour))) for colour in (one, other))
    return float(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("eyes", EYES)
def test_the_grounds_stay_apart_for_all_eyes(eyes: str) -> None:
    backs = {name: back for name, (back, _) in grounds().items()}
    near = {
        f"{one}, {other}": round(apart(backs[one], backs[other], eyes), 1)
        for one, other in itertools.combinations(VERDICTS, 2)
        if apart(backs[one], backs[other], eyes) < APART
    }
    assert near == {}


def test_the_measure_sees_a_red_and_a_green_that_fall_together() -> None:
    """Two colours that everybody tells apart but for those who lack the cones for it."""
    assert (
        apart("#b05000", "#5b7a00", "common") > APART > apart("#b05000", "#5b7a00", "deuteranopia")
    )


@pytest.mark.parametrize("name", VERDICTS)
def test_the_words_are_read_from_two_metres_in_the_dark(name: str) -> None:
    back, on = grounds()[name]
    high, low = sorted((luminance(back), luminance(on)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 7


def test_each_verdict_has_a_frame_a_shape_a_sound_and_a_buzz_of_its_own() -> None:
    frames = re.findall(r'\.verdict\[data-verdict="\w+"\]::before \{ ([^}]+) \}', CSS)
    assert len(set(frames)) == len(VERDICTS)
    face = (STATIC / "js/door/verdict.js").read_text()
    signals = (STATIC / "js/door/signals.js").read_text()
    shapes = {name: re.findall(rf"^  {name}: (\[.*\]),$", face, re.MULTILINE) for name in VERDICTS}
    notes = {
        name: re.compile(rf"^  {name}: (\[.*?^  \]),$", SPREAD).findall(signals)
        for name in VERDICTS
    }
    [line] = re.findall(r"BUZZES = \{(.*?)\};", signals, re.DOTALL)
    buzzes = {name: re.findall(rf"\b{name}: (\[[\d, ]+\])", line) for name in VERDICTS}
    for kind in (shapes, notes, buzzes):
        assert all(len(found) == 1 for found in kind.values()), kind
        assert len({found[0] for found in kind.values()}) == len(VERDICTS), kind
