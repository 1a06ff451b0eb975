"""The offline door in a real browser: its disk, its lock, its network, and the real service.

Goal: what the proven machine says is carried out, and what the door's screen shows is that. Method:
a paired tablet takes a lease, loses its network, lets a party in, is reloaded, and comes back; once
by the module alone, and then by the screen, with a scanner that types.
"""

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance import test_door
from tests.acceptance.test_door import booked, verdict, wedge
from tests.acceptance.visits import NOT_SIGNED_IN, TABLET, Visits, act, dialog, table
from tests.premises import Premises, key, wait_for

pytestmark = pytest.mark.browser

DAY_BEHIND_JS = "Date.now = ((real) => () => real() - 86_400_000)(Date.now)"
DAY_AHEAD_JS = "Date.now = ((real) => () => real() + 86_400_000)(Date.now)"
JUMPS_JS = "() => { Date.now = ((real) => () => real() + 2 * 86_400_000)(Date.now); }"
OPEN_JS = """
async (token) => {
  const {OfflineDoor} = await import("/static/js/door/offline/door.js");
  window.offline = await OfflineDoor.open({token: () => token, onChange: () => {}});
}
"""
DECIDE_JS = "(body) => window.offline.decide({scan_id: crypto.randomUUID(), door: 'main', ...body})"


def paired(premises: Premises) -> str:
    """The token of a tablet at the main door."""
    with premises.desk() as desk:
        body = {"name": "Basement", "kind": "tablet", "door": "main"}
        added = desk.post("/v1/devices", json=body, headers=key()).json()
        code = {"code": added["pairing"]["code"]}
        made: dict[str, Any] = desk.post("/v1/devices/pair", json=code, headers=key()).json()
    return str(made["token"])


def opened(page: Page, token: str) -> None:
    page.goto("/sign-in")  # a page of the service that asks for little
    page.evaluate(OPEN_JS, token)


def until(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {{ const view = offline.view; return {condition}; }}")


def decide(page: Page, **body: Any) -> Any:
    return page.evaluate(DECIDE_JS, body)


def inside(premises: Premises) -> int:
    with premises.desk() as desk:
        state = desk.get(f"/v1/nights/{premises.night}/state").json()["state"]
        return sum(state["counts"]["inside"].values())


def test_a_tablet_lets_its_parties_in_without_a_network_and_tells_of_them_later(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("net::ERR_INTERNET_DISCONNECTED")
    visits.expect(NOT_SIGNED_IN)
    party, other = booked(premises, [4], 5), booked(premises, [7], 2)
    context: BrowserContext = visits.context(TABLET)
    context.add_init_script(DAY_BEHIND_JS)
    page, token = context.new_page(), paired(premises)
    opened(page, token)
    until(page, "view.status === 'none' && offline.list !== null")
    assert decide(page, code=party["code"]) is None  # nothing is held: the service is asked
    page.evaluate("(night) => offline.take(night, 'main', [4])", night)
    until(page, "view.status === 'ready' && view.tickets === 1")

    context.set_offline(True)
    asked = decide(page, code=party["code"])
    assert (asked["verdict"], asked["reason"], asked["left_to_enter"]) == ("wait", "how_many", 5)
    green = decide(page, code=party["code"], people=3)
    assert (green["verdict"], green["name"], green["tables"]) == ("admit", "Ada L.", [4])
    assert decide(page, code=party["code"], people=3)["reason"] == "party_full"
    assert decide(page, code=other["code"]) is None  # not held: amber, where nobody can be asked
    forged = party["code"][:-1] + ("0" if party["code"][-1] != "0" else "1")
    assert decide(page, code=forged) is None
    assert inside(premises) == 0
    # A clock that jumps by a day while nobody can be asked is no clock: amber until somebody can.
    page.evaluate(JUMPS_JS)
    assert decide(page, code=party["code"], people=1)["reason"] == "unsure"
    context.set_offline(False)
    until(page, "view.spool === 0")
    assert inside(premises) == 3
    # The day by which the tablet was wrong is in no book.
    bearer = {"Authorization": f"Bearer {token}"}
    with premises.client() as tablet:
        stored = tablet.get(f"/v1/scans/{green['scan_id']}", headers=bearer).json()
    assert stored["at"].startswith(f"{night}T21:3")

    # Another tab admits nobody while this one is open; a reloaded tablet asks the server first.
    second = context.new_page()
    opened(second, token)
    assert second.evaluate("offline.view.status") == "second_tab"
    context.set_offline(True)
    assert decide(second, code=party["code"], people=1)["reason"] == "second_tab"
    page.close()
    until(second, "view.status === 'unsure'")
    assert decide(second, code=party["code"], people=1)["reason"] == "unsure"
    context.set_offline(False)
    until(second, "view.status === 'ready'")
    context.set_offline(True)
    assert decide(second, reference=party["reference"], people=2)["verdict"] == "admit"
    assert decide(second, code=party["code"], people=1)["reason"] == "already_in"
    second.evaluate("offline.giveBack()")
    context.set_offline(False)
    until(second, "view.status === 'none' && view.spool === 0 && view.refused === 0")
    assert inside(premises) == 5
    with premises.desk() as desk:
        told = desk.get("/v1/tasks", params={"night": night}).json()["tasks"]
        leases = desk.get("/v1/leases", params={"night": night}).json()["leases"]
    assert told == []
    assert [(one["status"], one["reserved"], one["admitted"]) for one in leases] == [
        ("returned", 0, 5)
    ]


def offline(visits: Visits, premises: Premises, name: str, *tables: int, clock: str = "") -> Page:
    """A paired tablet at its door, which holds the parties of these tables."""
    context = visits.context(TABLET)
    context.add_init_script(clock)
    page = test_door.paired(visits, premises.added("tablet", name), context)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    page.get_by_role("button", name="Take offline").click()
    dialog(page).get_by_role("button", name="None").click()
    for number in tables:
        dialog(page).get_by_role("button", name=f"Table {number}", exact=True).click()
    visits.picture(page, "take")
    dialog(page).get_by_role("button", name="Take offline").click()
    holds = "1 party" if len(tables) == 1 else f"{len(tables)} parties"
    expect(page.locator("#lease")).to_have_text(f"Holds {holds} · 29 min")
    return page


def test_the_map_says_what_a_door_holds_and_what_has_to_be_decided_when_it_is_back(
    visits: Visits, night: str, premises: Premises
) -> None:
    for provoked in ("net::ERR_INTERNET_DISCONNECTED", "WebSocket connection"):
        visits.expect(provoked)
    party = booked(premises, [4], 5)
    booked(premises, [7], 2)
    booked(premises, [8], 2)
    tablet = offline(visits, premises, "Basement 0", 4, 8)
    tablet.context.set_offline(True)

    mara = visits.staff("/floor")
    warning = mara.get_by_role("alert").filter(has_text="may still admit this party")
    for number, warned in ((7, 0), (4, 1)):  # only the tablet's own party is warned of
        table(mara, number).click()
        act(mara, "cancel").click()
        dialog(mara).get_by_role("button", name="Cancel the booking").click()
        expect(table(mara, number)).to_have_attribute("data-status", "available")
        expect(warning).to_have_count(warned)
    expect(warning).to_contain_text("Cancel T4Done, but Street door may")
    visits.picture(mara, "may-still-admit")
    mara.keyboard.press("Escape")
    mara.get_by_role("tab", name="Doors").click()
    held = mara.locator("[data-lease]")
    expect(held).to_contain_text("Basement 0 · Street door2 parties held · 1 asked back")

    # It lets them in all the same; back in the network it says so, and a person decides.
    wedge(tablet, party["code"])
    verdict(tablet, "wait", "How many?")
    tablet.keyboard.press("Enter")
    verdict(tablet, "admit", "Come in × 5")
    tablet.context.set_offline(False)
    task = mara.locator("[data-task]")
    expect(task).to_contain_text("Let in after the cancellationAda Lovelace · party of 5")
    expect(held).to_contain_text("1 party held")
    expect(mara.get_by_role("tab", name="Doors · 1")).to_be_visible()
    visits.picture(mara, "to-decide")
    task.get_by_role("button", name="Decide").click()
    dialog(mara).get_by_role("button", name="Count 5 people in").click()
    dialog(mara).get_by_label("What you found").fill("they stay at the bar")
    visits.picture(mara, "decide")
    dialog(mara).get_by_role("button", name="Decide").click()
    expect(task).to_have_count(0)
    assert inside(premises) == 5
    held.get_by_role("button", name="Ask back").click()
    expect(held).to_have_count(0)
    expect(tablet.locator("#lease")).to_have_text("Take offline")


def test_the_doors_screen_lets_its_own_in_without_a_network_and_tells_of_them_later(
    visits: Visits, night: str, premises: Premises
) -> None:
    """Its clock is a day ahead all the time, and nothing of it comes from there."""
    for provoked in ("net::ERR_INTERNET_DISCONNECTED", "WebSocket connection"):
        visits.expect(provoked)
    single, party, other = (booked(premises, [n], size) for n, size in ((7, 1), (4, 3), (8, 1)))
    page = offline(visits, premises, "Basement 1", 4, 7, clock=DAY_AHEAD_JS)
    page.context.set_offline(True)
    wedge(page, single["code"])
    verdict(page, "admit", "Come in")
    expect(page.locator("#verdict")).to_contain_text("Ada L.")
    visits.picture(page, "green")
    wedge(page, single["code"])
    verdict(page, "wait", "Already in")
    wedge(page, party["code"])
    verdict(page, "wait", "How many?")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    verdict(page, "admit", "Come in × 2")
    expect(page.locator("#verdict")).to_contain_text("2 of 3 have come")
    wedge(page, other["code"])
    verdict(page, "wait", "Cannot verify")
    page.keyboard.press("Escape")
    expect(page.locator("#ready-word")).to_have_text("Offline")
    expect(page.locator("#ready-more")).to_contain_text("lets in 2 parties of its own")
    expect(page.locator("#lease")).to_have_text(re.compile("2 scans waiting · 2[89] min"))
    expect(page.locator("#arrivals .party").filter(has_text="2 of 3 in")).to_have_count(1)
    visits.picture(page, "waiting")
    assert inside(premises) == 0

    # After a reload it is all there, and nothing is green before the service was reached.
    page.reload()
    expect(page.locator("#lease")).to_have_text("2 scans waiting · needs the network")
    wedge(page, party["code"])
    verdict(page, "wait", "No network")
    page.keyboard.press("Escape")
    expect(page.locator("#ready-more")).to_contain_text("restarted")
    visits.picture(page, "unsure")
    page.context.set_offline(False)
    expect(page.locator("#lease")).to_have_text("Holds 2 parties · 29 min")
    assert inside(premises) == 3

    # In a second window nothing is decided: it says which one to use.
    window = page.context.new_page()
    window.goto("/door")
    expect(window.locator("#lease")).to_have_text("Other window")
    wedge(window, party["code"])
    verdict(window, "wait", "Other window")
    expect(window.locator("#verdict")).not_to_contain_text("have come")
    visits.picture(window, "second window")
    window.keyboard.press("Escape")
    window.locator("#lease").click()
    expect(dialog(window)).to_contain_text("Close this one")
    window.close()
    assert inside(premises) == 3

    # Another tablet's scan takes the ticket away while the first one is connected.
    there = test_door.paired(visits, premises.added("tablet", "Upstairs 1"))
    wedge(there, party["code"])
    verdict(there, "admit", "Come in")
    expect(page.locator("#lease")).to_have_text("Holds 1 party · 29 min")
    wedge(page, party["code"])
    verdict(page, "refuse", "Already in")
    assert inside(premises) == 4

    # Unpairing gives everything back first, and leaves nothing.
    page.get_by_role("button", name="This device").click()
    dialog(page).get_by_role("button", name="Unpair").click()
    page.wait_for_url("**/sign-in?next=/door")
    assert page.evaluate(LEFT_JS) == {"records": 0, "kept": 0, "token": None}
    with premises.desk() as desk:
        leases = desk.get("/v1/leases", params={"night": night}).json()["leases"]
    assert [(one["status"], one["admitted"]) for one in leases] == [("returned", 3)]


LEFT_JS = """
() => new Promise((resolve, reject) => {
  const asked = indexedDB.open("backroom-door", 1);
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const work = asked.result.transaction(["records", "kept"]);
    const [records, kept] = ["records", "kept"].map((name) => work.objectStore(name).count());
    work.oncomplete = () => resolve({
      records: records.result, kept: kept.result, token: localStorage.getItem("backroom.device"),
    });
  };
})
"""


def test_a_revoked_tablet_lets_nobody_in_and_its_scans_wait_for_a_manager(
    visits: Visits, night: str, premises: Premises
) -> None:
    for provoked in ("net::ERR_INTERNET_DISCONNECTED", "WebSocket connection", NOT_SIGNED_IN):
        visits.expect(provoked)
    first, late = booked(premises, [7], 1), booked(premises, [8], 1)
    page = offline(visits, premises, "Stolen 1", 7, 8)
    page.context.set_offline(True)
    wedge(page, first["code"])
    verdict(page, "admit", "Come in")
    page.keyboard.press("Escape")
    expect(page.locator("#lease")).to_have_text(re.compile("1 scan waiting"))
    with premises.desk() as desk:
        listed = desk.get("/v1/devices").json()["devices"]
        device = next(one["device_id"] for one in listed if one["name"] == "Stolen 1")
        desk.delete(f"/v1/devices/{device}", headers=key()).raise_for_status()
    page.context.set_offline(False)
    expect(dialog(page)).to_contain_text("pairing has ended")
    visits.picture(page, "revoked")
    nothing = {"records": 0, "kept": 0}
    wait_for(lambda: page.evaluate(LEFT_JS).items() >= nothing.items(), "all is told and wiped")
    page.context.set_offline(True)
    page.keyboard.press("Escape")
    wedge(page, late["code"])
    verdict(page, "wait", "Cannot verify")
    with premises.desk() as desk:
        kept = desk.get("/v1/quarantine").json()["scans"]
        leases = desk.get("/v1/leases", params={"night": night}).json()["leases"]
    # Another night's tablet may have scans there, too.
    assert [one["people"] for one in kept if one["device_id"] == device] == [1]
    assert [(one["status"], one["held"]) for one in leases] == [("live", 2)]  # a manager's to free
    assert inside(premises) == 0
