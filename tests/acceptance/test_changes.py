"""Changes on the manager's map and on the customer's own page, by mouse, touch and keyboard."""

import json
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.test_manage import bearer, confirm, held, path, press
from tests.acceptance.visits import PHONE, TABLET, Visits, act, dialog, table
from tests.premises import Premises, key

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.pwned=1"> \u202e=HYPERLINK("http://evil")'


def opened(premises: Premises, days: int) -> str:
    """Another night that can be booked, so many days on."""
    night = (date.fromisoformat(premises.night) + timedelta(days=days)).isoformat()
    with premises.desk() as desk:
        answer = desk.post("/v1/nights", json={"night": night}, headers=key())
        assert answer.status_code in (201, 409), answer.text
    return night


def change(page: Page, number: int, way: str) -> None:
    table(page, number).click()
    act(page, "change").click()
    dialog(page).locator(f'[data-act="change-{way}"]').click()


def test_a_move_says_on_the_map_what_it_breaks_before_it_is_made(
    visits: Visits, night: str, premises: Premises
) -> None:
    for tables in ([7], [6]):
        confirm(premises, held(premises, tables))
    mara = visits.staff("/floor")
    table(mara, 7).click()
    act(mara, "move").click()
    table(mara, 6).focus()
    mara.keyboard.press("Enter")
    findings = mara.locator("#chooser .finding-stop")
    expect(findings.first).to_contain_text("Table 6 is booked for a party of 4 in that time")
    expect(findings.first).to_contain_text("Ada Lovelace")
    expect(table(mara, 6)).to_have_attribute("data-broken", "")
    expect(mara.locator("#chooser-send")).to_be_disabled()
    visits.picture(mara, "move-breaks")
    table(mara, 6).click()
    table(mara, 15).click()
    expect(mara.locator("#chooser")).to_contain_text("15 + 16 can't be joined")
    expect(table(mara, 6)).not_to_have_attribute("data-broken", "")
    mara.locator("#chooser-send").click()
    expect(table(mara, 15)).to_have_attribute("data-status", "reserved")


def test_a_manager_changes_a_booking_in_every_way(
    visits: Visits, night: str, premises: Premises
) -> None:
    away = opened(premises, 3)
    for tables in ([7], [6]):
        confirm(premises, held(premises, tables))
    mara = visits.staff("/floor", size=TABLET)
    change(mara, 7, "size")
    dialog(mara).get_by_label("Requests of the guest").fill(HOSTILE)
    dialog(mara).get_by_label("Notes of the staff").fill("Regulars")
    dialog(mara).get_by_label("Occasion").select_option("birthday")
    visits.picture(mara, "details")
    dialog(mara).get_by_role("button", name="Save").click()
    expect(mara.locator("dialog")).to_have_count(0)
    table(mara, 7).click()
    said = mara.locator("#sheet .wishes")
    expect(said.locator("dt")).to_have_text(["Occasion", "Asked for", "Note"])
    expect(said.locator("dd")).to_have_text(["Birthday", HOSTILE, "Regulars"])
    visits.picture(mara, "wishes")
    change(mara, 7, "size")
    expect(dialog(mara).get_by_label("Requests of the guest")).to_have_value(HOSTILE)
    mara.keyboard.press("Escape")

    change(mara, 7, "swap")
    dialog(mara).get_by_label("T6").check()
    visits.picture(mara, "swap")
    dialog(mara).get_by_role("button", name="Swap", exact=True).click()
    expect(mara.locator("dialog")).to_have_count(0)

    change(mara, 6, "split")
    dialog(mara).get_by_role("button", name="Choose their tables").click()
    table(mara, 8).click()
    mara.locator("#chooser-send").click()
    expect(table(mara, 8)).to_have_attribute("data-status", "reserved")

    change(mara, 7, "when")
    dialog(mara).locator("[name=night]").select_option(away)
    expect(dialog(mara).locator("[name=tables]").first).to_be_checked()
    visits.picture(mara, "reschedule")
    dialog(mara).get_by_role("button", name="Reschedule").click()
    expect(table(mara, 7)).to_have_attribute("data-status", "available")

    change(mara, 6, "history")
    expect(dialog(mara).locator(".history li").last).to_contain_text("split off")
    visits.picture(mara, "history")
    assert mara.evaluate("window.pwned") is None


def test_a_guest_changes_party_requests_and_night_by_their_link(
    visits: Visits, night: str, premises: Premises
) -> None:
    away, later = opened(premises, 3), opened(premises, 4)
    booking = held(premises, [7], night=away)
    confirm(premises, booking)
    page = visits.page(f"/manage#{booking['token']}", PHONE)
    press(page, "change-party")
    dialog(page).get_by_label("Anything we should know").fill(HOSTILE)
    visits.picture(page, "guest-party")
    dialog(page).get_by_role("button", name="Save").click()
    expect(page.locator("#more")).to_contain_text("HYPERLINK")
    press(page, "change-night")
    dialog(page).locator("[name=night]").select_option(later)
    expect(dialog(page).locator("[name=tables]").first).to_be_checked()
    visits.picture(page, "guest-night")
    dialog(page).get_by_role("button", name="Change the night").click()
    expect(page.locator("dialog")).to_have_count(0)
    assert page.evaluate("window.pwned") is None
    with premises.client() as owner:
        mine = owner.get(path(booking), headers=bearer(booking["token"])).json()
    assert (mine["night"], mine["edition"]) == (later, 2)
    assert json.dumps(mine["requests"]) == json.dumps(HOSTILE)
