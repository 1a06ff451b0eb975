from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.integration.floor import House, house
from tests.integration.waiting import filled


@pytest.fixture
async def venue_house(settings: Settings) -> AsyncIterator[House]:
    """A house with one open night, half an hour after its doors opened."""
    async with house(settings) as made:
        yield made


@pytest.fixture
async def full(venue_house: House) -> House:
    """A night on which no party of four finds a table, and tables 7 and 9 are booked."""
    return await filled(venue_house)
