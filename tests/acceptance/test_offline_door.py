"""The offline door in a real browser: its disk, its lock, its network, and the real service.

Goal: what the proven machine says is carried out. Method: a paired tablet loads the module as a
screen does, takes a lease, loses its network, lets a party in, is reloaded, and comes back.
"""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.acceptance.test_door import booked
from tests.acceptance.visits import NOT_SIGNED_IN, TABLET, Visits, act, dialog, table
from tests.premises import Premises, key

pytestmark = pytest.mark.browser

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
    context.set_offline(False)
    until(page, "view.spool === 0")
    assert inside(premises) == 3

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


def test_the_map_says_which_door_may_still_admit_a_cancelled_party(
    visits: Visits, night: str, premises: Premises
) -> None:
    visits.expect("net::ERR_INTERNET_DISCONNECTED")
    visits.expect(NOT_SIGNED_IN)
    booked(premises, [4], 5)
    booked(premises, [7], 2)
    context = visits.context(TABLET)
    tablet = context.new_page()
    opened(tablet, paired(premises))
    until(tablet, "view.status === 'none' && offline.list !== null")
    tablet.evaluate("(night) => offline.take(night, 'main', [4])", night)
    until(tablet, "view.status === 'ready' && view.tickets === 1")
    context.set_offline(True)

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
    context.set_offline(False)
    tablet.evaluate("offline.giveBack()")
    until(tablet, "view.status === 'none'")
