"""A supervisor's PIN at the moment of the act: whose it is, where it counts, how often it fails."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import force_setattr

from app.db.clock import mark_demo, set_clock
from tests.integration.web.club import NIGHT, ORIGIN, Club, key
from tests.integration.web.test_pins import DEVS, MARAS, with_pin


@pytest.fixture
async def door(club: Club) -> httpx.AsyncClient:
    await club.open()
    async with club.looking() as owner:
        await mark_demo(owner)
        await set_clock(owner, datetime(2027, 6, 19, 22, 30, tzinfo=UTC), 1)
    client = await club.device("main")
    client.headers["Origin"] = ORIGIN
    return client


async def booked(club: Club, party: int) -> dict[str, Any]:
    """A confirmed party at table 7, with its code."""
    desk = await club.signed_in()
    held = await club.held(desk, [7], party)
    paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
    answer = await desk.post(f"/v1/holds/{held['booking_id']}/confirm", json=paid, headers=key())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = (await desk.get(f"/v1/bookings/{held['booking_id']}")).json()
    return found


async def scanned(club: Club, door: httpx.AsyncClient, code: str, people: int) -> dict[str, Any]:
    body = {"scan_id": str(uuid4()), "door": "main", "code": code, "people": people}
    found: dict[str, Any] = (await door.post("/v1/scans", json=body)).json()
    return found


async def ask(
    client: httpx.AsyncClient, scan_id: str, what: str, pin: str, staff_id: str | None, why: str
) -> httpx.Response:
    supervisor = {"pin": pin} | ({} if staff_id is None else {"staff_id": staff_id})
    return await client.post(
        f"/v1/scans/{scan_id}/{what}", json={"supervisor": supervisor, "reason": why},
        headers=key(),
    )  # fmt: skip


async def test_a_supervisor_lets_in_and_takes_back_by_pin_on_the_tablet(
    club: Club, door: httpx.AsyncClient
) -> None:
    mara = await with_pin(club, "MANAGER", MARAS, "mara")
    dev = await with_pin(club, "DOOR_STAFF", DEVS, "dev")
    pins = (await door.get("/v1/session/pins")).json()["staff"]
    assert {p["staff_id"]: p["supervisor"] for p in pins} == {mara: True, dev: False}
    party = await booked(club, 2)
    await scanned(club, door, party["code"], 2)
    refused = await scanned(club, door, party["code"], 1)
    wrong = await ask(door, refused["scan_id"], "override", "0000", mara, "known_guest")
    low = await ask(door, refused["scan_id"], "override", DEVS, dev, "known_guest")
    assert [(a.status_code, a.json()["reason"]) for a in (wrong, low)] == [(403, "pin_refused")] * 2
    assert wrong.json()["detail"] == low.json()["detail"]
    let_in = await ask(door, refused["scan_id"], "override", MARAS, mara, "known_guest")
    assert let_in.status_code == 200, let_in.text
    assert let_in.json()["reason"] == "overridden"
    again = (await door.get(f"/v1/scans/{refused['scan_id']}")).json()
    assert (again["reason"], again["overridden_by"]) == ("already_in", let_in.json()["scan_id"])
    undone = await ask(door, let_in.json()["scan_id"], "undo", MARAS, mara, "wrong_guest")
    assert undone.status_code == 200, undone.text
    shown = (await door.get(f"/v1/scans/{let_in.json()['scan_id']}")).json()
    assert (shown["verdict"], shown["undone"]["reason"]) == ("admit", "wrong_guest")
    async with club.parts.db.reading() as conn:
        rows = await conn.fetch(
            "SELECT type, actor FROM event WHERE type IN ('ENTRY_OVERRIDDEN', 'CHECK_IN_UNDONE')"
        )
    assert {(row["type"], row["actor"]) for row in rows} == {
        ("ENTRY_OVERRIDDEN", f"staff:{mara}"), ("CHECK_IN_UNDONE", f"staff:{mara}"),
    }  # fmt: skip


async def test_a_managers_own_session_asks_for_the_pin_too(
    club: Club, door: httpx.AsyncClient
) -> None:
    mara = await with_pin(club, "MANAGER", MARAS, "mara")
    desk = await club.signed_in(staff_id=mara)
    party = await booked(club, 2)
    admitted = await scanned(club, door, party["code"], 2)
    async with club.parts.db.reading() as conn:
        device = await conn.fetchval("SELECT id::text FROM device")
    body = {"supervisor": {"pin": "0000"}, "reason": "other", "scanner": f"device:{device}"}
    address = f"/v1/scans/{admitted['scan_id']}/undo"
    assert (await desk.post(address, json=body, headers=key())).status_code == 403
    body["supervisor"] = {"pin": MARAS}
    answer = await desk.post(address, json=body, headers=key())
    assert (answer.status_code, answer.json().get("admitted")) == (200, 0), answer.text


async def test_a_guessed_pin_is_stopped_at_the_tablet(club: Club, door: httpx.AsyncClient) -> None:
    mara = await with_pin(club, "MANAGER", MARAS, "mara")
    party = await booked(club, 2)
    await scanned(club, door, party["code"], 2)
    refused = await scanned(club, door, party["code"], 1)
    reasons = [
        (await ask(door, refused["scan_id"], "override", "1111", mara, "other")).json()["reason"]
        for _ in range(7)
    ]
    assert reasons[:5] == ["pin_refused"] * 5
    assert reasons[-1] == "pin_throttled"
    right = await ask(door, refused["scan_id"], "override", MARAS, mara, "other")
    assert right.status_code == 429


async def test_managers_read_the_log_and_how_many_were_inside(
    club: Club, door: httpx.AsyncClient
) -> None:
    party = await booked(club, 2)
    await scanned(club, door, party["code"], 2)
    await scanned(club, door, party["code"], 1)
    desk = await club.signed_in()
    await desk.post(
        "/v1/headcount",
        json={"night": NIGHT, "door": "main", "floor": "upstairs", "people": 1}, headers=key(),
    )  # fmt: skip
    log = (await desk.get(f"/v1/nights/{NIGHT}/door-log?limit=1")).json()
    assert [line["kind"] for line in log["lines"]] == ["head_count"]
    older = (await desk.get(f"/v1/nights/{NIGHT}/door-log?before={log['older']}")).json()["lines"]
    assert [(line["kind"], line["reasons"]) for line in older] == [("refused", ["already_in"])]
    sheet = await desk.get(f"/v1/nights/{NIGHT}/door-log?format=csv&reason=already_in")
    assert sheet.headers["content-type"].startswith("text/csv")
    assert "already_in" in sheet.text.splitlines()[1]
    for asked, known in (
        ("reason=already", "already_in"), ("kind=refusal", "refused"), ("door=attic", "main"),
        ("kind=refused&kind=refusal", "refused"), ("format=xlsx", "csv"),
    ):  # fmt: skip
        refused = (await desk.get(f"/v1/nights/{NIGHT}/door-log?{asked}")).json()
        place = "?" + asked.rpartition("&")[2].partition("=")[0]
        assert (refused.get("reason"), refused["place"]) == ("not_valid", place), asked
        assert known in refused["known"], asked
        assert all(word in refused["detail"] for word in refused["known"])
    assert (await desk.get(f"/v1/nights/{NIGHT}/door-log?staff=mara")).status_code == 422
    of_main = f"/v1/nights/{NIGHT}/door-log?door=main"
    as_before = (await desk.get(of_main)).json()
    venue, doors = club.parts.venue, club.parts.venue.doors
    force_setattr(venue, "doors", tuple(one for one in doors if one.id != "main"))
    try:
        # The door is not the venue's any more, and its lines are still found.
        assert as_before["lines"]
        assert (await desk.get(of_main)).json() == as_before
    finally:
        force_setattr(venue, "doors", doors)
    inside = (await desk.get(f"/v1/nights/{NIGHT}/inside")).json()
    assert inside["floors"]["upstairs"]["inside"] == inside["house"]["inside"] == 1
    assert [line["change"] for line in inside["lines"]] == [-1, 2]
    before = inside["lines"][-1]["at"]
    then = (await desk.get(f"/v1/nights/{NIGHT}/inside?at={before}")).json()
    assert (then["house"]["inside"], len(then["lines"]), then["peak"]) == (2, 1, 2)
    local = (await desk.get(f"/v1/nights/{NIGHT}/inside?at=23:29:59")).json()
    assert (local["at"], local["house"]["inside"]) == ("2027-06-19T22:29:59.000Z", 0)
    assert (await desk.get(f"/v1/nights/{NIGHT}/state?at=23:29:59")).json()["at"] <= local["at"]
    ahead = (await desk.get(f"/v1/nights/{NIGHT}/inside?at=2099-01-01T00:00:00.000Z")).json()
    assert ahead["house"] == inside["house"]
    assert ahead["at"] < "2099", "of now, and it says so"
    assert (await door.get(f"/v1/nights/{NIGHT}/inside")).status_code == 403
    incident = {"night": NIGHT, "door": "main", "kind": "ejection", "outcome": "police"}
    assert (await door.post("/v1/incidents", json=incident, headers=key())).status_code == 201
