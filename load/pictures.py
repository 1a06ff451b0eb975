"""What a screen showed, worked out after the clock has stopped: frames as they came, pictures by
the rules of docs/protocol.md. Of a thousand screens most got the same bytes, so what follows from
a picture and a frame is worked out once.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from floorplan.events import Event
from floorplan.fold import apply
from floorplan.projection import Document, merge, project, state_hash
from floorplan.state import empty_state

HEAD_END: Final = b"\r\n\r\n"
LONG, LONGEST = 126, 127  # lengths that say: the next two, or eight, bytes are the length


class Frames:
    """Bytes of a socket become whole frames; what is cut off at its end never was one."""

    def __init__(self) -> None:
        self._data = b""
        self.is_open = False  # the answer 101 has come

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The text frames that are whole now."""
        data = self._data + data if self._data else data
        if not self.is_open:
            head, end, rest = data.partition(HEAD_END)
            if not end:
                self._data = data
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self._data = b""
                return
            data, self.is_open = rest, True
        at = 0
        while len(data) - at >= 2:
            begin, size = at + 2, data[at + 1]
            if size >= LONG:
                begin += 2 if size == LONG else 8
                if len(data) < begin:
                    break
                size = int.from_bytes(data[at + 2 : begin])
            if len(data) < begin + size:
                break
            if data[at] == 0x81:
                yield data[begin : begin + size]
            at = begin + size
        self._data = data[at:]


class Picture(Struct, frozen=True):
    """What a screen shows at a version."""

    version: int
    document: Document
    hash: str


class Missing(Exception):
    """A frame proves that one before it did not come."""


class Pictures:
    """The pictures of one audience that any screen had."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, str, bytes], Picture] = {}

    def after(self, picture: Picture | None, frame: bytes) -> Picture | None:
        """The picture once the frame has been taken. Raises Missing; ValueError: a heartbeat says
        that the picture is wrong."""
        key = (-1, 0, "", frame) if picture is None else (
            picture.version, id(picture.document), picture.hash, frame
        )  # fmt: skip
        known = self._known.get(key)
        if known is None:
            known = self._made(picture, msgspec.json.decode(frame))
            if known is None or known is picture:
                return picture
            self._known[key] = known
        return known

    def _made(self, picture: Picture | None, frame: dict[str, Any]) -> Picture | None:
        if frame["type"] == "snapshot":
            return Picture(frame["version"], frame["state"], state_hash(frame["state"]))
        if picture is None:
            return None
        if frame["type"] == "event" and frame["version"] > picture.version:
            if frame["after"] > picture.version:
                raise Missing(f"{frame['after']} came after {picture.version}")
            document = merge(picture.document, frame["changes"])
            return Picture(frame["version"], document, state_hash(document))
        if (
            frame["type"] != "heartbeat"
            or not frame["changed"] <= picture.version <= frame["version"]
        ):
            return picture
        if frame["hash"] != picture.hash:
            raise ValueError(f"at {picture.version} the service has another picture")
        return picture


def said_by_the_book(night: str, events: Iterable[Event], audience: str) -> dict[int, str]:
    """The state hash of each version, by the fold."""
    state, said = empty_state(night), {}
    for event in events:
        state = apply(state, event).state
        said[event.version] = state_hash(project(state, audience))
    return said
