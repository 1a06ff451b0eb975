"""When a message is tried again: three times soon, each wait twice the one before, then slower."""

from itertools import pairwise

from app.domain.retries import QUICK, TRIES_AT_MOST, WAITS, wait_after


def test_three_quick_tries_that_double_then_slower_ones_then_none() -> None:
    assert len(QUICK) == 3
    assert all(later == 2 * sooner for sooner, later in pairwise(QUICK))
    assert all(later > sooner for sooner, later in pairwise(WAITS))
    assert [wait_after(tries) for tries in range(1, TRIES_AT_MOST)] == list(WAITS)
    assert wait_after(TRIES_AT_MOST) is None
    assert 9 < sum(wait.total_seconds() for wait in WAITS) / 3600 < 11
