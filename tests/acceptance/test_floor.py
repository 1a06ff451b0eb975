"""The manager's map as a manager uses it, with a second one beside it who only looks."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.visits import PHONE, Visits, act, dialog, table
from tests.premises import Premises, key

pytestmark = pytest.mark.browser


def shows(number: int, status: str, *pages: Page) -> None:
    for page in pages:
        expect(table(page, number)).to_have_attribute("data-status", status)


def follows_live(page: Page) -> None:
    """From here on a reload would be noticed: the mark would be gone."""
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    page.evaluate("window.neverReloaded = true")


def test_a_party_goes_through_its_evening_and_a_second_screen_follows(
    visits: Visits, night: str
) -> None:
    mara, other = visits.staff("/floor"), visits.staff("/floor")
    follows_live(other)
    expect(mara.locator("#map .table")).to_have_count(16)
    expect(mara.locator("#map .floor-figure")).to_have_count(2)
    shows(7, "available", mara, other)

    table(mara, 7).click()
    act(mara, "hold").click()
    dialog(mara).get_by_label("Name").fill("Ada Lovelace")
    dialog(mara).get_by_role("button", name="Hold", exact=True).click()
    shows(7, "held", mara, other)
    expect(table(mara, 7).locator(".table-status")).to_contain_text("Held")
    expect(table(other, 7).locator(".table-party")).to_contain_text("Lovelace")
    expect(mara.locator("#sheet .countdown")).to_have_text(re.compile(r"^\d+:\d\d$"))

    act(mara, "confirm").click()
    dialog(mara).get_by_role("button", name="Confirm", exact=True).click()
    shows(7, "reserved", mara, other)
    visits.picture(mara, "confirmed")

    act(mara, "move").click()
    table(mara, 8).click()
    mara.locator("#chooser-send").click()
    shows(8, "reserved", mara, other)
    shows(7, "available", mara, other)

    table(mara, 8).click()
    act(mara, "in").click()
    expect(mara.locator("#sheet .arrivals strong")).to_have_text(re.compile("^1 of"))
    act(mara, "seat").click()
    shows(8, "occupied", mara, other)
    act(mara, "vacate").click()
    shows(8, "resetting", mara, other)
    act(mara, "reset").click()
    shows(8, "available", mara, other)

    other.get_by_role("tab", name="Activity").click()
    lines = other.locator("#feed li")
    expect(lines.first).to_contain_text("T8")
    expect(other.locator("#feed")).to_contain_text("Ada Lovelace")
    visits.picture(other, "activity")
    assert other.evaluate("window.neverReloaded") is True


def test_a_table_is_blocked_and_a_walk_in_is_seated(visits: Visits, night: str) -> None:
    mara, other = visits.staff("/floor"), visits.staff("/floor")
    follows_live(other)
    table(mara, 2).click()
    act(mara, "block").click()
    dialog(mara).get_by_label("Why").select_option("broken")
    dialog(mara).get_by_role("button", name="Block", exact=True).click()
    shows(2, "maintenance", mara, other)
    expect(mara.locator("#sheet")).to_contain_text("Broken")
    act(mara, "unblock").click()
    shows(2, "available", mara, other)

    act(mara, "walk-in").click()
    dialog(mara).get_by_role("button", name="Seat them").click()
    shows(2, "occupied", mara, other)
    expect(other.locator("#crowds")).not_to_contain_text("House 0")
    assert other.evaluate("window.neverReloaded") is True


def test_a_refusal_is_told_in_a_sentence_and_changes_nothing(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 409")
    mara = visits.staff("/floor")
    table(mara, 5).click()
    act(mara, "hold").click()
    dialog(mara).get_by_label("Name").fill("Too Late")
    with premises.desk() as desk:  # somebody is quicker
        body = {"night": night, "tables": [5], "party": 4, "contact": {"name": "Quick"}}
        desk.post("/v1/holds", json=body, headers=key()).raise_for_status()
    dialog(mara).get_by_role("button", name="Hold", exact=True).click()
    expect(dialog(mara).locator(".form-error")).to_have_text(re.compile(r"[A-Z].*\.$"))
    mara.keyboard.press("Escape")
    expect(table(mara, 5).locator(".table-party")).to_contain_text("Quick")


def test_a_table_is_reached_and_worked_by_keyboard_alone(visits: Visits, night: str) -> None:
    page = visits.staff("/floor")
    follows_live(page)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#map') !== null"):
            break
    else:
        raise AssertionError("Tab never reached the map")
    page.keyboard.press("End")
    expect(table(page, 16)).to_be_focused()
    ring = table(page, 16).locator(".table-ring")
    assert ring.evaluate("ring => getComputedStyle(ring).strokeWidth") == "18px"
    before = page.evaluate("document.activeElement.dataset.number")
    page.keyboard.press("ArrowLeft")
    moved = int(page.evaluate("document.activeElement.dataset.number"))
    assert moved != int(before)
    page.keyboard.press("Enter")
    expect(page.locator("#sheet")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('#sheet') !== null")
    assert outline(page) != "none"
    for _ in range(10):
        if page.evaluate("document.activeElement.dataset.act") == "hold":
            break
        page.keyboard.press("Tab")
        assert outline(page) != "none"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # the dialog begins in its first field
    dialog(page).get_by_label("Name").focus()
    page.keyboard.type("Grace Hopper")
    page.keyboard.press("Enter")
    shows(moved, "held", page)
    expect(dialog(page)).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(table(page, moved)).to_be_focused()


def outline(page: Page) -> str:
    style: str = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    return style


def test_the_map_fits_a_phone_and_one_floor_is_shown_at_a_time(visits: Visits, night: str) -> None:
    page = visits.staff("/floor", size=PHONE)
    follows_live(page)
    expect(table(page, 1)).to_be_visible()
    upstairs = [n for n in range(1, 17) if table(page, n).is_visible()]
    page.locator('#floor-switch [data-floor="downstairs"]').click()
    downstairs = [n for n in range(1, 17) if table(page, n).is_visible()]
    assert sorted(upstairs + downstairs) == list(range(1, 17))
    table(page, downstairs[0]).click()
    expect(act(page, "hold")).to_be_in_viewport()
    visits.picture(page, "sheet")


def test_another_night_goes_by_its_date_and_nobody_is_seated_on_it(
    visits: Visits, night: str, premises: Premises
) -> None:
    coming = (date.fromisoformat(night) + timedelta(days=1)).isoformat()
    with premises.desk() as desk:
        desk.post("/v1/nights", json={"night": coming}, headers=key()).raise_for_status()
        for of_night in (night, coming):
            body = {"night": of_night, "tables": [7], "party": 4, "contact": {"name": "Ada"}}
            held = desk.post("/v1/holds", json=body, headers=key()).json()
            paid = {"method": "card", "amount_pence": held["deposit_pence"]}
            address = f"/v1/holds/{held['booking_id']}/confirm"
            desk.post(address, json=paid, headers=key()).raise_for_status()

    def offers(number: int) -> set[str]:
        table(mara, number).click()
        expect(mara.locator("#sheet [data-act]").first).to_be_visible()
        named = mara.locator("#sheet [data-act]")
        return {str(one.get_attribute("data-act")) for one in named.all()}

    mara = visits.staff("/floor")
    expect(mara.locator("#tab-list")).to_have_text("Tonight")
    assert {"seat", "in", "out"} <= offers(7)
    assert "walk-in" in offers(8)

    mara.goto(f"/floor?night={coming}")
    shows(7, "reserved", mara)
    expect(mara.locator("#tab-list")).to_have_text(re.compile(r"^\w{3} \d{1,2} \w{3,4}$"))
    expect(mara.get_by_role("complementary")).not_to_have_accessible_name("Tonight")
    assert offers(7) & {"seat", "in", "out", "no-show"} == set()
    assert {"move", "cancel"} <= offers(7)
    assert "walk-in" not in offers(8)
    assert "hold" in offers(8)
    mara.goto(f"/floor?night={night}")  # tonight by its date is tonight all the same
    expect(mara.locator("#tab-list")).to_have_text("Tonight")
