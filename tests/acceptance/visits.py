"""People with browsers at the running service, and what their consoles said."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    expect,
)

from tests.premises import ARTEFACTS, Premises, address

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1400, height=860)
TABLET = ViewportSize(width=1024, height=700)
# How long a condition may take to come true before it counts as false. A machine that runs two
# suites and three browsers at once makes a page wait; no claim about speed is made here.
DEADLINE_MS = 20_000
expect.set_options(timeout=DEADLINE_MS)

# Chromium writes each answer of 4xx and 5xx to the console as an error: those of a page that asks
# who is signed in, or that shows a refusal to a person, are no fault of the page. A test names the
# ones that it provokes.
NOT_SIGNED_IN = r"status of 401 "
# Controls on which a finger could miss: below 48 px in either direction. Links in a text are text.
SMALL_JS = """
() => [...document.querySelectorAll("button, a, select, input, summary")]
  .filter((at) => at.checkVisibility() && !at.closest(".skip, .check"))
  .map((at) => [at.getBoundingClientRect(), at.textContent.trim() || at.id || at.name])
  .filter(([box]) => box.width < 47.5 || box.height < 47.5)
  .map(([box, name]) => `${name} ${Math.round(box.width)} x ${Math.round(box.height)}`)
"""


class Visits:
    """Opens pages and hears every complaint: errors of scripts, of the console, of the policy."""

    def __init__(self, browser: Browser, premises: Premises, name: str) -> None:
        self.browser = browser
        self.premises = premises
        self.name = re.sub(r"\W+", "_", name).removeprefix("test_")
        self.complaints: list[str] = []
        self.contexts: list[BrowserContext] = []
        self._expected: list[str] = []

    def expect(self, pattern: str) -> None:
        """The test provokes this on the console."""
        self._expected.append(pattern)

    def context(self, size: ViewportSize | None = None, **more: Any) -> BrowserContext:
        """A browser of somebody's own."""
        made = self.browser.new_context(
            viewport=size or DESK, extra_http_headers={"X-Forwarded-For": address()},
            base_url=self.premises.origin, locale="en-GB", timezone_id="Pacific/Auckland", **more,
        )  # fmt: skip
        made.set_default_timeout(DEADLINE_MS)
        made.on("console", self._hear)
        made.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.contexts.append(made)
        return made

    def page(self, path: str, size: ViewportSize | None = None, **more: Any) -> Page:
        """Somebody unknown opens an address."""
        page = self.context(size, **more).new_page()
        page.goto(path)
        return page

    def staff(
        self, path: str, role: str = "MANAGER", size: ViewportSize | None = None, **more: Any
    ) -> Page:
        """Somebody of the staff signs in by a link and is at the address."""
        page = self.context(size, **more).new_page()
        page.goto(f"/sign-in?next={path}#link={self.premises.link(role)}")
        page.wait_for_url(f"**{path}")
        return page

    def picture(self, page: Page, name: str) -> Path:
        """A screenshot, kept for whoever looks at the run."""
        ARTEFACTS.mkdir(exist_ok=True)
        path = ARTEFACTS / f"{self.name}-{name}.png"
        page.screenshot(path=path)
        return path

    def leave(self) -> None:
        for context in self.contexts:
            context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(
            re.search(pattern, message.text) for pattern in self._expected
        ):
            self.complaints.append(f"console: {message.text} ({message.location['url']})")


def table(page: Page, number: int) -> Locator:
    """The table on the map."""
    return page.locator(f'#map .table[data-number="{number}"]')


def act(page: Page, name: str) -> Locator:
    """The button of the table's sheet."""
    return page.locator(f'#sheet [data-act="{name}"]')


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")
