"""A message says the same as the event that it was made of, whoever reads it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live.frames import decoded_event
from app.live.messages import (
    MessageUnreadable,
    decode_message,
    encode_message,
    fields_of,
    message_of,
    patched,
    state_of,
)
from floorplan.projection import merge, project
from floorplan.state import AUDIENCES, empty_state
from tests.cases.play import NIGHT, Play, opened

EPOCH = "0123456789abcdef"
plays = st.builds(
    Play, st.integers(0, 2**32), nonsense=st.sampled_from((0.0, 0.1, 0.5)), night=st.just(NIGHT)
)


@given(plays, st.integers(1, 60))
@settings(max_examples=60)
def test_the_patches_lead_to_the_state_that_the_fold_leads_to(play: Play, steps: int) -> None:
    play.run(steps)
    heard = folded = empty_state(NIGHT)
    for event in play.events:
        message, folded = message_of(EPOCH, folded, event)
        again = decode_message(encode_message(message))
        assert again == message
        heard = patched(heard, again.patch)
        assert heard == folded
    assert state_of(fields_of(folded)) == folded == play.state


@given(plays, st.integers(1, 60), st.data())
@settings(max_examples=60)
def test_a_stale_snapshot_and_the_frames_since_are_a_fresh_snapshot(
    play: Play, steps: int, data: st.DataObject
) -> None:
    play.run(steps)
    stale_version = data.draw(st.integers(0, len(play.events)))
    state = empty_state(NIGHT)
    documents = {audience: project(state, audience) for audience in AUDIENCES}
    mine = dict.fromkeys(AUDIENCES, 0)
    for event in play.events:
        message, state = message_of(EPOCH, state, event)
        if event.version <= stale_version:
            documents = {audience: project(state, audience) for audience in AUDIENCES}
            mine = dict.fromkeys(AUDIENCES, event.version)
            continue
        for audience, raw in message.frames.items():
            frame = decoded_event(raw)
            assert frame.after <= mine[audience] < frame.version
            documents[audience] = merge(documents[audience], frame.changes)
            mine[audience] = frame.version
    for audience in AUDIENCES:
        assert documents[audience] == project(state, audience)


def test_the_public_gets_no_line_and_no_booking() -> None:
    play = Play(11)
    play.run(120)
    state = empty_state(NIGHT)
    lines = 0
    for event in play.events:
        message, state = message_of(EPOCH, state, event)
        for audience, raw in message.frames.items():
            frame = decoded_event(raw)
            lines += frame.line is not None
            assert audience == "manager" or frame.line is None
            assert audience != "public" or frame.changes.keys() <= {"night", "tables"}
    assert lines > 50


def test_an_event_that_changes_nothing_for_an_audience_sends_it_nothing() -> None:
    play = Play(1)
    play.add(opened())
    play.add_raw("TABLE_FLEW_AWAY", b'{"table":7}')
    state = empty_state(NIGHT)
    messages = []
    for event in play.events:
        message, state = message_of(EPOCH, state, event)
        messages.append(message)
    assert set(messages[0].frames) == set(AUDIENCES)
    assert messages[1].frames == {}
    assert state.version == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"epoch":"e"}',
        b'{"epoch":"e","night":"n","version":"1","at":"","frames":{},"patch":{}}',
    ],
)
def test_bytes_that_are_no_message_are_told_apart(data: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        decode_message(data)


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"meta": b"{}"},
        {"meta": b"null"},
        {"table:x": b"{}"},
        {"table:7": b'{"number":7}'},
        {"booking:b": b"[]"},
    ],
)
def test_a_patch_that_is_not_of_this_release_is_told_apart(patch: dict[str, bytes]) -> None:
    with pytest.raises(MessageUnreadable):
        patched(empty_state(NIGHT), {k: msgspec.Raw(v) for k, v in patch.items()})
