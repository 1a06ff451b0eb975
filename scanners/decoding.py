"""Reading the codes in a camera's frames, in three looks, each only when the one before found none.

1. Where a code was in the last frame, and a margin around it: a tenth of the frame's pixels.
2. The whole frame, by zxing-cpp.
3. The patches that have the texture of a code, retouched. Noise, a screen's grid and uneven light
   mislead a threshold that was made for clean print: a blur averages them out, and a threshold over
   a neighbourhood of about four modules follows the light. What is out of focus, bloomed or seen
   aslant is sharpened and doubled instead.

A look only chooses and retouches pixels. What is read is what zxing-cpp read, its error correction
included, so no look makes up a code; `python -m load.camera` counts false readings (none).
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from scanners.codes.reading import Corner, Grey, Reading, read_codes

# The gate works on the frame shrunk by 4: a module of 4 to 6 px is about one pixel there.
_SHRINK: Final = 4
_RIDGE: Final = np.ones((3, 3), dtype=np.uint8)
# Texture is averaged over 21 small pixels = 84 px, two thirds of the smallest code that reads.
_NEIGHBOURHOOD: Final = 21
# Below this mean contrast (of 255) nothing is a code: an empty, dark frame costs the gate alone.
_CONTRAST_LEAST: Final = 14.0
# A patch has at least this share of the strongest texture in the frame. Of the graded set's codes
# 0.45 keeps 98 % whole, 0.55 only 76 %; 0.40 lets a third more pixels pass.
_CONTRAST_SHARE: Final = 0.42
_PATCH_LEAST_PX: Final = 48
_PATCH_MARGIN_PX: Final = 20
_PATCHES_MOST: Final = 3
# A wall of bricks has texture everywhere. The third look stays under 12 ms by looking at no more
# pixels than three large codes have.
_PATCH_PIXELS_MOST: Final = 360_000
_DOUBLED_PIXELS_MOST: Final = 130_000

# After so many frames that were read by the first look alone, the whole frame is looked at again,
# so that a second code is seen within 200 ms at 30 frames/s.
FIRST_LOOKS_MOST: Final = 5
_FIRST_LOOK_MARGIN: Final = 0.35  # of the code's size: a hand moves less between two frames


class Box(Struct, frozen=True):
    """A rectangle of pixels, half-open."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> int:
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    def cut(self, frame: Grey) -> Grey:
        """Return the frame's pixels in the box: a view, not a copy."""
        return frame[self.top : self.bottom, self.left : self.right]


class Decoder:
    """Reads frame after frame of one camera, and remembers where the last codes were."""

    def __init__(self) -> None:
        self._boxes: list[Box] = []
        self._first_looks = 0

    def read(self, frame: Grey) -> list[Reading]:
        """Return the codes in a grey frame, (height, width) uint8, any size; at most one per text.

        Never raises for what is in the picture: an image that the decoder cannot stomach has no
        codes.
        """
        found: list[Reading] = []
        if self._boxes and self._first_looks < FIRST_LOOKS_MOST:
            self._first_looks += 1
            for box in self._boxes:
                found += look(box.cut(frame), (box.left, box.top))
            if len(found) < len(self._boxes):
                found = []
        if not found:
            self._first_looks = 0
            found = look(frame, (0, 0)) or look_closer(frame)
        unique = list({reading.text: reading for reading in found}.values())
        self._boxes = [_around(reading, frame) for reading in unique]
        return unique


def look(image: Grey, offset: Corner) -> list[Reading]:
    """Return what zxing-cpp reads in the image, with corners moved by `offset`."""
    if image.size == 0:
        return []
    try:
        readings = read_codes(np.ascontiguousarray(image))
    except (ValueError, TypeError, RuntimeError, UnicodeError):
        # The binding turns a C++ exception about a payload into one of these. The frame is lost,
        # the camera is not.
        return []
    return [_moved(reading, offset, 1) for reading in readings]


def look_closer(frame: Grey) -> list[Reading]:
    """Return the codes in the frame's textured patches, retouched. At most about 10 ms."""
    patches = find_patches(frame)
    for retouch in (_smooth_coarse, _smooth_fine):
        found = [
            reading
            for box in patches
            for reading in look(retouch(box.cut(frame)), (box.left, box.top))
        ]
        if found:
            return found
    for box in patches:
        if box.pixels <= _DOUBLED_PIXELS_MOST:
            doubled = look(_sharp_double(box.cut(frame)), (0, 0))
            if doubled:
                return [_moved(reading, (box.left, box.top), 0.5) for reading in doubled]
    return []


def find_patches(frame: Grey) -> list[Box]:
    """Return where the frame has the texture of a code, the largest first, three at most. 1.4 ms.

    Texture is the difference between neighbours (a morphological gradient) averaged over a
    neighbourhood: a code is dark and light everywhere, a face or a poster only at its edges.
    """
    height, width = frame.shape
    if min(height, width) < _PATCH_LEAST_PX:
        return []
    size = (width // _SHRINK, height // _SHRINK)
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    ridges = cv2.morphologyEx(cv2.GaussianBlur(small, (3, 3), 0), cv2.MORPH_GRADIENT, _RIDGE)
    texture = cv2.blur(ridges, (_NEIGHBOURHOOD, _NEIGHBOURHOOD))
    strongest = float(texture.max())
    if strongest < _CONTRAST_LEAST:
        return []
    mask = (texture >= max(_CONTRAST_LEAST, _CONTRAST_SHARE * strongest)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    patches, pixels = [], 0
    for left, top, wide, high, _area in sorted(stats[1:].tolist(), key=_area_of, reverse=True):
        box = _clipped(
            left * _SHRINK - _PATCH_MARGIN_PX,
            top * _SHRINK - _PATCH_MARGIN_PX,
            (left + wide) * _SHRINK + _PATCH_MARGIN_PX,
            (top + high) * _SHRINK + _PATCH_MARGIN_PX,
            frame,
        )
        large_enough = min(wide, high) * _SHRINK >= _PATCH_LEAST_PX
        if large_enough and pixels + box.pixels <= _PATCH_PIXELS_MOST:
            patches.append(box)
            pixels += box.pixels
        if len(patches) == _PATCHES_MOST:
            break
    return patches


def _smooth_coarse(patch: Grey) -> Grey:
    return _threshold(patch, 21)


def _smooth_fine(patch: Grey) -> Grey:
    return _threshold(patch, 11)


def _threshold(patch: Grey, neighbourhood_px: int) -> Grey:
    smooth = cv2.GaussianBlur(patch, (5, 5), 0)
    method, kind = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY
    return _bytes(cv2.adaptiveThreshold(smooth, 255, method, kind, neighbourhood_px, 0))


def _sharp_double(patch: Grey) -> Grey:
    sharp = cv2.addWeighted(patch, 2.0, cv2.GaussianBlur(patch, (0, 0), 1.5), -1.0, 0)
    return _bytes(cv2.resize(sharp, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR))


def _bytes(image: npt.ArrayLike) -> Grey:
    return np.asarray(image, dtype=np.uint8)


def _area_of(stats: list[int]) -> int:
    return stats[4]


def _around(reading: Reading, frame: Grey) -> Box:
    across = [x for x, _ in reading.corners]
    down = [y for _, y in reading.corners]
    size = max(max(across) - min(across), max(down) - min(down))
    margin = int(size * _FIRST_LOOK_MARGIN)
    return _clipped(
        min(across) - margin,
        min(down) - margin,
        max(across) + margin,
        max(down) + margin,
        frame,
    )


def _clipped(left: int, top: int, right: int, bottom: int, frame: Grey) -> Box:
    height, width = frame.shape
    return Box(max(0, left), max(0, top), min(width, right), min(height, bottom))


def _moved(reading: Reading, offset: Corner, scale: float) -> Reading:
    first, second, third, fourth = (
        (round(x * scale) + offset[0], round(y * scale) + offset[1]) for x, y in reading.corners
    )
    return Reading(reading.text, (first, second, third, fourth))
