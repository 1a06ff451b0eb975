"""How long the live path takes, measured on the actions of this worker themselves."""

import asyncio
import time
from typing import Final

import msgspec
from msgspec import Struct

from app.actions.act import Answered
from app.errors import Refusal
from app.live.live import Live
from app.web.metrics import Metrics

WATCHED_MAX: Final = 4  # at the same time; more would measure the measuring


class _OfNight(Struct, frozen=True):
    night: str


_decoder: Final = msgspec.json.Decoder(_OfNight)


class CommitLag:
    """Some of the answered actions are followed until this worker's hub has their version."""

    def __init__(self, live: Live, metrics: Metrics) -> None:
        self._live = live
        self._metrics = metrics
        self._watching: set[asyncio.Task[None]] = set()

    def note(self, answered: Answered) -> None:
        """The action has just committed."""
        if answered.version is None or answered.replayed or len(self._watching) >= WATCHED_MAX:
            return
        try:
            night = _decoder.decode(answered.body).night
        except msgspec.ValidationError:
            return  # a verdict: it names no night
        task = asyncio.create_task(self._follow(night, answered.version, time.perf_counter()))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _follow(self, night: str, version: int, committed_at: float) -> None:
        try:
            state = await self._live.ensure(night, version)
        except Refusal:
            return  # the night is not in memory, and nobody needs it to be
        if state.version >= version:
            self._metrics.lag.labels(self._metrics.worker).observe(
                time.perf_counter() - committed_at
            )
