"""The circuit breaker, with a clock in hand."""

import pytest

from app.payments.breaker import (
    FAILURES,
    PROBE_SECONDS,
    WAIT_SECONDS,
    WAIT_SECONDS_MAX,
    Breaker,
    CircuitOpen,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def state_of(breaker: Breaker) -> str:
    return breaker.state


def opened() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        breaker.judge()
        breaker.failed()
    return breaker, clock


def test_it_opens_after_so_many_failures_in_a_row_and_no_fewer() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES - 1):
        breaker.failed()
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed()
    assert state_of(breaker) == "closed"
    breaker.failed()
    assert state_of(breaker) == "open"
    with pytest.raises(CircuitOpen) as refused:
        breaker.judge()
    assert refused.value.seconds == WAIT_SECONDS


def test_after_the_while_one_call_goes_through_and_closes_it() -> None:
    breaker, clock = opened()
    clock.now = WAIT_SECONDS
    assert state_of(breaker) == "probing"
    breaker.judge()
    with pytest.raises(CircuitOpen):
        breaker.judge()
    breaker.succeeded()
    assert state_of(breaker) == "closed"
    breaker.judge()


def test_each_probe_that_fails_doubles_the_while_up_to_a_limit() -> None:
    breaker, clock = opened()
    waits = []
    for _ in range(7):
        with pytest.raises(CircuitOpen) as refused:
            breaker.judge()
        waits.append(refused.value.seconds)
        clock.now += refused.value.seconds
        breaker.judge()
        breaker.failed()
    assert waits == [10, 20, 40, 80, WAIT_SECONDS_MAX, WAIT_SECONDS_MAX, WAIT_SECONDS_MAX]
    clock.now += WAIT_SECONDS_MAX
    breaker.judge()
    breaker.succeeded()
    for _ in range(FAILURES):
        breaker.failed()
    with pytest.raises(CircuitOpen) as refused:
        breaker.judge()
    assert refused.value.seconds == WAIT_SECONDS


def test_calls_that_were_under_way_when_it_opened_do_not_lengthen_it() -> None:
    breaker, clock = opened()
    clock.now = 3
    breaker.failed()
    with pytest.raises(CircuitOpen) as refused:
        breaker.judge()
    assert refused.value.seconds == WAIT_SECONDS - 3


def test_a_probe_that_is_never_heard_of_again_does_not_keep_it_open() -> None:
    breaker, clock = opened()
    clock.now = WAIT_SECONDS
    breaker.judge()
    clock.now += PROBE_SECONDS - 1
    with pytest.raises(CircuitOpen):
        breaker.judge()
    clock.now += 1
    breaker.judge()
