"""A screen that lost the network, slept, or lost its server says so, and comes back by itself."""

import os
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.visits import Visits, table
from tests.premises import Premises, key

pytestmark = pytest.mark.browser


def live(page: Page) -> None:
    expect(page.locator("#link")).to_have_attribute("data-link", "live")


def watching(visits: Visits) -> Page:
    page = visits.staff("/floor")
    live(page)
    expect(page.locator("#map .table")).to_have_count(16)
    page.evaluate("window.neverReloaded = true")
    return page


def block(premises: Premises, number: int) -> None:
    with premises.desk() as desk:
        body = {"night": premises.night, "reason": "spill"}
        desk.post(f"/v1/tables/{number}/block", json=body, headers=key()).raise_for_status()


def shows_blocked(page: Page, number: int) -> None:
    expect(table(page, number)).to_have_attribute("data-status", "maintenance")
    assert page.evaluate("window.neverReloaded") is True


def test_without_a_network_the_map_says_stale_and_catches_up_afterwards(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("ERR_INTERNET_DISCONNECTED|WebSocket connection")
    page = watching(visits)
    page.context.set_offline(True)
    expect(page.locator("#link")).to_have_attribute("data-link", "stale")
    expect(page.locator("#link-text")).to_contain_text("stale")
    block(premises, 3)
    page.context.set_offline(False)
    live(page)
    shows_blocked(page, 3)
    expect(page.locator("#stale")).to_be_hidden()


def test_a_server_that_says_nothing_makes_the_map_say_how_old_it_is(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("WebSocket connection|ERR_|status of 50")
    page = watching(visits)
    [worker] = premises.workers()
    os.kill(worker, signal.SIGSTOP)
    try:
        note = page.locator("#stale")
        expect(note).to_be_visible(timeout=20_000)
        expect(note).to_contain_text("Not live")
        visits.picture(page, "stale")
    finally:
        os.kill(worker, signal.SIGKILL)
    premises.await_ready()
    block(premises, 5)
    live(page)
    shows_blocked(page, 5)
    expect(note).to_be_hidden()


def test_a_page_that_slept_has_the_right_picture_when_it_wakes(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("WebSocket connection")
    page = watching(visits)
    control = page.context.new_cdp_session(page)
    control.send("Page.setWebLifecycleState", {"state": "frozen"})
    block(premises, 9)
    os.kill(premises.workers()[0], signal.SIGKILL)  # its socket dies while nobody looks
    premises.await_ready()
    block(premises, 10)
    control.send("Page.setWebLifecycleState", {"state": "active"})
    shows_blocked(page, 9)
    shows_blocked(page, 10)
    live(page)
