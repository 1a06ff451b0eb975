"""The live path of one worker: everything from a committed event to the socket, put together.

    Postgres --NOTIFY--> listener --events--> projector --> hub --> sockets
                                                  |          ^
                                                  v          |
                                               mirror <--> Redis (other nodes)

Nothing that another node needs is kept here: a worker may end at any moment.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as local_time
from typing import Any, Final, Protocol

import asyncpg
from redis.asyncio import Redis

from app.db import book
from app.db.clock import Clock
from app.domain.principals import Principal
from app.errors import NotFound, NotReady, Refusal
from app.live.clients import Client
from app.live.crowd import Crowd
from app.live.hub import Hub
from app.live.listener import Listener
from app.live.mirror import Mirror
from app.live.projector import Projector, is_night, load_room
from app.live.protocol import CROWDED, REVOKED, SIGN_IN
from app.live.redis_state import RedisState
from app.live.revocations import ENDING, Revocations
from app.live.rooms import Room
from floorplan.administration import BOOK
from floorplan.nights import NIGHT_STARTS, instant_text, night_of, tonight
from floorplan.projection import Document
from floorplan.state import NightState

logger = logging.getLogger(__name__)

REACH_SECONDS: Final = 1.0  # the longest that a reader waits for a version that was promised to it
CANCEL_AGAIN_SECONDS: Final = 0.25  # a task that was told to end ends within microseconds
START_SECONDS: Final = 30.0  # until Postgres must have answered once
RECHECK_SECONDS: Final = 60.0  # between two looks at whether a person may still watch
LINES_PER_READ: Final = 200  # of the venue's book, which has some hundred a night
TURN_SECONDS: Final = 1.0  # how late the roll-over to the next night may be noticed
# Past nights are in memory only while somebody looks at them.
PAST_NIGHTS_MOST: Final = 32

Who = Callable[[str | None], Awaitable[Principal]]


class Reading(Protocol):
    """What `app.db.pool.Database` gives here."""

    def reading(self) -> AbstractAsyncContextManager[asyncpg.Connection]: ...


class Live:
    """Built once per worker by the composition root; `start` before the first socket.

    `zone` and `night_starts` say which business date an instant belongs to. `redis` None runs
    without a mirror, on Postgres alone. `origins` are further origins whose pages may connect.
    """

    def __init__(
        self,
        *,
        listen_url: str,
        database: Reading,
        redis: Redis | None,
        node: str,
        zone: tzinfo,
        night_starts: local_time = NIGHT_STARTS,
        origins: frozenset[str] = frozenset(),
        redis_prefix: str = "",
    ) -> None:
        self.node = node
        self.origins = origins
        self._database = database
        self._zone = zone
        self._night_starts = night_starts
        started = datetime.now(UTC)
        self.clock = Clock(started, started, 1.0)
        self._shown = (self.clock.real_at, self.clock.shown_at, self.clock.speed)
        self.hub = Hub(node, self._now_and_speed)
        self.crowd = Crowd()
        self._redis = None if redis is None else RedisState(redis, prefix=redis_prefix)
        self.mirror = (
            None
            if self._redis is None
            else Mirror(self._redis, self.hub, behind=self._behind, trusted=self._is_heard)
        )
        self.projector = Projector(self.hub, self.mirror)
        self.listener = Listener(
            listen_url, begin=self._begin, catch_up=self._catch_up, set_clock=self._set_clock
        )
        self._loading: dict[str, asyncio.Task[Room | None]] = {}
        self._used_at: dict[str, float] = {}
        self._whos: dict[Client, Who] = {}
        self._revocations = Revocations()
        self._administered: int | None = None  # the version of the venue's book that was read
        self._look_now = asyncio.Event()
        self._ready = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Every coming night is in memory and the worker is listening.

        Raises NotReady: Postgres did not answer within 30 s. Raises what crashed a task.
        """
        self._running = asyncio.create_task(self._run(), name="live")
        ready = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait(
                (self._running, ready), timeout=START_SECONDS, return_when="FIRST_COMPLETED"
            )
        finally:
            ready.cancel()
        if self._running.done():
            await self._running
        if not self._ready.is_set():
            await self.stop()
            raise NotReady("database_away", "Postgres did not answer within 30 s of the start.")

    async def stop(self) -> None:
        """Every task has ended. Drain first: sockets are not told anything here."""
        if self._running is None:
            return
        self._running.cancel()
        while not self._running.done():
            await asyncio.wait((self._running,), timeout=CANCEL_AGAIN_SECONDS)
            # A client library may swallow a cancellation that comes at an unlucky instant (seen in
            # redis-py's pipelines); the group would then wait for that task for ever.
            for task in self._tasks:
                task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        for loading in list(self._loading.values()):
            loading.cancel()

    @property
    def crashed(self) -> bool:
        """A task of the live path ended by a bug: the worker should end and be started again."""
        return self._running is not None and self._running.done()

    async def drain(self) -> None:
        """Every screen was told when to come back, and closed (1012)."""
        await self.hub.drain()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = [
                    tasks.create_task(self.hub.run(), name="fan-out"),
                    tasks.create_task(self.hub.tick(), name="heartbeat"),
                    tasks.create_task(self.listener.run(), name="listener"),
                    tasks.create_task(self._turn(), name="roll-over"),
                    tasks.create_task(self._recheck(), name="recheck"),
                ]
                if self.mirror is not None:
                    self._tasks += [
                        tasks.create_task(self.mirror.run(), name="mirror"),
                        tasks.create_task(self.mirror.hear(), name="subscription"),
                    ]
        except* Exception as crash:
            logger.exception("the live path crashed", exc_info=crash)
            raise

    # -- reading ----------------------------------------------------------------------------------

    @property
    def epoch(self) -> str:
        return self.hub.epoch

    def tonight(self) -> str | None:
        """The night in progress if it is open, else the next open one, or None."""
        return self.hub.tonight

    def nights(self) -> list[str]:
        """The nights in memory, in order: all from last night on, and past ones in use."""
        return sorted(self.hub.rooms)

    def state(self, night: str) -> NightState:
        """The night at the hub's version, from memory. Raises KeyError: `ensure` it first."""
        return self.hub.rooms[night].state

    def document(self, night: str, audience: str) -> Document:
        """What the audience sees now. Raises KeyError: `ensure` the night first."""
        return self.hub.rooms[night].document(audience)

    async def ensure(self, night: str, at_least: int = 0) -> NightState:
        """The night is in memory, and at the version that somebody was promised.

        Waits at most 1 s for the version; the state may then be older. Raises NotFound: no such
        night. Raises NotReady: it is not in memory and Postgres is away.
        """
        room = await self.room(night, at_least)
        return room.state

    async def room(self, night: str, at_least: int = 0) -> Room:
        """As `ensure`; the room itself."""
        room = self.hub.rooms.get(night)
        if room is None:
            room = await self._load_once(night)
        self._used_at[night] = time.monotonic()
        if room.version < at_least:
            self.listener.wake(night, at_least)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REACH_SECONDS):
                    await self.hub.reached(room, at_least)
        return room

    def status(self) -> dict[str, Any]:
        """How each part is, for readiness and metrics.

        `listener`: connected, answered_seconds (since Postgres last answered). `redis`: connected,
        or None without one. `nights`: night -> version. `sockets`: audience -> count.
        """
        answered = self.listener.answered_at
        return {
            "crashed": self.crashed,
            "epoch": self.epoch,
            "tonight": self.tonight(),
            "listener": {
                "connected": self.listener.connected,
                "answered_seconds": round(time.monotonic() - answered, 3) if answered else None,
                "connects": self.listener.connects,
                "wakes": self.listener.wakes,
            },
            "redis": None
            if self.mirror is None
            else {
                "connected": self.mirror.connected,
                "loads": self.mirror.loads,
                "answers": {word.value: n for word, n in self.mirror.answers.items()},
            },
            "nights": {night: room.version for night, room in sorted(self.hub.rooms.items())},
            "sockets": self.hub.sockets(),
            "slow_sockets": self.hub.slow_sockets(),
            "draining": self.hub.draining,
        }

    # -- screens ----------------------------------------------------------------------------------

    def enter(self, client: Client) -> bool:
        """Whether there is room for the screen; a person's oldest one may have to go for it."""
        leaving = self.crowd.enter(client)
        if leaving is client:
            return False
        if leaving is not None:
            self.hub.end(leaving, CROWDED, "this person or device opened too many screens")
        return True

    def watch(self, client: Client, who: Who) -> None:
        """The client ends with its person's rights, by the book and by a look every minute.

        Call it in one stretch with the attaching: what was heard since the rights were looked up
        counts, and what is heard from now on finds the client.
        """
        self._whos[client] = who
        if self._revocations.end(client.principal, client.known_at):
            self.hub.end(client, REVOKED, "revoked")

    async def administration_version(self) -> int:
        """The version of the venue's book, from Postgres. Raises NotReady: it is away."""
        async with self._database.reading() as conn:
            return await book.read_head(conn, BOOK)

    def leave(self, client: Client) -> None:
        """The client is gone. Idempotent."""
        self._whos.pop(client, None)
        self.crowd.leave(client)
        self.hub.detach(client)

    # -- what the listener says -------------------------------------------------------------------

    async def _begin(self, conn: asyncpg.Connection, epoch: str) -> None:
        if self.hub.epoch not in ("", epoch):
            logger.error("the epoch changed from %s to %s: starting over", self.hub.epoch, epoch)
            self.hub.begin(epoch)
            for room in list(self.hub.rooms.values()):
                await self.projector.rebase(conn, room, epoch)
            await self._restart_administration(conn)
        self.hub.begin(epoch)

    async def _catch_up(
        self, conn: asyncpg.Connection, heads: dict[str, int], polled: bool
    ) -> None:
        if BOOK in heads:
            # Before any night: loading one may take longer than a revoked screen may live.
            await self._follow_administration(conn, heads[BOOK], polled)
        first_coming = self._first_coming()
        for night, head in heads.items():
            room = self.hub.rooms.get(night)
            if room is None:
                if head and is_night(night) and night >= first_coming:
                    await self._load(conn, night)
            elif head > room.version:
                await self.projector.advance(conn, night)
            elif polled and await self._is_short(conn, room, head):
                logger.error("the book of %s is shorter than it was: starting over", night)
                await self.projector.rebase(conn, room, self.hub.epoch)
        self._choose_tonight()
        if polled:
            self._ready.set()

    async def _is_short(self, conn: asyncpg.Connection, room: Room, head: int) -> bool:
        """Whether Postgres lost versions that the room has, under the same epoch."""
        if head >= room.version or room.night is None:
            return False
        # Another node's message may have moved the room since the heads were read: look again.
        version = room.version
        return await book.read_head(conn, room.night) < version

    def _set_clock(self, clock: Clock) -> None:
        shown = (clock.real_at, clock.shown_at, clock.speed)
        if shown != self._shown:
            self.clock, self._shown = clock, shown
            self._choose_tonight()
            self.hub.beat_all()

    def _behind(self, night: str, version: int) -> None:
        self.listener.wake(night, version)

    def _is_heard(self) -> bool:
        return self.listener.connected

    # -- nights -----------------------------------------------------------------------------------

    def _first_coming(self) -> str:
        """Nights from here on are always in memory: yesterday's may still be open at 06:05."""
        current = night_of(self.clock.now(), zone=self._zone, starts=self._night_starts)
        return (current - timedelta(days=1)).isoformat()

    def _choose_tonight(self) -> None:
        opened = [
            date.fromisoformat(night)
            for night, room in self.hub.rooms.items()
            if room.state.info is not None and room.state.info.status == "open"
        ]
        found = tonight(self.clock.now(), opened, zone=self._zone, starts=self._night_starts)
        self.hub.follow(found.isoformat() if found else None)

    async def _turn(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS)
            self._choose_tonight()
            self._forget_past()

    def _forget_past(self) -> None:
        first_coming = self._first_coming()
        past = [n for n, room in self.hub.rooms.items() if n < first_coming and not room.is_watched]
        past.sort(key=lambda night: self._used_at.get(night, 0.0))
        for night in past[: max(0, len(past) - PAST_NIGHTS_MOST)]:
            self.hub.drop(night)
            self._used_at.pop(night, None)

    async def _load_once(self, night: str) -> Room:
        """Load a night for a reader; readers who come meanwhile share the load."""
        loading = self._loading.get(night)
        if loading is None:
            loading = self._loading[night] = asyncio.create_task(self._load_by_pool(night))
            loading.add_done_callback(lambda _: self._loading.pop(night, None))
        room = await asyncio.shield(loading)
        if room is None:
            raise NotFound(
                "night_not_found", f"There is no night {night}. GET /v1/nights lists them."
            )
        return room

    async def _load_by_pool(self, night: str) -> Room | None:
        async with self._database.reading() as conn:
            return await self._load(conn, night)

    async def _load(self, conn: asyncpg.Connection, night: str) -> Room | None:
        room = await load_room(conn, self._redis, self.hub.epoch, night)
        if room is None:
            return None
        other = self.hub.rooms.get(night)
        if other is not None:
            return other  # somebody else was faster
        if room.epoch != self.hub.epoch:
            raise NotReady("database_away", "The database was replaced. Try again.")
        self.hub.add(room)
        self._used_at[night] = time.monotonic()  # or it could be forgotten before its reader has it
        return room

    # -- people -----------------------------------------------------------------------------------

    async def _follow_administration(
        self, conn: asyncpg.Connection, head: int, polled: bool
    ) -> None:
        """Screens whose rights the new lines of the venue's book take away are closed."""
        if self._administered is None:  # nobody watches before the first look at the heads
            self._administered = head
        if polled and head < self._administered:
            # It may have been read just before the last lines were; a book that is cut stays so.
            if await book.read_head(conn, BOOK) < self._administered:
                logger.error("the venue's book is shorter than it was: looking at everybody again")
                await self._restart_administration(conn)
            return
        while self._administered < head:
            lines = await book.list_events(conn, BOOK, self._administered, LINES_PER_READ)
            for line in lines:
                if line.type in ENDING:
                    self._revocations.add(line)
                    self.hub.revoke_by(line)
            self._administered = lines[-1].version if lines else head

    async def _restart_administration(self, conn: asyncpg.Connection) -> None:
        """What was heard of the venue's book is void; everybody's rights are looked up again."""
        self._administered = await book.read_head(conn, BOOK)
        self._revocations.forget()
        for client in self.hub.clients():
            client.known_at = 0
        self._look_now.set()

    async def _recheck(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_SECONDS):
                    await self._look_now.wait()
            self._look_now.clear()
            for client, who in list(self._whos.items()):
                await self._check(client, who)

    async def _check(self, client: Client, who: Who) -> None:
        try:
            principal = await who(client.token)
        except NotReady:
            return  # the next look is in a minute
        except Refusal:
            self.hub.end(client, SIGN_IN, "sign in again")
            return
        if principal.id != client.principal.id:
            self.hub.end(client, SIGN_IN, "sign in again")
        elif not principal.may(f"live:{client.audience}"):
            self.hub.end(client, REVOKED, "revoked")

    def _now_and_speed(self) -> tuple[str, float]:
        return instant_text(self.clock.now()), self.clock.speed
