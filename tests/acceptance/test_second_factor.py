"""A manager's first evening: the invitation, the second factor, and what is left when the phone is.

Real people exist only here, in the demo's own service: at the end they count as the demo's, so that
it starts again.
"""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import asyncpg
import numpy as np
import pyotp
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from app.db.staff import insert_link, insert_staff
from app.domain.tokens import new_token, token_hash
from scanners.codes.reading import read_codes
from tests.acceptance.visits import PHONE, Visits
from tests.premises import Premises

pytestmark = pytest.mark.browser

PHRASE = "brass rails by candlelight"
REFUSED = r"status of (403|422) "


def run(work: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:  # Playwright's loop lives in this thread
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def invitation(premises: Premises) -> Iterator[tuple[str, str]]:
    """A manager who exists since a moment: the user name, and the link that invites them."""
    username, token = f"mara-{uuid4()}", new_token()
    urls = premises.urls()

    async def invite() -> None:
        conn = await asyncpg.connect(urls.auth)
        staff_id = await insert_staff(conn, username, "Mara Quill", "MANAGER", None)
        assert staff_id is not None
        await insert_link(conn, token_hash(token), staff_id, timedelta(minutes=5))
        await conn.close()

    async def forget() -> None:
        conn = await asyncpg.connect(urls.owner)
        await conn.execute("UPDATE staff SET demo = true WHERE username = $1", username)
        await conn.close()

    run(invite())
    yield username, token
    run(forget())


def shown_in_picture(page: Page) -> str:
    """What a phone's camera reads in the picture of the enrolment."""
    grey = Image.open(BytesIO(page.locator("#enrol-picture").screenshot())).convert("L")
    (reading,) = read_codes(np.asarray(grey))
    return str(reading.text)


def enrolled(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    """The second factor is set up by keyboard alone: the app, and the recovery codes."""
    expect(page.locator("#heading")).to_have_text("Set up your second factor")
    app = pyotp.parse_uri(shown_in_picture(page))
    assert isinstance(app, pyotp.TOTP)
    page.get_by_label("Code that the app shows").type(app.now())
    page.keyboard.press("Enter")
    expect(page.locator("#heading")).to_have_text("Recovery codes")
    codes = page.locator("#recovery-codes li").all_inner_texts()
    return app, codes


def test_an_invited_manager_enrols_and_comes_back_with_a_recovery_code(
    visits: Visits, invitation: tuple[str, str]
) -> None:
    visits.expect(REFUSED)
    username, link = invitation
    page = visits.page(f"/sign-in?next=/docs#link={link}", PHONE)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _, codes = enrolled(page)
    visits.picture(page, "recovery_codes")
    assert len(codes) == len(set(codes)) == 10
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split() == codes
    # They are not left behind by accident.
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#heading")).to_have_text("Recovery codes")
    page.get_by_label("I have kept these codes").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Passphrase").fill("password123")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#error")).to_have_text(re.compile("among the first that are tried"))
    page.get_by_label("Passphrase").fill(PHRASE)
    page.get_by_role("button", name="Keep it").click()
    page.wait_for_url("**/docs")

    # Another evening, without the phone.
    page.context.clear_cookies(name="sid")
    page.goto("/sign-in?next=/docs")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PHRASE)
    page.keyboard.press("Enter")
    expect(page.locator("#heading")).to_have_text("Second factor")
    page.get_by_label("Code", exact=True).type("000000")
    page.keyboard.press("Enter")
    expect(page.locator("#error")).to_have_text(re.compile(r"The code is wrong\."))
    visits.picture(page, "wrong_code")
    page.get_by_role("button", name="I do not have my phone").click()
    page.get_by_label("Recovery code").type(codes[3].lower())
    page.keyboard.press("Enter")
    page.wait_for_url("**/docs")


def test_a_step_survives_a_reload_and_can_be_left(
    visits: Visits, invitation: tuple[str, str]
) -> None:
    _, link = invitation
    page = visits.page(f"/sign-in#link={link}")
    expect(page.locator("#enrol-picture")).to_be_visible()
    before = shown_in_picture(page)
    page.reload()
    expect(page.locator("#enrol-picture")).to_be_visible()
    page.wait_for_function("document.querySelector('#enrol-secret').textContent !== ''")
    assert shown_in_picture(page) != before
    page.get_by_role("button", name="Start over").locator("visible=true").click()
    expect(page.get_by_label("User name")).to_be_focused()
    assert "sid" not in {cookie["name"] for cookie in page.context.cookies()}


@pytest.mark.parametrize("screen", ["/floor", "/door", "/admin"])
def test_a_screen_leads_back_to_the_second_factor_that_is_owed(
    visits: Visits, invitation: tuple[str, str], screen: str
) -> None:
    visits.expect(REFUSED)
    page = visits.page(f"/sign-in#link={invitation[1]}")
    expect(page.locator("#enrol-picture")).to_be_visible()
    page.evaluate("sessionStorage.clear()")
    page.goto(screen)
    page.wait_for_url("**/sign-in?next=**")
    expect(page.locator("#enrol-picture")).to_be_visible()
    enrolled(page)
    page.get_by_label("I have kept these codes").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Later").click()
    page.wait_for_url(f"**{screen}")


def test_the_codes_are_printed_alone(visits: Visits, invitation: tuple[str, str]) -> None:
    page = visits.page(f"/sign-in#link={invitation[1]}")
    app, codes = enrolled(page)
    assert app.interval == 30
    page.emulate_media(media="print")
    for unwanted in ("#copy-codes", "#theme", ".fan"):
        expect(page.locator(unwanted)).to_be_hidden()
    expect(page.get_by_text(codes[0])).to_be_visible()
