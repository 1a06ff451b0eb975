"""An outlet in memory and the screen behind it, for tests of the hub without a network."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from app.domain.principals import ANONYMOUS, Principal
from app.live.clients import Client, Sink, Watcher
from app.live.frames import texts_of
from app.live.hub import Hub, Offer
from app.live.messages import message_of
from app.live.rooms import Room
from floorplan.events import Event
from floorplan.projection import Document, merge, state_hash
from floorplan.state import empty_state
from tests.cases.play import NIGHT, Play
from tests.unit.live.sockets import MemorySocket

EPOCH = "0123456789abcdef"
KERNEL_BYTES = 32_768  # what the held peer's buffer takes before it takes no more


class MemoryOutlet:
    """Takes frames until `block` is called; then holds them like a full socket buffer."""

    def __init__(self) -> None:
        self.watcher: Watcher | None = None
        self.blocked = False
        self.held: list[bytes] = []
        self.held_bytes_most = 0
        self.read: list[bytes] = []
        self.writes = 0
        self.ended: tuple[int, str] | None = None
        self.closed = asyncio.Event()
        self.on_push: Callable[[], object] = lambda: None
        self._paused = False

    def push(self, wire: bytes) -> bool:
        if self._paused or self.ended:
            return False
        self.writes += 1
        self.on_push()
        if not self.blocked:
            self.read.append(wire)
            return True
        self.held.append(wire)
        size = sum(map(len, self.held))
        self.held_bytes_most = max(self.held_bytes_most, size)
        if size > KERNEL_BYTES:
            self._paused = True
            if self.watcher is not None:
                self.watcher.on_pause()
        return True

    def sink(self) -> Sink:
        return self

    def send(self, wire: bytes, /) -> int:
        self.push(wire)
        return len(wire)

    def write_rest(self, wire: bytes, taken: int) -> None:
        raise AssertionError("everything is taken")

    def end(self, code: int, reason: str) -> None:
        self.ended = self.ended or (code, reason)
        self.closed.set()

    def block(self) -> None:
        """The peer stops reading."""
        self.blocked = True

    def drain(self) -> None:
        """The peer reads all there is, and goes on reading."""
        self.blocked = False
        self.read += self.held
        self.held = []
        if self._paused:
            self._paused = False
            if self.watcher is not None:
                self.watcher.on_drain()


class MemoryScreen:
    """A client of the hub; `look` applies what it has read by the protocol's rules."""

    def __init__(
        self,
        audience: str = "manager",
        *,
        principal: Principal = ANONYMOUS,
        follows_tonight: bool = True,
        outlet: MemorySocket | None = None,
    ) -> None:
        self.outlet = MemoryOutlet()
        self._read = self.outlet.read if outlet is None else outlet.read
        self.client = Client(
            outlet or self.outlet, audience, principal=principal, follows_tonight=follows_tonight
        )
        self.frames: list[dict[str, Any]] = []
        self.night: str | None = None
        self.epoch = ""
        self.version = -1
        self.document: Document = {}
        self.gaps = 0
        self.twice = 0
        self.overtaken = 0
        self.mismatches = 0

    def look(self) -> "MemoryScreen":
        for wire in self._read:
            for text in texts_of(wire):
                self._take(json.loads(text))
        self._read.clear()
        return self

    def kinds(self) -> list[str]:
        return [frame["type"] for frame in self.look().frames]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.look().frames if frame["type"] == kind]

    def _take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "snapshot":
                self.night, self.epoch = frame["night"], frame["epoch"]
                self.version, self.document = frame["version"], frame["state"]
            case "event":
                self.twice += frame["version"] <= self.version and frame["night"] == self.night
                if frame["after"] > self.version or frame["night"] != self.night:
                    self.gaps += 1
                else:
                    self.document = merge(self.document, frame["changes"])
                    self.version = frame["version"]
            case "heartbeat" if frame["night"] is not None:
                self.mismatches += frame["night"] != self.night
                self.overtaken += self.version < frame["changed"]
                self.mismatches += frame["hash"] != state_hash(self.document)


class House:
    """A hub with one room, and a play that feeds it."""

    def __init__(self, *, seed: int = 1, nonsense: float = 0.05, **hub_options: Any) -> None:
        self.hub = Hub("n1", lambda: ("2026-11-21T22:00:00.000Z", 1.0), **hub_options)
        self.hub.begin(EPOCH)
        self.play = Play(seed, nonsense=nonsense)
        self.room = Room(EPOCH, empty_state(NIGHT))
        self.hub.add(self.room)
        self.hub.follow(NIGHT)
        self.events(1)

    def events(self, count: int) -> None:
        """So many more events are offered to the hub."""
        for event in self.play.run(count):
            assert self.tell(event) is Offer.NEW

    def tell(self, event: Event) -> Offer:
        message, state = message_of(EPOCH, self.room.state, event)
        return self.hub.offer(message, state)

    def enter(
        self, audience: str = "manager", *, since: int | None = None, **options: Any
    ) -> MemoryScreen:
        screen = MemoryScreen(audience, **options)
        self.hub.attach(screen.client, self.room, since)
        return screen

    def shows(self, screen: MemoryScreen) -> bool:
        """Whether the screen holds exactly what its audience sees."""
        screen.look()
        return (
            screen.document == self.room.document(screen.client.audience)
            and screen.version >= self.room.changed(screen.client.audience)
            and screen.gaps == screen.twice == screen.overtaken == screen.mismatches == 0
        )


def one_more(house: House, audience: str) -> None:
    """Events until the audience gets a frame of the last one, and of no other."""
    version = house.room.version
    while frames_since(house, version, audience) == 0:
        house.events(1)


def frames_since(house: House, version: int, audience: str = "manager") -> int:
    """How many frames the audience has after the version; some events change nothing."""
    return len(texts_of(house.room.missed(audience, version) or b""))


async def settle() -> None:
    """Let the hub do all that it can do now."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def running(house: House) -> AsyncIterator[House]:
    task = asyncio.create_task(house.hub.run())
    await settle()
    try:
        yield house
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def beat(house: House, ticks: int = 1) -> None:
    """As many ticks of the heartbeat as if the time had passed."""
    house.hub._ticks += ticks
    house.hub._wake.set()


def next_room(version: int = 3) -> Room:
    play = Play(4, night="2026-11-28")
    play.run(version)
    return Room(EPOCH, play.state)
