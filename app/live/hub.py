"""The hub of one worker: every connected screen, and one write to each for whatever is new.

There is no timer between an event and its frame: writing starts when a room moves. What arrives
meanwhile joins it: whoever is still to be written to gets both in one write, and those who had the
first get the second as soon as it is their turn again. A socket that takes no more is not queued
for. It stays at its version, and when it drains it gets one frame with the newest value of whatever
changed since (16 tables bound it), or a snapshot. After 10 s without draining it is closed.
"""

import asyncio
import enum
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from app.live.clients import CATCH_UP_BYTES_MAX, Client
from app.live.frames import ByeFrame, HeartbeatFrame, WelcomeFrame, encoded, framed
from app.live.messages import Message
from app.live.protocol import RESTART, REVOKED, SLOW
from app.live.revocations import ends
from app.live.rooms import Lane, Room, lobby
from floorplan.events import Event
from floorplan.state import NightState

logger = logging.getLogger(__name__)

# Staff first: no public frame is begun while one of theirs waits.
ORDER: Final = ("manager", "door", "public")
HEARTBEAT_SECONDS: Final = {"manager": 5.0, "door": 5.0, "public": 20.0}
# After a planned restart screens come back within so many seconds, spread evenly.
RECONNECT_SECONDS: Final = {"door": 1.0, "manager": 3.0, "public": 30.0}
BEAT_SECONDS: Final = 0.25  # heartbeats go out in slices: 5,000 public sockets are 63 at a time
BEATS_WAIT: Final = 4  # ticks, while changes go out without a pause
SLOW_SECONDS: Final = 10.0  # the longest that a socket may take nothing
# Writes between two turns for everybody else, some 1.2 ms. An event needs two turns and more to get
# here: with 500, p99 at 1,000 sockets x 200 events/s was 20 to 28 ms; it is 9 to 14 (load.fanout).
YIELD_EVERY: Final = 200
DRAIN_SLICE: Final = 200  # sockets closed at once when draining
DRAIN_PAUSE_SECONDS: Final = 0.02
SOCKETS_MOST: Final = 20_000  # of one worker, 600 MB at 30 KB each; one more is asked to come back


def reconnect_seconds(
    audience: str, spread: Callable[[float, float], float] = random.uniform
) -> float:
    """When a screen that is told to leave is to come back."""
    return round(spread(0, RECONNECT_SECONDS[audience]), 3)


class Offer(enum.Enum):
    """What became of a message that the hub was offered."""

    NEW = "new"  # it was the next one
    OLD = "old"  # the room is at its version or beyond
    GAP = "gap"  # versions before it are missing
    FOREIGN = "foreign"  # another epoch, or a night that is not in memory


@dataclass
class Counts:
    """What the hub has done since the worker started; metrics are made of it."""

    frames: int = 0
    bytes: int = 0
    snapshots: int = 0
    resumes: int = 0
    conflations: int = 0
    closed_slow: int = 0
    writes: int = 0
    heartbeats: int = 0


class Hub:
    """`now` gives the venue's clock as instant text, and its speed."""

    def __init__(
        self, node: str, now: Callable[[], tuple[str, float]], *, slow_seconds: float = SLOW_SECONDS
    ) -> None:
        self.node = node
        self.epoch = ""
        self.rooms: dict[str, Room] = {}
        self.lobby = lobby("")
        self.tonight: str | None = None
        self.counts = Counts()
        self.draining = False
        self._now = now
        self._slow_seconds = slow_seconds
        self._wake = asyncio.Event()
        self._behind: dict[Lane, None] = {}  # lanes with somebody to write to, a queue
        self._to_move: list[Client] = []  # who may belong elsewhere or owe a snapshot, staff last
        self._ticks = 0
        self._ticks_done = 0
        self._beat_all = False
        self._arrivals = 0
        self._paused: set[Client] = set()
        self._clients: dict[Client, None] = {}
        self._awaited: dict[Room, list[tuple[int, asyncio.Future[None]]]] = {}

    # -- rooms ------------------------------------------------------------------------------------

    def begin(self, epoch: str) -> None:
        """The epoch of everything that is offered and sent from now on."""
        self.epoch = epoch
        self.lobby.epoch = epoch

    def add(self, room: Room) -> None:
        assert room.night is not None, "the lobby is not added"
        self.rooms[room.night] = room

    def drop(self, night: str) -> None:
        """Forget a room that nobody watches."""
        assert not self.rooms[night].is_watched, "a watched room stays"
        del self.rooms[night]

    def offer(self, message: Message, state: NightState | None = None) -> Offer:
        """Take the message if it is the room's next one; first come, first served.

        Raises MessageUnreadable: the patch is not of this release.
        """
        room = self.rooms.get(message.night)
        if room is None or message.epoch != room.epoch:
            return Offer.FOREIGN
        if message.version <= room.version:
            return Offer.OLD
        if message.version > room.version + 1:
            return Offer.GAP
        room.apply(message, state)
        for lane in room.lanes.values():
            if lane.is_behind:
                self._behind[lane] = None
        self._wake.set()
        if room in self._awaited:
            self._tell_reached(room)
        return Offer.NEW

    async def reached(self, room: Room, version: int) -> None:
        """Wait until the room is at the version. Give it a deadline: it may never be."""
        if room.version >= version:
            return
        future = asyncio.get_running_loop().create_future()
        waiting = self._awaited.setdefault(room, [])
        waiting.append((version, future))
        try:
            await future
        finally:
            waiting.remove((version, future))
            if not waiting:
                self._awaited.pop(room, None)

    def _tell_reached(self, room: Room) -> None:
        for version, future in self._awaited[room]:
            if version <= room.version and not future.done():
                future.set_result(None)

    def rebased(self, room: Room) -> None:
        """The room started over: every screen in it starts from a snapshot."""
        for lane in room.lanes.values():
            self._behind.pop(lane, None)
            for client in lane.clients:
                client.owes_snapshot = True
        self._move_all()
        if room in self._awaited:
            self._tell_reached(room)

    def follow(self, tonight: str | None) -> None:
        """Screens that named no night belong to `tonight`, whose room is in memory."""
        if tonight != self.tonight:
            self.tonight = tonight
            self._move_all()

    # -- screens ----------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        return len(self._clients) >= SOCKETS_MOST

    def attach(self, client: Client, room: Room, since: int | None) -> None:
        """The client has its welcome, and a snapshot or the frames it missed, and all that follow.

        `since` is the version of this very room that it has, or None.

        No await from the reading of the room to the lane's list: there is no moment in which an
        event could be in neither the snapshot nor the frames.
        """
        client.hub = self
        client.outlet.watcher = client
        self._clients[client] = None
        self._arrivals += 1
        client.beat = self._arrivals
        self._enter(client, room)
        now, speed = self._now()
        welcome = WelcomeFrame(
            audience=client.audience,
            night=room.night,
            epoch=self.epoch,
            heartbeat_seconds=HEARTBEAT_SECONDS[client.audience],
            now=now,
            speed=speed,
            node=self.node,
        )
        wire = framed(encoded(welcome)) + self._opening(client, room, since)
        if self._push(client, wire):
            self._join(client)
        else:
            # It took no more before it was greeted, or is gone: a drain would find it ungreeted.
            self.end(client, SLOW, "too slow")

    def detach(self, client: Client) -> None:
        """The client is gone. Idempotent."""
        self._clients.pop(client, None)
        self._paused.discard(client)
        if client.lane is not None:
            client.lane.part(client)
            client.lane.clients.pop(client, None)
        client.lane = None
        client.hub = None  # what is said of its socket from now on is no concern of ours

    def give_snapshot(self, client: Client) -> None:
        """The client asked to start over; a paused one gets it when it drains."""
        lane = client.lane
        if lane is None or lane.room.night is None:
            return
        lane.part(client)
        client.owes_snapshot = True
        self._catch_up(client)

    def revoke_by(self, line: Event) -> int:
        """Close the sockets of those whose rights the line of the venue's book takes away."""
        found = [c for c in self._clients if line.version > c.known_at and ends(line, c.principal)]
        for client in found:
            self.end(client, REVOKED, "revoked")
        return len(found)

    def end(self, client: Client, code: int, reason: str) -> None:
        if not client.ends:
            client.on_shut()
            client.outlet.end(code, reason)

    def clients(self) -> list[Client]:
        return list(self._clients)

    def sockets(self) -> dict[str, int]:
        """How many sockets each audience has."""
        counted = dict.fromkeys(ORDER, 0)
        for client in self._clients:
            counted[client.audience] += 1
        return counted

    def slow_sockets(self) -> int:
        """How many take no more now."""
        return len(self._paused)

    def on_pause(self, client: Client) -> None:
        client.paused_at = time.monotonic()
        self._paused.add(client)
        if client.lane is not None:
            client.lane.part(client)

    def on_drain(self, client: Client) -> None:
        client.paused_at = None
        self._paused.discard(client)
        self._catch_up(client)

    # -- sending ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write for ever: changes first, then moves to another night, then heartbeats."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            more = True
            while more:
                self._write_some()
                self._move_some()
                more = bool(self._behind or self._to_move)
                if not more or self._ticks - self._ticks_done >= BEATS_WAIT:
                    self._beat()
                if more:
                    await asyncio.sleep(0)

    async def tick(self) -> None:
        """Every 250 ms: a slice of the heartbeats, and an end to sockets that stay slow."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._ticks += 1
            self._wake.set()
            limit = time.monotonic() - self._slow_seconds
            for client in [c for c in self._paused if c.paused_at is not None]:
                if client.paused_at is not None and client.paused_at <= limit and not client.ends:
                    self.counts.closed_slow += 1
                    self.end(client, SLOW, "too slow")

    def beat_all(self) -> None:
        """Every screen gets a heartbeat now: the venue's clock was set."""
        self._beat_all = True
        self._wake.set()

    async def drain(self) -> None:
        """Say goodbye to every screen, when to come back, and close it (1012), slice by slice."""
        self.draining = True
        leaving = sorted(self._clients, key=lambda c: ORDER.index(c.audience))
        for start in range(0, len(leaving), DRAIN_SLICE):
            for client in leaving[start : start + DRAIN_SLICE]:
                self.say_goodbye(client)
            await asyncio.sleep(DRAIN_PAUSE_SECONDS)

    def say_goodbye(self, client: Client) -> None:
        client.outlet.push(framed(encoded(ByeFrame(reconnect_seconds(client.audience)))))
        self.end(client, RESTART, "restart")

    def _write_some(self) -> None:
        """Some cohorts get what they lack, staff first."""
        written = 0
        while self._behind and written < YIELD_EVERY:
            lane = min(self._behind, key=lambda lane: ORDER.index(lane.audience))
            del self._behind[lane]
            written += self._write(lane)
            if lane.is_behind:
                self._behind[lane] = None  # the other nights have their turn first

    def _write(self, lane: Lane) -> int:
        """The lane's next cohort gets what it lacks; returns to how many it was written."""
        cohort, (wire, frames) = lane.next()
        sinks, size = cohort.sinks, len(wire)
        # `sink.send` costs 0.26 us less than a bound method or a pair with its client would: of
        # what is touched for each, only the kernel's part stays in the cache from frame to frame.
        for sink in sinks:
            try:
                taken = sink.send(wire)
            except OSError:
                taken = 0
            if taken != size:
                cohort.whose(sink).outlet.write_rest(wire, taken)
        self.counts.writes += len(sinks)
        self.counts.frames += len(sinks) * frames
        self.counts.bytes += len(sinks) * size
        return len(sinks)

    def _join(self, client: Client) -> None:
        """The client has all there is: into a cohort, if it takes more."""
        lane = client.lane
        if (
            lane is not None
            and client.paused_at is None
            and not client.ends
            and not client.owes_snapshot
        ):
            lane.join(client)

    def _move_all(self) -> None:
        self._to_move = sorted(self._clients, key=lambda c: ORDER.index(c.audience), reverse=True)
        self._wake.set()

    def _move_some(self) -> None:
        """Whoever belongs to another night moves there; whoever owes a snapshot gets it."""
        done = 0
        while self._to_move and done < YIELD_EVERY:
            client = self._to_move.pop()
            lane = client.lane
            if lane is None:
                continue
            if client.follows_tonight and lane.room.night != self.tonight:
                room = self.rooms[self.tonight] if self.tonight else self.lobby
                lane.part(client)
                lane.clients.pop(client, None)
                self._enter(client, room)
                client.owes_snapshot = room.night is not None
            elif not client.owes_snapshot:
                continue
            self._catch_up(client)
            done += 1

    def _enter(self, client: Client, room: Room) -> None:
        lane = room.lanes[client.audience]
        client.lane = lane
        client.version = room.version
        lane.clients[client] = None

    def _opening(self, client: Client, room: Room, since: int | None) -> bytes:
        if room.night is None:
            return b""
        if since is not None:
            missed = room.missed(client.audience, since)
            if missed is not None and len(missed) <= CATCH_UP_BYTES_MAX:
                self.counts.resumes += 1
                # The heartbeat says "this is all": its hash proves it at once.
                return missed + self._heartbeat(client.lane_of(room))
        self.counts.snapshots += 1
        return room.snapshot(client.audience)

    def _catch_up(self, client: Client) -> None:
        """One frame that brings the client to the room's version, if it lacks anything."""
        lane = client.lane
        if lane is None or client.paused_at is not None:
            return
        room = lane.room
        if client.owes_snapshot:
            wire, whole = room.snapshot(client.audience), True
        elif client.version < lane.top:
            wire, whole = room.newest(client.audience, client.version)
        else:
            self._join(client)
            return
        self.counts.snapshots += whole
        self.counts.conflations += not whole
        if self._push(client, wire):
            client.owes_snapshot = False
            client.version = room.version
            client.drained += 1
            self._join(client)

    def _push(self, client: Client, wire: bytes) -> bool:
        if not wire:
            return True
        if not client.outlet.push(wire):
            return False
        self.counts.frames += 1
        self.counts.bytes += len(wire)
        return True

    def _beat(self) -> None:
        everyone, self._beat_all = self._beat_all, False
        ticks = range(self._ticks_done, self._ticks)
        self._ticks_done = self._ticks
        if not ticks and not everyone:
            return
        for lane in self._lanes():
            slices = round(HEARTBEAT_SECONDS[lane.audience] / BEAT_SECONDS)
            due = {tick % slices for tick in ticks}
            wire = b""
            for client in list(lane.clients):
                is_due = everyone or client.beat % slices in due
                if is_due and client.version >= lane.top and not client.owes_snapshot:
                    wire = wire or self._heartbeat(lane)
                    self.counts.heartbeats += client.outlet.push(wire)

    def _heartbeat(self, lane: Lane) -> bytes:
        room = lane.room
        now, speed = self._now()
        frame = HeartbeatFrame(
            epoch=self.epoch,
            night=room.night,
            version=room.version,
            changed=room.changed(lane.audience),
            hash=room.hash(lane.audience),
            now=now,
            speed=speed,
        )
        return framed(encoded(frame))

    def _lanes(self) -> Iterator[Lane]:
        rooms: Iterable[Room] = (*self.rooms.values(), self.lobby)
        return (lane for room in rooms for lane in room.lanes.values() if lane.clients)
