"""Keeps the copy in Redis equal to the rooms, and hears what other nodes put there.

Writing is never waited for by anything else: what arrives while one call runs goes out together in
the next, and when Redis is away everything pending is dropped, because the whole state is loaded
again as soon as it is back. Its head is compared every 400 ms, so an emptied, restarted or stale
Redis is whole again within a second, under the same epoch and version.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.live.hub import Hub, Offer
from app.live.messages import Message, MessageUnreadable, decode_message
from app.live.redis_state import AWAY, Applied, RedisState, whole_log

logger = logging.getLogger(__name__)

CHECK_SECONDS: Final = 0.4
PENDING_MOST: Final = 500  # messages of one night: beyond it the whole state is smaller
AHEAD_SECONDS: Final = 2.0  # so long may Redis be ahead of a healthy Postgres before it is wrong
BACKOFF_SECONDS: Final = (0.1, 0.2, 0.4, 0.8)  # the last one for ever; Redis must be back in < 1 s
HEAR_SECONDS: Final = 0.1  # so late may a new night be followed: Postgres tells of it until then


class Mirror:
    """`behind(night, version)` is called when Redis knows of a version that the room lacks.

    `trusted()` says whether Postgres is being heard now: only then may what Redis has be replaced
    by force.
    """

    def __init__(
        self,
        redis: RedisState,
        hub: Hub,
        *,
        behind: Callable[[str, int], None],
        trusted: Callable[[], bool],
    ) -> None:
        self._redis = redis
        self._hub = hub
        self._behind = behind
        self._trusted = trusted
        self._pending: dict[str, list[Message]] = {}
        self._stale: set[str] = set()
        self._forced: set[str] = set()
        self._ahead_since: dict[str, float] = {}
        self._wake = asyncio.Event()
        self.writes = False  # the last call was answered
        self.hears = False  # subscribed
        self.followed: frozenset[str] = frozenset()  # the nights of which it hears
        self.answers = dict.fromkeys(Applied, 0)  # how often Redis said each word
        self.loads = 0

    @property
    def connected(self) -> bool:
        return self.writes and self.hears

    def add(self, message: Message) -> None:
        """The message goes to Redis with the next call."""
        waiting = self._pending.setdefault(message.night, [])
        if len(waiting) >= PENDING_MOST:
            waiting.clear()
            self._stale.add(message.night)
        waiting.append(message)
        self._wake.set()

    def replace(self, night: str) -> None:
        """Redis gets the room's whole state, whatever it has."""
        self._pending.pop(night, None)
        self._stale.add(night)
        self._forced.add(night)
        self._wake.set()

    async def run(self) -> None:
        """Write and compare for ever; a Redis that is away is tried again with growing pauses."""
        check_at = 0.0
        failures = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, check_at - time.monotonic())):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._write()
                if time.monotonic() >= check_at:
                    await self._compare()
                    check_at = time.monotonic() + CHECK_SECONDS
            except AWAY as error:
                if self.writes or not failures:
                    logger.warning("redis is away, screens go on without it: %s", error)
                self.writes = False
                self._stale.update(self._pending)
                self._pending.clear()
                await asyncio.sleep(_pause(failures))
                failures += 1
                check_at = 0.0
            else:
                if failures:
                    logger.warning("redis is back")
                self.writes, failures = True, 0

    async def hear(self) -> None:
        """Take what other nodes published, for ever. A lost subscription loses nothing: the head
        is compared, and Postgres is read anyway."""
        failures = 0
        while True:
            try:
                async with self._redis.subscribed(self._heard) as subscription:
                    while True:
                        await subscription.follow(self._hub.rooms)
                        self.followed = subscription.followed
                        await subscription.hear(HEAR_SECONDS)
                        self.hears, failures = True, 0
            except AWAY as error:
                if self.hears:
                    logger.info("the subscription ended: %s", error)
                self.hears, self.followed = False, frozenset()
                await asyncio.sleep(_pause(failures))
                failures += 1

    async def _write(self) -> None:
        while self._pending:
            night, messages = self._pending.popitem()
            if night in self._stale:
                continue
            try:
                answer = await self._redis.apply(messages[0].epoch, night, messages)
            except AWAY:
                self._stale.add(night)
                raise
            self.answers[answer.word] += 1
            if answer.word in (Applied.GAP, Applied.COLD):
                self._stale.add(night)
            elif answer.word is Applied.EPOCH:
                self._other_epoch(night)
        while self._stale:
            night = next(iter(self._stale))
            room = self._hub.rooms.get(night)
            if room is not None:
                answer = await self._redis.load(room.epoch, room.state, force=night in self._forced)
                self.loads += answer.word is Applied.OK
                if answer.word is Applied.EPOCH:
                    self.answers[answer.word] += 1
            self._stale.discard(night)
            self._forced.discard(night)

    async def _compare(self) -> None:
        versions = {night: room.version for night, room in self._hub.rooms.items()}
        heads = await self._redis.read_heads(versions)
        for night, head in heads.items():
            room = self._hub.rooms.get(night)
            if room is None or night in self._pending:
                continue
            if head is None:
                self._stale.add(night)
            elif head[0] != room.epoch:
                self._other_epoch(night)
            elif head[1] < versions[night]:
                self._stale.add(night)
            if head is not None and head[0] == room.epoch and head[1] > room.version:
                await self._fall_in(night, head[1])
            else:
                self._ahead_since.pop(night, None)
        if self._stale:
            await self._write()

    async def _fall_in(self, night: str, version: int) -> None:
        """Redis knows more than the room: ask Postgres; without it, take what Redis has."""
        self._behind(night, version)
        if not self._trusted():
            with suppress(MessageUnreadable):
                await self._take(night)
            return
        now = time.monotonic()
        if now - self._ahead_since.setdefault(night, now) >= AHEAD_SECONDS:
            logger.error("redis has versions of %s that Postgres does not: replaced", night)
            self.replace(night)
            del self._ahead_since[night]

    async def _take(self, night: str) -> None:
        """Move the room by what Redis has: by its log, or to its state where the log is too short.

        Raises MessageUnreadable.
        """
        stored = await self._redis.read(night)
        room = self._hub.rooms.get(night)
        if stored is None or room is None or stored.epoch != room.epoch:
            return
        if stored.state.version <= room.version:
            return
        log = whole_log(stored.log, stored.state)
        if log and log[0].version <= room.version + 1:
            for message in log:
                self._hub.offer(message)
        else:
            room.rebase(room.epoch, stored.state, log)
            self._hub.rebased(room)

    def _other_epoch(self, night: str) -> None:
        if self._trusted():
            self._stale.add(night)
            self._forced.add(night)
            self._wake.set()

    def _heard(self, data: bytes) -> None:
        try:
            message = decode_message(data)
            if self._hub.offer(message) is Offer.GAP:
                self._behind(message.night, message.version)
        except MessageUnreadable as error:
            logger.warning("a message of another release is read from Postgres: %s", error)


def _pause(failures: int) -> float:
    return BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)] * random.uniform(0.5, 1)
