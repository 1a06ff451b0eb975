"""One running service with two workers for the folder, and a night for each test."""

from collections.abc import Iterator

import pytest

from tests.premises import Premises


@pytest.fixture(scope="session")
def whole() -> Iterator[Premises]:
    service = Premises("faults", workers=2)
    try:
        yield service
    finally:
        service.clear()


@pytest.fixture
def premises(whole: Premises) -> Premises:
    """The service, running; a test may end it."""
    if whole.process_ended():
        whole.start()
    return whole


@pytest.fixture
def night(premises: Premises) -> str:
    """A night of this test alone, half an hour after its doors opened."""
    return premises.open_night()
