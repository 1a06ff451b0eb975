from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.integration.floor import House, house


@pytest.fixture
async def venue_house(settings: Settings) -> AsyncIterator[House]:
    """A house with one open night, half an hour after its doors opened."""
    async with house(settings) as made:
        yield made
