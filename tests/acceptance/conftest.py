"""One running service for the folder, a Chromium for each module, a night for each test.

Playwright's own loop lives in the thread that uses it, so a browser lasts as long as its module:
other modules of the folder await on loops of pytest's.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.acceptance.visits import FLAGS, Visits
from tests.premises import Premises


@pytest.fixture(scope="session")
def premises() -> Iterator[Premises]:
    """The service, running."""
    whole = Premises("acceptance")
    try:
        whole.start()
        yield whole
    finally:
        whole.clear()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright itself; one thread has one at a time."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: Path) -> Iterator[Browser]:
    """The installed Chromium."""
    running = playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
    yield running
    running.close()


@pytest.fixture
def night(premises: Premises) -> str:
    """A night of this test alone, half an hour after its doors opened."""
    return premises.open_night()


@pytest.fixture
def visits(
    browser: Browser, premises: Premises, request: pytest.FixtureRequest
) -> Iterator[Visits]:
    """People with browsers; at the end none of their consoles has complained."""
    everybody = Visits(browser, premises, request.node.name)
    yield everybody
    everybody.leave()
    assert everybody.complaints == []
