"""One club for each test that asks."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.integration.web.basement import Basement, managed_demo
from tests.integration.web.club import Club, opened
from tests.integration.web.served import Served, serving


@pytest.fixture
async def club(settings: Settings) -> AsyncIterator[Club]:
    async with opened(settings) as made:
        yield made


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Served]:
    async with serving(settings) as made:
        yield made


@pytest.fixture
async def basement(settings: Settings) -> AsyncIterator[Basement]:
    async with managed_demo(settings) as (club, manager):
        made = Basement(club, manager)
        await made.begin()
        yield made
