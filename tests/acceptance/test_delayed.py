"""A network that lets requests through and cuts WebSockets: the screens say so, and work on."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.visits import TABLET, Visits, act, dialog, table
from tests.premises import Premises, key

pytestmark = pytest.mark.browser

# Until `window.cut` is false, a socket is closed before it was ever open.
CUT = """
  window.cut = true;
  const Real = window.WebSocket;
  window.WebSocket = class extends EventTarget {
    static CONNECTING = 0; static OPEN = 1;
    constructor(...args) {
      super();
      if (!window.cut) return new Real(...args);
      this.readyState = 3;
      setTimeout(() => this.dispatchEvent(new CloseEvent("close", {code: 1006})));
    }
    close() {} send() {}
  };
"""


def cut_off(visits: Visits, premises: Premises, path: str, role: str) -> Page:
    page = visits.context(TABLET).new_page()
    page.add_init_script(CUT)
    page.goto(f"/sign-in?next={path}#link={premises.link(role)}")
    page.wait_for_url(f"**{path}")
    expect(page.locator("#link")).to_have_attribute("data-link", "delayed")
    expect(page.locator("#link-text")).to_contain_text("delayed")
    page.evaluate("window.neverReloaded = true")
    return page


def test_the_map_is_delayed_and_works_until_the_live_connection_is_back(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = cut_off(visits, premises, "/floor", "MANAGER")
    expect(page.locator("#stale")).to_contain_text("Delayed")
    expect(page.locator("#stage")).not_to_have_attribute("data-stale", "")
    with premises.desk() as desk:  # somebody else's doing arrives
        body = {"night": night, "reason": "spill"}
        desk.post("/v1/tables/3/block", json=body, headers=key()).raise_for_status()
    expect(table(page, 3)).to_have_attribute("data-status", "maintenance")
    table(page, 7).click()  # and one's own
    act(page, "hold").click()
    dialog(page).get_by_label("Name").fill("Ada Lovelace")
    dialog(page).get_by_role("button", name="Hold", exact=True).click()
    expect(table(page, 7)).to_have_attribute("data-status", "held")
    expect(table(page, 7)).not_to_have_attribute("data-pending", "")
    expect(page.locator("#feed")).to_contain_text("T7", use_inner_text=False)
    visits.picture(page, "delayed")
    # What did not change is not sent again.
    page.wait_for_event("response", lambda it: it.status == 304 and "/state" in it.url)

    page.evaluate("window.cut = false")
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    expect(page.locator("#stale")).to_be_hidden()
    assert page.evaluate("window.neverReloaded") is True


def test_the_door_scans_and_says_that_its_figures_are_delayed(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = cut_off(visits, premises, "/door", "DOOR_STAFF")
    expect(page.locator("#ready-word")).to_have_text("Ready")
    expect(page.locator("#ready-more")).to_contain_text("delayed")
    page.get_by_role("button", name="Upstairs: one in").click()
    expect(page.locator('#counters [data-floor="upstairs"] b')).to_have_text("1")


def test_a_delayed_screen_whose_session_ends_goes_to_the_sign_in(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 401 ")
    page = cut_off(visits, premises, "/floor", "MANAGER")
    page.context.clear_cookies()
    page.wait_for_url(re.compile("/sign-in"))
