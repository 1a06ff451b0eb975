"""The framing is RFC 6455's, judged by the websockets library, and reading back loses nothing."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from app.live.frames import framed, merged_changes, texts_of
from floorplan.projection import Document

LENGTHS = (0, 1, 125, 126, 127, 65_535, 65_536, 70_000)


def read_by_a_client(wire: bytes) -> list[Frame]:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    client.receive_data(wire)
    return [event for event in client.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_client_reads_the_text_that_was_framed(length: int) -> None:
    text = ("é" * length).encode()[:length] if length % 2 == 0 else b"x" * length
    (frame,) = read_by_a_client(framed(text))
    assert (frame.opcode, frame.fin, frame.data) == (Opcode.TEXT, True, text)


def test_joined_frames_are_read_one_by_one() -> None:
    texts = ["x" * length for length in LENGTHS]
    wire = b"".join(framed(text.encode()) for text in texts)
    assert [bytes(frame.data).decode() for frame in read_by_a_client(wire)] == texts
    assert texts_of(wire) == texts


def test_merged_changes_keep_the_newest_value_and_every_deletion() -> None:
    first: Document = {"tables": {"1": {"a": 1}, "2": {"a": 1}}, "bookings": {"b": {"c": 1}}}
    second: Document = {"tables": {"2": {"a": 2}}, "bookings": {"b": None}}
    assert merged_changes([first, second]) == {
        "tables": {"1": {"a": 1}, "2": {"a": 2}},
        "bookings": {"b": None},
    }
    assert first["tables"]["2"] == {"a": 1}, "the frames of the ring are not touched"
