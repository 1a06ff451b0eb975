"""A room at any version leads any older screen to the present, by frames, merged, or whole."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live.frames import texts_of
from app.live.messages import message_of
from app.live.rooms import Room
from floorplan.projection import Document, merge, project, state_hash
from floorplan.state import AUDIENCES, NightState, empty_state
from tests.cases.play import NIGHT, Play, opened

EPOCH = "0123456789abcdef"


def played(seed: int, steps: int, *, ring_events: int = 2000) -> tuple[Room, list[NightState]]:
    """A room that lived through a night, and the state at each of its versions."""
    play = Play(seed)
    play.run(steps)
    room = Room(EPOCH, empty_state(NIGHT), ring_events=ring_events)
    states = [room.state]
    for event in play.events:
        message, state = message_of(EPOCH, room.state, event)
        room.apply(message, state)
        states.append(state)
    return room, states


def after(document: Document, wire: bytes) -> Document:
    for text in texts_of(wire):
        frame: dict[str, Any] = json.loads(text)
        document = merge(document, frame["changes"])
    return document


@pytest.mark.parametrize("audience", AUDIENCES)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 80))
@settings(max_examples=25)
def test_resume_from_every_version_gives_a_fresh_snapshot(
    audience: str, seed: int, steps: int
) -> None:
    room, states = played(seed, steps)
    fresh = json.loads(texts_of(room.snapshot(audience))[0])
    assert fresh["state"] == room.document(audience)
    assert state_hash(fresh["state"]) == room.hash(audience)
    for version, state in enumerate(states):
        missed, merged = room.missed(audience, version), room.merged(audience, version)
        assert missed is not None
        assert merged is not None
        stale = project(state, audience)
        assert after(stale, missed) == fresh["state"]
        assert after(stale, merged) == fresh["state"]
        assert len(texts_of(merged)) <= 1


def test_resume_without_any_one_of_the_frames_is_noticed() -> None:
    """The negative control of the property above."""
    room, states = played(5, 40)
    missed = room.missed("manager", 1)
    assert missed is not None
    frames = [json.loads(text) for text in texts_of(missed)]
    for lost in range(len(frames)):
        document, mine, noticed = project(states[1], "manager"), 1, False
        for frame in frames[:lost] + frames[lost + 1 :]:
            noticed = noticed or frame["after"] > mine
            document = merge(document, frame["changes"])
            mine = frame["version"]
        # The last frame has none after it: there the hash of the heartbeat tells.
        assert noticed or state_hash(document) != room.hash("manager")


def test_a_version_asked_twice_is_the_same_bytes() -> None:
    one, _ = played(8, 60)
    two, _ = played(8, 60)
    for audience in AUDIENCES:
        assert one.missed(audience, 3) == two.missed(audience, 3)
        assert one.merged(audience, 3) == two.merged(audience, 3)
        assert one.snapshot(audience) == two.snapshot(audience)
        assert one.snapshot(audience) is one.snapshot(audience), "encoded once"


def test_the_ring_is_bounded_and_says_how_far_it_reaches() -> None:
    room, states = played(2, 60, ring_events=10)
    end = room.version
    assert room.reach == end - 10
    assert room.missed("manager", end - 11) is None
    assert room.merged("manager", end - 11) is None
    missed = room.missed("manager", end - 10)
    assert missed is not None
    assert after(project(states[end - 10], "manager"), missed) == room.document("manager")


def test_a_version_ahead_of_the_room_is_not_resumed() -> None:
    room, _ = played(2, 20)
    assert room.missed("manager", room.version) == b""
    assert room.missed("manager", room.version + 1) is None


def test_a_room_takes_only_the_next_message_of_its_own_night() -> None:
    play = Play(1)
    play.add(opened())
    play.add_raw("NONSENSE", b"{}")
    first, state = message_of(EPOCH, empty_state(NIGHT), play.events[0])
    second, _ = message_of(EPOCH, state, play.events[1])
    room = Room(EPOCH, empty_state(NIGHT))
    with pytest.raises(ValueError, match="cannot follow"):
        room.apply(second)
    room.apply(first)
    with pytest.raises(ValueError, match="cannot follow"):
        room.apply(first)
    other = Room(EPOCH, empty_state("2026-11-28"))
    with pytest.raises(ValueError, match="cannot follow"):
        other.apply(first)
