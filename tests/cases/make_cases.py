"""Writes the shared cases from the real fold: `python -m tests.cases.make_cases`.

`reducer.json`: [{name, audience, snapshot, frames, final, asks}]. A client that takes the frames in
order, from the snapshot on, holds `final` in the end. `asks`: whether it must have asked for a
snapshot on the way (and then holds what it held at that point). `final` is
{night, epoch, version, state, hash}.
`state_hash.json`: [{document, canonical, hash}].

The same cases run through `app.live` here (`tests/unit/live/test_cases.py`) and through the
browser's reducer. The test also fails when the files are not what this script writes.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from app.live.frames import texts_of
from app.live.messages import Message, messages_of
from app.live.rooms import Room
from floorplan import events as book
from floorplan.fold import fold
from floorplan.projection import canonical, state_hash
from floorplan.state import empty_state
from tests.cases.play import Play, opened

FOLDER = Path(__file__).parent
EPOCH = "0123456789abcdef"
Json = dict[str, Any]


def json_of(wire: bytes) -> list[Json]:
    """The frames inside some bytes of a socket."""
    return [json.loads(text) for text in texts_of(wire)]


class Story:
    """A played night that can be looked at from any version."""

    def __init__(self, play: Play, *, epoch: str = EPOCH) -> None:
        self.epoch = epoch
        self.play = play
        self.messages: list[Message]
        self.messages, self.state = messages_of(epoch, empty_state(play.state.night), play.events)

    def room(self, version: int | None = None) -> Room:
        """The room at the version, with all of its past in the ring."""
        version = self.state.version if version is None else version
        state = fold(empty_state(self.state.night), self.play.events[:version])
        return Room(self.epoch, state, self.messages[:version])

    def snapshot(self, audience: str, version: int) -> Json:
        return json_of(self.room(version).snapshot(audience))[0]

    def frames(self, audience: str, after: int, upto: int | None = None) -> list[Json]:
        wire = self.room(upto).missed(audience, after)
        assert wire is not None
        return json_of(wire)

    def merged(self, audience: str, after: int, upto: int) -> Json:
        wire = self.room(upto).merged(audience, after)
        assert wire, "nothing changed for the audience between these versions"
        return json_of(wire)[0]

    def final(self, audience: str, version: int | None = None) -> Json:
        """What a screen holds; its version is that of the last frame it took."""
        room = self.room(version)
        shot = json_of(room.snapshot(audience))[0]
        return {
            "night": shot["night"],
            "epoch": shot["epoch"],
            "version": shot["version"],
            "state": shot["state"],
            "hash": room.hash(audience),
        }


def case(
    name: str,
    audience: str,
    snapshot: Json,
    frames: Iterable[Json],
    final: Json,
    *,
    asks: bool = False,
) -> Json:
    frames = list(frames)
    # The version that a screen holds is its last frame's: later events changed nothing for it.
    held = [frame["version"] for frame in frames if frame.get("night") == final["night"]]
    begins_anew = any(frame["type"] == "snapshot" for frame in frames)
    if held and (begins_anew or not asks):
        final = {**final, "version": max(held)}
    return {
        "name": name,
        "audience": audience,
        "snapshot": snapshot,
        "frames": frames,
        "final": final,
        "asks": asks,
    }


def reducer_cases() -> list[Json]:
    busy = Play(7)
    busy.run(72)
    story = Story(busy)
    cases = [
        case(
            f"a busy night from version {start}, every frame",
            audience,
            story.snapshot(audience, start),
            story.frames(audience, start),
            story.final(audience),
        )
        for audience in ("public", "door", "manager")
        for start in (1, 55)
    ]
    middle, late = 20, 60
    rest = story.frames("manager", late)
    some = story.frames("manager", middle)
    cases += [
        case(
            "forty events merged in one frame for a slow screen, then single ones",
            "manager",
            story.snapshot("manager", middle),
            [story.merged("manager", middle, late), *rest],
            story.final("manager"),
        ),
        case(
            "every frame comes twice",
            "door",
            story.snapshot("door", middle),
            [frame for frame in story.frames("door", middle) for _ in range(2)],
            story.final("door"),
        ),
        case(
            "old frames come again after newer ones",
            "manager",
            story.snapshot("manager", middle),
            [*some, *some[:8]],
            story.final("manager"),
        ),
        case(
            "a frame overlaps what the screen has: after is below its own version",
            "manager",
            story.snapshot("manager", middle + 10),
            [story.merged("manager", middle, late), *rest],
            story.final("manager"),
        ),
        case(
            "a frame is missing: the screen asks and takes nothing more",
            "manager",
            story.snapshot("manager", middle),
            some[1:3],
            story.final("manager", middle),
            asks=True,
        ),
        case(
            "a frame is missing, and the snapshot that was asked for comes",
            "manager",
            story.snapshot("manager", middle),
            [*some[1:3], story.snapshot("manager", late), *rest],
            story.final("manager"),
            asks=True,
        ),
    ]
    cases += [_deletes(), _non_ascii(), _roll_over(story), _new_epoch(story)]
    return cases


def _deletes() -> Json:
    play = Play(3, nonsense=0)
    play.add(opened())
    booking_id = play.id()
    play.add(
        book.BookingInitiated(
            booking_id=booking_id,
            party=6,
            slot_from="2026-11-21T22:00:00.000Z",
            slot_until="2026-11-22T05:00:00.000Z",
            source="public",
        ),
        booking_id,
    )
    play.add(
        book.TablesSelected(
            booking_id=booking_id,
            tables=[7],
            deposit_pence=5000,
            hold_expires_at="2026-11-21T19:30:00.000Z",
        ),
        booking_id,
    )
    play.add(book.HoldExpired(booking_id=booking_id), booking_id)
    story = Story(play)
    return case(
        "a hold comes and expires: its booking is gone again",
        "manager",
        story.snapshot("manager", 1),
        story.frames("manager", 1),
        story.final("manager"),
    )


def _non_ascii() -> Json:
    play = Play(4, nonsense=0)
    play.add(opened("Café Größenwahn 夜 \U0001f378"))
    play.add(book.NightChanged(name="Nuit d’été \U0001f319"))
    story = Story(play)
    return case(
        "the night's name is not ASCII",
        "public",
        story.snapshot("public", 1),
        story.frames("public", 1),
        story.final("public"),
    )


def _roll_over(story: Story) -> Json:
    next_play = Play(9, night="2026-11-28")
    next_play.run(12)
    following = Story(next_play)
    return case(
        "the night rolls over: a snapshot of another night begins anew, at a lower version",
        "public",
        story.snapshot("public", 40),
        [
            *story.frames("public", 40),
            following.snapshot("public", 4),
            *following.frames("public", 4),
        ],
        following.final("public"),
    )


def _new_epoch(story: Story) -> Json:
    other = Story(story.play, epoch="fedcba9876543210")
    return case(
        "Postgres went back in time: a snapshot of a new epoch begins anew, at a lower version",
        "manager",
        story.snapshot("manager", 60),
        [other.snapshot("manager", 50), *other.frames("manager", 50)],
        other.final("manager"),
    )


def hash_cases() -> list[Json]:
    busy = Play(21)
    busy.run(40)
    documents: list[Json] = [
        {"night": {}, "tables": {}, "bookings": {}, "counts": {}, "waitlist": {}},
        {
            "night": {"name": 'Café 夜 \U0001f378 "quoted" \\ / \t', "edition": 0},
            "tables": {"10": {"free": [], "bookable": False}, "9": {"free": [], "bookable": True}},
            "bookings": {},
            "counts": {"inside": {"upstairs": 0, "downstairs": 150}},
            "waitlist": {"a": {"priority": 130, "booking_id": None}},
        },
        {
            "night": {"name": "\x7f\x80\x00\x1f\u2028\ufeff"},
            "tables": {},
            "bookings": {},
            "counts": {},
            "waitlist": {},
        },
        {
            "night": {"nothing": None, "yes": True, "below": -12},
            "tables": {},
            "bookings": {},
            "counts": {},
            "waitlist": {},
        },
    ]
    story = Story(busy)
    documents += [
        story.room(version).document(audience)
        for audience in ("public", "door", "manager")
        for version in (0, 1, 40)
    ]
    return [
        {
            "document": document,
            "canonical": canonical(document).decode(),
            "hash": state_hash(document),
        }
        for document in documents
    ]


def rendered(cases: list[Json]) -> str:
    """One case per line, so that a change shows as the cases that it changes."""
    lines = ",\n".join(msgspec.json.encode(each).decode() for each in cases)
    return f"[\n{lines}\n]\n"


FILES = {"reducer.json": reducer_cases, "state_hash.json": hash_cases}


def main() -> None:
    for name, make in FILES.items():
        (FOLDER / name).write_text(rendered(make()), encoding="utf-8")


if __name__ == "__main__":
    main()
