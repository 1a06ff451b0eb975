"""What the administration's screen does by itself: asking again, falling silent, sending again."""

from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Route, expect

from tests.acceptance.test_admin import admin, at, row, submit
from tests.acceptance.visits import Visits, dialog
from tests.premises import Premises, key, wait_for

pytestmark = pytest.mark.browser


def test_what_another_manager_did_appears_without_a_touch(
    visits: Visits, premises: Premises
) -> None:
    page = admin(visits, "devices")
    made = premises.added("tablet", f"Basement {uuid4().hex[:6]}", "basement")
    one = row(page, made["name"])
    expect(one).to_contain_text("not paired yet")
    one.get_by_role("button", name="Revoke").focus()
    answer = httpx.post(
        f"{premises.origin}/v1/devices/pair",
        json={"code": made["pairing"]["code"]},
        headers=key(),
    )
    answer.raise_for_status()
    expect(one).not_to_contain_text("not paired yet")
    expect(one.get_by_role("button", name="Revoke")).to_be_focused()


def test_a_screen_that_nobody_touches_stops_asking_and_lets_its_session_go_idle(
    visits: Visits, night: str
) -> None:
    page = visits.context().new_page()
    page.clock.install()
    page.goto(f"/sign-in?next=/admin#link={visits.premises.link()}")
    at(page, "devices")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.clock.run_for(30_000)
    wait_for(lambda: asked, "a list that is looked at is asked for again")
    page.clock.run_for(5 * 60_000)
    before = len(asked)
    page.clock.run_for(10 * 60_000)
    assert len(asked) == before
    page.keyboard.press("Tab")
    page.clock.run_for(11_000)
    wait_for(lambda: len(asked) > before, "it asks again for who is back")


def test_a_device_whose_answer_was_lost_is_added_once(visits: Visits, night: str) -> None:
    visits.expect("net::ERR_FAILED")
    page = admin(visits, "devices", "MANAGER")
    keys: list[str] = []

    def lose(route: Route) -> None:
        """The service does it, and nobody hears of it."""
        keys.append(route.request.headers["idempotency-key"])
        route.fetch()
        route.abort()

    name = f"Lost {uuid4().hex[:6]}"
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.route("**/v1/devices", lambda route: lose(route) if is_write(route) else route.continue_())
    submit(page)
    error = dialog(page).locator(".form-error")
    expect(error).to_contain_text("The server cannot be reached")
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    assert len(keys) > 1
    page.unroute_all()
    page.on(
        "request",
        lambda one: keys.append(one.headers["idempotency-key"]) if one.method == "POST" else None,
    )
    submit(page)
    expect(page.locator("#pairing-picture")).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(row(page, name)).to_have_count(1)
    assert len(set(keys)) == 1


def is_write(route: Route) -> bool:
    return route.request.method == "POST"
