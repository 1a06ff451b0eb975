"""The shared cases: the committed files are what the fold makes, and Python's side holds them."""

import json
from typing import Any

import pytest

from floorplan.projection import canonical, merge, state_hash
from tests.cases.make_cases import FILES, FOLDER, rendered

REDUCER = json.loads((FOLDER / "reducer.json").read_text("utf-8"))
HASHES = json.loads((FOLDER / "state_hash.json").read_text("utf-8"))


class Screen:
    """The rules of a client in a few lines: what `docs/protocol.md` asks of every one."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.asks = False
        self.asked = False
        self.take(snapshot)

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "snapshot":
            self.night, self.epoch = frame["night"], frame["epoch"]
            self.version, self.state = frame["version"], frame["state"]
            self.asks = False
        elif frame["night"] == self.night and frame["version"] > self.version:
            if frame["after"] > self.version:
                self.asks = self.asked = True
            elif not self.asks:
                self.state = merge(self.state, frame["changes"])
                self.version = frame["version"]


@pytest.mark.parametrize("name", FILES)
def test_the_committed_cases_are_what_the_fold_makes_of_them(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8") == rendered(FILES[name]())
    assert written, "the fold changed: python -m tests.cases.make_cases, and look at the difference"


@pytest.mark.parametrize("case", REDUCER, ids=lambda case: f"{case['audience']}: {case['name']}")
def test_a_snapshot_and_its_frames_are_a_fresh_snapshot(case: dict[str, Any]) -> None:
    screen = Screen(case["snapshot"])
    for frame in case["frames"]:
        screen.take(frame)
    final = case["final"]
    assert screen.state == final["state"]
    assert (screen.night, screen.epoch, screen.version) == (
        final["night"],
        final["epoch"],
        final["version"],
    )
    assert state_hash(screen.state) == final["hash"]
    assert screen.asked == case["asks"]


def repeats(frames: list[Any]) -> bool:
    """Of these the first may be left out: there is no other, or it comes again on purpose."""
    return len(frames) < 2 or frames[0] in frames[1:]


@pytest.mark.parametrize(
    "case",
    [c for c in REDUCER if not c["asks"] and not repeats(c["frames"])],
    ids=lambda c: f"{c['audience']}: {c['name']}",
)
def test_a_frame_left_out_is_noticed_or_makes_another_state(case: dict[str, Any]) -> None:
    """The negative control: the cases can tell a reducer that loses frames."""
    frames = case["frames"]
    screen = Screen(case["snapshot"])
    for frame in frames[1:]:
        screen.take(frame)
    starts_over = any(frame["type"] == "snapshot" for frame in frames)
    assert screen.asked or starts_over or screen.state != case["final"]["state"]


@pytest.mark.parametrize("case", HASHES)
def test_the_hash_is_over_the_one_spelling(case: dict[str, Any]) -> None:
    assert canonical(case["document"]).decode() == case["canonical"]
    assert case["canonical"].isascii()
    assert json.loads(case["canonical"]) == case["document"]
    assert state_hash(case["document"]) == case["hash"]
