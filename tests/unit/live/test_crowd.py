"""Strangers are counted by address and refused; whoever is known always gets in."""

import pytest

from app.domain.principals import ANONYMOUS, Principal
from app.live.clients import Client, Sink, Watcher
from app.live.crowd import Crowd


class Wire:
    """An outlet that nobody listens to."""

    watcher: Watcher | None = None

    def push(self, wire: bytes) -> bool:
        return True

    def sink(self) -> Sink:
        return self

    def send(self, wire: bytes, /) -> int:
        return len(wire)

    def write_rest(self, wire: bytes, taken: int) -> None: ...

    def end(self, code: int, reason: str) -> None: ...


def screen(principal: Principal = ANONYMOUS, address: str = "192.0.2.1") -> Client:
    return Client(Wire(), "public", principal=principal, address=address)


MANAGER = Principal("staff", "m", "MANAGER")
TABLET = Principal("device", "t", "DEVICE")


def test_a_full_address_takes_no_more_strangers_and_another_one_does() -> None:
    crowd = Crowd(strangers_most=3)
    inside = [screen() for _ in range(3)]
    assert [crowd.enter(one) for one in inside] == [None, None, None]
    late = screen()
    assert crowd.enter(late) is late
    assert crowd.enter(screen(address="192.0.2.2")) is None
    crowd.leave(late)  # it was never in, and takes nobody's place away
    again = screen()
    assert crowd.enter(again) is again
    crowd.leave(inside[1])
    assert crowd.enter(again) is None


@pytest.mark.parametrize("principal", [MANAGER, TABLET])
def test_whoever_is_known_gets_in_past_a_crowd_of_strangers(principal: Principal) -> None:
    crowd = Crowd(strangers_most=1, screens_most=2)
    crowd.enter(screen())
    assert crowd.enter(screen(principal)) is None
    assert crowd.enter(screen(principal)) is None


def test_the_oldest_of_ones_own_screens_goes() -> None:
    crowd = Crowd(screens_most=2)
    first, second, third, fourth = (screen(MANAGER) for _ in range(4))
    assert [crowd.enter(one) for one in (first, second)] == [None, None]
    assert crowd.enter(third) is first
    first.ends = True  # told to go, and not yet gone
    assert crowd.enter(fourth) is second
    assert crowd.enter(screen(TABLET)) is None


def test_who_left_is_forgotten() -> None:
    crowd = Crowd(strangers_most=1)
    one = screen()
    crowd.enter(one)
    crowd.leave(one)
    crowd.leave(one)
    assert crowd._open == {}


def test_this_machine_is_nobodys_crowd() -> None:
    crowd = Crowd(strangers_most=1)
    assert [crowd.enter(screen(address="")) for _ in range(3)] == [None, None, None]
