"""The picture with what the camera made of it: outlines, verdicts, the status line.

A code is painted over before the picture is shown or stored: who has its picture has its right. A
code that the camera could not read stays visible in it, so a recording is for setting a camera up,
not for a night.
"""

from pathlib import Path
from typing import Final, cast

import cv2
import numpy as np

from scanners.capture import Picture, SourceUnusable
from scanners.codes.reading import Reading

# BGR. The word stands beside the colour, so that nobody has to tell green from red.
COLOURS: Final = {
    "admit": (80, 175, 60),
    "wait": (40, 165, 245),
    "refuse": (60, 50, 210),
    "not ours": (120, 120, 120),
    "asking": (200, 200, 200),
}


def annotate(picture: Picture, readings: list[tuple[Reading, str]], line: str) -> Picture:
    """Return a colour copy with each code covered by its word, and the line at the bottom."""
    if picture.ndim == 2:
        image = cast(Picture, cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    else:
        image = picture.copy()
    for reading, word in readings:
        corners = np.array(reading.corners, dtype=np.int32)
        colour = COLOURS.get(word, COLOURS["asking"])
        cv2.fillConvexPoly(image, corners, colour)
        cv2.polylines(image, [corners], True, (255, 255, 255), 2, cv2.LINE_AA)
        at = (int(corners[:, 0].min()) + 6, int(corners[:, 1].mean()))
        _write(image, word.upper(), at, 0.9)
    height, width = image.shape[:2]
    cv2.rectangle(image, (0, height - 30), (width, height), (20, 20, 20), -1)
    _write(image, line, (8, height - 9), 0.5)
    return image


class Recording:
    """A video file of the annotated pictures (MPEG-4). Raises SourceUnusable if it cannot be."""

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._path = path
        self._rate = frames_per_second
        self._video: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, image: Picture) -> None:
        if self._video is None:
            self._size = (image.shape[1], image.shape[0])
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._video = cv2.VideoWriter(str(self._path), code, self._rate, self._size)
            if not self._video.isOpened():
                raise SourceUnusable(f"{self._path} cannot be written: use a path ending in .mp4.")
        if (image.shape[1], image.shape[0]) != self._size:
            image = cast(Picture, cv2.resize(image, self._size))
        self._video.write(image)

    def close(self) -> None:
        if self._video is not None:
            self._video.release()


class Window:
    """A window on the screen. Raises SourceUnusable where there is none."""

    _NAME: Final = "Backroom camera (q closes)"

    def __init__(self) -> None:
        try:
            cv2.namedWindow(self._NAME, cv2.WINDOW_NORMAL)
        except cv2.error:
            raise SourceUnusable(
                "There is no screen for --window: use --annotate FILE.mp4 instead."
            ) from None

    def show(self, image: Picture) -> bool:
        """Show the picture; return False when the person closed the window."""
        cv2.imshow(self._NAME, image)
        return cv2.waitKey(1) & 0xFF != ord("q")

    def close(self) -> None:
        cv2.destroyWindow(self._NAME)


def _write(image: Picture, words: str, at: tuple[int, int], size: float) -> None:
    font = cv2.FONT_HERSHEY_DUPLEX
    cv2.putText(image, words, at, font, size, (255, 255, 255), 1, cv2.LINE_AA)
