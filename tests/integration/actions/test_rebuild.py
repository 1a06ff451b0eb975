"""The projections can be dropped: the events give the same rows again, after any journey."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.actions import bookings, no_shows
from app.actions.sweeper import sweep
from app.errors import Refusal
from app.rebuild import rebuild
from floorplan.nights import parse_instant
from tests.integration import changing
from tests.integration.changing import SUNDAY, Booking
from tests.integration.floor import NIGHT, House

STEPS = 150
DUMP = """
SELECT (SELECT jsonb_agg(to_jsonb(b) ORDER BY b.id) FROM booking b)::text,
       (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.booking_id, t.number) FROM booking_table t)::text,
       (SELECT jsonb_agg(to_jsonb(k) - 'last_scan_at' - 'last_scan_by' ORDER BY k.id)
          FROM ticket k)::text,
       (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.night, h.floor) FROM headcount h)::text,
       (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.scan_id) FROM scan s)::text,
       (SELECT jsonb_agg(to_jsonb(p) ORDER BY p.id) FROM payment p)::text
"""


class Journeys:
    """Bookings that live at random; what is refused is refused, and the next thing is tried."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = random.Random(seed)
        self.made: list[Booking] = []
        self.done: list[str] = []

    async def step(self) -> None:
        moves: list[Callable[[], Awaitable[Any]]] = [
            self._hold, self._book, self._book, self._arrive, self._arrive, self._leave, self._seat,
            self._move, self._swap, self._split, self._merge, self._party, self._reschedule,
            self._reschedule, self._cancel, self._no_show, self._back, self._walk_in, self._vacate,
            self._later, self._complete,
        ]  # fmt: skip
        move = self.random.choice(moves)
        try:
            await move()
        except (Refusal, IndexError):
            return
        self.done.append(move.__name__)

    def _tables(self) -> list[int]:
        return self.random.choice([[1], [2], [5], [6], [7], [8], [15], [16], [15, 16], [6, 7]])

    def _one(self) -> Booking:
        return self.random.choice(self.made[-8:])

    async def _hold(self) -> None:
        self.made.append(await self.house.hold(self._tables(), self.random.randint(2, 6)))

    async def _book(self) -> None:
        self.made.append(await self.house.booked(self._tables(), self.random.randint(2, 4)))

    async def _arrive(self) -> None:
        await self.house.scan(None, self.random.randint(1, 3), reference=self._one()["reference"])

    async def _leave(self) -> None:
        await self.house.scan(None, 1, reference=self._one()["reference"], direction="out")

    async def _seat(self) -> None:
        house = self.house
        await bookings.seat_party(house.db, house.caller(), self._one()["booking_id"])

    async def _move(self) -> None:
        await self.house.move(self._one(), self._tables())

    async def _swap(self) -> None:
        await changing.swapped(self.house, self._one(), self._one())

    async def _split(self) -> None:
        parts = await changing.split(self.house, self._one(), 1, self._tables())
        self.made.append(parts["other"])

    async def _merge(self) -> None:
        await changing.merged(self.house, self._one(), self._one())

    async def _party(self) -> None:
        await changing.change(self.house, self._one(), party=self.random.randint(1, 8))

    async def _reschedule(self) -> None:
        night = self.random.choice([NIGHT, SUNDAY])
        await changing.rescheduled(self.house, self._one(), night=night, tables=self._tables())

    async def _cancel(self) -> None:
        house = self.house
        await bookings.cancel_booking(house.db, house.caller(), self._one()["booking_id"])

    async def _no_show(self) -> None:
        house, one = self.house, self._one()
        await no_shows.mark_no_show(house.db, house.venue, house.caller(), one["booking_id"])

    async def _back(self) -> None:
        await changing.reinstated(self.house, self._one())

    async def _walk_in(self) -> None:
        self.made.append(await self.house.walk_in(self._tables(), self.random.randint(1, 4)))

    async def _vacate(self) -> None:
        number = self._tables()[0]
        await self.house.vacate(number)
        await self.house.reset(number)

    async def _complete(self) -> None:
        house = self.house
        await bookings.complete_booking(house.db, house.caller(), self._one()["booking_id"])

    async def _later(self) -> None:
        await self.house.later(minutes=self.random.randint(1, 12))
        await sweep(self.house.db, self.house.venue)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_random_journeys_the_events_give_the_same_rows(
    venue_house: House, seed: int
) -> None:
    house = venue_house
    await house.open(SUNDAY)
    journeys = Journeys(house, seed)
    for _ in range(STEPS):
        await journeys.step()
    assert len(set(journeys.done)) > 10, journeys.done
    async with house.looking() as conn:
        for night in (NIGHT, SUNDAY):
            assert await rebuild(conn, night) == [], (night, journeys.done)
        before = tuple(await conn.fetchrow(DUMP))
        # Everything that can be made again is spoilt or gone; the sources stand.
        await conn.execute("DELETE FROM booking_table; DELETE FROM ticket")
        await conn.execute("UPDATE headcount SET people = 7")
        await conn.execute(
            "UPDATE booking SET status = 'released', hold_expires_at = NULL, party = 99,"
            " paid_pence = 1, deposit_pence = 1, edition = 77, overdue = true"
        )
        for night in (NIGHT, SUNDAY):
            assert await rebuild(conn, night) != []
            assert await rebuild(conn, night, write=True) != []
            assert await rebuild(conn, night) == []
        for left, right in zip(before, tuple(await conn.fetchrow(DUMP)), strict=True):
            assert left == right
    assert await changing.contradictions(house, NIGHT, SUNDAY) == []


async def test_a_row_that_a_hand_changed_is_named_and_mended(venue_house: House) -> None:
    house = venue_house
    booking = await house.booked([7])
    async with house.looking() as conn:
        await conn.execute("UPDATE booking SET party = 5")
        (found,) = await rebuild(conn, NIGHT)
        assert found == f"/bookings/{booking['booking_id']}/party: 5 and 4"
        await rebuild(conn, NIGHT, write=True)
        assert await rebuild(conn, NIGHT) == []
        assert await conn.fetchval("SELECT party FROM booking") == 4


async def test_a_sealed_night_is_made_again_too(venue_house: House) -> None:
    house = venue_house
    await house.seated([7])
    await house.booked([6])
    await house.hold([8])
    await house.at(parse_instant("2026-11-22T06:00:01.000Z"))
    await sweep(house.db, house.venue)
    async with house.looking() as conn:
        assert await rebuild(conn, NIGHT) == []
