"""A shared tablet changes hands: whoever's PIN it has, what is done on it is theirs."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.test_door import booked, paired, verdict, wedge
from tests.acceptance.visits import Visits, dialog
from tests.premises import Premises, wait_for

pytestmark = pytest.mark.browser

DEV = "Dev Okafor"  # of the demo's door


def take(page: Page, pin: str) -> None:
    page.locator("#settings").click()
    page.get_by_role("button", name="Take by PIN").click()
    dialog(page).locator("[name=staff_id]").select_option(label=DEV)
    page.get_by_label("PIN", exact=True).fill(pin)
    page.keyboard.press("Enter")


def actor_of_the_last_guest(premises: Premises) -> str:
    with premises.desk() as desk:
        events = desk.get(f"/v1/nights/{premises.night}/events").json()["events"]
    found = [one["actor"] for one in events if one["type"] == "GUEST_CHECKED_IN"]
    return str(found[-1]) if found else ""


def test_what_is_scanned_by_pin_is_told_as_the_persons_until_the_tablet_is_given_back(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(r"status of 403 ")
    first, second = booked(premises, [7], 1), booked(premises, [8], 1)
    pin = premises.account("DOOR_STAFF")["pin"]
    page = paired(visits, premises.added("tablet", "Shared", "main"))
    take(page, "8465" if pin != "8465" else "8466")
    expect(dialog(page).get_by_role("alert")).to_have_text(re.compile(r"The PIN is wrong\."))
    page.get_by_label("PIN", exact=True).fill(pin)
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    page.locator("#settings").click()
    expect(dialog(page)).to_contain_text(DEV)
    visits.picture(page, "held")
    page.keyboard.press("Escape")
    wedge(page, first["code"])
    verdict(page, "admit", "Come in")
    assert actor_of_the_last_guest(premises).startswith("staff:")

    page.locator("#settings").click()
    page.get_by_role("button", name="Give back").click()
    expect(dialog(page)).to_have_count(0)
    page.locator("#settings").click()
    expect(dialog(page)).to_contain_text("Paired by a manager")
    expect(page.get_by_role("button", name="Give back")).to_have_count(0)
    page.keyboard.press("Escape")
    wedge(page, second["code"])
    wait_for(
        lambda: actor_of_the_last_guest(premises).startswith("device:"), "a scan of the tablet"
    )
