from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from app.settings import Settings
from tests.integration.payments.till import Till, stand_in, till


@pytest.fixture(scope="session")
def stripe_side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Settings that reach the session's stand-in."""
    with stand_in(tmp_path_factory.mktemp("stripe")) as changed:
        yield changed


@pytest.fixture
async def desk(settings: Settings, stripe_side: dict[str, Any]) -> AsyncIterator[Till]:
    """A house with one open night that takes deposits online."""
    async with till(settings, stripe_side) as made:
        yield made
