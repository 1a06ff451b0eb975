"""The administration: staff, devices, sessions and the audit, by the people who may see them.

Real people exist only here, in the demo's own service: at the end they count as the demo's, so that
it starts again.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import asyncpg
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from app.db.staff import insert_link, insert_staff
from app.domain.tokens import new_token, token_hash
from scanners.codes.reading import read_codes
from tests.acceptance.test_second_factor import enrolled, run
from tests.acceptance.visits import NOT_SIGNED_IN, PHONE, TABLET, Visits, dialog
from tests.premises import Premises, wait_for

pytestmark = pytest.mark.browser

REFUSED = r"status of (403|409|422) "
INVITED = timedelta(minutes=5)
SECTIONS = [
    "Staff", "Devices", "Sessions", "Audit", "Door log", "Bans", "Quarantine", "Messages", "People",
]  # fmt: skip


@pytest.fixture
def owner(premises: Premises) -> Iterator[tuple[str, str]]:
    """A real administrator, the only one: the name, and the link that invites them."""
    token, urls = new_token(), premises.urls()
    username = f"ines-{uuid4()}"
    name = f"Ines {username[5:9]}"

    async def invite() -> None:
        conn = await asyncpg.connect(urls.auth)
        staff_id = await insert_staff(conn, username, name, "SUPER_ADMIN", None)
        assert staff_id is not None
        await insert_link(conn, token_hash(token), staff_id, INVITED)
        await conn.close()

    run(invite())
    yield name, token
    run(forget_real_staff(premises))


@pytest.fixture
def no_real_staff(premises: Premises) -> Iterator[None]:
    yield
    run(forget_real_staff(premises))


async def forget_real_staff(premises: Premises) -> None:
    conn = await asyncpg.connect(premises.urls().owner)
    await conn.execute("UPDATE staff SET demo = true WHERE NOT demo")
    await conn.close()


def admin(visits: Visits, section: str = "staff", role: str = "SUPER_ADMIN", **more: Any) -> Page:
    """Somebody of the demo's staff at a section."""
    page = visits.staff("/admin", role, **more)
    return at(page, section)


def at(page: Page, section: str) -> Page:
    page.locator(f'#nav a[data-section="{section}"]').click()
    expect(page.locator("#main")).to_have_attribute("data-section", section)
    expect(page.get_by_text("Asking…")).to_have_count(0)
    return page


def row(page: Page, name: str) -> Locator:
    return page.locator("#section tbody tr").filter(
        has=page.get_by_role("rowheader").get_by_text(name, exact=True)
    )


def pin_of(premises: Premises, role: str = "SUPER_ADMIN") -> str:
    """The PIN of the demo's account, by which it steps up."""
    with premises.client() as http:
        links = http.post("/v1/demo/links", json={"token": premises.token}).json()["links"]
    found: str = next(one["pin"] for one in links if one["role"] == role)
    return found


def step_up(page: Page, pin: str) -> None:
    asked = dialog(page).filter(has_text="Confirm that it is you")
    asked.get_by_label("PIN").fill(pin)
    asked.get_by_role("button", name="Continue").click()
    expect(asked).to_have_count(0)


def submit(page: Page) -> None:
    dialog(page).last.locator("[type=submit]").click()


def lines(page: Page) -> list[str]:
    """The types of the lines that are shown, read in one go."""
    types: list[str] = page.locator(".book-line").evaluate_all(
        "(lines) => lines.map((line) => line.dataset.type)"
    )
    return types


def test_an_administrator_steps_up_by_a_code_and_adds_a_manager(
    visits: Visits, owner: tuple[str, str]
) -> None:
    visits.expect(REFUSED)
    name, invitation = owner
    page = visits.page(f"/sign-in?next=/admin#link={invitation}")
    _, codes = enrolled(page)
    page.get_by_label("I have kept these codes").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Later").click()
    expect(row(page, name)).to_contain_text("you")
    expect(row(page, name)).to_contain_text("just now")

    keys: list[str] = []
    page.on(
        "request",
        lambda one: (
            keys.append(one.headers["idempotency-key"])
            if one.method == "POST" and one.url.endswith("/v1/staff")
            else None
        ),
    )
    page.get_by_role("button", name="Add somebody").click()
    username = f"theo-{uuid4().hex[:8]}"
    page.get_by_label("Name", exact=True).fill("Theo Marsh")
    page.get_by_label("User name").fill(username)
    page.get_by_role("combobox", name="Role").select_option("MANAGER")
    page.get_by_role("combobox", name="Floor").select_option("downstairs")
    submit(page)
    asked = dialog(page).filter(has_text="Confirm that it is you")
    asked.get_by_label("Code").fill("000000")
    asked.get_by_role("button", name="Continue").click()
    expect(asked.locator(".form-error")).to_have_text(re.compile(r"The code is wrong\."))
    asked.get_by_label("Code").fill(codes[0])
    asked.get_by_role("button", name="Continue").click()
    # The request that was refused went out again by itself, as the same one.
    shown = page.get_by_role("textbox", name="Link")
    expect(shown).to_have_value(re.compile(r"/sign-in#link=.{20,}"))
    assert len(keys) == 2
    assert len(set(keys)) == 1
    link = shown.input_value()
    page.get_by_role("button", name="Done").click()
    expect(row(page, "Theo Marsh")).to_contain_text("Downstairs")
    expect(page.locator("body")).not_to_contain_text(link)

    # Who is invited has to set up a second factor first.
    theirs = visits.page("/sign-in")
    theirs.goto(link)
    expect(theirs.locator("#heading")).to_have_text("Set up your second factor")

    at(page, "audit")
    line = page.locator('.book-line[data-type="STAFF_ADDED"]').first
    expect(line).to_contain_text("Theo Marsh")
    expect(line.locator(".changes")).to_contain_text("Role: Manager")
    expect(line.locator(".book-who")).to_contain_text(name)


def test_a_refusal_stands_beside_its_field_and_nothing_typed_is_lost(
    visits: Visits, premises: Premises, owner: tuple[str, str]
) -> None:
    visits.expect(REFUSED)
    page = admin(visits)
    pin = pin_of(premises)
    page.get_by_role("button", name="Add somebody").click()
    page.get_by_label("Name", exact=True).fill("Another Mara")
    page.get_by_label("User name").fill("demo-manager")
    page.get_by_role("combobox", name="Door").select_option("basement")
    submit(page)
    step_up(page, pin)
    error = page.locator('.field-error[data-reason="username_taken"]')
    expect(error).to_have_text("Somebody has this user name. Choose another.")
    username = page.get_by_label("User name")
    expect(username).to_be_focused()
    expect(username).to_have_attribute("aria-describedby", "username-error username-hint")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Another Mara")
    expect(page.get_by_role("combobox", name="Door")).to_have_value("basement")
    username.type("x")
    expect(error).to_have_count(0)
    page.keyboard.press("Escape")

    # One's own role, and the last administrator's: the service says no, in its words.
    row(page, "Noor Haddad").get_by_role("button", name="Edit").click()
    page.get_by_role("combobox", name="Role").select_option("MANAGER")
    submit(page)
    expect(page.locator(".field-error")).to_have_text(re.compile("Nobody changes their own role"))
    page.keyboard.press("Escape")
    row(page, owner[0]).get_by_role("button", name="Edit").click()
    page.get_by_role("combobox", name="Role").select_option("MANAGER")
    submit(page)
    expect(page.locator(".field-error")).to_have_text(re.compile("Make somebody else SUPER_ADMIN"))
    expect(page.get_by_role("combobox", name="Role")).to_have_value("MANAGER")
    visits.picture(page, "last_administrator")


def test_a_step_up_that_is_not_given_keeps_the_form(visits: Visits) -> None:
    visits.expect(REFUSED)
    page = admin(visits)
    page.get_by_role("button", name="Add somebody").click()
    page.get_by_label("Name", exact=True).fill("Ada Wren")
    page.get_by_label("User name").fill("ada-wren")
    submit(page)
    expect(dialog(page)).to_have_count(2)
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(1)
    expect(dialog(page).locator(".form-error")).to_have_attribute("data-reason", "step_up_needed")
    expect(page.get_by_label("User name")).to_have_value("ada-wren")
    page.keyboard.press("Escape")
    expect(row(page, "Ada Wren")).to_have_count(0)


def test_access_is_given_and_taken_in_steps(
    visits: Visits, premises: Premises, no_real_staff: None
) -> None:
    visits.expect(REFUSED)
    visits.expect(NOT_SIGNED_IN)
    page = admin(visits)
    username = f"kit-{uuid4().hex[:8]}"
    page.get_by_role("button", name="Add somebody").click()
    page.get_by_label("Name", exact=True).fill(f"Kit {username}")
    page.get_by_label("User name").fill(username)
    submit(page)
    step_up(page, pin_of(premises))
    theirs = visits.page("/sign-in")
    theirs.goto(page.get_by_role("textbox", name="Link").input_value())
    theirs.get_by_role("button", name="Later").click()
    theirs.wait_for_url("**/door")
    page.get_by_role("button", name="Done").click()

    one = row(page, f"Kit {username}")
    one.get_by_role("button", name="Access").click()
    page.locator('[data-act="pin"]').click()
    page.get_by_label("New PIN").fill("1234")
    submit(page)
    expect(page.locator(".field-error, .form-error:visible")).to_have_text(
        re.compile("among the first that are tried")
    )
    page.get_by_label("New PIN").fill("825914")
    submit(page)
    expect(one.get_by_role("cell").nth(3)).to_have_text("on")

    one.get_by_role("button", name="Access").click()
    page.locator('[data-act="disable"]').click()
    submit(page)
    expect(one).to_contain_text("disabled")
    expect(one).to_have_attribute("data-off", "")
    theirs.goto("/floor")
    expect(theirs.get_by_label("User name")).to_be_visible()
    one.get_by_role("button", name="Access").click()
    expect(page.locator('dialog [data-act="link"]')).to_have_count(0)
    page.locator('[data-act="enable"]').click()
    submit(page)
    expect(one).not_to_have_attribute("data-off", "")


def test_a_tablet_is_paired_by_the_picture_and_revoked(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(NOT_SIGNED_IN)
    page = admin(visits, "devices", "MANAGER")
    page.get_by_role("button", name="Add a device").click()
    name = f"Street door {uuid4().hex[:6]}"
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("combobox", name="Door").select_option("main")
    submit(page)
    picture = page.locator("#pairing-picture")
    expect(picture).to_be_visible()
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"Valid for (10:00|9:5\d)"))
    grey = Image.open(BytesIO(picture.screenshot())).convert("L")
    (reading,) = read_codes(np.asarray(grey))
    page.get_by_text("The address and the code, to type").click()
    assert page.get_by_label("Address").input_value() == reading.text
    visits.picture(page, "pairing")

    tablet = visits.page(reading.text.removeprefix(premises.origin), TABLET)
    expect(tablet.locator("#link")).to_have_attribute("data-link", "live")
    expect(dialog(page)).to_contain_text(f"{name} works at Street door from now on.")
    expect(picture).to_have_count(0)
    page.get_by_role("button", name="Done").click()
    expect(row(page, name)).to_contain_text("just now")

    # Thought better of it first.
    revoke = row(page, name).get_by_role("button", name="Revoke")
    revoke.click()
    expect(dialog(page)).to_contain_text("it scans nobody in or out")
    page.get_by_role("button", name="Back").click()
    expect(revoke).to_be_focused()
    revoke.click()
    submit(page)
    expect(row(page, name)).to_contain_text("revoked")
    expect(tablet.get_by_role("dialog")).to_contain_text("pairing has ended")

    row(page, name).get_by_role("link", name="Audit").click()
    expect(page.locator(".about")).to_contain_text(name)
    expect(page.locator(".book-line")).to_have_count(3)
    assert lines(page) == ["DEVICE_REVOKED", "DEVICE_PAIRED", "DEVICE_ADDED"]
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator(".about")).to_have_count(0)
    wait_for(lambda: len(lines(page)) > 3, "the whole book is shown")


def test_every_session_of_a_person_ends_at_once(visits: Visits) -> None:
    visits.expect(NOT_SIGNED_IN)
    theirs = visits.staff("/floor", "MANAGER")
    expect(theirs.locator("#link")).to_have_attribute("data-link", re.compile("live|connecting"))
    page = admin(visits, "sessions")
    mara = page.locator(".person").filter(has_text="Mara Quill")
    expect(mara.locator("tbody tr").first).to_contain_text("Link")
    own = page.locator(".person").filter(has_text="Noor Haddad").locator("tbody tr")
    assert "End" not in own.filter(has_text="this one").inner_text()
    mara.get_by_role("button", name="End all").click()
    submit(page)
    expect(mara).to_have_count(0)
    expect(theirs.locator("#link")).to_have_attribute("data-link", "revoked")


def test_the_audit_is_narrowed_and_goes_back_to_the_first_line(
    visits: Visits, night: str, premises: Premises
) -> None:
    for _ in range(12):  # five links each: more than a page holds
        premises.link()
    page = admin(visits, "audit")
    expect(page.locator(".book-line")).to_have_count(50)
    first = page.locator(".book-line").first.get_attribute("data-version")
    page.get_by_role("button", name="Older").click()
    expect(page.locator(".book-line").nth(50)).to_be_focused()
    versions = [
        int(str(one.get_attribute("data-version"))) for one in page.locator(".book-line").all()
    ]
    assert versions == sorted(set(versions), reverse=True)
    assert str(versions[0]) == first
    while page.get_by_role("button", name="Older").count():
        with page.expect_response("**/v1/audit*"):
            page.get_by_role("button", name="Older").click()
        expect(page.locator("[data-busy]")).to_have_count(0)
    expect(page.locator(".book-line").last).to_have_attribute("data-version", "1")
    expect(page.locator(".book-foot")).to_have_text("The book begins here.")

    page.get_by_role("combobox", name="What").select_option("SIGNED_IN")
    wait_for(lambda: set(lines(page)) == {"SIGNED_IN"}, "only sign-ins are shown")
    page.get_by_role("combobox", name="Who").select_option(label="Noor Haddad")
    expect(page.locator(".book-who", has_text="Mara Quill")).to_have_count(0)
    assert set(page.locator(".book-who span:first-child").all_inner_texts()) == {"Noor Haddad"}
    expect(page.get_by_role("combobox", name="What")).to_have_value("SIGNED_IN")
    # A venue's hour, whatever the screen's own time zone: nothing is of after tomorrow.
    page.get_by_label("From", exact=True).fill("2099-01-01T00:00")
    page.get_by_label("From", exact=True).blur()
    expect(page.locator(".empty")).to_contain_text("No such lines")

    page.get_by_label("From", exact=True).fill("")
    page.get_by_role("combobox", name="Book").select_option("night")
    expect(page.get_by_role("textbox", name="Night")).to_have_value(night)
    expect(page.locator(".empty")).to_contain_text("No such lines")  # Noor did not open it
    page.get_by_role("combobox", name="Who").select_option("")
    expect(page.locator(".book-line")).to_have_count(1)
    expect(page.locator(".book-line")).to_contain_text("Night opened")


def test_door_staff_are_shown_to_their_own_page_and_see_nothing(visits: Visits) -> None:
    asked: list[str] = []
    context = visits.context()
    page = context.new_page()
    page.on("request", lambda one: asked.append(one.url) if "/v1/" in one.url else None)
    page.goto(f"/sign-in?next=/admin#link={visits.premises.link('DOOR_STAFF')}")
    expect(page.locator("#not-for-you")).to_contain_text("Good evening, Dev Okafor")
    expect(page.locator("#nav")).to_be_hidden()
    assert page.locator("table, form, [data-act]").count() == 0
    assert {one.rpartition("/v1/")[2] for one in asked} <= {"session", "floor", "nights"}
    visits.picture(page, "door_staff")
    page.get_by_role("link", name="To the door").click()
    page.wait_for_url("**/door")


def test_a_manager_sees_what_managers_may_and_comes_from_the_floor(
    visits: Visits, night: str
) -> None:
    page = visits.staff("/floor", "MANAGER")
    page.get_by_role("link", name="Administration").click()
    page.wait_for_url("**/admin")
    expect(row(page, "Mara Quill")).to_contain_text("you")
    assert page.locator("#nav a").all_inner_texts() == SECTIONS
    assert page.locator("#section button, #head button").count() == 0
    door = visits.staff("/floor", "DOOR_STAFF")
    expect(door.locator("#link")).to_have_attribute("data-link", "live")
    expect(door.get_by_role("link", name="Administration")).to_have_count(0)


def test_a_stranger_signs_in_and_is_back_at_the_section(visits: Visits, premises: Premises) -> None:
    visits.expect(NOT_SIGNED_IN)
    page = visits.page("/admin#audit")
    page.wait_for_url("**/sign-in?next=%2Fadmin%23audit")
    page.goto(f"{page.url}#link={premises.link()}")
    page.wait_for_url("**/admin#audit")
    expect(page.locator("#heading")).to_have_text("Audit")
    expect(page.locator(".book-line").first).to_be_visible()


def test_all_of_it_is_done_by_keyboard(visits: Visits, premises: Premises) -> None:
    visits.expect(REFUSED)
    page = admin(visits)
    press = page.keyboard.press
    page.locator("#nav a").first.focus()
    press("ArrowRight")
    press("Enter")
    expect(page.locator("#heading")).to_have_text("Devices")
    press("ArrowLeft")
    press("Enter")
    expect(row(page, "Dev Okafor")).to_be_visible()
    for _ in range(3 + len(SECTIONS)):
        press("Tab")
        if page.evaluate("document.activeElement.dataset.act") == "add":
            break
    press("Tab")
    assert page.evaluate("document.activeElement.dataset.act") == "edit"
    press("Tab")
    press("ArrowDown")
    focused = page.locator(":focus")
    expect(focused).to_have_attribute("data-act", "access")
    whose = str(focused.get_attribute("data-key"))
    assert whose != page.locator('[data-act="access"]').first.get_attribute("data-key")
    outline = focused.evaluate(
        "(at) => getComputedStyle(at).outlineStyle + at.matches(':focus-visible')"
    )
    assert outline == "solidtrue"

    # The PIN of whoever stands there, with the step-up in between; and back to the same button.
    press("Enter")
    pin = page.locator('dialog [data-act="pin"]')
    for _ in range(9):
        press("Tab")
        if pin.evaluate("(at) => at === document.activeElement"):
            break
    press("Enter")
    page.keyboard.type("825914")
    press("Enter")
    expect(dialog(page)).to_have_count(3)
    page.keyboard.type(pin_of(premises))
    press("Enter")
    expect(dialog(page)).to_have_count(0)
    expect(page.locator(":focus")).to_have_attribute("data-key", whose)
    press("Enter")
    expect(dialog(page)).to_have_count(1)
    press("Escape")
    expect(page.locator(":focus")).to_have_attribute("data-key", whose)


def test_on_a_phone_the_way_to_it_is_below_the_map(visits: Visits, night: str) -> None:
    page = visits.staff("/floor", "MANAGER", PHONE)
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    visits.picture(page, "floor")
    page.locator("#dock").get_by_role("link", name="Admin").click()
    expect(row(page, "Mara Quill")).to_be_visible()
