"""An answer about what is free that was kept is what would be made now, at every version.

A night is played at random, with prices, capacities and hours that change, in two worlds: a worker
that keeps all it ever made, and one that begins afresh at each question. Their bytes are compared,
and what a page holds when it is told that nothing moved.
"""

import random
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from app.web.availability import Answers, AvailabilityQuery, answer_of
from app.web.parts import Parts
from floorplan import events as book
from floorplan.nights import instant_text, parse_instant
from floorplan.venue import load_venue
from tests.cases.play import CLOSES, DOORS, Play, opened

VENUE = load_venue()
HOUR = timedelta(hours=1)
QUESTIONS = [
    AvailabilityQuery(party=4),
    AvailabilityQuery(party=4, floor="downstairs"),
    AvailabilityQuery(party=2, prefers=("upstairs",)),
    AvailabilityQuery(
        party=6, slot_from=instant_text(DOORS), slot_until=instant_text(DOORS + HOUR)
    ),
    AvailabilityQuery(party=9),
    AvailabilityQuery(party=30),
]


def worker(answers: Answers, now: datetime) -> Parts:
    """As much of a worker as an answer from memory needs."""
    live = SimpleNamespace(epoch="e", clock=SimpleNamespace(now=lambda: now))
    return cast(Parts, SimpleNamespace(venue=VENUE, live=live, availability=answers))


def changed(play: Play, chance: random.Random) -> None:
    """The manager edits the night: some tables' prices and capacities."""
    tables = [
        msgspec.structs.replace(
            one,
            capacity_max=chance.choice((4, 6, 8)),
            minimum_spend_pence=chance.choice((0, 20000, 30000)),
        )
        for one in opened().tables
        if chance.random() < 0.2
    ]
    play.add(book.NightChanged(tables=tables))


def freed(play: Play) -> None:
    """Whoever came first is gone again, or a full house would say the same for hours."""
    if len(play.state.bookings) > 8:
        gone = next(iter(play.state.bookings.values()))
        play.add(book.HoldExpired(booking_id=gone.id))


def stale_answers(answers: Answers, seed: int, *, steps: int = 60) -> list[str]:
    """What was answered otherwise than it would be by a worker that keeps nothing."""
    play, chance = Play(seed), random.Random(seed)
    play.add(opened())
    pages: dict[int, tuple[str, bytes]] = {}
    wrong = []
    for _ in range(steps):
        play.step()
        freed(play)
        if chance.random() < 0.1:
            changed(play, chance)
        now = chance.choice((DOORS - HOUR, DOORS - HOUR, DOORS + 2 * HOUR, CLOSES + HOUR))
        for number, question in enumerate(QUESTIONS):
            tag, held = pages.get(number, ("", b""))
            kept, how = answer_of(worker(answers, now), play.state, question, tag)
            fresh, _ = answer_of(worker(Answers(), now), play.state, question)
            shown = held if how == "not_modified" else kept.body
            if (shown, kept.tag) != (fresh.body, fresh.tag):
                wrong.append(f"version {play.state.version}, question {number}: {how}")
            pages[number] = kept.tag, shown
    return wrong


@pytest.mark.parametrize("seed", range(12))
def test_no_answer_is_older_than_the_night(seed: int) -> None:
    assert stale_answers(Answers(), seed) == []


class Forgetful(Answers):
    """Keeps an answer under its question alone: the negative control."""

    def find(self, night: str, version: tuple[str, int], question: object) -> Any:
        return super().find(night, ("e", 0), question)

    def keep(self, night: str, version: tuple[str, int], question: object, kept: Any) -> None:
        super().keep(night, ("e", 0), question, kept)


@pytest.mark.parametrize("left_out", ["version", "whole combinations", "prices"])
def test_a_key_that_leaves_something_out_gives_stale_answers(left_out: str) -> None:
    answers = Forgetful() if left_out == "version" else Answers()
    if left_out != "version":
        of = answers.rankings.of
        place = {"whole combinations": 0, "prices": 3}[left_out]

        def without(question: tuple[object, ...], make: Any) -> Any:
            return of((*question[:place], *question[place + 1 :]), make)

        answers.rankings.of = without  # type: ignore[method-assign, assignment]
    assert any(stale_answers(answers, seed) for seed in range(12))


def test_one_ranking_serves_every_hold_of_a_night() -> None:
    """Sixteen tables go one by one: what is ranked anew is what breaks the great combination."""
    answers, play = Answers(), Play(1)
    play.add(opened())
    ways = []
    for number in (1, 2, 3, 9, 15, 16, 7):
        held = book.BookingInitiated(
            f"b{number}", 4, instant_text(DOORS), instant_text(CLOSES), "public"
        )
        play.add(held)
        play.add(book.TablesSelected(held.booking_id, [number], 5000, instant_text(CLOSES)))
        ways.append(answer_of(worker(answers, DOORS), play.state, QUESTIONS[0])[1])
    assert ways == ["computed", *["reused"] * 3, "computed", *["reused"] * 2]


def test_after_last_entry_a_guest_is_offered_nothing_and_staff_the_same_as_before() -> None:
    play = Play(1)
    play.add(opened())
    assert play.state.info is not None
    last = parse_instant(play.state.info.last_entry_at)
    answers = Answers()
    offered = {
        (late, is_guest): answer_of(
            worker(answers, last + timedelta(milliseconds=late)),
            play.state,
            AvailabilityQuery(party=4),
            is_guest=is_guest,
        )[0]
        for late in (0, 1)
        for is_guest in (False, True)
    }
    assert offered[0, True].body == offered[0, False].body == offered[1, False].body
    shut = offered[1, True]
    assert shut.offered.sets == []
    assert shut.offered.problem is not None
    assert shut.offered.problem.reason == "too_late"
    assert shut.tag != offered[1, False].tag
