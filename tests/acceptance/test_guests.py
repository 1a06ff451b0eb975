"""Guests of a party with codes of their own, on the phones of the booker and of a guest."""

import re

import pytest
from playwright.sync_api import expect

from tests.acceptance.test_door import booked
from tests.acceptance.test_looks import nameless, no_overflow
from tests.acceptance.test_manage import bearer, confirm, held, path, press, shows_code
from tests.acceptance.visits import DESK, PHONE, TABLET, Visits, act, dialog, table
from tests.premises import Premises

pytestmark = pytest.mark.browser

NASTY = "<img src=x> Ann \u202eevil"


def test_a_guest_gets_a_code_by_link_and_loses_it_with_the_bookers_new_one(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 401 ")
    booking = held(premises, [2], 4)
    confirm(premises, booking)
    ada = visits.page(booking["link"], PHONE)
    expect(ada.locator(".guest-list li")).to_have_count(4)
    ada.locator('[data-guest="1"]').click()
    dialog(ada).locator("[name=name]").fill(NASTY)
    dialog(ada).get_by_role("button", name="Make the link").click()
    address = dialog(ada).get_by_label("Link to the guest's code").input_value()
    assert re.fullmatch(rf"{premises.origin}/guest#gst_[\w-]{{56}}", address)
    ada.keyboard.press("Escape")
    expect(ada.locator(".guest-list li").first).to_contain_text("has a code")
    visits.picture(ada, "list")
    assert no_overflow(ada)

    ann = visits.page(address, PHONE)
    shows_code(ann)
    assert ann.url == f"{premises.origin}/guest", "the token stays in the address bar"
    assert ann.locator("#pass").evaluate("(it) => it.clientWidth") == PHONE["width"]
    expect(ann.locator("#booking")).to_contain_text("Guest 1 of 4")
    assert ann.locator("img:not(.pass-code)").count() == 0, "a name is text"
    assert no_overflow(ann)
    assert not nameless(ann)
    visits.picture(ann, "guest")
    for name, size in (("tablet", TABLET), ("desk", DESK)):
        ann.set_viewport_size(size)
        visits.picture(ann, f"guest {name}")

    press(ada, "new-code")
    expect(dialog(ada)).to_contain_text("revokes the old code")
    visits.picture(ada, "new code")
    dialog(ada).get_by_role("button", name="Make a new code").click()
    expect(ada.locator(".guest-list li").first).to_contain_text("code ended")
    ann.reload()
    expect(ann.locator("#booking h1")).to_have_text("This code is over")
    expect(ann.locator("#pass")).to_be_hidden()
    with premises.client() as client:
        shown = client.get(f"{path(booking)}/guests", headers=bearer(booking["token"])).json()
    assert shown["places"][0]["state"] == "over"


def test_the_desk_hands_out_a_guests_code_and_issues_the_partys_again(
    visits: Visits, night: str, premises: Premises
) -> None:
    booked(premises, [4], 5, "Grace Hopper")
    page = visits.staff("/floor", "MANAGER", TABLET, color_scheme="dark")

    def change(way: str) -> None:
        act(page, "change").click()
        dialog(page).locator(f'[data-act="change-{way}"]').click()

    expect(page.locator(".legend-item")).to_have_count(6)
    # Nothing of the legend lies under the buttons beside it.
    legend = page.locator(".legend-item").evaluate_all(
        "(items) => Math.max(...items.map((it) => it.getBoundingClientRect().right))"
    )
    doors = page.locator("#dock").get_by_role("button", name="Doors")
    dock = page.locator("#dock").bounding_box()
    assert dock is not None
    assert legend <= dock["x"]
    doors.click()
    expect(page.locator("#pane-doors")).to_be_visible()
    visits.picture(page, "desk doors")
    page.keyboard.press("Escape")
    expect(page.locator("#pane-doors")).to_be_hidden()
    table(page, 4).click()
    change("guests")
    places = dialog(page).locator(".guest-list li")
    expect(places).to_have_count(5)
    expect(dialog(page)).to_contain_text("The party's guests")
    # The name and what is said of it stand apart, and the buttons in one column.
    columns = places.evaluate_all(
        "(rows) => rows.map((row) => [...row.children].map((it) => it.getBoundingClientRect().x))"
    )
    assert len({tuple(row) for row in columns}) == 1
    assert len(set(columns[0])) == 2
    places.first.get_by_role("button").click()
    dialog(page).last.locator("[name=name]").fill(NASTY)
    dialog(page).last.get_by_role("button", name="Make the link").click()
    address = dialog(page).last.get_by_label("Link to the guest's code").input_value()
    visits.picture(page, "desk link")
    page.keyboard.press("Escape")
    expect(places.first).to_contain_text("has a code")
    visits.picture(page, "desk list")
    assert not nameless(page)
    page.keyboard.press("Escape")

    change("code")
    dialog(page).get_by_label("Why").select_option("name_changed")
    visits.picture(page, "desk reissue")
    dialog(page).get_by_role("button", name="Issue it again").click()
    expect(page.locator(".toast")).to_contain_text("No door in contact admits the old one")
    change("guests")
    expect(places.first).to_contain_text("code ended")
    assert address.startswith(f"{premises.origin}/guest#gst_")
