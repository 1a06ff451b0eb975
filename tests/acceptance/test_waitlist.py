"""A full night: a customer joins the waitlist on a phone, and takes the table that comes free."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from app.domain.signed_links import OFFER, SignedLink, mint
from floorplan.venue import load_venue
from tests.acceptance.test_looks import no_overflow, texts_of
from tests.acceptance.visits import DESK, PHONE, SMALL_JS, Visits, dialog
from tests.premises import Premises, key, wait_for

pytestmark = pytest.mark.browser


def test_a_party_waits_is_ranked_offered_and_takes_its_table(
    visits: Visits, night: str, premises: Premises
) -> None:
    with premises.desk() as desk:
        for number in range(1, 17):
            address = f"/v1/tables/{number}/block"
            block = {"night": night, "reason": "club_use"}
            desk.post(address, json=block, headers=key()).raise_for_status()
        page = visits.page("/", PHONE)
        page.get_by_role("button", name="Join the waitlist").click()
        dialog(page).get_by_label("Name").fill("Grace Hopper")
        dialog(page).get_by_label("Phone").fill("0113 496 0077")
        dialog(page).get_by_label("It is a special occasion").check()
        dialog(page).locator("button[type=submit]").click()
        expect(page.locator("#waiting")).to_contain_text("Number 1 in line")
        expect(page.locator("#waiting")).to_contain_text("Special occasion")
        visits.picture(page, "waiting")
        page.reload()
        expect(page.locator("#waiting")).to_contain_text("Number 1 in line")
        expect(page.locator("#offers")).to_contain_text("You are on the waitlist")
        expect(page.get_by_role("button", name="Join the waitlist")).to_have_count(0)

        manager = visits.staff("/floor", size=DESK)
        row = manager.locator("#list .tone-waitlisted")
        expect(row).to_contain_text("Grace Hopper")
        row.click()
        dialog(manager).get_by_label("Priority by hand").fill("900")
        visits.picture(manager, "place")
        dialog(manager).get_by_role("button", name="Set priority").click()
        expect(row).to_contain_text("priority 900")

        free = {"night": night}
        desk.post("/v1/tables/7/unblock", json=free, headers=key()).raise_for_status()
    expect(page.locator("#waiting")).to_contain_text("A table for you")
    expect(page.locator("#waiting .ticket-count")).to_have_text(re.compile(r"^\d+:\d\d$"))
    expect(manager.locator("#list .party", has_text="Offered")).to_contain_text("Grace Hopper")
    visits.picture(page, "offer")
    visits.picture(manager, "offered")
    page.get_by_role("button", name="Take this table").click()
    expect(page.locator("#ticket")).to_contain_text("Held for you")
    expect(page.locator("#waiting")).to_be_hidden()
    expect(manager.locator("#list")).not_to_contain_text("Waitlist")


def test_a_party_beyond_every_set_is_promised_a_call_and_no_table(
    visits: Visits, night: str
) -> None:
    page = visits.page("/", PHONE)
    for _ in range(9):
        page.locator("#party").get_by_role("button", name="One more").click()
    page.get_by_role("button", name="Ask the club").click()
    expect(dialog(page).get_by_role("heading")).to_have_text("Ask the club")
    expect(dialog(page)).to_contain_text("the club arranges it and calls you")
    expect(dialog(page)).not_to_contain_text("held for you")
    dialog(page).get_by_label("Name").fill("Grace Hopper")
    dialog(page).get_by_label("Phone").fill("0113 496 0078")
    dialog(page).locator("button[type=submit]").click()
    expect(page.locator("#waiting")).to_contain_text("Staff have your request")


def test_an_offer_is_taken_on_a_phone_that_never_saw_the_place(
    visits: Visits, night: str, premises: Premises
) -> None:
    """Joined on a laptop; the message's link is opened where the message came."""
    visits.expect("status of 401 ")
    with premises.desk() as desk:
        for number in range(1, 17):
            block = {"night": night, "reason": "club_use"}
            desk.post(f"/v1/tables/{number}/block", json=block, headers=key()).raise_for_status()
        with premises.client() as laptop:
            contact = {"name": "Grace Hopper", "phone": "0113 496 0078"}
            body = {"night": night, "party": 4, "contact": contact}
            joined = laptop.post("/v1/waitlist", json=body, headers=key())
            joined.raise_for_status()
        free = {"night": night}
        desk.post("/v1/tables/7/unblock", json=free, headers=key()).raise_for_status()
        link = offer_link(premises, joined.json()["waitlist_id"])
        place = f"/v1/waitlist/{joined.json()['waitlist_id']}"
        wait_for(lambda: desk.get(place).json()["status"] == "offered", "the offer")
    page = visits.page(link, PHONE, has_touch=True, is_mobile=True)
    offer = page.locator("#waiting")
    expect(offer).to_contain_text("A table for you")
    expect(offer).to_contain_text("Upstairs")
    expect(offer).to_contain_text(re.compile(r"Held for you until \d\d:\d\d"))
    expect(offer).to_contain_text("you stay in line for the next")
    expect(page.get_by_role("button", name="Take this table")).to_be_in_viewport(ratio=1)
    assert page.evaluate(SMALL_JS) == []
    assert no_overflow(page)
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        assert texts_of(page, f"the offer, {theme}")["faint"] == []
    expect(page.locator("#waiting .ticket-count")).to_have_text(re.compile(r"^\d+:\d\d$"))
    assert page.url == f"{premises.origin}/", "the token stays in the address bar"
    visits.picture(page, "offer-by-link")
    page.reload()
    page.get_by_role("button", name="Take this table").click()
    expect(page.locator("#ticket")).to_contain_text("Held for you")
    expect(page.locator("#waiting")).to_be_hidden()
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert "off_" not in kept
    assert "mng_" in kept, "what is kept outlives the offer, and can be revoked"
    page.get_by_role("button", name="Keep this link").click()
    expect(dialog(page).get_by_label("Link to your booking")).to_have_value(re.compile("#mng_"))
    late = visits.page(link[:-1] + ("A" if link[-1] != "A" else "B"), PHONE, color_scheme="light")
    expect(late.locator("#waiting")).to_contain_text("This offer is over")
    visits.picture(late, "offer-over")
    assert "off_" not in late.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")


def offer_link(premises: Premises, waitlist_id: str) -> str:
    """The link in the message about the first offer; screens for staff leave it out."""
    secret = premises.servers().secret()
    offers_left, until = load_venue().rules.offers, datetime(2040, 1, 1, tzinfo=UTC)
    offer = SignedLink(waitlist_id, offers_left, until)
    return f"{premises.origin}/#{mint(OFFER, OFFER.key(secret), offer)}"
