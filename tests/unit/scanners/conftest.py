"""What the scanners' tests share."""

from collections.abc import Iterator

import pytest

from tests.unit.scanners.desk import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A server on loopback that answers scans; see `Desk` for its faults."""
    server = Desk()
    yield server
    server.close()
