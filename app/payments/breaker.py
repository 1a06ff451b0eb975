"""A circuit breaker: after enough failures in a row nobody waits for a part that is away.

    closed   calls go through; failures in a row are counted
    open     calls are refused at once, for a while that doubles with each failed probe
    probing  the while is over: one call goes through, and decides

It closes by itself with the first call that is answered. Time is given, in seconds of a clock that
never goes back.
"""

from collections.abc import Callable
from typing import Final, Literal

State = Literal["closed", "open", "probing"]

FAILURES: Final = 5
WAIT_SECONDS: Final = 10.0
WAIT_SECONDS_MAX: Final = 120.0
# A probe whose caller died without a word does not keep the circuit open for ever.
PROBE_SECONDS: Final = 30.0


class CircuitOpen(Exception):
    """Not asked: it did not answer lately. `seconds` until it is tried again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Breaker:
    """One worker's view of one part."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._wait = WAIT_SECONDS
        self._probe_at: float | None = None

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "open" if self._remaining() > 0 else "probing"

    def judge(self) -> None:
        """Raises CircuitOpen: do not ask now. When the while is over, one caller may."""
        if self._opened_at is None:
            return
        now = self._clock()
        remaining = self._remaining()
        if remaining > 0:
            raise CircuitOpen(remaining)
        if self._probe_at is not None and now - self._probe_at < PROBE_SECONDS:
            raise CircuitOpen(1.0)
        self._probe_at = now

    def succeeded(self) -> None:
        """It answered, whatever it said."""
        self._failures = 0
        self._opened_at = self._probe_at = None
        self._wait = WAIT_SECONDS

    def failed(self) -> None:
        """It did not answer, or is broken."""
        self._failures += 1
        if self._opened_at is not None:
            if self._probe_at is None:
                return  # a call that was under way when it opened
            self._wait = min(self._wait * 2, WAIT_SECONDS_MAX)
        elif self._failures < FAILURES:
            return
        self._opened_at, self._probe_at = self._clock(), None

    def _remaining(self) -> float:
        assert self._opened_at is not None
        return self._opened_at + self._wait - self._clock()
