"""What `load.killed` makes of a night's frames: it sees a screen that is late, wrong or left out.

A night is played at random and told to a screen as the hub would tell it; then one thing is
changed about what the screen heard.
"""

from collections.abc import Callable

import pytest

from app.live.frames import EventFrame, HeartbeatFrame, SnapshotFrame, encoded, framed
from floorplan.fold import apply
from floorplan.projection import project, state_hash
from floorplan.state import empty_state
from load.killed import Life, Outcome, Screen, judged
from load.pictures import Frames, said_by_the_book
from load.storm import SOCKET_PAGE, page_rules
from tests.cases.play import NIGHT, Play

SECOND = 1_000_000_000
KILLED = 100 * SECOND
RULES = page_rules(SOCKET_PAGE.read_text("utf-8"))
PLAY = Play(7, nonsense=0.0)
EVENTS = PLAY.run(120)
SAID = {"public": said_by_the_book(NIGHT, EVENTS, "public")}
FRESH = {"public": state_hash(project(PLAY.state, "public"))}
# One change a second; the kill is in the middle, and the screen is back two seconds later.
SENT = {event.version: (40 + event.version) * SECOND for event in EVENTS}


def heard() -> list[tuple[int, bytes]]:
    """Every frame of the night for the public, with when it came."""
    state, mine, frames = empty_state(NIGHT), 0, []
    for event in EVENTS:
        step = apply(state, event)
        state = step.state
        at = SENT[event.version] + SECOND // 100
        if event.version == 1:
            whole = SnapshotFrame("e", NIGHT, 1, event.at, project(state, "public"))
            frames.append((at, encoded(whole)))
            mine = 1
        elif "public" in step.changes:
            changes = step.changes["public"]
            frames.append((at, encoded(EventFrame(NIGHT, mine, event.version, event.at, changes))))
            mine = event.version
    told = HeartbeatFrame("e", NIGHT, mine, mine, FRESH["public"], "", 1)
    return [*frames, (frames[-1][0], encoded(told))]


def outcome_of(change: Callable[[list[tuple[int, bytes]]], None] = lambda frames: None) -> Outcome:
    frames = heard()
    change(frames)
    back = KILLED + 2 * SECOND
    # What came while it was away is told again when it is back.
    before = Life(1, KILLED, [one for one in frames if one[0] <= KILLED])
    after = Life(back, 0, [(max(back, at), frame) for at, frame in frames if at > KILLED])
    screen = Screen(0, "public", "10.1.0.1", "", RULES)
    screen.lives = [before, after]
    return judged([screen], KILLED, SENT, SAID, FRESH)


def test_a_screen_that_saw_everything_is_back_and_right() -> None:
    outcome = outcome_of()
    assert (outcome.hit, outcome.never, outcome.disturbed, outcome.wrong) == (1, 0, 0, [])
    first = min(v for v in _seen() if SENT[v] > KILLED + 2 * SECOND)
    assert outcome.back == [pytest.approx((SENT[first] - KILLED) / SECOND + 0.01)]


def _seen() -> list[int]:
    kept = [frame for _, frame in heard() if b'"type":"event"' in frame]
    return [int(frame.partition(b'"version":')[2].partition(b",")[0]) for frame in kept]


def left_out(frames: list[tuple[int, bytes]]) -> None:
    del frames[len(frames) // 2]


def wrong_table(frames: list[tuple[int, bytes]]) -> None:
    """One table of one frame is told as it is not."""
    place = next(i for i, (_, f) in enumerate(frames) if i > 5 and b'"bookable":false' in f)
    at, frame = frames[place]
    frames[place] = at, frame.replace(b'"bookable":false', b'"bookable":true', 1)


def wrong_heartbeat(frames: list[tuple[int, bytes]]) -> None:
    at, frame = frames[-1]
    frames[-1] = at, frame.replace(FRESH["public"].encode(), b"00000000")


def ends_early(frames: list[tuple[int, bytes]]) -> None:
    """The heartbeat and the last two changes never came."""
    del frames[-3:]


@pytest.mark.parametrize("change", [left_out, wrong_table, wrong_heartbeat, ends_early])
def test_whatever_a_screen_showed_that_was_not_so_is_found(
    change: Callable[[list[tuple[int, bytes]]], None],
) -> None:
    assert outcome_of(change).wrong


def test_a_screen_that_never_heard_again_is_not_back() -> None:
    def silent(frames: list[tuple[int, bytes]]) -> None:
        frames[:] = [one for one in frames if one[0] <= KILLED]

    outcome = outcome_of(silent)
    assert (outcome.hit, outcome.never, outcome.back) == (1, 1, [])


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_frames_are_whole_however_the_bytes_come(size: int) -> None:
    texts = [b"{}", b"x" * 125, b"y" * 126, b"z" * 70_000]
    data = (
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + b"".join(map(framed, texts)) + b"\x81\x05cut"
    )
    frames = Frames()
    found = [f for at in range(0, len(data), size) for f in frames.feed(data[at : at + size])]
    assert found == texts


def test_who_is_refused_has_no_frames() -> None:
    frames = Frames()
    assert list(frames.feed(b"HTTP/1.1 503 Service Unavailable\r\n\r\n\x81\x02{}")) == []
    assert not frames.is_open
