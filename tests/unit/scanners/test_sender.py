"""The sender against a real server on loopback that loses replies, hangs up and says no."""

import threading
from collections.abc import Iterator
from queue import Queue

import pytest

from scanners.answers import Decided, Dismissed, Rejected
from scanners.sender import (
    LIFETIME_SECONDS,
    UNKNOWN_SECONDS,
    WAITING_MOST,
    Outcome,
    Sender,
    Undecided,
)
from tests.unit.scanners.desk import Desk, wait_until

CODE = "BR1:A SECRET"


class Door:
    """A sender with its outcomes, and a clock that the test moves."""

    def __init__(self, address: str) -> None:
        self.now = 1000.0
        self.outcomes: Queue[tuple[str, Outcome]] = Queue()
        self.sender = Sender(
            address,
            "device-token",
            door="main",
            direction="in",
            report=lambda code, outcome: self.outcomes.put((code, outcome)),
            clock=lambda: self.now,
        )

    def next(self) -> Outcome:
        return self.outcomes.get(timeout=10)[1]


@pytest.fixture
def door(desk: Desk) -> Iterator[Door]:
    made = Door(desk.address)
    made.sender.start()
    yield made
    made.sender.stop()


def test_a_scan_is_posted_with_everything_the_server_wants(desk: Desk, door: Door) -> None:
    assert door.sender.offer(CODE)

    outcome = door.next()
    assert isinstance(outcome, Decided)
    assert (outcome.verdict, outcome.title, outcome.replayed) == ("admit", "Come in", False)
    scan_id = desk.scan_ids[0]
    assert desk.requests == [
        {"scan_id": scan_id, "code": CODE, "door": "main", "direction": "in", "people": 1}
    ]
    assert desk.tokens == ["Bearer device-token"]
    assert door.sender.link == "up"


def test_each_scan_has_an_id_of_its_own(desk: Desk, door: Door) -> None:
    for _ in range(3):
        assert door.sender.offer(CODE)
        door.next()
    assert len(set(desk.scan_ids)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        "lose",
        "hang up",
        (503, b"{}"),
        (200, b"<html>sign in to the Wi-Fi</html>"),
        (429, b"", {"Retry-After": "0"}),
    ],
    ids=str,
)
def test_after_a_fault_the_same_scan_is_asked_for_again(
    desk: Desk, door: Door, fault: str | tuple[int, bytes]
) -> None:
    desk.steps = [fault, fault]
    door.sender.offer(CODE)

    outcome = door.next()
    assert isinstance(outcome, Decided)
    assert outcome.replayed is (fault == "lose")
    assert len(desk.requests) == 3, "the fault did not happen"
    assert len(set(desk.scan_ids)) == 1
    assert len(desk.decided) == 1
    assert (door.sender.link, door.sender.trouble) == ("up", "")


def test_a_scan_whose_time_is_over_is_undecided_and_its_code_keeps_the_id(
    desk: Desk, door: Door
) -> None:
    desk.hold.clear()
    desk.steps = ["lose"]
    door.sender.offer(CODE)
    wait_until(lambda: desk.arrived == 1, "the request to arrive")
    door.now += LIFETIME_SECONDS
    desk.hold.set()
    assert isinstance(door.next(), Undecided)
    assert len(desk.decided) == 1, "the server counted the guest"

    door.sender.offer(CODE)
    outcome = door.next()
    assert isinstance(outcome, Decided)
    assert outcome.replayed
    assert len(set(desk.scan_ids)) == 1, "one guest, one scan"

    door.sender.offer(CODE)
    door.next()
    assert len(set(desk.scan_ids)) == 2, "once the verdict is known a new try is a new scan"


def test_an_id_of_unknown_outcome_is_not_kept_for_ever(desk: Desk, door: Door) -> None:
    desk.hold.clear()
    desk.steps = ["lose"]
    door.sender.offer(CODE)
    wait_until(lambda: desk.arrived == 1, "the request to arrive")
    door.now += LIFETIME_SECONDS
    desk.hold.set()
    assert isinstance(door.next(), Undecided)

    door.now += UNKNOWN_SECONDS
    door.sender.offer(CODE)
    door.next()
    assert len(set(desk.scan_ids)) == 2


def test_a_scan_that_grew_old_in_the_queue_is_never_sent(desk: Desk, door: Door) -> None:
    desk.hold.clear()
    door.sender.offer("BR1:FIRST")
    door.sender.offer("BR1:SECOND")
    wait_until(lambda: desk.arrived == 1, "the first request to arrive")
    door.now += LIFETIME_SECONDS
    desk.hold.set()

    assert isinstance(door.next(), Decided)
    assert isinstance(door.next(), Undecided)
    assert [request["code"] for request in desk.requests] == ["BR1:FIRST"]


def test_the_queue_takes_so_many_and_then_says_no(desk: Desk, door: Door) -> None:
    desk.hold.clear()
    assert door.sender.offer(CODE)
    wait_until(lambda: desk.arrived == 1, "the first scan to be under way")

    taken = [door.sender.offer(f"BR1:{number}") for number in range(WAITING_MOST + 5)]
    assert taken == [True] * WAITING_MOST + [False] * 5
    assert door.sender.waiting == 1 + WAITING_MOST

    desk.hold.set()
    assert door.sender.drain(10)
    assert door.sender.waiting == 0
    assert door.sender.offer(CODE), "with room again it is taken"


@pytest.mark.parametrize("status", [401, 403])
def test_a_dismissed_device_stops_asking(desk: Desk, door: Door, status: int) -> None:
    desk.steps = [(status, b'{"reason": "device_revoked"}')]
    door.sender.offer(CODE)

    outcome = door.next()
    assert isinstance(outcome, Dismissed)
    assert "device_revoked" in outcome.why
    wait_until(lambda: door.sender.link == "dismissed", "the link to say so")
    assert not door.sender.offer(CODE)
    assert len(desk.requests) == 1


def test_a_scan_that_the_server_will_never_take_is_not_repeated(desk: Desk, door: Door) -> None:
    desk.steps = [(422, b'{"reason": "scan_id_reused"}')]
    door.sender.offer(CODE)
    assert isinstance(door.next(), Rejected)

    door.sender.offer(CODE)
    assert isinstance(door.next(), Decided)
    assert len(set(desk.scan_ids)) == 2


def test_an_endless_answer_is_cut_off(desk: Desk, door: Door) -> None:
    """It would be a good verdict, were it not followed by 100 kB of blanks."""
    desk.steps = ["pad"]
    door.sender.offer(CODE)
    assert isinstance(door.next(), Decided)
    assert len(desk.requests) == 2


def test_a_server_that_is_not_there_leaves_the_guest_to_the_staff(desk: Desk) -> None:
    address = desk.address
    desk.close()
    door = Door(address)
    door.sender.start()
    try:
        door.sender.offer(CODE)
        wait_until(lambda: door.sender.link == "down", "the link to be down")
        assert door.sender.trouble == "server not reached"
        door.now += LIFETIME_SECONDS
        outcome = door.next()
        assert isinstance(outcome, Undecided)
        assert outcome.why == "server not reached"
    finally:
        door.sender.stop()


def test_stopping_does_not_wait_for_the_scans_life(desk: Desk) -> None:
    address = desk.address
    desk.close()
    door = Door(address)
    door.sender.start()
    door.sender.offer(CODE)
    wait_until(lambda: door.sender.link == "down", "the link to be down")

    door.sender.stop()
    assert not any(thread.name == "sender" for thread in threading.enumerate())
    assert isinstance(door.next(), Undecided)


def test_no_repr_shows_the_code(desk: Desk, door: Door) -> None:
    desk.hold.clear()
    door.sender.offer("BR1:FIRST")
    door.sender.offer(CODE)
    waiting = door.sender._waiting.queue[-1]
    assert waiting.code == CODE
    assert "SECRET" not in repr(waiting)
    desk.hold.set()
    assert door.sender.drain(10)
