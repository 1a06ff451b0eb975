"""A request that is told to end, at any instant and twice: its key still finds out what became."""

import asyncio
import random
from uuid import uuid4

import pytest

from app.actions.holds import release_hold
from tests.integration.floor import House

TRIES = 80
LONGEST_SECONDS = 0.008  # a hold takes 3 to 8 ms here, so that most are struck under way


@pytest.mark.parametrize("times", [1, 2])
async def test_a_cancelled_hold_is_made_once_by_its_key(venue_house: House, times: int) -> None:
    house, chance = venue_house, random.Random(5)
    struck = 0
    for _ in range(TRIES):
        key = str(uuid4())
        first = asyncio.create_task(house.hold([3], 2, key=key))
        await asyncio.sleep(chance.uniform(0, LONGEST_SECONDS))
        for _ in range(times):
            first.cancel()
            await asyncio.sleep(0)
        try:
            await first
        except asyncio.CancelledError:
            struck += 1
        held = await house.hold([3], 2, key=key)
        await release_hold(house.db, house.caller(), held["booking_id"])
    assert struck > 0
    async with house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM booking") == TRIES
        assert not await conn.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in%'"
        )
    await house.agrees()
