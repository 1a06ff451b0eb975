"""From the book to the rooms: reads events, folds them, tells the hub and the mirror.

The hub is told first. Postgres is the truth and has committed, so no screen waits for Redis, and a
Redis that is down, slow or wrong cannot hold back or falsify a frame.
"""

import asyncio
import logging
import re
from datetime import date
from typing import Final

import asyncpg

from app.db import book
from app.live.hub import Hub
from app.live.messages import Message, MessageUnreadable, message_of
from app.live.mirror import Mirror
from app.live.redis_state import AWAY, RedisState, whole_log
from app.live.rooms import Room
from floorplan.state import NightState

logger = logging.getLogger(__name__)

BATCH_EVENTS: Final = 50  # folded and encoded in one stretch: about 10 ms
# A worker that starts fills its ring so far back, so that screens of a worker that stopped resume.
RING_AT_START: Final = 500
SNAPSHOT_EVERY: Final = 1000  # events between two stored states; folding so many takes 60 ms

_NIGHT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def is_night(name: str) -> bool:
    """Whether a book of this name is a night's; the venue's own book is not."""
    if _NIGHT.fullmatch(name) is None:
        return False
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


class Projector:
    """The one who moves rooms by what Postgres says."""

    def __init__(self, hub: Hub, mirror: Mirror | None) -> None:
        self._hub = hub
        self._mirror = mirror

    async def advance(self, conn: asyncpg.Connection, night: str) -> int:
        """The night's room is at the head of its book; returns how many events it had to fold.

        Other processes may move the room meanwhile: each event is checked again after the await.
        """
        room = self._hub.rooms[night]
        done = 0
        while True:
            events = await book.list_events(conn, night, room.version, BATCH_EVENTS)
            stored: list[NightState] = []
            before = room.version
            for event in events:
                if event.version != room.version + 1:
                    continue
                message, state = message_of(room.epoch, room.state, event)
                self._hub.offer(message, state)
                if self._mirror is not None:
                    self._mirror.add(message)
                done += 1
                if state.version % SNAPSHOT_EVERY == 0:
                    stored.append(state)
            for state in stored:
                await book.write_snapshot(conn, state)
            # A room that nobody moved was dropped meanwhile, or its book has a hole.
            if len(events) < BATCH_EVENTS or room.version == before:
                return done
            await asyncio.sleep(0)

    async def rebase(self, conn: asyncpg.Connection, room: Room, epoch: str) -> None:
        """The room starts over from Postgres alone: what it has is not what Postgres has."""
        assert room.night is not None, "the lobby has no book"
        head = await book.read_head(conn, room.night)
        state, ring = await _folded(conn, epoch, room.night, head)
        room.rebase(epoch, state, ring)
        self._hub.rebased(room)
        if self._mirror is not None:
            self._mirror.replace(room.night)


async def load_room(
    conn: asyncpg.Connection, redis: RedisState | None, epoch: str, night: str
) -> Room | None:
    """The night from Redis, where that is the same epoch's and has its log, else from the book.

    None: the book has no line. Its version may lie behind the head; `advance` brings the rest.
    """
    stored = None
    if redis is not None:
        try:
            stored = await redis.read(night, RING_AT_START)
        except (*AWAY, MessageUnreadable) as error:
            logger.info("night %s is folded from its book: %s", night, error)
    # Read after Redis: whatever Redis has of this epoch was committed before.
    head = await book.read_head(conn, night)
    if head == 0:
        return None
    if stored is not None and stored.epoch == epoch and 0 < stored.state.version <= head:
        ring = whole_log(stored.log, stored.state)
        if len(ring) >= min(stored.state.version, RING_AT_START):
            return Room(epoch, stored.state, ring)
    return Room(epoch, *await _folded(conn, epoch, night, head))


async def _folded(
    conn: asyncpg.Connection, epoch: str, night: str, head: int
) -> tuple[NightState, list[Message]]:
    """The state at the head and the messages of the last events, both from the book."""
    state = await book.read_state(conn, night, max(0, head - RING_AT_START))
    ring: list[Message] = []
    while state.version < head:
        events = await book.list_events(conn, night, state.version, BATCH_EVENTS)
        if not events:
            break
        for event in events:
            message, state = message_of(epoch, state, event)
            ring.append(message)
        await asyncio.sleep(0)
    return state, ring
