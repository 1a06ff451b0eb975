"""With Stripe's key: the card's own page, the form by Stripe's script, the way back to the code.

Stripe itself can't be reached from a test, so its script is one that implements the calls that
Stripe documents; the policy that lets it run, and every request, are the service's own.
"""

from typing import Any, Literal

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.acceptance.stripe_js import PUBLIC_KEY, take_cards_by_stripe
from tests.acceptance.test_looks import nameless, no_overflow, texts_of
from tests.acceptance.test_manage import held
from tests.acceptance.test_public import hold_best
from tests.acceptance.visits import DESK, PHONE, TABLET, Visits
from tests.premises import Premises

pytestmark = pytest.mark.browser


def at_the_form(context: BrowserContext) -> Page:
    """A hold was made, and its owner is where the card is typed."""
    page = context.new_page()
    page.goto("/")
    hold_best(page)
    page.get_by_role("link", name="by card").click()
    expect(form_button(page)).to_be_visible(timeout=15_000)
    return page


def form_button(page: Page) -> Locator:
    return page.locator("#buttons").get_by_role("button", name="Pay £")


def says(page: Page, text: str) -> None:
    expect(page.locator("#note")).to_contain_text(text)


def shows_code(page: Page) -> None:
    expect(page.get_by_alt_text("Your entry code")).to_be_visible(timeout=15_000)


def calls(page: Page) -> dict[str, list[Any]]:
    return {name: rest for name, *rest in page.evaluate("window.stripeCalls")}


def test_a_card_pays_in_stripes_own_form_and_the_guest_is_back_at_the_code(
    visits: Visits, night: str
) -> None:
    context = visits.context(PHONE)
    asked = take_cards_by_stripe(context)
    page = context.new_page()
    page.goto("/")
    hold_best(page)
    assert asked == [], "Stripe's script is loaded where a card is paid with, there alone"
    page.get_by_role("link", name="by card").click()
    expect(form_button(page)).to_be_visible(timeout=15_000)
    assert len([url for url in asked if url.endswith(".js")]) == 1
    said = calls(page)
    assert said["Stripe"][0] == PUBLIC_KEY
    assert said["create"][0] == "payment"
    assert no_overflow(page)
    assert nameless(page) == []
    visits.picture(page, "form")

    page.evaluate("window.testCard = 'declined'")
    form_button(page).dblclick()
    says(page, "Your card was declined. Nothing was taken")
    assert len([one for one in page.evaluate("stripeCalls") if one[0] == "confirmPayment"]) == 1
    visits.picture(page, "declined")
    page.evaluate("window.testCard = 'no network'")
    form_button(page).click()
    says(page, "nothing is paid twice")
    page.reload()  # in the middle of it
    expect(form_button(page)).to_be_visible(timeout=15_000)
    says(page, "Nothing was taken, and your table is still held")
    form_button(page).click()
    shows_code(page)
    assert page.url.endswith("/")


def test_a_bank_that_asks_is_answered_or_sends_the_guest_back(visits: Visits, night: str) -> None:
    context = visits.context(PHONE)
    take_cards_by_stripe(context)
    page = at_the_form(context)
    page.evaluate("window.testCard = 'asks'")
    form_button(page).click()
    says(page, "Your bank asks whether it is you")
    # The question is still open, and what the address says of the payment is not believed.
    page.goto(f"{page.url}&redirect_status=succeeded&payment_intent_client_secret=pi_1_secret_2")
    says(page, "Your bank asks whether it is you")
    assert "secret" not in page.url
    stranger = visits.page(f"{page.url}&redirect_status=succeeded", PHONE)
    expect(stranger.locator("#trouble")).to_contain_text("Open your booking where you began")
    visits.picture(page, "asks")
    page.evaluate("window.testCheck = 'refuse'")
    page.get_by_role("button", name="Answer your bank").click()
    says(page, "Nothing was taken")
    page.reload()
    expect(form_button(page)).to_be_visible(timeout=15_000)
    seen: list[str] = []
    page.on("framenavigated", lambda frame: seen.append(frame.url))
    page.evaluate("window.testCard = 'goes away'")
    form_button(page).click()
    shows_code(page)
    assert any("redirect_status=succeeded" in url for url in seen)
    page.go_back()
    assert "secret" not in page.url


def test_without_stripe_the_page_says_so_and_tries_again(visits: Visits, night: str) -> None:
    visits.expect("ERR_FAILED")
    context = visits.context(PHONE)
    take_cards_by_stripe(context, reachable=False)
    page = context.new_page()
    page.goto("/")
    hold_best(page)
    page.get_by_role("link", name="by card").click()
    says(page, "The card form can't be loaded at the moment. Nothing was taken")
    visits.picture(page, "not_loaded")
    take_cards_by_stripe(context)
    page.get_by_role("button", name="Try again").click()
    expect(form_button(page)).to_be_visible(timeout=15_000)


def test_the_page_has_contrast_and_fits_every_screen(
    visits: Visits, night: str, premises: Premises
) -> None:
    context = visits.context(PHONE)
    take_cards_by_stripe(context)
    page = context.new_page()
    page.goto(held(premises, [2])["link"])  # by its link this time
    page.get_by_role("link", name="by card").click()
    expect(form_button(page)).to_be_visible(timeout=15_000)
    expect(page.get_by_role("link", name="Back to your hold")).to_have_attribute("href", "/manage")
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        for size, name in ((PHONE, "phone"), (TABLET, "tablet"), (DESK, "desk")):
            page.set_viewport_size(size)
            assert no_overflow(page), name
            visits.picture(page, f"{name}_{scheme}")
        assert texts_of(page, "card")["faint"] == [], scheme
