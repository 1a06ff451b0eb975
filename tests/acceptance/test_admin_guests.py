"""The administration of guests: bans, quarantine, the rights of people; and how all of it looks."""

import json
import re
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import uuid4

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from app.domain.door_reasons import DOOR_REASONS
from app.wire.devices import ResolveScan
from app.wire.persons import BanReason, Retained
from app.wire.staff import Role
from floorplan.administration import ADMINISTRATION
from floorplan.events import CATALOGUE
from tests.acceptance.test_admin import REFUSED, SECTIONS, admin, at, pin_of, row, step_up, submit
from tests.acceptance.test_door import booked
from tests.acceptance.test_looks import nameless, no_overflow, texts_of
from tests.acceptance.visits import DESK, PHONE, SMALL_JS, Visits, dialog
from tests.premises import Premises, key

pytestmark = pytest.mark.browser

# A tablet on end: between the cards of a phone and the table of a desk.
UPRIGHT = ViewportSize(width=820, height=1100)


def guest(premises: Premises, table: int, name: str) -> dict[str, Any]:
    """A confirmed booking of somebody who can be looked up by their address."""
    email = f"{uuid4().hex[:12]}@example.com"
    with premises.desk() as desk:
        contact = {"name": name, "phone": "07700 900145", "email": email}
        wish = {"night": premises.night, "tables": [table], "party": 4, "contact": contact}
        held: dict[str, Any] = desk.post("/v1/holds", json=wish, headers=key()).json()
        paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
        desk.post(f"/v1/holds/{held['booking_id']}/confirm", json=paid, headers=key())
    return held | {"email": email}


def scanned(premises: Premises, booking: dict[str, Any]) -> dict[str, Any]:
    """What a tablet at the street door is told of the booking's reference."""
    body = {
        "scan_id": str(uuid4()), "reference": booking["reference"], "door": "main",
        "direction": "in", "people": 1,
    }  # fmt: skip
    with premises.desk("DOOR_STAFF") as door:
        verdict: dict[str, Any] = door.post("/v1/scans", json=body).json()
    return verdict


def test_who_is_banned_by_their_booking_is_refused_until_the_ban_is_lifted(
    visits: Visits, night: str, premises: Premises
) -> None:
    name = f"Rex {uuid4().hex[:8]}"
    booking = guest(premises, 7, name)
    page = admin(visits, "bans", "MANAGER")
    page.get_by_role("button", name="Add a ban").click()
    bookings = page.get_by_role("listbox", name="Booking")
    expect(bookings).to_contain_text(name)
    bookings.select_option(booking["booking_id"])
    page.get_by_role("combobox", name="Reason").select_option("theft")
    page.get_by_role("textbox", name="Note").fill("Took a coat")
    visits.picture(page, "ban")
    submit(page)
    expect(row(page, name)).to_contain_text("Theft")
    expect(row(page, name)).to_contain_text("Took a coat")
    expect(row(page, name)).to_contain_text("in force")
    expect(row(page, name)).not_to_contain_text("07700 900145")
    assert scanned(premises, booking)["reason"] == "banned"

    row(page, name).get_by_role("button", name="Lift").click()
    submit(page)
    expect(row(page, name)).to_contain_text("lifted")
    assert scanned(premises, booking)["reason"] == "admitted"


def test_a_ban_by_name_ends_by_itself_and_says_when_its_end_is_over(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(REFUSED)
    page = admin(visits, "bans", "MANAGER")
    name = f"Una {uuid4().hex[:8]}"
    page.get_by_role("button", name="Add a ban").click()
    page.get_by_role("radio", name="By name").check()
    expect(page.get_by_role("listbox", name="Booking")).to_be_hidden()
    page.get_by_role("textbox", name="Name", exact=False).first.fill(name)
    page.get_by_label("Telephone").fill("07700 900299")
    page.get_by_label("Last night of the ban").fill("2026-01-01")
    submit(page)
    error = page.locator(".field-error")
    expect(error).to_have_text("That time is over. Choose a later end.")
    page.get_by_label("Last night of the ban").fill("2031-06-30")
    expect(error).to_have_count(0)
    submit(page)
    # The night of the 30th is over at six in the morning of the venue's 1st.
    expect(row(page, name)).to_contain_text("1 Jul 2031 06:00")
    expect(row(page, name)).to_contain_text("299")


def test_a_scan_in_quarantine_is_accepted_and_counts(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = booked(premises, [7], 4)
    name = f"Lost tablet {uuid4().hex[:6]}"
    device = premises.added("tablet", name)
    with premises.client() as http, premises.desk() as desk:
        code = {"code": device["pairing"]["code"]}
        token = http.post("/v1/devices/pair", json=code, headers=key()).json()["token"]
        desk.delete(f"/v1/devices/{device['device_id']}", headers=key()).raise_for_status()
        bearer = {"Authorization": f"Bearer {token}"}
        for reference in (booking["reference"], "0000000000000000"):
            scan = {"scan_id": str(uuid4()), "reference": reference, "door": "main"}
            http.post("/v1/scans", json=scan | {"direction": "in"}, headers=bearer)
    page = admin(visits, "quarantine", "MANAGER")
    waiting = row(page, name)
    expect(waiting).to_have_count(2)
    useless = waiting.filter(has_text="No booking")
    expect(useless.get_by_role("button", name="Accept")).to_have_count(0)
    useless.get_by_role("button", name="Dismiss").click()
    page.get_by_role("combobox", name="Reason").select_option("a_trial")
    submit(page)
    expect(waiting).to_have_count(1)
    waiting.get_by_role("button", name="Accept").click()
    page.get_by_role("spinbutton", name="How many people").fill("3")
    submit(page)
    expect(waiting).to_have_count(0)
    page.get_by_role("button", name="All").click()
    expect(waiting.filter(has_text="3 counted")).to_contain_text("accepted")
    expect(waiting.filter(has_text="Only a trial")).to_contain_text("dismissed")
    with premises.desk() as desk:
        assert desk.get(f"/v1/bookings/{booking['booking_id']}").json()["admitted"] == 3
    premises.assert_agrees()


def test_a_guests_data_is_shown_exported_and_erased_each_in_the_audit(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(REFUSED)
    name = f"Greta {uuid4().hex[:8]}"
    booking = guest(premises, 7, name)
    page = admin(visits, "people")
    wish = page.get_by_role("textbox", name="E-mail address or telephone number")
    wish.fill("nobody@example.com")
    page.keyboard.press("Enter")
    expect(page.locator(".empty")).to_contain_text("No guest has given this address")
    expect(wish).to_have_value("nobody@example.com")
    wish.fill(booking["email"])
    page.keyboard.press("Enter")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=name))
    expect(card).to_contain_text("T7")
    expect(card).not_to_contain_text(booking["email"])
    card.get_by_role("button", name="Reveal").click()
    submit(page)
    expect(card).to_contain_text(booking["email"])
    visits.picture(page, "revealed")

    with page.expect_download() as saved:
        card.get_by_role("button", name="Export as JSON").click()
        step_up(page, pin_of(premises))
    assert saved.value.suggested_filename == "guest-data.json"
    export = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
    assert (export["name"], export["email"]) == (name, booking["email"])
    with page.expect_download() as saved:  # the step-up still stands
        card.get_by_role("button", name="Export to read").click()
    assert name in Path(saved.value.path()).read_text(encoding="utf-8")

    card.get_by_role("button", name="Erase").click()
    page.get_by_label("Type “erase” to go on").fill("yes")
    submit(page)
    expect(dialog(page)).to_have_count(1)  # the browser itself says what it expects
    page.get_by_label("Type “erase” to go on").fill("erase")
    submit(page)
    expect(card).to_have_count(0)
    expect(page.locator(".toast").last).to_contain_text("what was paid, without a name")

    at(page, "audit")
    for type_ in ("PERSON_ERASED", "PERSON_EXPORTED", "PERSON_REVEALED"):
        expect(page.locator(f'.book-line[data-type="{type_}"]').first).to_contain_text("person")
    expect(page.locator("#section")).not_to_contain_text(name)


def test_a_manager_exports_but_does_not_erase(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = guest(premises, 7, f"Hugo {uuid4().hex[:8]}")
    page = admin(visits, "people", "MANAGER")
    page.get_by_role("textbox", name="E-mail address").fill(booking["email"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Export to read"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Erase"))).to_have_count(0)


# What reaches beyond the dialog that it is in.
WIDE_JS = """
(dialog) => [...dialog.querySelectorAll("*")]
  .filter((at) => at.getBoundingClientRect().right > dialog.getBoundingClientRect().right + 0.5)
  .map((at) => at.outerHTML.slice(0, 80))
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, UPRIGHT, DESK], ids=["phone", "upright", "desk"])
def test_every_section_fits_is_read_and_is_hit_with_a_finger(
    visits: Visits,
    night: str,
    premises: Premises,
    size: ViewportSize,
    theme: Literal["light", "dark"],
) -> None:
    booking = guest(premises, 7, "W" * 60)
    premises.added("tablet", "<img src=x onerror=alert(1)> " + "W" * 80)
    ban = {"name": "<script>alert(2)</script>", "phone": "07700 900313", "reason": "other"}
    with premises.desk() as desk:
        desk.post("/v1/bans", json=ban, headers=key()).raise_for_status()
    page = admin(visits, size=size, color_scheme=theme)
    for section in (one.lower().replace(" ", "-") for one in SECTIONS):
        at(page, section)
        if section == "people":
            page.get_by_role("textbox", name="E-mail address").fill(booking["email"])
            page.keyboard.press("Enter")
            expect(page.get_by_role("button", name=re.compile("^Reveal"))).to_be_visible()
        judge(page, section)
        visits.picture(page, section)
        add = page.locator('#head [data-act="add"]')
        if add.count():
            add.click()
            judge(page, f"{section}: add")
            assert dialog(page).evaluate(WIDE_JS) == [], section
            visits.picture(page, f"{section}_add")
            page.keyboard.press("Escape")
    page.locator("#theme").evaluate("(at) => { at.style.width = '40px'; }")
    assert page.evaluate(SMALL_JS) == ["theme 40 x 48"], "it sees nothing"


def judge(page: Page, what: str) -> None:
    assert no_overflow(page), what
    assert nameless(page) == [], what
    assert texts_of(page, what)["faint"] == [], what
    assert page.evaluate(SMALL_JS) == [], what


def test_the_screen_has_a_word_for_everything_that_the_service_says(visits: Visits) -> None:
    page = visits.page("/sign-in")
    words = page.evaluate(
        "async () => Object.fromEntries(Object.entries(await import('/static/js/admin/says.js'))"
        ".map(([name, value]) => [name, typeof value === 'object' ? Object.keys(value) : []]))"
    )
    reasons = set(get_args(ResolveScan.__annotations__["reason"]))
    assert set(words["VENUE_LINE"]) == set(ADMINISTRATION)
    assert set(words["NIGHT_LINE"]) == set(CATALOGUE)
    assert set(words["DOOR_REASON"]) == DOOR_REASONS
    assert set(words["BAN_WORD"]) == set(get_args(BanReason))
    assert set(words["ROLE_WORD"]) == set(get_args(Role))
    assert {*words["ACCEPT_WORD"], *words["DISMISS_WORD"]} == reasons
    assert set(words["RETAINED_WORD"]) == set(get_args(Retained))
