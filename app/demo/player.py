"""Plays one planned night: each intention at its time, one after the other."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, Protocol

from app.demo import desk, door, host
from app.demo import intentions as mean
from app.demo.crew import Crew
from app.demo.evening import Booked, Evening, Tell
from app.demo.intentions import Intention, Plan
from app.demo.interface import Interface
from floorplan.venue import Venue

# After a restart of the player alone: what was due in this time may not have been done.
MISSED: Final = timedelta(minutes=2)

PARTS: Final[dict[type[Any], Callable[[Evening, Any], Awaitable[None]]]] = {
    mean.Hold: desk.hold,
    mean.Extend: desk.extend,
    mean.Release: desk.release,
    mean.Pay: desk.pay,
    mean.Cancel: desk.cancel,
    mean.NoShow: desk.no_show,
    mean.Move: desk.move,
    mean.LastEntry: desk.last_entry,
    mean.Arrive: door.arrive,
    mean.GoOut: door.go_out,
    mean.ComeBack: door.come_back,
    mean.TryCode: door.try_code,
    mean.Click: door.click,
    mean.CountHeads: door.count_heads,
    mean.Seat: host.seat,
    mean.WalkIn: host.walk_in,
    mean.Leave: host.leave,
    mean.Reset: host.reset,
    mean.Block: host.block,
    mean.Unblock: host.unblock,
    mean.FillFloor: host.fill_floor,
    mean.ClearFloor: host.clear_floor,
    mean.LayFloor: host.lay_floor,
}


class Time(Protocol):
    """The venue's clock, as the player waits for it."""

    async def now(self) -> datetime: ...

    async def until(self, instant: datetime) -> None:
        """Return when the clock shows the instant, or later."""
        ...


async def play(
    interface: Interface, crew: Crew, venue: Venue, plan: Plan, time: Time, tell: Tell
) -> Evening:
    """The night is played from the clock's now to its last intention; returns what it came to.

    Refusals are part of it: nothing that the floor says ends the play.
    """
    evening = Evening(
        interface=interface,
        crew=crew,
        plan=plan,
        tell_at=tell,
        random=Random(),  # scan ids must differ when a night is played again
        floors={table.number: table.floor for table in venue.tables},
    )
    await _remember(evening)
    begun = await time.now()
    for intention in plan.intentions:
        if intention.at < begun - MISSED:
            continue
        while later := evening.due(intention.at):
            at, tries, put_off = later
            await time.until(at)
            await _perform(evening, put_off, at, tries)
        await time.until(intention.at)
        await _perform(evening, intention, intention.at, 0)
    return evening


async def _perform(evening: Evening, intention: Intention, at: datetime, tries: int) -> None:
    evening.now, evening.tries = at, tries
    await PARTS[type(intention)](evening, intention)


async def _remember(evening: Evening) -> None:
    """Who booked already, a week ago or before a restart: known by their names, night by night."""
    planned = {(p.night, p.name): p.id for p in evening.plan.parties.values()}
    for night in sorted({party.night for party in evening.plan.parties.values()}):
        listed = await evening.look(f"/v1/nights/{night}/bookings")
        for line in listed.get("bookings", []):
            party_id = planned.get((night, line["name"] or ""))
            if party_id is not None and line["status"] not in ("expired", "released"):
                evening.booked[party_id] = Booked.of(line)
