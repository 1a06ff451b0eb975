"""What goes over the socket: the JSON of every frame, and the WebSocket framing around it.

A frame is encoded once per audience and written to every socket as it is. That is possible because
a server's frames are unmasked (RFC 6455 section 5.1) and compression is off: the bytes of one
message are the same for everybody. `docs/protocol.md` describes each frame for the other side.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from floorplan.projection import SECTIONS, Document

SUBPROTOCOL: Final = "backroom.v1"


class EventFrame(Struct, frozen=True, tag_field="type", tag="event", omit_defaults=True):
    """What one event changed for the audience; absolute values, null where a key went away.

    A conflated client gets one such frame for several events: `after` is then its own last version.
    """

    night: str
    after: int
    version: int
    at: str
    changes: Document
    line: dict[str, Any] | None = None


class SnapshotFrame(Struct, frozen=True, tag_field="type", tag="snapshot"):
    epoch: str
    night: str
    version: int
    at: str
    state: Document


class WelcomeFrame(Struct, frozen=True, tag_field="type", tag="welcome"):
    """`night` is null while no night is open; a snapshot follows when one opens."""

    audience: str
    night: str | None
    epoch: str
    heartbeat_seconds: float
    now: str
    speed: float
    node: str


class HeartbeatFrame(Struct, frozen=True, tag_field="type", tag="heartbeat"):
    """`changed` is the version of the audience's last change, `hash` that of its document."""

    epoch: str
    night: str | None
    version: int
    changed: int
    hash: str
    now: str
    speed: float


class ByeFrame(Struct, frozen=True, tag_field="type", tag="bye"):
    """The server is about to close; come back after so many seconds, not before."""

    reconnect_in: float


Frame = EventFrame | SnapshotFrame | WelcomeFrame | HeartbeatFrame | ByeFrame

# "deterministic" sorts the keys of dicts, so that a version asked for twice is the same bytes,
# whichever process encodes it.
_encoder: Final = msgspec.json.Encoder(order="deterministic")
_event_decoder: Final = msgspec.json.Decoder(EventFrame)


def encoded(frame: Frame) -> bytes:
    """The frame's JSON text."""
    return _encoder.encode(frame)


def decoded_event(text: bytes | msgspec.Raw) -> EventFrame:
    return _event_decoder.decode(text)


def framed(text: bytes) -> bytes:
    """One whole unmasked WebSocket text frame around the text (RFC 6455 section 5.2)."""
    length = len(text)
    if length < 126:
        return bytes((0x81, length)) + text
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big") + text
    return b"\x81\x7f" + length.to_bytes(8, "big") + text


def texts_of(wire: bytes) -> list[str]:
    """The texts inside bytes made by `framed`; for servers that do not take raw frames."""
    texts: list[str] = []
    start = 0
    while start < len(wire):
        length, start = wire[start + 1], start + 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, start = int.from_bytes(wire[start : start + size], "big"), start + size
        texts.append(wire[start : start + length].decode())
        start += length
    return texts


def merged_changes(documents: Iterable[Document]) -> Document:
    """One set of changes that does what all of them do in order: the newest value of each key."""
    merged: Document = {}
    for changes in documents:
        for section in SECTIONS:
            if section in changes:
                merged.setdefault(section, {}).update(changes[section])
    return merged
