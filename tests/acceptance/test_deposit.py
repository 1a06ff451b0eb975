"""A customer pays a deposit by the test form, in the ticket and on /manage, and what fails."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.acceptance.test_looks import nameless, no_overflow
from tests.acceptance.test_manage import held, press, shows_code
from tests.acceptance.test_public import hold_best
from tests.acceptance.visits import PHONE, Visits, dialog
from tests.premises import Premises

pytestmark = pytest.mark.browser


def form_of(page: Page) -> Locator:
    return page.get_by_role("region", name="Deposit")


def pay_with(page: Page, card: str) -> None:
    form_of(page).get_by_role("button", name=card).click()


def says(page: Page, text: str) -> None:
    expect(form_of(page).locator(".deposit-note")).to_contain_text(text)


def payments_of(premises: Premises, night: str) -> list[dict[str, Any]]:
    """What was paid for the night's one booking."""
    with premises.desk() as desk:
        [booking] = desk.get(f"/v1/nights/{night}/bookings").json()["bookings"]
        money = desk.get(f"/v1/bookings/{booking['booking_id']}/payments").json()
    found: list[dict[str, Any]] = money["payments"]
    return found


def test_cards_that_fail_are_told_apart_nothing_is_lost_and_one_payment_brings_the_code(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = visits.page("/", PHONE)
    hold_best(page)
    expect(page.locator("#ticket h2")).to_be_focused()
    expect(form_of(page)).to_contain_text("No real card, and no money moves")
    expect(form_of(page)).to_contain_text("So close to the night the deposit does not come back")
    visits.picture(page, "held")
    pay_with(page, "Pay £")
    pay_with(page, "Declined card")
    says(page, "Nothing was taken, and your table is still held")
    expect(form_of(page).get_by_role("button", name="Good card")).to_be_focused()
    visits.picture(page, "declined")
    page.reload()  # in the middle of it: it goes on with the same payment by itself
    pay_with(page, "Card that needs a check")
    says(page, "Your bank asks whether it is you")
    visits.picture(page, "check")
    page.reload()
    pay_with(page, "Refuse it")
    says(page, "Nothing was taken")
    assert no_overflow(page)
    assert nameless(page) == []
    form_of(page).get_by_role("button", name="Good card").dblclick()
    expect(page.get_by_alt_text("Your entry code")).to_be_visible(timeout=15_000)
    expect(page.locator("#ticket")).to_contain_text(re.compile(r"Deposit: £\d+ paid"))
    visits.picture(page, "paid")
    [payment] = payments_of(premises, night)
    assert payment["method"] == "online"


def test_by_its_link_a_hold_is_paid_and_cancelling_tells_what_comes_back(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = held(premises, [2])
    page = visits.page(booking["link"], PHONE)
    pay_with(page, "Pay £")
    visits.picture(page, "form")
    pay_with(page, "Good card")
    shows_code(page)
    press(page, "cancel")
    expect(dialog(page)).to_contain_text("too late for any of it to come back")
    dialog(page).get_by_role("button", name="Cancel the booking").click()
    expect(page.locator("#booking")).to_contain_text("of the deposit stays with the club")
    visits.picture(page, "cancelled")


def test_the_desk_is_named_where_it_is_the_way_and_when_the_other_one_is_away(
    visits: Visits, night: str, premises: Premises
) -> None:
    link = held(premises, [2])["link"]

    def opened(**change: Any) -> Page:
        context = visits.context(PHONE)
        told = context.request.get("/v1/payments/ways").json() | change
        context.route("**/v1/payments/ways", lambda route: route.fulfill(json=told))
        page = context.new_page()
        page.goto(link)
        return page

    page = opened(how="desk")
    expect(form_of(page)).to_contain_text("Come to the desk before the time is up")
    expect(form_of(page).get_by_role("button")).to_have_count(0)
    page = opened(away=True)
    expect(form_of(page)).to_contain_text("Paying online can't be reached at the moment")
    form_of(page).get_by_role("button", name="Try again").click()
    pay_with(page, "Good card")  # it is back
    shows_code(page)


def test_an_answer_that_is_lost_is_called_unsure_and_the_code_comes_all_the_same(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("ERR_FAILED")
    page = visits.page("/", PHONE)
    hold_best(page)
    pay_with(page, "Pay £")
    good = form_of(page).get_by_role("button", name="Good card")
    expect(good).to_be_visible()

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    def silent(route: Route) -> None:
        route.abort()

    page.route("**/test-card", lose)
    page.route("**/v1/bookings/*", silent)  # nor does it hear of it otherwise
    good.click()
    says(page, "nothing is paid twice")
    visits.picture(page, "unsure")
    page.unroute("**/v1/bookings/*", silent)
    expect(page.get_by_alt_text("Your entry code")).to_be_visible(timeout=15_000)
    assert len(payments_of(premises, night)) == 1


def test_a_hold_that_runs_out_while_it_is_paid_says_so_and_takes_nothing(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 409 ")
    page = visits.page("/", PHONE)
    hold_best(page)
    pay_with(page, "Pay £")
    expect(form_of(page).get_by_role("button", name="Good card")).to_be_visible()
    past = datetime.fromisoformat(f"{night}T21:30:00") + timedelta(minutes=40)
    premises.set_clock(f"{past.isoformat()}.000Z")
    expect(page.locator("#ticket h2")).to_have_text("The hold ran out")
    expect(page.locator("#ticket")).to_contain_text("the money goes back by itself")
    visits.picture(page, "ran_out")
    page.get_by_role("button", name="Choose again").click()
    expect(page.locator("#ticket")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('backroom.hold')") is None
    assert payments_of(premises, night) == []
