"""How fast the demo runs: as slowly as the real clock while somebody who watches has a hold to pay.

At 60 times the speed the ten minutes of a hold are ten seconds, in which nobody types a name and
pays. The player knows the holds that it made; every other one is a person's. So that a hold which
was only tried does not stop the night, the demo waits three minutes for it and then runs on.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from app.demo.crew import Crew
from app.demo.interface import Interface
from floorplan.nights import instant_text

LOOK_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 180.0
SLOW: Final = 1.0


class Shown(Protocol):
    """The venue's clock, as the player reads it."""

    async def now(self) -> datetime: ...

    async def ask(self) -> None: ...


class CannotSetClock(Exception):
    """The demo's own clock was not set: who plays it has no right to, or the service is away."""


class Pace:
    """Sets the demo's clock, at the speed that is right just now."""

    def __init__(
        self,
        interface: Interface,
        crew: Crew,
        clock: Shown,
        speed: float,
        *,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interface = interface
        self._crew = crew
        self._clock = clock
        self._speed = speed
        self._stopwatch = stopwatch
        self._since: dict[str, float] = {}
        self.is_slow = False

    async def set_clock(self, shown_at: datetime) -> None:
        """The clock shows the instant. Raises CannotSetClock."""
        speed = min(SLOW, self._speed) if self.is_slow else self._speed
        answer = await self._crew.set_clock(instant_text(shown_at), speed)
        if not answer.ok:
            raise CannotSetClock(f"the clock was not set: {answer.status} {answer.reason}")
        await self._clock.ask()

    async def keep(self) -> None:
        """Look for people's holds for ever; a service that is away is asked again."""
        while self._speed > SLOW:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except CannotSetClock:
                continue

    async def look(self) -> None:
        """The demo runs slowly if a person has held tables for a moment, and not for too long."""
        holds = await self._holds_of_people()
        if holds is None:
            return
        now = self._stopwatch()
        # One that was not there at the last look may be the player's, whose answer is on its way.
        known = {one: self._since[one] for one in holds if one in self._since}
        self._since = dict.fromkeys(holds, now) | known
        slow = any(now - since < PATIENCE_SECONDS for since in known.values())
        if slow != self.is_slow:
            shown_at = await self._clock.now()
            self.is_slow = slow
            await self.set_clock(shown_at)

    async def _holds_of_people(self) -> set[str] | None:
        """The bookings that are held and not by the player; None: nobody could tell."""
        nights = await self._interface.get("/v1/nights")
        if not nights.ok:
            return None
        found: set[str] = set()
        for night in nights.body["nights"]:
            if night["status"] != "open":
                continue
            state = await self._crew.read(f"/v1/nights/{night['night']}/state")
            if not state.ok:
                return None
            bookings = state.body["state"]["bookings"]
            found |= {one for one, it in bookings.items() if it["status"] == "pending"}
        return found - self._interface.held
