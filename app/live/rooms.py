"""One night in memory: its state, the last events as finished frames, and who watches.

Nothing here waits or sends. A room moves only by `apply`, one version at a time, so whatever is
read from it between two awaits is one consistent picture.
"""

from collections import deque
from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

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
    from app.live.clients import Client, Write

# The last events kept as frames. 2,000 are an evening's busiest hours and about 4 MB.
RING_EVENTS: Final = 2000


class Step(NamedTuple):
    """One event of the ring: audience -> the whole WebSocket frame."""

    version: int
    wires: dict[str, bytes]


class Lane:
    """The sockets of one audience of a room, and what they have not been sent yet.

    Every client in step has all frames up to version `flushed`; `pending` are those after it.
    Nearly all are in step nearly always, so nothing is asked of them and nothing is noted when a
    frame goes out: whoever pauses, ends or starts over parts first.
    """

    def __init__(self, room: "Room", audience: str) -> None:
        self.room = room
        self.audience = audience
        self.clients: dict[Client, None] = {}
        self.in_step: dict[Client, Write] = {}
        self._steps: list[tuple[Client, Write]] | None = None
        self.parted = 0  # how often one in step left: a flush that paused looks again
        self.pending: list[tuple[int, bytes]] = []
        self.flushed = room.version

    @property
    def steps(self) -> list[tuple["Client", "Write"]]:
        """Everybody in step now, and what writes to them; a list that is never changed."""
        if self._steps is None:
            self._steps = list(self.in_step.items())
        return self._steps

    def join(self, client: "Client") -> None:
        """The client has everything up to `flushed` and takes what comes."""
        self.in_step[client] = client.outlet.writer()
        self._steps = None

    def part(self, client: "Client") -> None:
        """The client is fed apart from now on, from where the others are. Idempotent."""
        if client in self.in_step:
            client.version = self.flushed
            del self.in_step[client]
            self._steps = None
            self.parted += 1


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
        """The room is at the message's version; its frames wait in the lanes to be flushed.

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
        for audience, wire in step.wires.items():
            lane = self.lanes[audience]
            if lane.clients:
                lane.pending.append((step.version, wire))
            else:
                lane.flushed = step.version

    def rebase(self, epoch: str, state: NightState, ring: Iterable[Message]) -> None:
        """The room starts over from another state: Postgres went back in time, or it was wrong."""
        self.epoch, self.state = epoch, state
        self._ring = deque(map(_step, ring), maxlen=self._ring.maxlen)
        self._snapshots.clear()
        self._merged.clear()
        self._hashes.clear()
        for lane in self.lanes.values():
            lane.pending.clear()
            lane.flushed = state.version

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

    def _merge(self, audience: str, since: int) -> bytes:
        wires = self._since(audience, since)
        if not wires:
            return b""
        events = [decoded_event(texts_of(wire)[0].encode()) for wire in wires]
        frame = EventFrame(
            night=self.state.night,
            after=since,
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
