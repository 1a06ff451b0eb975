"""Work on one row that failed by a fault, deferred: the rows beside it are still done.

A row may be there that this code cannot read: the owner's own SQL, an older version, a fault of
ours. It would fail at every turn. So it is logged with its id, counted, and left alone for a
minute, while everything else that is due goes on.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from app.errors import Refusal

logger = logging.getLogger(__name__)

Work = Literal["hold", "block", "party", "night", "offer"]

DEFERRED_SECONDS: Final = 60.0
# Of each kind of work. Beyond it the one that has waited longest is tried again at the next turn.
DEFERRED_MOST: Final = 1000


class Deferred:
    """Which rows a worker leaves alone until their minute is over.

    `counted` is told of each failure: which work it was of.
    """

    def __init__(
        self,
        counted: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counted = counted
        self._clock = clock
        self._until: dict[Work, dict[str, float]] = {}

    def ids(self, work: Work) -> list[str]:
        """Of which rows this work is not tried now; those whose minute is over are no more."""
        now = self._clock()
        waiting = self._until.get(work, {})
        for row_id in [row_id for row_id, until in waiting.items() if until <= now]:
            del waiting[row_id]
        return list(waiting)

    async def attempt(self, work: Work, row_id: str, todo: Awaitable[object]) -> bool:
        """Whether it was done. A refusal means that somebody else was faster, which is as good;
        whatever else it meets defers this row, and never the others."""
        try:
            await todo
        except Refusal:
            return False
        except Exception:
            logger.exception(
                "%s %s cannot be worked on; tried again in %.0f s", work, row_id, DEFERRED_SECONDS
            )
            self._put(work, row_id)
            return False
        return True

    def _put(self, work: Work, row_id: str) -> None:
        waiting = self._until.setdefault(work, {})
        waiting.pop(row_id, None)
        waiting[row_id] = self._clock() + DEFERRED_SECONDS
        if len(waiting) > DEFERRED_MOST:
            del waiting[next(iter(waiting))]
        if self._counted is not None:
            self._counted(work)
