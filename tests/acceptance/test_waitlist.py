"""A full night: a customer joins the waitlist on a phone, and takes the table that comes free."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.visits import DESK, PHONE, Visits, dialog
from tests.premises import Premises, key

pytestmark = pytest.mark.browser


def test_a_party_waits_is_ranked_offered_and_takes_its_table(
    visits: Visits, night: str, premises: Premises
) -> None:
    with premises.desk() as desk:
        for number in range(1, 17):
            address = f"/v1/tables/{number}/block"
            block = {"night": night, "reason": "club_use"}
            desk.post(address, json=block, headers=key()).raise_for_status()
        page = visits.page("/", PHONE)
        page.get_by_role("button", name="Join the waitlist").click()
        dialog(page).get_by_label("Name").fill("Grace Hopper")
        dialog(page).get_by_label("Phone").fill("0113 496 0077")
        dialog(page).get_by_label("It is a special occasion").check()
        dialog(page).locator("button[type=submit]").click()
        expect(page.locator("#waiting")).to_contain_text("Number 1 in line")
        expect(page.locator("#waiting")).to_contain_text("Special occasion")
        visits.picture(page, "waiting")
        page.reload()
        expect(page.locator("#waiting")).to_contain_text("Number 1 in line")

        manager = visits.staff("/floor", size=DESK)
        row = manager.locator("#list .tone-waitlisted")
        expect(row).to_contain_text("Grace Hopper")
        row.click()
        dialog(manager).get_by_label("Priority by hand").fill("900")
        visits.picture(manager, "place")
        dialog(manager).get_by_role("button", name="Set priority").click()
        expect(row).to_contain_text("priority 900")

        free = {"night": night}
        desk.post("/v1/tables/7/unblock", json=free, headers=key()).raise_for_status()
    expect(page.locator("#waiting")).to_contain_text("A table for you")
    expect(page.locator("#waiting .ticket-count")).to_have_text(re.compile(r"^\d+:\d\d$"))
    expect(manager.locator("#list .party", has_text="Offered")).to_contain_text("Grace Hopper")
    visits.picture(page, "offer")
    visits.picture(manager, "offered")
    page.get_by_role("button", name="Take this table").click()
    expect(page.locator("#ticket")).to_contain_text("Held for you")
    expect(page.locator("#waiting")).to_be_hidden()
    expect(manager.locator("#list")).not_to_contain_text("Waitlist")
