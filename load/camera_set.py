"""A graded set of door pictures: BR1 codes on phones, damaged in the ways that a door damages them.

Everything follows from (seed, kind, number): the same three give the same picture, byte for byte on
the same versions of OpenCV and NumPy. Frames are grey, (720, 1280) uint8. Each kind has one
severity, drawn evenly between a nuisance and hopeless, so that a reader's share is graded and never
simply all or nothing.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from scanners import codes
from scanners.codes.drawing import magnify, modules_of
from scanners.codes.reading import Grey

HEIGHT: Final = 720
WIDTH: Final = 1280
SEED: Final = 20261121

Picture = npt.NDArray[np.float32]  # (height, width) float32, 0 black to 1 white
Shape = npt.NDArray[np.float64]  # (4, 2): the corners of the code with its quiet zone
Generator = np.random.Generator

# The phone's texture: the code with its quiet zone is 490 px wide, at 10 px a module.
_MODULE_PX: Final = 10
_CODE_PX: Final = 49 * _MODULE_PX
_PHONE_WIDTH: Final = 570
_PHONE_HEIGHT: Final = 1020
_CODE_LEFT: Final = (_PHONE_WIDTH - _CODE_PX) // 2
_CODE_TOP: Final = 250


class Scene(Struct, frozen=True):
    """One picture with its truth."""

    kind: str
    number: int
    frame: Grey
    texts: tuple[str, ...]  # every code in view


class _Taken(Struct):
    """A picture while it is being taken."""

    picture: Picture
    shapes: list[Shape]
    texts: list[str]


def code_text(seed: int, number: int) -> str:
    """Return the code of an invented ticket, signed with a key that signs nothing else."""
    rng = np.random.default_rng([seed, number])
    claims = codes.TicketClaims(
        key_id=int(rng.integers(256)),
        generation=1,
        ticket_id=UUID(bytes=rng.bytes(16), version=4),
        venue=1,
        not_before=datetime(2026, 11, 21, 18, tzinfo=UTC),
        valid_minutes=720,
        party=int(rng.integers(1, 13)),
    )
    return codes.mint(claims, codes.private_key(bytes(range(32))))


def render(kind: str, number: int, seed: int = SEED) -> Scene:
    """Return the picture of that kind and number."""
    place = list(KINDS).index(kind)
    rng = np.random.default_rng([seed, place, number])
    taken = KINDS[kind](rng, seed * 1_000_003 + place * 10_007 + number * 7)
    noisy = taken.picture + rng.normal(0, 0.008, taken.picture.shape)
    frame = np.clip(noisy * 255, 0, 255).astype(np.uint8)
    return Scene(kind, number, frame, tuple(taken.texts))


def scenes(each: int, seed: int = SEED) -> Iterator[Scene]:
    """Yield `each` pictures of every kind."""
    for kind in KINDS:
        for number in range(each):
            yield render(kind, number, seed)


def walk_past(frame_count: int, seed: int = SEED) -> Iterator[Scene]:
    """Yield the frames of one phone held up to the camera: it drifts, turns and trembles."""
    rng = np.random.default_rng([seed, 999])
    text = code_text(seed, 1)
    background = _background(rng)
    phase = rng.uniform(0, 2 * np.pi, 4)
    for number in range(frame_count):
        turn = number / 30.0
        centre = (
            640 + 220 * np.sin(turn * 0.7 + phase[0]) + 3 * np.sin(turn * 19),
            360 + 60 * np.sin(turn * 0.9 + phase[1]) + 3 * np.sin(turn * 23),
        )
        angles = (
            15 * np.sin(turn + phase[2]),
            20 * np.sin(turn * 0.8 + phase[3]),
            8 * np.sin(turn * 1.3),
        )
        picture = background.copy()
        _hold(picture, rng, text, module_px=5.0, centre=centre, angles=angles)
        picture = _blurred(picture, 0.7)
        noisy = picture + rng.normal(0, 0.008, picture.shape)
        frame = np.clip(noisy * 255, 0, 255).astype(np.uint8)
        yield Scene("video", number, frame, (text,))


# -- the scene ------------------------------------------------------------------------------------


def _background(rng: Generator) -> Picture:
    """A dim room: people as soft blobs, doors and posters as rectangles, points of light."""
    low, high = sorted(rng.uniform(0.05, 0.45, 2))
    ramp = np.linspace(low, high, WIDTH, dtype=np.float32)[None, :]
    picture: Picture = np.repeat(ramp, HEIGHT, axis=0)
    for _ in range(int(rng.integers(4, 12))):
        x, y = int(rng.integers(WIDTH)), int(rng.integers(HEIGHT))
        w, h = int(rng.integers(30, 400)), int(rng.integers(30, 400))
        shade = float(rng.uniform(0.03, 0.7))
        if rng.random() < 0.5:
            cv2.rectangle(picture, (x, y), (x + w, y + h), shade, -1)
        else:
            cv2.ellipse(picture, (x, y), (w // 2, h), 0, 0, 360, shade, -1)
    picture = _blurred(picture, float(rng.uniform(1, 5)))
    for _ in range(int(rng.integers(0, 4))):
        _print_words(picture, rng)
    for _ in range(int(rng.integers(0, 10))):
        spot = (int(rng.integers(WIDTH)), int(rng.integers(HEIGHT)))
        cv2.circle(picture, spot, int(rng.integers(2, 14)), float(rng.uniform(0.6, 1.0)), -1)
    return picture


def _print_words(picture: Picture, rng: Generator) -> None:
    words = ("BACKROOM", "LEEDS", "NO RE-ENTRY", "21 NOV", "CLOAKROOM", "LINE-UP 22:00")
    at = (int(rng.integers(0, WIDTH - 200)), int(rng.integers(40, HEIGHT)))
    size, shade = float(rng.uniform(0.6, 2.5)), float(rng.uniform(0.0, 1.0))
    _write(picture, words[int(rng.integers(len(words)))], at, size, shade)


def _write(picture: Picture, words: str, at: tuple[int, int], size: float, shade: float) -> None:
    ink = np.zeros(picture.shape, dtype=np.uint8)  # OpenCV 5 writes on bytes only
    cv2.putText(ink, words, at, cv2.FONT_HERSHEY_DUPLEX, size, 255, 2, cv2.LINE_AA)
    cover = ink.astype(np.float32) / 255
    picture *= 1 - cover
    picture += cover * shade


def _phone(text: str, rng: Generator) -> Picture:
    """A phone's face: dark bezel, bright screen, the code, a line of words."""
    face = np.full((_PHONE_HEIGHT, _PHONE_WIDTH), 0.04, dtype=np.float32)
    white = float(rng.uniform(0.80, 0.95))
    black = float(rng.uniform(0.03, 0.12))
    cv2.rectangle(face, (16, 40), (_PHONE_WIDTH - 16, _PHONE_HEIGHT - 40), white, -1)
    modules = magnify(modules_of(text), _MODULE_PX).astype(np.float32) / 255
    face[_CODE_TOP : _CODE_TOP + _CODE_PX, _CODE_LEFT : _CODE_LEFT + _CODE_PX] = (
        black + (white - black) * modules
    )
    _write(face, "The Backroom", (130, 160), 1.3, black)
    _write(face, "Table 7  party of 6", (120, 830), 1.1, black)
    return face


def _hold(
    picture: Picture,
    rng: Generator,
    text: str,
    *,
    module_px: float,
    centre: tuple[float, float],
    angles: tuple[float, float, float],
) -> Shape:
    """Put a phone into the picture and return the corners of its code with the quiet zone.

    `angles` in degrees: tilt back, turn aside, roll. `module_px` is a module's width face on.
    """
    face = _phone(text, rng)
    tilt, turn, roll = np.deg2rad(angles)
    cos, sin = np.cos, np.sin
    about_x = np.array([[1, 0, 0], [0, cos(tilt), -sin(tilt)], [0, sin(tilt), cos(tilt)]])
    about_y = np.array([[cos(turn), 0, sin(turn)], [0, 1, 0], [-sin(turn), 0, cos(turn)]])
    about_z = np.array([[cos(roll), -sin(roll), 0], [sin(roll), cos(roll), 0], [0, 0, 1]])
    middle = np.array([_PHONE_WIDTH / 2, _CODE_TOP + _CODE_PX / 2])
    code = np.array([[0, 0], [_CODE_PX, 0], [_CODE_PX, _CODE_PX], [0, _CODE_PX]], float)
    code += [_CODE_LEFT, _CODE_TOP]
    outline = np.array(
        [[0, 0], [_PHONE_WIDTH, 0], [_PHONE_WIDTH, _PHONE_HEIGHT], [0, _PHONE_HEIGHT]], float
    )

    def seen(points: Shape) -> Shape:
        flat = np.column_stack([(points - middle) * module_px / _MODULE_PX, np.zeros(len(points))])
        turned = flat @ (about_z @ about_y @ about_x).T
        distance = 1100.0  # of the eye, in pixels: a phone at arm's length
        flattened: Shape = turned[:, :2] * (distance / (distance + turned[:, 2:])) + centre
        return flattened

    # Twice the size, then averaged: the sensor sums light over its pixel, it does not sample it.
    corners = seen(outline)
    to_double = cv2.getPerspectiveTransform(
        outline.astype(np.float32), (corners * 2 + 0.5).astype(np.float32)
    )
    size = (WIDTH * 2, HEIGHT * 2)
    warped = cv2.warpPerspective(face, to_double, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(np.ones_like(face), to_double, size, flags=cv2.INTER_LINEAR)
    warped = cv2.resize(warped, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    cover = cv2.resize(cover, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    picture *= 1 - cover
    picture += warped
    return seen(code)


def _taken(
    rng: Generator, number: int, module_px: tuple[float, float] = (4.2, 6.5), tilt: float = 12
) -> _Taken:
    """One phone in a room, held about straight."""
    picture = _background(rng)
    text = code_text(SEED, number)
    size = float(rng.uniform(*module_px))
    reach = size * 49 * 0.66  # rolled by 20 degrees, the corners still stay in the frame
    centre = (
        float(rng.uniform(reach, WIDTH - reach)),
        float(rng.uniform(reach, HEIGHT - reach)),
    )
    angles = (
        float(rng.uniform(-tilt, tilt)),
        float(rng.uniform(-tilt, tilt)),
        float(rng.uniform(-20, 20)),
    )
    shape = _hold(picture, rng, text, module_px=size, centre=centre, angles=angles)
    return _Taken(_blurred(picture, 0.6), [shape], [text])


# -- the damage -----------------------------------------------------------------------------------


def _clean(rng: Generator, number: int) -> _Taken:
    return _taken(rng, number)


def _perspective(rng: Generator, number: int) -> _Taken:
    picture = _background(rng)
    text = code_text(SEED, number)
    slant = float(rng.uniform(40, 72)) * float(rng.choice([-1, 1]))
    other = float(rng.uniform(-15, 15))
    angles = (slant, other) if rng.random() < 0.5 else (other, slant)
    shape = _hold(
        picture,
        rng,
        text,
        module_px=float(rng.uniform(4.5, 6.5)),
        centre=(float(rng.uniform(250, WIDTH - 250)), float(rng.uniform(220, HEIGHT - 220))),
        angles=(*angles, float(rng.uniform(-30, 30))),
    )
    return _Taken(_blurred(picture, 0.6), [shape], [text])


def _motion(rng: Generator, number: int) -> _Taken:
    taken = _taken(rng, number)
    length = float(rng.uniform(3, 11))
    angle = float(rng.uniform(0, np.pi))
    kernel = np.zeros((31, 31), dtype=np.float32)
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    for step in np.linspace(-1, 1, 121):
        x, y = 15 + reach * step
        kernel[round(y), round(x)] += 1
    kernel = _blurred(kernel, 0.4)
    taken.picture = _float(cv2.filter2D(taken.picture, -1, kernel / kernel.sum()))
    return taken


def _defocus(rng: Generator, number: int) -> _Taken:
    taken = _taken(rng, number)
    radius = float(rng.uniform(1.5, 4.6))
    y, x = np.mgrid[-8:9, -8:9]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    taken.picture = _float(cv2.filter2D(taken.picture, -1, disc / disc.sum()))
    return taken


def _low_light(rng: Generator, number: int) -> _Taken:
    """Few photons, read noise, and a gain that lifts both."""
    taken = _taken(rng, number)
    photons = float(np.exp(rng.uniform(np.log(4.0), np.log(80))))
    counted = rng.poisson(np.clip(taken.picture, 0, 1) * photons) + rng.normal(
        0, 1.2, taken.picture.shape
    )
    taken.picture = _float(counted / photons * 0.7 + 0.05)
    return taken


def _glare(rng: Generator, number: int) -> _Taken:
    """Lamps mirrored in the glass: soft-edged patches that drown what is under them."""
    taken = _taken(rng, number)
    corners = taken.shapes[0]
    light = np.zeros_like(taken.picture)
    for _ in range(int(rng.integers(1, 4))):
        a, b = rng.uniform(-0.1, 1.1, 2)
        x, y = corners[0] + a * (corners[1] - corners[0]) + b * (corners[3] - corners[0])
        size = float(np.linalg.norm(corners[1] - corners[0]))
        axes = (int(size * rng.uniform(0.05, 0.30)), int(size * rng.uniform(0.03, 0.11)))
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(light, (int(x), int(y)), axes, turn, 0, 360, float(rng.uniform(0.6, 1.6)), -1)
    light = _blurred(light, float(rng.uniform(3, 14)))
    haze = np.linspace(0, float(rng.uniform(0, 0.4)), HEIGHT, dtype=np.float32)[:, None]
    taken.picture = _float(np.clip(taken.picture * 0.8 + light + haze, 0, 1))
    return taken


def _bloom(rng: Generator, number: int) -> _Taken:
    """A screen far brighter than the room: its white runs over into the dark modules."""
    taken = _taken(rng, number)
    over = float(rng.uniform(1.5, 4.2))
    bright = taken.picture**1.5 * over
    near = _blurred(bright, float(rng.uniform(1.2, 2.2)))
    far = _blurred(bright, float(rng.uniform(15, 40)))
    taken.picture = _float(np.clip(0.55 * near + 0.35 * bright + 0.12 * far, 0, 1))
    return taken


def _finger(rng: Generator, number: int) -> _Taken:
    """A thumb over an edge of the code."""
    taken = _taken(rng, number)
    corners = taken.shapes[0]
    side = int(rng.integers(4))
    start, end = corners[side], corners[(side + 1) % 4]
    inwards = corners.mean(axis=0) - (start + end) / 2
    tip = start + (end - start) * rng.uniform(0.1, 0.9) + inwards * rng.uniform(0.05, 0.62)
    width = float(np.linalg.norm(end - start)) * float(rng.uniform(0.12, 0.20))
    cover = np.zeros_like(taken.picture)
    root = tip - inwards * 2.2
    ends = tuple(int(v) for v in tip), tuple(int(v) for v in root)
    cv2.line(cover, *ends, 1.0, int(width), cv2.LINE_AA)
    cover = _blurred(cover, 1.5)
    skin = float(rng.uniform(0.2, 0.6)) + _blurred(_noise(rng), 6) * 0.3
    taken.picture = _float(taken.picture * (1 - cover) + cover * skin)
    return taken


def _cracks(rng: Generator, number: int) -> _Taken:
    """A broken screen: lines running out from the point of impact, bright or dark."""
    taken = _taken(rng, number)
    corners = taken.shapes[0]
    size = float(np.linalg.norm(corners[1] - corners[0]))
    for shade in rng.choice([0.0, 0.5, 1.0], int(rng.integers(1, 3))):
        a, b = rng.uniform(-0.1, 1.1, 2)
        hit = corners[0] + a * (corners[1] - corners[0]) + b * (corners[3] - corners[0])
        lines = np.zeros(taken.picture.shape, dtype=np.uint8)
        for _ in range(int(rng.integers(4, 20))):
            angle = float(rng.uniform(0, 2 * np.pi))
            point = hit.copy()
            width = int(rng.integers(1, 3))
            for _ in range(int(rng.integers(3, 10))):
                angle += float(rng.normal(0, 0.35))
                step = size * float(rng.uniform(0.03, 0.10))
                onward = point + step * np.array([np.cos(angle), np.sin(angle)])
                # Sixteenths of a pixel, so that a hairline is drawn as thin as it is.
                ends = tuple(int(v * 16) for v in point), tuple(int(v * 16) for v in onward)
                cv2.line(lines, *ends, 255, width, cv2.LINE_AA, 4)
                point = onward
        cover = _blurred(_float(lines / 255), 0.5) * float(rng.uniform(0.5, 1.0))
        taken.picture = _float(taken.picture * (1 - cover) + cover * shade)
    return taken


def _moire(rng: Generator, number: int) -> _Taken:
    """The screen's grid against the sensor's, and the bands of a dimmed screen."""
    taken = _taken(rng, number)
    strength = float(rng.uniform(0.1, 0.42))
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    pattern = np.zeros_like(taken.picture)
    for _ in range(2):
        period = float(rng.uniform(2.3, 9))
        angle = float(rng.uniform(0, np.pi))
        along = np.cos(angle) * x + np.sin(angle) * y
        bend = 2 * np.sin(y / float(rng.uniform(60, 200)))
        pattern += 0.5 * np.sin(2 * np.pi * along / period + bend)
    bands = 0.5 + 0.5 * np.sin(2 * np.pi * y / float(rng.uniform(40, 160)) + rng.uniform(0, 6))
    lit = taken.picture * (1 - 0.3 * bands)
    taken.picture = _float(lit * (1 + strength * pattern) + strength * 0.22 * pattern)
    return taken


def _jpeg(rng: Generator, number: int) -> _Taken:
    """A poor network camera: small modules, strong compression."""
    taken = _taken(rng, number, module_px=(2.4, 4.4))
    quality = int(rng.integers(4, 22))
    frame = np.clip(taken.picture * 255, 0, 255).astype(np.uint8)
    written, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert written
    again = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert again is not None
    taken.picture = _float(again / 255)
    return taken


def _several(rng: Generator, number: int) -> _Taken:
    """Two to four phones side by side, each in its part of the frame."""
    count = int(rng.integers(2, 5))
    picture = _background(rng)
    shapes, texts = [], []
    for place in range(count):
        text = code_text(SEED, number + place)
        share = WIDTH / count
        centre = (share * (place + 0.5), float(rng.uniform(220, HEIGHT - 220)))
        size = min(float(rng.uniform(3.0, 5.2)), share / 58)
        angles = tuple(float(v) for v in rng.uniform(-25, 25, 3))
        tilt, turn, roll = angles
        shapes.append(
            _hold(
                picture, rng, text, module_px=size, centre=centre, angles=(tilt, turn, roll * 0.4)
            )
        )
        texts.append(text)
    return _Taken(_blurred(picture, float(rng.uniform(0.6, 1.9))), shapes, texts)


def _none(rng: Generator, _number: int) -> _Taken:
    """No code at all, but what looks like one to a hurried eye: checks, bricks, finder squares."""
    picture = _background(rng)
    pick = int(rng.integers(4))
    x, y = int(rng.integers(100, 800)), int(rng.integers(50, 350))
    side = int(rng.integers(4, 14))
    if pick == 0:  # a chessboard of noise, as a code without finders
        cells = (rng.random((30, 30)) < 0.5).astype(np.float32)
        patch = magnify((cells * 255).astype(np.uint8), side).astype(np.float32) / 255
        patch = patch[: HEIGHT - y, : WIDTH - x]
        picture[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    elif pick == 1:  # bricks
        for row in range(0, HEIGHT, side * 4):
            cv2.line(picture, (0, row), (WIDTH, row), 0.8, 2)
            for column in range((row // (side * 4) % 2) * side * 4, WIDTH, side * 8):
                cv2.line(picture, (column, row), (column, row + side * 4), 0.8, 2)
    elif pick == 2:  # three finders and nothing between them
        for at in ((x, y), (x + 34 * side // 2, y), (x, y + 34 * side // 2)):
            for reach, shade in ((7, 0.05), (5, 0.9), (3, 0.05)):
                edge = (7 - reach) * side // 4
                far = edge + reach * side // 2
                corner = (at[0] + edge, at[1] + edge)
                cv2.rectangle(picture, corner, (at[0] + far, at[1] + far), shade, -1)
    return _Taken(_blurred(picture, 0.6), [], [])


KINDS: Final[dict[str, Callable[[Generator, int], _Taken]]] = {
    "clean": _clean,
    "perspective": _perspective,
    "motion": _motion,
    "defocus": _defocus,
    "low light": _low_light,
    "glare": _glare,
    "bloom": _bloom,
    "finger": _finger,
    "cracks": _cracks,
    "moire": _moire,
    "jpeg": _jpeg,
    "several": _several,
    "none": _none,
}
HARD: Final = tuple(kind for kind in KINDS if kind not in ("clean", "none"))


def _blurred(picture: Picture, sigma: float) -> Picture:
    return _float(cv2.GaussianBlur(picture, (0, 0), sigma))


def _noise(rng: Generator) -> Picture:
    return _float(rng.normal(0, 1, (HEIGHT, WIDTH)))


def _float(values: Any) -> Picture:
    return np.asarray(values, dtype=np.float32)
