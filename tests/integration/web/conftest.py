"""One club for each test that asks."""

from collections.abc import AsyncIterator

import pytest

from app.settings import Settings
from tests.integration.web.basement import TOKEN, Basement
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
    async with opened(settings, demo=True, demo_token=TOKEN) as club:
        stranger = await club.client(Origin="http://127.0.0.1:8000")
        links = (await stranger.post("/v1/demo/links", json={"token": TOKEN})).json()["links"]
        link = next(one["link"] for one in links if one["role"] == "MANAGER")
        await stranger.post("/v1/session", json={"link": link})
        made = Basement(club, stranger)
        await made.begin()
        yield made
