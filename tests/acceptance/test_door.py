"""The door's tablet: a reference typed, codes from a wedge scanner, and a server out of reach."""

import json
import os
import re
import signal
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from floorplan.venue import load_venue
from tests.acceptance.visits import SMALL_JS, TABLET, Visits
from tests.premises import Premises, key, wait_for

pytestmark = pytest.mark.browser


def booked(
    premises: Premises, tables: list[int], party: int, name: str = "Ada Lovelace"
) -> dict[str, Any]:
    """A confirmed booking, with its code and reference."""
    with premises.desk() as desk:
        held = desk.post(
            "/v1/holds",
            json={
                "night": premises.night,
                "tables": tables,
                "party": party,
                "contact": {"name": name},
            },
            headers=key(),
        ).json()
        answer = desk.post(
            f"/v1/holds/{held['booking_id']}/confirm",
            json={"method": "cash", "amount_pence": held["deposit_pence"]},
            headers=key(),
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def at_the_door(visits: Visits, **more: Any) -> Page:
    page = visits.staff("/door", "DOOR_STAFF", TABLET, **more)
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    page.evaluate("window.neverReloaded = true")
    return page


def wedge(page: Page, *codes: str) -> None:
    """A scanner that is a keyboard: it types fast wherever the focus is, and ends with Enter."""
    for code in codes:
        page.keyboard.type(code)
        page.keyboard.press("Enter")


def verdict(page: Page, word: str, title: str | re.Pattern[str]) -> None:
    expect(page.locator("#verdict")).to_have_attribute("data-verdict", word)
    expect(page.locator("#verdict .verdict-word")).to_have_text(title)
    expect(page.locator("#verdict")).not_to_have_attribute("data-fresh", "")  # it may be answered


def test_a_typed_reference_asks_how_many_and_lets_them_in_by_parts(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = booked(premises, [4], 5)
    page = at_the_door(visits)
    wedge(page, booking["reference"].lower())
    verdict(page, "wait", "How many?")
    stepper = page.get_by_role("group", name="How many people")
    expect(stepper.locator("output")).to_have_text("5")
    stepper.get_by_role("button", name="One fewer").click()
    page.keyboard.press("ArrowDown")
    expect(stepper.locator("output")).to_have_text("3")
    visits.picture(page, "how_many")
    page.get_by_role("button", name="Let 3 in").click()
    verdict(page, "admit", re.compile("Come in.*3"))
    expect(page.locator("#verdict")).to_contain_text("Ada L.")
    expect(page.locator("#verdict")).to_contain_text("3 of 5 have come")
    visits.picture(page, "admit")
    expect(page.locator('#counters [data-floor="upstairs"] b')).to_have_text("3")

    wedge(page, booking["code"])
    verdict(page, "wait", "How many?")
    expect(stepper.locator("output")).to_have_text("2")
    page.keyboard.press("Enter")
    verdict(page, "admit", re.compile("Come in"))
    wedge(page, booking["code"])
    verdict(page, "refuse", "Already in")
    # The scan before is told once, in a line of its own: when, where, by whom.
    before = re.compile(r"^Scanned \d\d:\d\d at .+ by .+, \d+\u00a0s before$")
    expect(page.locator("#verdict .verdict-seen")).to_have_text(before)
    assert len(re.findall(r"\d\d:\d\d", page.locator("#verdict").inner_text())) == 1
    visits.picture(page, "refuse")


def test_a_scanner_that_types_several_codes_in_a_row_gets_each_its_verdict(
    visits: Visits, night: str, premises: Premises
) -> None:
    codes = [booked(premises, [number], 1)["code"] for number in (7, 8, 11)]
    page = at_the_door(visits)
    page.locator("#theme").focus()  # the focus is elsewhere: the scanner types all the same
    wedge(page, codes[0])
    verdict(page, "admit", "Come in")
    wedge(page, codes[1], codes[2], codes[0])
    verdict(page, "refuse", "Already in")
    rows = page.locator("#scans .scan-row b")
    expect(rows).to_have_text(["Already in", *[re.compile("Come in")] * 3])
    forged = codes[0][:-1] + ("0" if codes[0][-1] != "0" else "1")
    wedge(page, forged)
    verdict(page, "refuse", "Forged code")
    # Of something else nothing leaves the tablet: it may be the password of somebody's Wi-Fi.
    with pytest.raises(PlaywrightTimeout), page.expect_request("**/v1/scans", timeout=300):
        wedge(page, "WIFI:T:WPA;S:club;P:hunter2;;")
    verdict(page, "refuse", "Not our code")
    with premises.desk() as desk:
        state = desk.get(f"/v1/nights/{night}/state").json()["state"]
    assert sum(state["counts"]["inside"].values()) == 3


def test_a_server_out_of_reach_is_amber_and_counts_nobody_twice(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking, late = booked(premises, [7], 1), booked(premises, [8], 1)
    page = at_the_door(visits)
    [worker] = premises.workers()
    page.evaluate(
        """() => { window.seen = []; new MutationObserver(() =>
          window.seen.push(document.getElementById('verdict').dataset.verdict))
          .observe(document.getElementById('verdict'), {attributes: true}); }"""
    )
    os.kill(worker, signal.SIGSTOP)
    try:
        wedge(page, booking["code"])
        verdict(page, "wait", "Cannot verify")
        expect(page.locator("#verdict")).to_contain_text("do not let anybody in")
        visits.picture(page, "amber")
        assert "admit" not in page.evaluate("window.seen")
    finally:
        os.kill(worker, signal.SIGCONT)
    # Whoever asks again now learns what became of that very scan: it counts once, whether the
    # server had it already or not.
    page.get_by_role("button", name="Try again").click()
    verdict(page, "admit", "Come in")
    wedge(page, booking["code"])
    verdict(page, "refuse", "Already in")
    wedge(page, late["code"])
    verdict(page, "admit", "Come in")
    with premises.desk() as desk:
        state = desk.get(f"/v1/nights/{night}/state").json()["state"]
    assert sum(state["counts"]["inside"].values()) == 2
    assert page.evaluate("window.neverReloaded") is True


def test_a_reply_that_is_lost_after_the_commit_is_given_again(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("net::ERR_FAILED")
    booking = booked(premises, [7], 1)
    page = at_the_door(visits)
    sent: list[str] = []

    def lose(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "")["scan_id"])
        answer = route.fetch()  # it is committed
        assert answer.json()["verdict"] == "admit"
        if len(sent) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route("**/v1/scans", lose)
    wedge(page, booking["code"])
    verdict(page, "wait", "Cannot verify")
    page.get_by_role("button", name="Try again").click()
    verdict(page, "admit", "Come in")
    expect(page.locator("#verdict")).to_contain_text("answered before: nothing was counted again")
    assert len(set(sent)) == 1
    with premises.desk() as desk:
        state = desk.get(f"/v1/nights/{night}/state").json()["state"]
    assert sum(state["counts"]["inside"].values()) == 1


def test_the_clicker_counts_whoever_has_no_code(
    visits: Visits, night: str, premises: Premises
) -> None:
    page, map_ = at_the_door(visits), visits.staff("/floor")
    page.get_by_role("button", name="Upstairs: one in").click(click_count=3)
    expect(page.locator('#counters [data-floor="upstairs"] b')).to_have_text("3")
    expect(map_.get_by_role("meter", name=re.compile("Upstairs: 3 of"))).to_be_visible()


def paired(visits: Visits, device: dict[str, Any], tablet: BrowserContext | None = None) -> Page:
    """The tablet that opened the address of the pairing code's picture, at its door."""
    page = (tablet or visits.context(TABLET)).new_page()
    page.goto(device["pairing"]["address"])
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    return page


def test_a_tablet_is_paired_by_its_codes_address_and_stands_at_its_door(
    visits: Visits, night: str, premises: Premises
) -> None:
    booking = booked(premises, [7], 1)
    device = premises.added("tablet", "Tablet 1", "main")
    page = paired(visits, device)
    assert page.url == f"{premises.origin}/door"
    secret = device["pairing"]["address"].partition("pair=")[2]
    assert secret not in page.evaluate("JSON.stringify(localStorage)")
    assert page.evaluate("history.length") <= 2
    expect(page.locator("#door")).to_be_disabled()
    expect(page.locator("#door option")).to_have_count(len(load_venue().doors))
    assert page.locator("#door").input_value() == "main"
    wedge(page, booking["code"])
    verdict(page, "admit", "Come in")
    with premises.desk() as desk:
        listed = desk.get("/v1/devices").json()["devices"]
    (ours,) = [one for one in listed if one["device_id"] == device["device_id"]]
    assert ours["version"] == "0.1.0"
    page.reload()
    expect(page.locator("#link")).to_have_attribute("data-link", "live")


def test_a_tablet_tells_its_battery_and_its_spool(
    visits: Visits, night: str, premises: Premises
) -> None:
    tablet = visits.context(TABLET)
    tablet.add_init_script("navigator.getBattery = async () => ({ level: 0.42 })")
    device = premises.added("tablet", "Tablet 2")
    page = tablet.new_page()
    with page.expect_response("**/v1/devices/self/status") as told:
        page.goto(device["pairing"]["address"])
    assert told.value.status == 204
    with premises.desk() as desk:
        listed = desk.get("/v1/devices").json()["devices"]
    (ours,) = [one for one in listed if one["device_id"] == device["device_id"]]
    assert (ours["battery_percent"], ours["spool"]) == (42, 0)


def test_a_code_that_was_used_says_so_and_another_one_can_be_typed(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 409 ")
    device = premises.added("tablet", "Tablet 3")
    paired(visits, device)
    other = visits.page(device["pairing"]["address"].removeprefix(premises.origin), TABLET)
    expect(other.get_by_role("dialog")).to_contain_text("was used already")
    visits.picture(other, "pairing")
    fresh = premises.added("tablet", "Tablet 4")
    other.get_by_label("Or type the pairing code").fill(fresh["pairing"]["code"].lower())
    other.get_by_role("button", name="Pair", exact=True).click()
    expect(other.locator("#link")).to_have_attribute("data-link", "live")


def test_a_revoked_tablet_says_so_at_once_and_its_last_scan_waits_for_a_manager(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 401 ")
    booking = booked(premises, [7], 1)
    device = premises.added("tablet", "Tablet 5")
    page = paired(visits, device)
    page.evaluate("window.neverReloaded = true")
    with premises.desk() as desk:
        gone = desk.delete(f"/v1/devices/{device['device_id']}", headers=key())
        gone.raise_for_status()
        expect(page.get_by_role("dialog")).to_contain_text("pairing has ended")
        page.keyboard.press("Escape")
        wedge(page, booking["code"])
        verdict(page, "wait", "Not paired")
        expect(page.locator("#verdict")).to_contain_text("waits for a manager")
        ours = {"device_id": device["device_id"]}
        (kept,) = desk.get("/v1/quarantine", params=ours).json()["scans"]
        accept = {"decision": "accept", "reason": "let_in"}
        path = f"/v1/quarantine/{kept['quarantine_id']}/resolve"
        assert desk.post(path, json=accept, headers=key()).json()["counted"] == 1
    assert page.evaluate("window.neverReloaded") is True
    premises.assert_agrees()


def test_a_slip_in_a_reference_is_told_before_it_is_sent_and_a_name_stands_as_typed(
    visits: Visits, night: str, premises: Premises
) -> None:
    reference = booked(premises, [4], 2)["reference"]
    page = at_the_door(visits)
    field, says = page.locator("#input"), page.locator("#input-says")
    looks = "input => getComputedStyle(input).textTransform"
    page.keyboard.type("van der Berg")
    assert (field.input_value(), field.evaluate(looks)) == ("van der Berg", "none")
    page.keyboard.press("Escape")
    wrong = reference[:3] + ("2" if reference[3] != "2" else "3") + reference[4:]
    page.keyboard.type(wrong.lower()[:-1])
    expect(says).to_have_text("1 more")
    page.keyboard.type(wrong.lower()[-1])
    expect(says).to_contain_text("One character is wrong")
    expect(field).to_have_attribute("aria-invalid", "true")
    visits.picture(page, "slip")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_be_hidden()
    assert field.input_value() == wrong.lower()
    page.keyboard.press("Escape")
    page.keyboard.type(reference.lower())
    assert field.evaluate(looks) == "uppercase"
    expect(says).to_contain_text("Complete")
    page.keyboard.press("Enter")
    # A scanner that ends a code with two line ends does not answer for the door.
    expect(page.locator("#verdict")).to_have_attribute("data-fresh", "")
    page.keyboard.press("Enter")
    verdict(page, "wait", "How many?")
    expect(page.locator("#scans .scan-row")).to_have_count(1)
    page.get_by_role("button", name="Let 2 in").click()
    verdict(page, "admit", re.compile("Come in"))
    assert field.get_attribute("data-reference") is None


def test_a_party_is_found_by_any_part_of_its_name_and_let_in_after_a_look_at_the_id(
    visits: Visits, night: str, premises: Premises
) -> None:
    booked(premises, [4], 5, "Ada Lovelace")
    booked(premises, [7], 1, "Grace Hopper")
    page = at_the_door(visits, color_scheme="dark")
    rows = page.locator("#arrivals .party")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Ada L.")
    expect(rows.first).to_contain_text("0 of 5 in")
    assert "Lovelace" not in page.locator("body").inner_text()
    page.keyboard.type("hopp")
    expect(rows).to_have_text([re.compile("Grace H..*0 of 1 in")])
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("look at an ID")
    visits.picture(page, "party")
    page.get_by_role("button", name="ID seen: check in").click()
    verdict(page, "admit", "Come in")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("1 of 1 in")
    expect(page.locator("#arrivals-count")).to_have_text("1 of 2 parties · 1 of 6 people have come")
    rows.nth(1).click()
    expect(page.get_by_role("dialog")).to_contain_text("Everybody of this party is in.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Out", exact=True).click()
    rows.nth(1).click()
    expect(page.get_by_role("dialog")).to_contain_text("before you count them out")
    page.get_by_role("button", name="ID seen: check out").click()
    verdict(page, "out", "Out")
    page.keyboard.press("Escape")
    expect(rows.nth(1)).to_contain_text("0 of 1 in")
    expect(rows.nth(1)).to_contain_text("1 went out")
    expect(rows.nth(1)).not_to_contain_text("all in")
    # An incident; what is said of it lies over no button, and a thumb meets every one.
    page.get_by_role("button", name="Record an incident").click()
    visits.picture(page, "incident")
    assert page.evaluate(SMALL_JS) == []
    page.get_by_role("button", name="Record it").click()
    expect(page.locator(".toast")).to_contain_text("Number for the register")
    visits.picture(page, "recorded")
    assert page.evaluate(SMALL_JS) == []
    page.locator("#incident").click(trial=True)
    page.keyboard.type("Nobody")
    expect(page.locator("#arrivals")).to_have_text("Nobody of this name tonight")


def test_the_list_is_kept_for_a_night_without_a_network_and_gone_with_the_right_to_it(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 401 ")
    booked(premises, [4], 5, "Ada Lovelace")
    device = premises.added("tablet", "Tablet 8", "main")
    page = paired(visits, device)
    expect(page.locator("#arrivals .party")).to_contain_text("Ada L.")
    kept = """async () => {
      const { kept } = await import("/static/js/door/keeping.js");
      return Object.values((await kept())?.guests.names ?? {});
    }"""
    wait_for(lambda: page.evaluate(kept) == ["Ada L."], "the list is kept")
    with premises.desk() as desk:
        desk.delete(f"/v1/devices/{device['device_id']}", headers=key()).raise_for_status()
    expect(page.get_by_role("dialog")).to_contain_text("pairing has ended")
    wait_for(lambda: page.evaluate(kept) == [], "the list is wiped")
    expect(page.locator("#arrivals .party b")).to_have_text("No name")
    # What is kept ends by itself too, an hour after the close.
    over = """async () => {
      const { keep, kept } = await import("/static/js/door/keeping.js");
      await keep({ night: "2026-01-01", document: {}, guests: {}, at: "", until: Date.now() - 1 });
      return await kept();
    }"""
    assert page.evaluate(over) is None


def test_a_supervisor_lets_in_against_the_rule_and_takes_it_back(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("status of 403 ")
    booking = booked(premises, [7], 1)
    manager = premises.account("MANAGER")
    page = paired(visits, premises.added("tablet", "Tablet 10", "main"))
    wedge(page, booking["code"])
    verdict(page, "admit", "Come in")
    wedge(page, booking["code"])
    verdict(page, "refuse", "Already in")
    expect(page.locator("#verdict")).to_contain_text("by this tablet")
    page.locator('#verdict [data-act="override"]').click()
    form = page.get_by_role("dialog")
    form.locator("[name=staff_id]").select_option(label=manager["name"])
    form.locator("[name=reason]").select_option("known_guest")
    form.locator("[name=pin]").fill("0000" if manager["pin"] != "0000" else "1111")
    form.get_by_role("button", name="Override").click()
    expect(form.get_by_role("alert")).to_be_visible()
    visits.picture(page, "override")
    form.locator("[name=pin]").fill(manager["pin"])
    form.get_by_role("button", name="Override").click()
    verdict(page, "admit", re.compile("."))
    expect(page.locator("#verdict")).to_have_attribute("data-reason", "overridden")
    visits.picture(page, "overridden")
    inside = page.locator('#counters [data-floor="upstairs"] b')
    expect(inside).to_have_text("2")
    page.locator('#verdict [data-act="undo"]').click()
    form.locator("[name=staff_id]").select_option(label=manager["name"])
    form.locator("[name=reason]").select_option("did_not_enter")
    form.locator("[name=pin]").fill(manager["pin"])
    form.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Taken back")
    expect(inside).to_have_text("1")
    premises.assert_agrees()


@pytest.mark.parametrize(
    ("typed", "begins", "listed"),
    [
        ("7q4m", True, "7q4m"),
        ("7q4m-2xkd 9rta f3hn p", True, "7Q4M-2XKD-9RTA-F3HN-P"),
        ("7Q4M2XKD9RTAF3HN*", True, "7Q4M-2XKD-9RTA-F3HN-*"),
        ("Sophie Turner", False, "Sophie Turner"),
        ("Zoë 2", False, "Zoë 2"),
        ("BR1:6BF", False, "BR1:6BF"),
        ("NOT-A-REFERENCE", False, "NOT-A-REFERENCE"),
        ("", False, ""),
    ],
)
def test_only_a_reference_is_shown_in_groups_of_capitals(
    visits: Visits, typed: str, begins: bool, listed: str
) -> None:
    page = visits.page("/docs")
    shown = page.evaluate(
        "async (it) => { const words = await import('/static/js/words.js');"
        " return [words.beginsReference(it), words.typedText(it)]; }",
        typed,
    )
    assert shown == [begins, listed]


@pytest.mark.parametrize("check", ["*", "~", "$", "=", "U", "7"])
def test_a_reference_is_shown_with_its_check_character_whatever_it_is(
    visits: Visits, check: str
) -> None:
    page = visits.page("/docs")
    shown = page.evaluate(
        "async (it) => (await import('/static/js/words.js')).referenceText(it)",
        f"7Q4M2XKD9RTAF3HN{check}",
    )
    assert shown == f"7Q4M-2XKD-9RTA-F3HN-{check}"


def test_a_banned_persons_name_asks_for_the_id_and_the_namesake_comes_in(
    visits: Visits, night: str, premises: Premises
) -> None:
    with premises.desk() as desk:
        ban = {"reason": "violence", "name": "Ada Lovelace"}
        added = desk.post("/v1/bans", json=ban, headers=key())
        added.raise_for_status()
        booking = booked(premises, [4], 5)
        page = at_the_door(visits)
        wedge(page, booking["reference"])
        verdict(page, "wait", "Check the ID")
        visits.picture(page, "banned_name")
        page.get_by_role("button", name="ID seen: somebody else").click()
        verdict(page, "wait", "How many?")
        page.keyboard.press("Enter")
        verdict(page, "admit", re.compile("Come in"))
        lift = f"/v1/bans/{added.json()['ban_id']}/lift"
        desk.post(lift, json={}, headers=key()).raise_for_status()
