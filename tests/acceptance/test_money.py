"""The manager's view of money: what is paid and how, what a second person sees, what goes back."""

import re
from datetime import date
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.acceptance.test_admin import step_up
from tests.acceptance.test_looks import nameless, no_overflow, texts_of
from tests.acceptance.test_manage import bearer, confirm, held, path
from tests.acceptance.visits import DESK, PHONE, Visits, act, dialog, table
from tests.premises import Premises, key

pytestmark = pytest.mark.browser


def standing(page: Page) -> Locator:
    return page.locator("#sheet .money .money-state")


def paid_online(premises: Premises, tables: list[int]) -> dict[str, Any]:
    booking = held(premises, tables)
    with premises.client() as owner:
        by = bearer(booking["token"])
        owner.post(f"/v1/holds/{booking['booking_id']}/confirm", headers=key() | by)
        paid = owner.post(f"{path(booking)}/test-card", json={"card": "pays"}, headers=key() | by)
    assert paid.json()["status"] == "confirmed"
    return booking


def test_desk_money_is_seen_by_a_second_person_and_given_back_by_hand(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(r"status of 403 ")  # the step-up
    confirm(premises, held(premises, [2]))
    taker = visits.staff("/floor")
    table(taker, 2).click()
    expect(standing(taker)).to_have_text("Paid at the desk, not verified")
    expect(taker.locator("#sheet")).to_contain_text("You took the £60 yourself")
    expect(act(taker, "verify")).to_have_count(0)

    other = visits.staff("/floor", "SUPER_ADMIN")
    # What is oldest stands first, and other nights have left theirs.
    everything = other.get_by_role("button", name=re.compile("^Show all"))
    day = date.fromisoformat(night)
    there = f"{day:%a} {day.day} {day:%b}"
    row = other.locator('.money-row[data-kind="unverified"]', has_text=there).last
    expect(row.or_(everything).first).to_be_visible()
    if everything.count():
        everything.click()
    expect(row).to_contain_text("£60")
    visits.picture(other, "list")
    table(other, 2).click()
    act(other, "verify").click()
    dialog(other).get_by_role("button", name="I have seen £60").click()
    expect(standing(other)).to_have_text("Paid at the desk")
    expect(other.locator("#sheet")).to_contain_text("verified by you")

    act(other, "refund").click()
    expect(dialog(other)).to_contain_text("By the booking's terms nothing comes back now")
    visits.picture(other, "refund")
    dialog(other).locator("[name=other]").fill("20")
    dialog(other).get_by_role("button", name="Give back").click()
    step_up(other, premises.account("SUPER_ADMIN")["pin"])
    expect(standing(other)).to_have_text("Refund pending")
    act(other, "given").click()
    dialog(other).get_by_role("button", name="£20 is given back").click()
    expect(other.locator("#sheet .money-lines")).to_contain_text("£20 given back")
    expect(standing(other)).to_have_text("Refunded in part")
    visits.picture(other, "given")

    # What is kept of a booking that is over can be looked at, and given back, from the list.
    act(other, "cancel").click()
    expect(dialog(other)).to_contain_text("by its terms nothing comes back")
    dialog(other).get_by_role("button", name="Cancel the booking").click()
    other.keyboard.press("Escape")
    other.locator("#list .party[data-ended]").click()
    expect(dialog(other)).to_contain_text("Refunded in part")
    expect(dialog(other).locator("[data-act=refund]")).to_be_visible()


def test_what_was_paid_online_goes_back_to_the_card_by_itself(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect(r"status of 403 ")
    paid_online(premises, [2])
    page = visits.staff("/floor", "SUPER_ADMIN", PHONE)
    table(page, 2).click()
    expect(standing(page)).to_have_text("Paid online")
    expect(act(page, "verify")).to_have_count(0)
    act(page, "refund").click()
    dialog(page).get_by_role("button", name="Give back").click()
    step_up(page, premises.account("SUPER_ADMIN")["pin"])
    expect(standing(page)).to_have_text("Refunded")
    assert no_overflow(page)
    assert nameless(page) == []
    visits.picture(page, "refunded")


def told_of(
    visits: Visits,
    night: str,
    premises: Premises,
    booking: dict[str, Any],
    where: str,
    changed: dict[str, Any],
) -> Page:
    """The floor at the desk, where the booking's payment is told with these changes, also in the
    list of that name: what stands in for Stripe has neither disputes nor other money than was asked
    for."""
    with premises.desk() as desk:
        money = desk.get(f"{path(booking)}/payments").json()
    [payment] = money["payments"]
    payment |= changed
    told: dict[str, Any] = {"unverified": [], "refunds": [], "disputes": []}
    told[where] = [{"reference": booking["reference"], "night": night, "payment": payment}]
    answers: dict[str, Any] = {"/open": told, f"{booking['booking_id']}/payments": money}

    def tell(route: Route) -> None:
        route.fulfill(json=next(a for end, a in answers.items() if route.request.url.endswith(end)))

    page = visits.context(DESK).new_page()
    page.route("**/v1/payments/open", tell)
    page.route(f"**{path(booking)}/payments", tell)
    page.goto(f"/sign-in?next=/floor#link={premises.link()}")
    return page


def test_money_that_is_not_what_was_asked_for_is_shown_until_it_is_seen(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = paid_online(premises, [2])
    page = told_of(visits, night, premises, booking, "unverified", {
        "differs": "currency", "currency": "eur", "asked_pence": 6000,
    })  # fmt: skip
    row = page.locator('.money-row[data-kind="unverified"]')
    expect(row).to_contain_text("Not as asked")
    expect(row).to_contain_text("€60.00")
    table(page, 2).click()
    expect(standing(page)).to_have_text("Paid online, not as asked")
    expect(page.locator("#sheet .money-lines")).to_contain_text("£60 was asked for")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert texts_of(page, "sheet")["faint"] == [], scheme
        visits.picture(page, f"sheet_{scheme}")
    assert no_overflow(page)
    act(page, "seen").click()
    expect(dialog(page)).to_contain_text("in place of £60")
    visits.picture(page, "dialog")
    visits.expect("409")  # to the service itself this one is as it was asked for
    with page.expect_response("**/verify") as answered:
        dialog(page).get_by_role("button", name="I have looked at it").click()
    assert answered.value.request.method == "POST"
    assert answered.value.json()["reason"] == "payment_is_online"


def test_a_dispute_is_a_word_and_a_shape_with_what_to_do(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = paid_online(premises, [2])
    page = told_of(visits, night, premises, booking, "disputes", {
        "dispute": "needs_response", "disputed_pence": 6000,
    })  # fmt: skip
    row = page.locator('.money-row[data-kind="disputed"]')
    expect(row).to_contain_text("Disputed")
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    table(page, 2).click()
    expect(standing(page)).to_have_text("Disputed")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert texts_of(page, "sheet")["faint"] == [], scheme
        visits.picture(page, f"sheet_{scheme}")
    page.keyboard.press("Escape")
    row.click()
    expect(dialog(page)).to_contain_text("Answer in Stripe's own pages")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        assert texts_of(page, "dialog")["faint"] == [], scheme
        visits.picture(page, f"dialog_{scheme}")
