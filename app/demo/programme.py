"""The demo's calendar: Saturday after Saturday, and the weekends that can be booked ahead."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from app.demo.calendar import following, is_under_way, title, today
from app.demo.crew import Crew
from app.demo.intentions import Plan
from app.demo.interface import Interface
from app.demo.plan import plan_night
from app.demo.player import Time
from floorplan.nights import parse_instant
from floorplan.venue import Venue

# Tonight, and in days from it the nights that can be booked already: Friday, Saturday, the next.
COMING: Final = (0, 6, 7, 14)

# How far ahead of the night's end the clock is put when everybody is gone.
DAWN: Final = timedelta(minutes=1)
SEALED_WITHIN_SECONDS: Final = 15.0
LOOK_SECONDS: Final = 0.2

RESYNC_SECONDS: Final = 5.0


class VenueClock:
    """The venue's clock: asked of the service, and carried on between two questions."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._shown: datetime | None = None
        self._speed = 1.0
        self._asked_at = 0.0

    async def now(self) -> datetime:
        if self._shown is None or time.monotonic() - self._asked_at > RESYNC_SECONDS:
            await self.ask()
        assert self._shown is not None
        return self._shown + timedelta(seconds=(time.monotonic() - self._asked_at) * self._speed)

    async def ask(self) -> None:
        """Take the time from the service. Raises NoTime: it does not answer."""
        answer = await self._interface.get("/v1/nights")
        if answer.ok:
            self._shown = parse_instant(answer.body["now"])
            self._speed = answer.body["speed"]
            self._asked_at = time.monotonic()
        elif self._shown is None:
            raise NoTime(f"the service does not tell the time: {answer.status} {answer.reason}")

    async def until(self, instant: datetime) -> None:
        """Sleeps in short steps, because the clock may be set meanwhile."""
        left = await self._left(instant)
        while left > 0:
            await asyncio.sleep(min(left, RESYNC_SECONDS))
            left = await self._left(instant)

    async def _left(self, instant: datetime) -> float:
        """The real seconds until then, if nobody sets the clock."""
        return (instant - await self.now()).total_seconds() / self._speed


class NoTime(Exception):
    """Without the venue's time nobody knows when to come."""


class Programme:
    """Which night is played, which are open, and how one follows another."""

    def __init__(
        self,
        interface: Interface,
        crew: Crew,
        venue: Venue,
        seed: int,
        set_clock: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._interface = interface
        self._crew = crew
        self._venue = venue
        self._seed = seed
        self._set_clock = set_clock

    async def begin(self, now: datetime) -> Plan:
        """Tonight's plan when its evening is under way; else that of the next Saturday."""
        night = today(now, self._venue)
        if is_under_way(now, self._venue) and await self._status(night) == "open":
            await self._set_clock(now)
            await self._open(night)
            return plan_night(self._seed, self._venue, night)
        fresh = is_under_way(now, self._venue) and await self._status(night) is None
        return await self.evening_of(night if fresh else following(now, self._venue))

    async def evening_of(self, night: date) -> Plan:
        """The clock shows the evening of the Saturday, and it can be booked."""
        plan = plan_night(self._seed, self._venue, night)
        await self._set_clock(plan.evening_at)
        await self._open(night)
        return plan

    async def end(self, plan: Plan, clock: Time) -> bool:
        """The night's date is over and the night sealed by itself; False: the manager did it.

        Once everybody is gone the clock is put forward to dawn: an empty house is no sight.
        """
        if await clock.now() < plan.ends_at - DAWN:
            await self._set_clock(plan.ends_at - DAWN)
        await clock.until(plan.ends_at)
        night = date.fromisoformat(plan.night)
        deadline = time.monotonic() + SEALED_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if await self._status(night) == "sealed":
                return True
            await asyncio.sleep(LOOK_SECONDS)
        await self._crew.staff(f"/v1/nights/{plan.night}", {"status": "sealed"}, method="PATCH")
        return False

    async def _open(self, tonight: date) -> None:
        """Tonight and the coming nights are open; those that are open already stay as they are."""
        for days in COMING:
            night = tonight + timedelta(days=days)
            if await self._status(night) is None:
                body: dict[str, Any] = {"night": night.isoformat(), "name": title(night)}
                await self._crew.staff("/v1/nights", body)

    async def _status(self, night: date) -> str | None:
        answer = await self._interface.get(f"/v1/nights/{night.isoformat()}")
        return str(answer.body["status"]) if answer.ok else None
