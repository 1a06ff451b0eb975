"""Redis servers of a test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.integration.live.network import OwnRedis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    it = OwnRedis(tmp_path)
    it.start()
    yield it
    it.stop()


@pytest.fixture(params=["embedded", "cluster of 7"])
def either_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Plain channels of the embedded Redis, or the sharded ones of a newer one."""
    if request.param == "embedded":
        yield request.getfixturevalue("redis_url")
        return
    it = OwnRedis(tmp_path, needs.redis7(), clustered=True)
    it.start()
    yield it.url
    it.stop()
