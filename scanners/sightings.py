"""Which codes in view are new: a code held up to the camera is one scan, however many frames.

A code counts as seen until it has been out of view for 3 s. Only time in which the camera actually
watched counts towards that: were a camera blind for ten seconds with a party's code before it, the
code would else come back as a second guest.
"""

from collections.abc import Iterable
from typing import Final

GONE_SECONDS: Final = 3.0
# Between two frames that are further apart than this the camera was blind, not watching.
STEP_SECONDS_MOST: Final = 0.5
# Far more than fit before a lens in 3 s. Beyond it the code unseen for longest is forgotten first.
CODES_MOST: Final = 256


class Sightings:
    """What one camera has in view, and had a moment ago."""

    def __init__(self) -> None:
        self._watched_seconds = 0.0
        self._last_at: float | None = None
        self._seen: dict[str, float] = {}  # code -> watched seconds when last in view, oldest first

    def notice(self, codes: Iterable[str], at: float) -> list[str]:
        """Take in one frame's codes and return those that are new, each once, in order.

        `at` is the frame's time in seconds, on a clock that does not go back; call it for every
        frame, also for one without codes.
        """
        if self._last_at is not None:
            self._watched_seconds += min(max(at - self._last_at, 0.0), STEP_SECONDS_MOST)
        self._last_at = at
        now = self._watched_seconds
        for code in [code for code, seen in self._seen.items() if now - seen >= GONE_SECONDS]:
            del self._seen[code]
        new = []
        for code in dict.fromkeys(codes):
            if self._seen.pop(code, None) is None:
                new.append(code)
            self._seen[code] = now
        while len(self._seen) > CODES_MOST:
            del self._seen[next(iter(self._seen))]
        return new

    def forget(self, code: str) -> None:
        """Let a code that could not be taken on count as new at its next sighting."""
        self._seen.pop(code, None)
