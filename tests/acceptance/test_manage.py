"""A customer's own booking by its link, on a phone: the code, cancelling, and what is kept."""

import itertools
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.test_looks import nameless, no_overflow, texts_of
from tests.acceptance.test_public import hold_best
from tests.acceptance.visits import DESK, PHONE, TABLET, Visits, dialog
from tests.premises import Premises, key

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)  # a customer holds one set of tables at a time


def held(
    premises: Premises, tables: list[int], party: int = 4, *, night: str | None = None
) -> dict[str, Any]:
    """A stranger's hold, with the link to it."""
    with premises.client() as stranger:
        body = {
            "night": night or premises.night, "tables": tables, "party": party,
            "contact": {"name": "Ada Lovelace", "phone": f"0113 496 {next(_numbers):04}"},
        }  # fmt: skip
        answer = stranger.post("/v1/holds", json=body, headers=key())
        answer.raise_for_status()
        booking: dict[str, Any] = answer.json()
        made = stranger.post(f"{path(booking)}/link", headers=key() | bearer(booking["token"]))
        made.raise_for_status()
        return {**booking, **made.json()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def path(booking: dict[str, Any]) -> str:
    return f"/v1/bookings/{booking['booking_id']}"


def confirm(premises: Premises, booking: dict[str, Any]) -> None:
    with premises.desk() as desk:
        paid = {"method": "card", "amount_pence": booking["deposit_pence"]}
        address = f"/v1/holds/{booking['booking_id']}/confirm"
        desk.post(address, json=paid, headers=key()).raise_for_status()


def shows_code(page: Page) -> None:
    expect(page.get_by_alt_text("Your entry code")).to_be_visible()
    page.wait_for_function("document.querySelector('.pass-code').naturalWidth > 0")


def press(page: Page, name: str) -> None:
    page.locator(f'[data-act="{name}"]').click()


def test_a_link_is_kept_at_the_hold_and_another_phone_sees_the_code_come(
    visits: Visits, night: str, premises: Premises
) -> None:
    ada = visits.page("/", PHONE)
    tables = hold_best(ada)
    ada.get_by_role("button", name="Keep this link").click()
    address = dialog(ada).get_by_label("Link to your booking").input_value()
    assert re.fullmatch(rf"{premises.origin}/manage#mng_[\w-]{{56}}", address)
    visits.picture(ada, "keep")

    other = visits.page(address, PHONE)
    expect(other.locator(".countdown")).to_have_text(re.compile(r"^\d+:\d\d$"))
    expect(other.locator("#booking h1")).to_contain_text(tables.split()[0])
    assert other.url == f"{premises.origin}/manage", "the token stays in the address bar"
    assert "mng_" not in other.evaluate("JSON.stringify([history.state, document.referrer])")
    with premises.desk() as desk:
        [booking] = desk.get(f"/v1/nights/{night}/bookings").json()["bookings"]
    confirm(premises, booking)
    shows_code(other)
    look = "(pass) => getComputedStyle(pass).backgroundColor"
    assert other.locator("#pass").evaluate(look) == "rgb(255, 255, 255)"
    assert other.locator("#pass").evaluate("(it) => it.clientWidth") == PHONE["width"]
    expect(other.locator(".place .table[data-status=mine]")).to_have_count(len(tables.split()))
    visits.picture(other, "code")
    other.reload()
    shows_code(other)


def test_a_booking_is_cancelled_only_by_somebody_who_is_sure(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = held(premises, [2])
    confirm(premises, booking)
    page = visits.page(booking["link"], PHONE)
    shows_code(page)
    press(page, "cancel")
    expect(dialog(page)).to_contain_text("cannot be undone")
    expect(dialog(page)).to_contain_text("was paid")
    dialog(page).get_by_role("button", name="Back").click()
    shows_code(page)
    press(page, "cancel")
    dialog(page).get_by_role("button", name="Cancel the booking").click()
    expect(page.locator("#booking h1")).to_have_text("Cancelled")
    expect(page.locator("#pass")).to_be_hidden()
    expect(page.locator('[data-act="cancel"]')).to_have_count(0)
    with premises.desk() as desk:
        state = desk.get(f"/v1/nights/{night}/state").json()["state"]
    assert state["tables"]["2"]["status"] == "available"


def test_a_hold_is_let_go_by_its_link(visits: Visits, night: str, premises: Premises) -> None:
    page = visits.page(held(premises, [2])["link"], PHONE)
    expect(page.locator(".countdown")).to_be_visible()
    press(page, "cancel")
    dialog(page).get_by_role("button", name="Let it go").click()
    expect(page.locator("#booking h1")).to_have_text("Let go")


def test_a_link_that_was_taken_back_shows_nothing_any_more(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 401 ")
    booking = held(premises, [2])
    confirm(premises, booking)
    page = visits.page(booking["link"], PHONE)
    shows_code(page)
    press(page, "keep")
    with premises.desk() as desk:
        desk.post(f"{path(booking)}/link/revoke", headers=key()).raise_for_status()
    page.reload()
    expect(page.locator("#booking h1")).to_have_text("This link is over")
    assert page.get_by_alt_text("Your entry code").count() == 0
    assert page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})").find("mng_") < 0
    visits.picture(page, "over")
    page.reload()
    expect(page.locator("#booking h1")).to_have_text("No link")
    page.goto("/manage#mng_nonsense")
    expect(page.locator("#booking h1")).to_have_text("This link is over")
    assert page.url.endswith("/manage")


def test_a_booking_that_is_kept_on_the_phone_opens_without_the_link(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = held(premises, [2])
    confirm(premises, booking)
    page = visits.page(booking["link"], PHONE)
    shows_code(page)
    stranger = page.context.new_page()
    stranger.goto("/manage")
    expect(stranger.locator("#booking h1")).to_have_text("No link")
    press(page, "keep")
    expect(page.get_by_role("button", name="Forget on this phone")).to_be_focused()
    stranger.reload()
    shows_code(stranger)
    press(page, "keep")
    third = page.context.new_page()
    third.goto("/manage")
    expect(third.locator("#booking h1")).to_have_text("No link")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_booking_and_a_night_are_followed_by_a_calendar(
    visits: Visits, night: str, premises: Premises, scheme: Any
) -> None:
    booking = held(premises, [2])
    confirm(premises, booking)
    page = visits.page(booking["link"], PHONE, color_scheme=scheme)
    shows_code(page)
    press(page, "calendar")
    field = dialog(page).get_by_label("Address of the calendar")
    address = field.input_value()
    visits.picture(page, "calendar")
    opened = dialog(page).get_by_role("link", name="Open in my calendar").get_attribute("href")
    assert opened == address.replace("http:", "webcal:")
    assert "BEGIN:VEVENT" in httpx.get(address).text, "without a cookie or a token"
    press(page, "renew-calendar")
    page.get_by_role("button", name="Replace it").click()
    expect(field).not_to_have_value(address)
    assert httpx.get(address).status_code == 404
    assert httpx.get(field.input_value()).status_code == 200

    manager = visits.staff("/floor", size=DESK, color_scheme=scheme)
    expect(manager.locator("#list")).to_contain_text("Ada Lovelace")
    manager.locator("#night").click()
    dialog(manager).get_by_role("button", name="Calendar").click()
    address = dialog(manager).get_by_label("Address of the calendar").input_value()
    visits.picture(manager, "calendar-of-night")
    assert "Ada L." in httpx.get(address).text
    assert no_overflow(page)
    assert nameless(manager) == []


def test_without_a_network_the_code_stays_and_the_page_says_how_old_it_is(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("ERR_INTERNET_DISCONNECTED")
    booking = held(premises, [2])
    confirm(premises, booking)
    page = visits.page(booking["link"], PHONE)
    shows_code(page)
    page.context.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#note")).to_contain_text("The code still lets you in")
    shows_code(page)
    visits.picture(page, "offline")
    page.context.set_offline(False)
    expect(page.locator("#note")).to_be_hidden(timeout=25_000)


def test_a_guest_saves_their_data_and_has_it_erased(
    visits: Visits, night: str, premises: Premises, tmp_path: Path
) -> None:
    booking = held(premises, [2])
    confirm(premises, booking)
    page = visits.page(booking["link"], PHONE)
    shows_code(page)
    for act, name in (("save", "backroom-my-data.html"), ("save-json", "backroom-my-data.json")):
        with page.expect_download() as saving:
            press(page, act)
        assert saving.value.suggested_filename == name
        saving.value.save_as(tmp_path / name)
    assert "Ada Lovelace" in (tmp_path / "backroom-my-data.html").read_text()
    assert "Ada Lovelace" in json.dumps(
        json.loads((tmp_path / "backroom-my-data.json").read_text())
    )

    press(page, "erase")
    expect(dialog(page)).to_contain_text("nobody can bring them back")
    dialog(page).get_by_role("button", name="Erase my data").click()
    expect(page.locator(".toast")).to_contain_text("Erased")
    expect(page.locator(".toast")).to_contain_text("without your name")
    shows_code(page)  # the booking stands, without a name
    with premises.desk() as desk:
        names = desk.get(f"/v1/nights/{night}/guests").json()["names"]
    assert "Ada Lovelace" not in names.values()
    with page.expect_download() as saving:
        press(page, "save-json")
    saving.value.save_as(tmp_path / "erased.json")
    left = (tmp_path / "erased.json").read_text()
    assert "Lovelace" not in left
    assert booking["reference"] in left


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_the_page_has_contrast_and_names_and_does_not_scroll_sideways(
    visits: Visits, night: str, premises: Premises, size: Any, scheme: Any
) -> None:
    pending, booking = held(premises, [7]), held(premises, [15, 16], 10)
    confirm(premises, booking)
    page = visits.page(booking["link"], size, color_scheme=scheme)
    shows_code(page)
    other = visits.page(pending["link"], size, color_scheme=scheme)
    expect(other.locator(".countdown")).to_be_visible()
    for one, name in ((page, "booked"), (other, "pending")):
        visits.picture(one, f"{name}")
        assert no_overflow(one), name
        assert nameless(one) == [], name
        assert texts_of(one, name)["faint"] == [], name


def test_the_address_of_a_link_reaches_no_server(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = held(premises, [2])
    context = visits.context(PHONE)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(booking["link"])
    expect(page.locator(".countdown")).to_be_visible()
    assert len(asked) > 5
    assert [url for url in asked if "mng_" in url] == []
    policy = httpx.get(f"{premises.origin}/manage").headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
