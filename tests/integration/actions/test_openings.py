"""Nights opened at the same time, each with a signing key that is its own."""

import asyncio

from app.actions.nights import open_night
from app.wire import OpenNight
from tests.integration.floor import House

NIGHTS = [f"2026-12-{day:02d}" for day in range(1, 13)]


async def test_nights_opened_at_once_sign_with_keys_of_their_own(venue_house: House) -> None:
    house = venue_house
    await asyncio.gather(
        *(
            open_night(house.db, house.venue, house.vault, house.caller(), OpenNight(night))
            for night in NIGHTS
        )
    )
    async with house.db.reading() as conn:
        numbers = [row["key_id"] for row in await conn.fetch("SELECT key_id FROM signing_key")]
    assert sorted(numbers) == list(range(len(NIGHTS) + 1))
