"""When a message that did not go out is tried again, and when it is given up."""

from datetime import timedelta
from typing import Final

# Three quick tries, each wait twice the one before, for a server that restarts; then as long as a
# provider's evening may last. After the last of them a person has to look: about ten hours.
QUICK: Final = (timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8))
SLOW: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
)
WAITS: Final = QUICK + SLOW
TRIES_AT_MOST: Final = len(WAITS) + 1


def wait_after(tries: int) -> timedelta | None:
    """How long to wait after so many tries; None: it is given up."""
    return WAITS[tries - 1] if tries <= len(WAITS) else None
