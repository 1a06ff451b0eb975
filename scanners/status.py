"""The camera's one line about itself: frames, decode times, the link, the last verdict."""

import statistics
from collections import deque
from typing import Final

from msgspec import Struct, field

WINDOW_FRAMES: Final = 300  # ten seconds at 30 frames/s


def _window() -> deque[float]:
    return deque(maxlen=WINDOW_FRAMES)


class Status(Struct):
    """Counts and times of one camera. Times in seconds on the camera's monotonic clock."""

    door: str
    direction: str
    frame_times: deque[float] = field(default_factory=_window)
    decode_ms: deque[float] = field(default_factory=_window)
    frames: int = 0
    scans: int = 0
    last: str = "no verdict yet"
    picture: str = ""  # what is wrong with the picture, in a few words

    def count_frame(self, now: float, decode_ms: float) -> None:
        self.frames += 1
        self.frame_times.append(now)
        self.decode_ms.append(decode_ms)

    def frames_per_second(self, now: float) -> float:
        """Of the last 300 frames or 10 s, whichever is less; 0 when nothing came for 2 s."""
        recent = [at for at in self.frame_times if now - at <= 10.0]
        if len(recent) < 2 or now - recent[-1] > 2.0:
            return 0.0
        return (len(recent) - 1) / max(recent[-1] - recent[0], 1e-6)

    def line(self, now: float, *, link: str, waiting: int, spooled: int = 0) -> str:
        """Return the line, without its end."""
        parts = [f"{self.door} {self.direction}"]
        if self.picture:
            parts.append(f"NO PICTURE: {self.picture}")
        parts.append(f"{self.frames_per_second(now):.1f} frames/s")
        if self.decode_ms:
            ordered = sorted(self.decode_ms)
            p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
            parts.append(f"decode {statistics.median(ordered):.1f} ms, p95 {p95:.1f}")
        parts += [f"link {link}", f"{self.scans} scans, {waiting} waiting"]
        if spooled:
            parts.append(f"{spooled} to be told")
        parts.append(self.last)
        return " | ".join(parts)
