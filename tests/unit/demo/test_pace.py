"""While a person has a hold to pay, the demo runs as slowly as the real clock."""

from datetime import UTC, datetime
from typing import Any

from app.demo.interface import Answer
from app.demo.pace import PATIENCE_SECONDS, Pace

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class House:
    """The interface, the crew and the clock of a house with these holds."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.bookings: dict[str, dict[str, Any]] = {}
        self.speeds: list[float] = []
        self.answers = True
        self.at = 0.0

    async def get(self, _path: str) -> Answer:
        nights = [{"night": "2026-11-21", "status": "open"}, {"night": "x", "status": "sealed"}]
        return Answer(200, {"nights": nights}) if self.answers else Answer(503, {})

    async def read(self, path: str) -> Answer:
        assert path == "/v1/nights/2026-11-21/state"
        return Answer(200, {"state": {"bookings": self.bookings}})

    async def set_clock(self, shown_at: str, speed: float) -> Answer:
        assert shown_at == "2026-11-21T12:00:00.000Z"
        self.speeds.append(speed)
        return Answer(200, {})

    async def now(self) -> datetime:
        return NOON

    async def ask(self) -> None:
        """Nothing is asked of this clock."""

    def pace(self) -> Pace:
        it: Any = self
        return Pace(it, it, it, 60, stopwatch=lambda: self.at)


async def test_the_demo_slows_for_a_persons_hold_and_runs_on_when_it_is_paid() -> None:
    house = House()
    pace = house.pace()
    house.bookings = {"a": {"status": "pending"}, "b": {"status": "confirmed"}}
    await pace.look()
    assert house.speeds == []  # it may be the player's own, whose answer is on its way
    await pace.look()
    assert (house.speeds, pace.is_slow) == ([1.0], True)
    await pace.set_clock(NOON)  # also when the programme sets the clock meanwhile
    assert house.speeds == [1.0, 1.0]
    house.bookings["a"]["status"] = "confirmed"
    await pace.look()
    assert house.speeds == [1.0, 1.0, 60]


async def test_the_players_own_holds_change_nothing() -> None:
    house = House()
    pace = house.pace()
    house.bookings = {"a": {"status": "pending"}}
    house.held = {"a"}
    for _ in range(3):
        await pace.look()
    assert house.speeds == []


async def test_a_hold_that_nobody_pays_stops_the_night_for_three_minutes_at_most() -> None:
    house = House()
    pace = house.pace()
    house.bookings = {"a": {"status": "pending"}}
    await pace.look()
    await pace.look()
    house.at = PATIENCE_SECONDS - 1
    await pace.look()
    assert house.speeds == [1.0]
    house.at = PATIENCE_SECONDS
    await pace.look()
    assert house.speeds == [1.0, 60]
    house.answers = False  # the service is away: as it was
    await pace.look()
    assert house.speeds == [1.0, 60]
