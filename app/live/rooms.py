"""One night in memory: its state, the last events as finished frames, and who watches.

Nothing here waits or sends. A room moves only by `apply`, one version at a time, so whatever is
read from it between two awaits is one consistent picture.
"""

from collections import deque
from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from app.live.clients import CATCH_UP_BYTES_MAX
from app.live.frames import (
    EventFrame,
    SnapshotFrame,
    decoded_event,
    encoded,
    framed,
    merged_changes,
    texts_of,
)
from app.live.messages import Message, MessageUnreadable, patched
from floorplan.projection import Document, project, state_hash
from floorplan.state import AUDIENCES, NightState, empty_state

if TYPE_CHECKING:
    from app.live.clients import Client, Sink

# The last events kept as frames. 2,000 are an evening's busiest hours and about 4 MB.
RING_EVENTS: Final = 2000
COHORT_MOST: Final = 100  # sockets written to without a pause, 0.6 ms


class Step(NamedTuple):
    """One event of the ring: audience -> the whole WebSocket frame."""

    version: int
    wires: dict[str, bytes]


class Cohort:
    """Sockets of a lane that were sent the very same: everything up to `version`.

    They are written to without a pause, so nobody who leaves is between two versions.
    """

    def __init__(self, version: int) -> None:
        self.version = version
        self.clients: dict[Client, Sink] = {}
        self._sinks: list[Sink] | None = None

    @property
    def sinks(self) -> list["Sink"]:
        """What leads to everybody in it; a list that is never changed."""
        if self._sinks is None:
            self._sinks = list(self.clients.values())
        return self._sinks

    def whose(self, sink: "Sink") -> "Client":
        return next(client for client, its in self.clients.items() if its is sink)

    def add(self, client: "Client") -> None:
        self.clients[client] = client.outlet.sink()
        self._sinks = None

    def remove(self, client: "Client") -> None:
        del self.clients[client]
        self._sinks = None

    def take(self, other: "Cohort") -> None:
        """Everybody of another cohort that was sent the same."""
        self.clients |= other.clients
        for client in other.clients:
            client.cohort = self
        self._sinks = None


class Due(NamedTuple):
    """What a cohort lacks: so many frames, as one write."""

    wire: bytes
    frames: int


class Lane:
    """The sockets of one audience of a room, in cohorts of those that were sent the same.

    Nearly all are in a cohort nearly always, so nothing is asked of them and nothing is noted when
    a frame goes out: whoever pauses, ends or starts over parts first, and is fed apart.

    The cohort that lacks the most is always the next. An event that comes while another goes out
    needs not wait for its end: those who are still to be written to get both in one write.
    """

    def __init__(self, room: "Room", audience: str) -> None:
        self.room = room
        self.audience = audience
        self.clients: dict[Client, None] = {}
        self.top = room.version  # the version of its last frame
        self._level: deque[Cohort] = deque()  # those that have all up to `top`
        self._behind: deque[Cohort] = deque()  # the others, what lacks the most first
        self._due: dict[int, Due] = {}  # of cohorts at that version

    @property
    def is_behind(self) -> bool:
        return bool(self._behind)

    def advance(self, version: int) -> None:
        """There is a frame of that version for everybody."""
        self.top = version
        self._due.clear()
        last: Cohort | None = None
        for cohort in self._level:
            # It lacked nothing of what came before, however long ago its last frame was.
            cohort.version = version - 1
            if last is not None and len(last.clients) + len(cohort.clients) <= COHORT_MOST:
                last.take(cohort)  # or those who come one by one would stay in as many cohorts
            elif cohort.clients:
                last = cohort
                self._behind.append(cohort)
        self._level.clear()

    def next(self) -> tuple[Cohort, Due]:
        """Whom to write to now, and what; they have it from here on. Somebody must be behind."""
        cohort = self._behind.popleft()
        due = self._due.get(cohort.version)
        if due is None:
            due = self._due[cohort.version] = self.room.due(self.audience, cohort.version)
        cohort.version = self.top
        self._level.append(cohort)
        return cohort, due

    def join(self, client: "Client") -> None:
        """The client has everything up to `top` and takes what comes. Idempotent."""
        if client.cohort is not None:
            return
        newest_first = reversed(self._level)
        cohort = next((one for one in newest_first if len(one.clients) < COHORT_MOST), None)
        if cohort is None:
            cohort = Cohort(self.top)
            self._level.append(cohort)
        cohort.add(client)
        client.cohort = cohort

    def part(self, client: "Client") -> None:
        """The client is fed apart from now on, from where its cohort is. Idempotent."""
        if client.cohort is not None:
            client.version = client.cohort.version
            client.cohort.remove(client)
            client.cohort = None

    def restart(self, version: int) -> None:
        """The room is at another version, whatever it was; everybody parts and starts over."""
        for client in self.clients:
            self.part(client)
        self.top = version
        self._level.clear()
        self._behind.clear()


class Room:
    """A night's state at `version`, its ring and its lanes; `night` is None in the lobby."""

    def __init__(
        self,
        epoch: str,
        state: NightState,
        ring: Iterable[Message] = (),
        *,
        ring_events: int = RING_EVENTS,
    ) -> None:
        self.epoch = epoch
        self.state = state
        self.night: str | None = state.night or None
        self._ring: deque[Step] = deque(map(_step, ring), maxlen=ring_events)
        self.lanes = {audience: Lane(self, audience) for audience in AUDIENCES}
        self._snapshots: dict[str, bytes] = {}
        self._hashes: dict[str, tuple[int, str]] = {}
        self._merged: dict[tuple[str, int], bytes] = {}

    @property
    def version(self) -> int:
        return self.state.version

    @property
    def reach(self) -> int:
        """The lowest version from which the ring leads to the room's own."""
        return self._ring[0].version - 1 if self._ring else self.version

    @property
    def is_watched(self) -> bool:
        return any(lane.clients for lane in self.lanes.values())

    def apply(self, message: Message, state: NightState | None = None) -> None:
        """The room is at the message's version; its frames wait in the lanes to be written.

        `state` is the state after it where the caller has folded it already; otherwise the patch
        makes it. Raises ValueError: the message is not the next one. Raises MessageUnreadable.
        """
        if message.version != self.version + 1 or message.night != self.night:
            raise ValueError(
                f"{message.night}:{message.version} cannot follow {self.night}:{self.version}"
            )
        after = patched(self.state, message.patch) if state is None else state
        if (after.night, after.version) != (message.night, message.version):
            raise MessageUnreadable("the patch is not of the message's version")
        if not message.frames.keys() <= self.lanes.keys():
            raise MessageUnreadable("the message has frames for nobody that is known here")
        self.state = after
        step = _step(message)
        self._ring.append(step)
        self._snapshots.clear()
        self._merged.clear()
        for audience in step.wires:
            self.lanes[audience].advance(step.version)

    def rebase(self, epoch: str, state: NightState, ring: Iterable[Message]) -> None:
        """The room starts over from another state: Postgres went back in time, or it was wrong."""
        self.epoch, self.state = epoch, state
        self._ring = deque(map(_step, ring), maxlen=self._ring.maxlen)
        self._snapshots.clear()
        self._merged.clear()
        self._hashes.clear()
        for lane in self.lanes.values():
            lane.restart(state.version)

    def document(self, audience: str) -> Document:
        """What the audience sees now."""
        return project(self.state, audience)

    def changed(self, audience: str) -> int:
        """The version of the last event that changed what the audience sees."""
        return self.state.changed[audience]

    def hash(self, audience: str) -> str:
        """The state hash of the audience's document; computed once for each change of it."""
        changed = self.changed(audience)
        known = self._hashes.get(audience)
        if known is None or known[0] != changed:
            known = self._hashes[audience] = (changed, state_hash(self.document(audience)))
        return known[1]

    def snapshot(self, audience: str) -> bytes:
        """The whole snapshot frame at the room's version; the same bytes for everybody."""
        wire = self._snapshots.get(audience)
        if wire is None:
            state = self.state
            frame = SnapshotFrame(
                self.epoch, state.night, state.version, state.at, self.document(audience)
            )
            wire = self._snapshots[audience] = framed(encoded(frame))
        return wire

    def missed(self, audience: str, since: int) -> bytes | None:
        """The frames of the audience after version `since`, as they were sent live.

        None: the ring no longer reaches back, or `since` lies ahead of the room.
        """
        if not self.reach <= since <= self.version:
            return None
        return b"".join(self._since(audience, since))

    def merged(self, audience: str, since: int) -> bytes | None:
        """One frame that does what all frames after `since` do; empty when there are none.

        None as in `missed`. The lines of the events are not in it.
        """
        if not self.reach <= since <= self.version:
            return None
        known = self._merged.get((audience, since))
        if known is None:
            known = self._merge(audience, since)
            self._merged[audience, since] = known
        return known

    def newest(self, audience: str, since: int) -> tuple[bytes, bool]:
        """The shortest that leads from `since` to the room's version; whether it is a snapshot.

        Empty when nothing is lacking.
        """
        merged = self.merged(audience, since)
        if merged is None or len(merged) > CATCH_UP_BYTES_MAX:
            return self.snapshot(audience), True
        return merged, False

    def due(self, audience: str, since: int) -> Due:
        """The frames after `since`, or one with the newest state where they would be too many."""
        if since >= self.reach:
            wires = self._since(audience, since)
            if sum(map(len, wires)) <= CATCH_UP_BYTES_MAX:
                return Due(b"".join(wires), len(wires))
        return Due(self.newest(audience, since)[0], 1)

    def _merge(self, audience: str, since: int) -> bytes:
        wires = self._since(audience, since)
        if not wires:
            return b""
        events = [decoded_event(texts_of(wire)[0].encode()) for wire in wires]
        frame = EventFrame(
            night=self.state.night,
            # Of the first of them: `since` may be later than the last frame that the screen had.
            after=events[0].after,
            version=self.version,
            at=self.state.at,
            changes=merged_changes(event.changes for event in events),
        )
        return framed(encoded(frame))

    def _since(self, audience: str, since: int) -> list[bytes]:
        newer = takewhile(lambda step: step.version > since, reversed(self._ring))
        wires = [step.wires[audience] for step in newer if audience in step.wires]
        wires.reverse()
        return wires


def lobby(epoch: str) -> Room:
    """Where sockets wait that asked for tonight while no night is open."""
    return Room(epoch, empty_state(""))


def _step(message: Message) -> Step:
    return Step(
        message.version, {audience: framed(bytes(raw)) for audience, raw in message.frames.items()}
    )
