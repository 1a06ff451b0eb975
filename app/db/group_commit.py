"""Group commit: transactions that would wait for the same rows go to Postgres as one.

Whoever comes while nothing is under way has a transaction of their own, at once. Meanwhile the
next ones gather, and go together when it ends: they share its locks, its messages and its wait
for the disk. So nobody waits for a timer, and a rush does as much in a second as the processors can
and not as the disk commits.

One that takes longer than TURN_SECONDS waits for a lock or a slow disk: it counts no longer, and
the next group starts beside it. What cannot be done together is done alone, each in a transaction
of its own: whatever makes the common one fail undoes nothing that was answered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from app.db.connections import TURN_SECONDS
from app.errors import NotReady, Refusal

logger = logging.getLogger(__name__)

# Scans a second of one worker, sixteen doors, by transactions at once and the most of one:
# 4 of one (no groups) 315; 2 of 8 375; 2 of 4 500; 1 of 8 545; 1 of 16 550.
MOST: Final = 16
AT_ONCE_MOST: Final = 8  # with those that are late; a worker has ten connections
WAITING_MOST: Final = 2000  # a thousand customers may want one night in one instant
WAIT_SECONDS: Final = 4.0

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class GroupCommit(Generic[Asked, Told]):
    """`together` does some of what was asked in one transaction, and gives None for what has to be
    done `alone`, or the refusal of what did not happen."""

    def __init__(
        self,
        alone: Callable[[Asked], Awaitable[Told]],
        together: Callable[[Sequence[Asked]], Awaitable[Sequence[Told | Refusal | None]]],
    ) -> None:
        self._alone = alone
        self._together = together
        self.under_way: set[_Turn] = set()
        self._waiting: list[tuple[frozenset[Hashable], Asked, asyncio.Future[Told]]] = []
        self._groups: set[asyncio.Task[None]] = set()

    async def run(self, keys: frozenset[Hashable], asked: Asked) -> Told:
        """What was asked is done, and committed. No two of one group have a key in common.

        Raises what doing it alone raises; NotReady `database_busy`: it waited for 4 s, or too many
        wait. Who is told so has to ask again with the same id: it may be done all the same.
        """
        if not self._waiting and self._has_room():
            with _Turn(self):
                return await self._alone(asked)
        if len(self._waiting) >= WAITING_MOST:
            raise _busy()
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, asked, answer))
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await answer
        except TimeoutError as late:
            raise _busy() from late

    def start(self) -> None:
        """What waits begins, as far as there is room."""
        while self._waiting and self._has_room():
            group: list[tuple[Asked, asyncio.Future[Told]]] = []
            taken: set[Hashable] = set()
            left = []
            rest = iter(self._waiting)
            while len(group) < MOST and (first := next(rest, None)):
                keys, asked, answer = first
                if answer.done():  # whoever asked is gone
                    continue
                if taken.isdisjoint(keys):
                    group.append((asked, answer))
                else:
                    left.append(first)
                taken |= keys  # of one key they keep their order
            self._waiting = [*left, *rest]
            if group:
                task = asyncio.create_task(self._run(_Turn(self), group))
                self._groups.add(task)
                task.add_done_callback(self._groups.discard)

    def _has_room(self) -> bool:
        turns = self.under_way
        return len(turns) < AT_ONCE_MOST and all(turn.is_late for turn in turns)

    async def _run(self, turn: "_Turn", group: list[tuple[Asked, asyncio.Future[Told]]]) -> None:
        with turn:
            told: Sequence[Told | Refusal | None] = [None] * len(group)
            if len(group) > 1:
                try:
                    told = await self._together([asked for asked, _ in group])
                except Exception as error:  # noqa: BLE001  # each one alone meets it again, or not
                    kind = type(error).__name__
                    logger.info("a group of %d is done one by one: %s", len(group), kind)
            alone = []
            for (asked, answer), one in zip(group, told, strict=True):
                if one is None:
                    alone.append(self._answer(asked, answer))
                elif answer.done():
                    continue
                elif isinstance(one, Refusal):
                    answer.set_exception(one)
                else:
                    answer.set_result(one)
            await asyncio.gather(*alone)

    async def _answer(self, asked: Asked, answer: asyncio.Future[Told]) -> None:
        try:
            told = await self._alone(asked)
        except Exception as error:  # noqa: BLE001  # it is raised where it was asked
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(told)


class _Turn:
    """One transaction under way, from now until the end of a `with`."""

    def __init__(self, of: GroupCommit[Asked, Told]) -> None:
        self._of = of
        self.is_late = False
        self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self._ring)
        of.under_way.add(self)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._of.under_way.discard(self)
        self._of.start()

    def _ring(self) -> None:
        self.is_late = True
        self._of.start()


def _busy() -> NotReady:
    return NotReady("database_busy", "The database is busy. Try again.", retry_after_seconds=1)
