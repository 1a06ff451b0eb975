"""A customer with a phone: what is free, a hold, and a second phone that sees it at once."""

import re

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.acceptance.visits import DESK, PHONE, TABLET, Visits, dialog
from tests.premises import Premises, key

pytestmark = pytest.mark.browser


def best(page: Page) -> str:
    """The tables of the first offer, as "7" or "15 16"."""
    first = page.locator("#offers .offer").first
    expect(first).to_be_visible()
    tables = first.get_attribute("data-tables")
    assert tables
    return tables


def offer(page: Page, tables: str) -> str:
    return f'#offers .offer[data-tables="{tables}"]'


def hold_best(page: Page) -> str:
    tables = best(page)
    page.locator("#offers .offer").first.get_by_role("button").first.click()
    dialog(page).get_by_label("Name").fill("Ada Lovelace")
    dialog(page).get_by_label("Phone").fill("0113 496 0000")
    dialog(page).locator("button[type=submit]").click()
    expect(page.locator("#ticket .ticket-count")).to_have_text(re.compile(r"^\d+:\d\d$"))
    return tables


def test_a_customer_holds_a_table_and_lets_it_go_while_another_looks_on(
    visits: Visits, night: str
) -> None:
    ada, other = visits.page("/", PHONE), visits.page("/", PHONE)
    expect(other.locator("#link")).to_have_attribute("data-link", "live")
    tables = best(other)
    other.evaluate("window.neverReloaded = true")

    assert hold_best(ada) == tables
    expect(ada.locator("#ticket")).to_contain_text("Held for you")
    expect(ada.locator("#ticket .ticket-reference")).to_have_text(
        re.compile(r"^([0-9A-Z]{4}-){4}[0-9A-Z*~$=]$")  # its last is the check character
    )
    before = ada.locator(".ticket-count").inner_text()
    expect(ada.locator(".ticket-count")).not_to_have_text(before)  # it runs
    expect(other.locator(offer(other, tables))).to_have_count(0)
    visits.picture(ada, "held")

    ada.get_by_role("button", name="Let it go").click()
    dialog(ada).get_by_role("button", name="Let it go").click()
    expect(ada.locator("#ticket")).to_be_hidden()
    expect(other.locator(offer(other, tables))).to_have_count(1)
    assert other.evaluate("window.neverReloaded") is True
    visits.picture(other, "free_again")


def test_a_hold_survives_a_reload_and_becomes_a_code_when_the_desk_confirms(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = visits.page("/", PHONE)
    tables = hold_best(page)
    page.reload()
    expect(page.locator("#ticket .ticket-count")).to_be_visible()
    with premises.desk() as desk:
        [booking] = desk.get(f"/v1/nights/{night}/bookings").json()["bookings"]
        assert " ".join(map(str, booking["tables"])) == tables
        paid = {"method": "card", "amount_pence": booking["deposit_pence"]}
        address = f"/v1/holds/{booking['booking_id']}/confirm"
        desk.post(address, json=paid, headers=key()).raise_for_status()
    code = page.get_by_alt_text("Your entry code")
    expect(code).to_be_visible()
    page.wait_for_function("() => document.querySelector('.ticket-code')?.naturalWidth > 0")
    visits.picture(page, "code")


def without_timers(page: Page, least_ms: int, most_ms: int) -> None:
    """Timers between these lengths never end: what happens all the same did not wait for one."""
    page.add_init_script(
        "const real = window.setTimeout; window.setTimeout = (act, ms, ...more) =>"
        f" ms >= {least_ms} && ms <= {most_ms} ? 0 : real(act, ms, ...more);"
    )


def test_a_hold_is_asked_for_every_two_seconds_so_that_its_code_comes_at_once(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = visits.context(PHONE).new_page()
    without_timers(page, 2001, 60_000)  # whoever asks less often than that never asks
    page.goto("/")
    hold_best(page)
    with premises.desk() as desk:
        [booking] = desk.get(f"/v1/nights/{night}/bookings").json()["bookings"]
        paid = {"method": "card", "amount_pence": booking["deposit_pence"]}
        address = f"/v1/holds/{booking['booking_id']}/confirm"
        desk.post(address, json=paid, headers=key()).raise_for_status()
    expect(page.get_by_alt_text("Your entry code")).to_be_visible()


def test_a_hold_is_read_again_when_a_live_frame_changes_its_tables(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = visits.context(PHONE).new_page()
    without_timers(page, 1000, 60_000)  # it is never asked for by the clock
    page.goto("/")
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    hold_best(page)
    with premises.desk() as desk:
        [booking] = desk.get(f"/v1/nights/{night}/bookings").json()["bookings"]
        address = f"/v1/holds/{booking['booking_id']}"
        desk.delete(address, headers=key()).raise_for_status()
    expect(page.locator("#ticket h2")).to_have_text("Let go")


def test_by_keyboard_the_focus_stays_while_the_list_moves(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = visits.page("/", PHONE)
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    best(page)
    chosen = page.locator("#nights button").first
    chosen.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#nights button").first).to_be_focused()
    onmap = page.locator('#map .table[data-status="available"]').first
    onmap.focus()
    page.keyboard.press("Enter")
    number = onmap.get_attribute("data-number") or ""
    expect(page.locator(offer(page, number)).get_by_role("button")).to_be_focused()
    first, second = (
        one.get_attribute("data-tables") or "" for one in page.locator("#offers .offer").all()[:2]
    )
    page.locator(offer(page, second)).get_by_role("button").focus()
    _held_by_the_desk(premises, night, first)
    expect(page.locator(offer(page, first))).to_have_count(0)
    expect(page.locator(offer(page, second)).get_by_role("button")).to_be_focused()
    _held_by_the_desk(premises, night, second)
    expect(page.locator(offer(page, second))).to_have_count(0)
    expect(page.locator("#offers-title")).to_be_focused()  # and not at the top of the page


def _held_by_the_desk(premises: Premises, night: str, tables: str) -> None:
    numbers = [int(number) for number in tables.split()]
    body = {"night": night, "party": 4, "contact": {"name": "Quick"}, "tables": numbers}
    with premises.desk() as desk:
        desk.post("/v1/holds", json=body, headers=key()).raise_for_status()


def test_what_was_offered_to_another_party_can_not_be_held(visits: Visits, night: str) -> None:
    page = visits.page("/", PHONE)
    best(page)
    late: list[Route] = []

    def keep(route: Route) -> None:  # not the list's own method, which takes no attribute
        late.append(route)

    page.route("**/availability?party=5", keep)
    more = page.locator("#party").get_by_role("button", name="One more")
    more.click()
    expect(page.locator("#offers")).to_have_attribute("aria-busy", "true")
    assert page.locator("#offers").evaluate("list => list.inert")
    expect(page.locator("#offers-title")).to_have_attribute("aria-live", "polite")
    while not late:
        page.wait_for_timeout(20)
    more.click()
    expect(page.locator("#offers-title")).to_have_text(re.compile("for 6$"))
    expect(page.locator("#offers")).not_to_have_attribute("aria-busy", "true")
    # The answer for five comes after the one for six.
    with page.expect_response("**/availability?party=5"):
        late[0].continue_()
    expect(page.locator("#offers-title")).to_have_text(re.compile("for 6$"))
    hold_best(page)
    expect(page.locator("#ticket")).to_contain_text("Party of 6")


@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_a_floor_is_called_by_both_its_words(
    visits: Visits, night: str, size: ViewportSize
) -> None:
    both = ["Upstairs · The Lounge", "Downstairs · Room One"]
    public, floor = visits.page("/", size), visits.staff("/floor", size=size)
    expect(public.locator("#plan-floors button")).to_have_text(both)
    expect(public.locator("#floors button")).to_have_text(["Either", *both])
    expect(public.locator(".offer-facts").first).to_contain_text(re.compile("|".join(both)))
    for tab in public.locator(".floor-tab").all():
        assert tab.evaluate(
            "tab => tab.scrollWidth <= tab.clientWidth && tab.getBoundingClientRect().right"
            " <= tab.parentElement.getBoundingClientRect().right"
        ), "a floor's name is cut"
    if size == PHONE:
        expect(floor.locator("#floor-switch button")).to_have_text(both)
        expect(floor.locator("#floor-switch button").first).to_be_visible()
    else:
        expect(floor.locator("#map .floor-caption")).to_have_text(both)
        expect(floor.locator("#map .floor-caption").first).to_be_visible()


def test_without_a_socket_the_page_still_tells_what_is_free(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("WebSocket connection to")
    page = visits.context(PHONE).new_page()
    page.add_init_script(
        "window.WebSocket = class extends EventTarget {"
        " constructor() { super(); this.readyState = 3;"
        " setTimeout(() => this.dispatchEvent(new CloseEvent('close', {code: 1006}))); }"
        " close() {} send() {} }"
    )
    page.goto("/")
    tables = best(page)
    expect(page.locator("#link-text")).to_have_text("delayed")
    with premises.desk() as desk:
        body = {
            "night": night, "party": 4, "contact": {"name": "Quick"},
            "tables": [int(number) for number in tables.split()],
        }  # fmt: skip
        desk.post("/v1/holds", json=body, headers=key()).raise_for_status()
    expect(page.locator(offer(page, tables))).to_have_count(0)


def test_when_nothing_fits_the_page_says_why_and_what_to_do(
    visits: Visits, night: str, premises: Premises
) -> None:
    page = visits.page("/", PHONE)
    best(page)
    for _ in range(8):
        page.locator("#party").get_by_role("button", name="One more").click()
    expect(page.locator("#offers .offer")).to_have_count(1)  # the pair, for twelve
    with premises.desk() as desk:
        body = {"night": night, "tables": [15, 16], "party": 12, "contact": {"name": "Quick"}}
        desk.post("/v1/holds", json=body, headers=key()).raise_for_status()
    expect(page.locator("#offers .nothing p")).to_have_text(re.compile(r"^[A-Z].*\.$"))
    visits.picture(page, "nothing")
