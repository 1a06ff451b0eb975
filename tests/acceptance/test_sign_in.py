"""The staff entrance: a wrong password, a used link, and where one is sent afterwards."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.acceptance.visits import NOT_SIGNED_IN, PHONE, Visits
from tests.premises import Premises

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_told_and_says_not_which_half_was_wrong(visits: Visits) -> None:
    visits.expect(NOT_SIGNED_IN)
    page = visits.page("/sign-in", PHONE)
    page.get_by_label("User name").fill("demo-manager")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    error = page.get_by_role("alert").filter(has_text=re.compile(r"\w"))
    expect(error).to_have_text(re.compile(r"^[A-Z].*\.$"))
    known = error.inner_text()
    page.get_by_label("User name").fill("nobody-at-all")
    page.get_by_label("Password").fill("not the password")
    with page.expect_response("**/v1/session"):
        page.get_by_role("button", name="Sign in").click()
    expect(error).to_have_text(known)
    assert page.url.endswith("/sign-in")


def test_a_link_works_once_and_leaves_the_address_bar(visits: Visits, premises: Premises) -> None:
    visits.expect(NOT_SIGNED_IN)
    link = premises.link("DOOR_STAFF")
    first = visits.page(f"/sign-in#link={link}")
    first.wait_for_url("**/door")
    second = visits.page(f"/sign-in#link={link}")
    expect(second.locator("#error")).to_have_text(re.compile(r"[A-Z].*\."))
    expect(second.get_by_label("Password")).to_be_visible()
    assert link not in second.url
    visits.picture(second, "used_link")


def test_a_page_for_staff_sends_strangers_to_the_entrance_and_back(
    visits: Visits, premises: Premises
) -> None:
    visits.expect(NOT_SIGNED_IN)
    page = visits.page("/floor")
    page.wait_for_url("**/sign-in?next=%2Ffloor")
    page.goto(f"/sign-in?next=%2Ffloor#link={premises.link()}")
    page.wait_for_url("**/floor")
    expect(page.locator("#map .table")).to_have_count(16)


def test_a_link_pasted_over_the_open_sign_in_page_is_used(
    visits: Visits, premises: Premises
) -> None:
    page = visits.page("/sign-in")
    page.goto(f"/sign-in#link={premises.link()}")  # only the part after the # changes
    page.wait_for_url("**/floor")


WISHES = {
    "/docs": "/docs",
    "https://evil.example/": "/floor",
    "//evil.example/": "/floor",
    "/\\evil.example/": "/floor",
    "javascript:alert(1)": "/floor",
    "/sign-in": "/floor",
}


def test_only_a_path_of_this_service_is_followed_after_signing_in(
    visits: Visits, premises: Premises
) -> None:
    page = visits.context().new_page()
    for wish, leads_to in WISHES.items():
        page.goto(f"/sign-in?next={quote(wish)}#link={premises.link()}")
        page.wait_for_url(f"{premises.origin}{leads_to}")


def test_signing_out_ends_the_session(visits: Visits) -> None:
    visits.expect(NOT_SIGNED_IN)
    page = visits.staff("/floor")
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    page.locator("#sign-out").click()
    page.wait_for_url("**/sign-in**")
    page.goto("/floor")
    page.wait_for_url("**/sign-in**")
