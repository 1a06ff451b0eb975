"""When the parent looks at its children again."""

import time
from typing import Any, cast

import pytest

from app.supervisor import RESTART_WAITS_SECONDS, TICK_SECONDS, Supervisor, _Child


def looks_again_in(*children: _Child) -> float:
    supervisor = Supervisor(cast(Any, None))
    supervisor._children.extend(children)
    return supervisor._pause()


def test_a_child_that_ended_is_started_when_it_is_due_and_not_a_tick_later() -> None:
    ended = _Child("worker 1", ["worker"], due_at=time.monotonic() + RESTART_WAITS_SECONDS[0])
    assert 0 <= looks_again_in(ended) <= RESTART_WAITS_SECONDS[0] < TICK_SECONDS
    overdue = _Child("worker 1", ["worker"], due_at=time.monotonic() - 5)
    assert looks_again_in(overdue) == 0


@pytest.mark.parametrize("children", [[], [_Child("the demo player", ["play"], finished=True)]])
def test_otherwise_a_tick_passes(children: list[_Child]) -> None:
    assert looks_again_in(*children) == TICK_SECONDS
