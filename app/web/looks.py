"""Looking at the world no more often than it is worth, however many ask.

A stranger may ask for readiness as often as they like, and each look takes a connection of three
pools: so looks are shared. Whoever watches over this node (this machine, a proxy) never gets one
that began before they asked; everybody else may get one that is a second old.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

AGE_SECONDS: Final = 1.0

Found = TypeVar("Found")


class Looks(Generic[Found]):
    """The last look; one at a time."""

    def __init__(self, age_seconds: float = AGE_SECONDS) -> None:
        self._age_seconds = age_seconds
        self._lock = asyncio.Lock()
        self._found: list[Found] = []
        self._began_at = 0.0

    async def find(self, look: Callable[[], Awaitable[Found]], *, fresh: bool) -> Found:
        """What a look found: one that began after this call, or lately if `fresh` is not needed."""
        since = time.monotonic() - (0.0 if fresh else self._age_seconds)
        async with self._lock:
            if not self._found or self._began_at < since:
                self._found.clear()
                self._began_at = time.monotonic()
                self._found.append(await look())
            return self._found[0]
