"""Films for a browser's pretended camera: codes held up one after the other, as Motion JPEG.

Chromium plays the file in a loop at the rate it was told, before `getUserMedia`.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from scanners.codes.drawing import image_of
from scanners.codes.reading import Grey

WIDTH: Final = 1280
HEIGHT: Final = 720
FRAMES_PER_SECOND: Final = 30  # what Chromium plays a Motion JPEG at
MODULE_PX: Final = 6
MARK_PX: Final = 40  # a white square in the corner of each frame that shows a code

Codes = Sequence[str]


def scene(*codes: str) -> Grey:
    """A grey wall with the codes held up at a slant; with a code, a white mark in the corner."""
    wall = np.full((HEIGHT, WIDTH), 70, np.uint8)
    for number, code in enumerate(codes):
        picture = image_of(code, MODULE_PX)
        side = picture.shape[0]
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), 8, 0.96)
        left = 460 + 330 * number - 165 * (len(codes) - 1)
        wall[200 : 200 + side, left : left + side] = cv2.warpAffine(
            picture, turn, (side, side), borderValue=(70,)
        )
    if codes:
        wall[:MARK_PX, :MARK_PX] = 255
    return wall


def write_film(path: Path, shots: Sequence[tuple[Codes, float]]) -> Path:
    """Each shot is the codes in view and for how many seconds."""
    with path.open("wb") as film:
        for codes, seconds in shots:
            there, frame = cv2.imencode(".jpg", scene(*codes), [cv2.IMWRITE_JPEG_QUALITY, 85])
            assert there
            for _ in range(round(seconds * FRAMES_PER_SECOND)):
                film.write(frame.tobytes())
    return path


def browser_with(playwright: Any, film: Path, *flags: str) -> Any:
    """A headless Chromium whose camera is the film, and who gives it to every page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    return playwright.chromium.launch(
        executable_path=chromium,
        args=[
            *flags,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ],
    )
