"""Offline rights over HTTP: at any instant one party alone may admit a ticket.

Two tablets at one door (the street door and the basement's stand in for each other), a manager, and
a party whose ticket one of them holds.
"""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.web.basement import OPEN, Basement
from tests.integration.web.club import NIGHT, key


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recall that nobody answers is not waited for."""
    monkeypatch.setattr("app.web.offline.RECALL_SECONDS", 0.05)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recall that is answered is waited for, however slow the machine is."""
    monkeypatch.setattr("app.web.offline.RECALL_SECONDS", 30.0)


async def test_what_one_tablet_holds_no_other_admits_and_a_return_ends_it(
    basement: Basement, hasty: None
) -> None:
    taken = (await basement.here.take()).json()
    assert [(t["places"], t["tables"]) for t in taken["tickets"]] == [(4, [2])]
    assert (taken["status"], taken["lasts_seconds"]) == ("live", 1800)
    verdict = await basement.there.scan(basement.code, 2)
    assert (verdict["verdict"], verdict["reason"]) == ("wait", "held_by_other_door")
    assert "out of contact" in verdict["instruction"]
    assert verdict["held_by"]["door"] == "main"
    # Not even the tablet that holds it: whoever has to ask no longer knows whom it let in.
    assert (await basement.here.scan(basement.code, 2))["reason"] == "held_by_other_door"
    assert (await basement.here.give_back(0))["status"] == "returned"
    assert (await basement.there.scan(basement.code, 4))["verdict"] == "admit"
    assert await basement.kinds() == ["LEASE_GRANTED", "LEASE_RECALLED", "LEASE_RETURNED"]
    assert await basement.inside() == (4, 4)
    await basement.agrees()


async def test_a_recall_that_is_answered_admits_within_the_same_request(
    basement: Basement, patient: None
) -> None:
    await basement.here.take()

    async def answers() -> None:
        room = await basement.club.parts.live.room(NIGHT)
        async with asyncio.timeout(10):
            while not any(lease.recalled for lease in room.state.leases.values()):
                await basement.club.parts.live.hub.reached(room, room.version + 1)
        await basement.here.give_back(1)

    verdict, _ = await asyncio.gather(basement.there.scan(basement.code, 3), answers())
    assert verdict["verdict"] == "admit"
    # One more is in already, by the word of the tablet whose scan is still to come.
    late = await basement.there.scan(basement.code, 1)
    assert (late["verdict"], late["reason"]) == ("refuse", "already_in")
    assert (await basement.here.tell(basement.code, 1))["reason"] == "admitted"
    assert await basement.inside() == (4, 4)
    await basement.agrees()


async def test_what_a_tablet_showed_counts_once_and_is_answered_for_ever(
    basement: Basement,
) -> None:
    await basement.here.take()
    scan_id = str(uuid4())
    first = await basement.here.tell(basement.code, 3, scan_id=scan_id)
    again = await basement.here.tell(basement.code, 3, scan_id=scan_id)
    assert (first["verdict"], first["people"], first["replayed"]) == ("admit", 3, False)
    assert {**again, "replayed": False} == first
    seen = await basement.here.tell(basement.code, 3, verdict="wait")
    assert (seen["verdict"], seen["reason"], seen["people"]) == ("wait", "observed", 0)
    assert await basement.inside() == (3, 3)
    assert (await basement.leases())[0]["reserved"] == 1
    assert (await basement.here.give_back(3))["status"] == "returned"
    assert (await basement.there.scan(basement.code, 1))["verdict"] == "admit"
    assert await basement.tasks() == []
    await basement.agrees()


@pytest.mark.parametrize(
    ("says", "stored"),
    [
        ("2027-06-19T22:10:00.000Z", "2027-06-19T22:10"),
        ("2027-06-18T22:29:00.000Z", "2027-06-19T22:3"),  # a day behind
        ("2027-06-20T22:29:00.000Z", "2027-06-19T22:3"),  # a day ahead
    ],
    ids=["right", "behind", "ahead"],
)
async def test_a_tablets_clock_that_is_a_day_off_is_not_believed(
    basement: Basement, says: str, stored: str
) -> None:
    """What it let in counts all the same; only when that was is taken from the service's clock."""
    await basement.here.take()
    told = await basement.here.tell(basement.code, 2, at=says)
    assert (told["reason"], told["people"]) == ("admitted", 2)
    assert told["at"].startswith(stored)
    async with basement.club.looking() as conn:
        last = await conn.fetchval("SELECT instant_text(last_scan_at) FROM ticket")
    assert last == told["at"]
    await basement.here.give_back(2)
    await basement.agrees()


async def test_a_stolen_tablet_does_nothing_and_its_tickets_are_a_managers_to_free(
    basement: Basement, hasty: None
) -> None:
    lease_id = (await basement.here.take()).json()["lease_id"]
    revoked = await basement.manager.delete(f"/v1/devices/{basement.here.device_id}", headers=key())
    assert revoked.is_success, revoked.text
    here = basement.here.client
    counter, scan = {"counter": 1}, {"scan_id": str(uuid4()), "door": "main", "code": basement.code}
    told = {**scan, "people": 1, "observed": {"at": OPEN, "verdict": "admit", "lease": lease_id}}
    for path, body, kept in (
        ("/v1/leases", {"night": NIGHT, "door": "main"}, None),
        (f"/v1/leases/{lease_id}/renew", counter, None),
        (f"/v1/leases/{lease_id}/return", {**counter, "tickets": []}, None),
        ("/v1/scans", told, True),
    ):
        answer = await here.post(path, json=body, headers=key())
        assert (answer.status_code, answer.json()["reason"]) == (401, "device_revoked")
        assert answer.json().get("kept") is kept
    assert (await here.get("/v1/devices/self/door")).status_code == 401
    # Nobody knows what it lets in until its half hour is over: its party waits for a person.
    assert (await basement.there.scan(basement.code, 1))["reason"] == "held_by_other_door"
    path = f"/v1/leases/{lease_id}/release"
    freed = await basement.manager.post(path, json={"reason": "stolen"}, headers=key())
    assert freed.json()["status"] == "released"
    assert (await basement.there.scan(basement.code, 4))["verdict"] == "admit"
    assert await basement.inside() == (4, 4)
    await basement.agrees()


async def test_a_tablet_that_was_wiped_gets_nothing_until_a_manager_releases_it(
    basement: Basement, hasty: None
) -> None:
    lease_id = (await basement.here.take()).json()["lease_id"]
    refused = await basement.here.take()
    assert (refused.status_code, refused.json()["reason"]) == (409, "lease_not_returned")
    assert (await basement.there.take()).json()["reason"] == "nothing_to_lease"
    released = await basement.manager.post(
        f"/v1/leases/{lease_id}/release", json={"reason": "wiped"}, headers=key()
    )
    assert (released.status_code, released.json()["status"]) == (200, "released")
    assert (await basement.there.scan(basement.code, 4))["verdict"] == "admit"
    # It was not wiped after all: its guest is in, and there is no place left.
    assert (await basement.here.tell(basement.code, 1))["reason"] == "conflict"
    tasks = await basement.tasks()
    assert [(t["kind"], t["why"], t["people"]) for t in tasks] == [("scan", "party_full", 1)]
    assert (await basement.here.renew()).json()["status"] == "released"
    await basement.agrees()


async def test_a_manager_asks_back_what_a_tablet_holds_and_takes_nothing(
    basement: Basement,
) -> None:
    await basement.here.take()
    path = f"/v1/leases/{basement.here.lease['lease_id']}/recall"
    asked = await basement.manager.post(path, headers=key())
    assert (asked.status_code, len(asked.json()["recalled"])) == (200, 1)
    # Until the tablet has answered, nobody else admits; asked twice, it is told once.
    assert (await basement.there.scan(basement.code, 1))["reason"] == "held_by_other_door"
    assert (await basement.manager.post(path, headers=key())).status_code == 200
    assert (await basement.here.renew()).json()["recalled"] == asked.json()["recalled"]
    await basement.here.give_back(0)
    assert (await basement.there.scan(basement.code, 1))["verdict"] == "admit"
    refused = await basement.manager.post(path, headers=key())
    assert (refused.status_code, refused.json()["reason"]) == (409, "lease_over")
    assert await basement.kinds() == ["LEASE_GRANTED", "LEASE_RECALLED", "LEASE_RETURNED"]
    await basement.agrees()


async def test_a_cancellation_goes_through_and_names_the_door_that_may_still_admit(
    basement: Basement, hasty: None
) -> None:
    await basement.here.take()
    path = f"/v1/bookings/{basement.booking['booking_id']}/cancel"
    cancelled = (await basement.manager.post(path, headers=key())).json()
    assert (cancelled["status"], cancelled["may_still_admit"]) == ("cancelled", "main")
    assert (await basement.here.renew()).json()["recalled"] == [
        basement.here.lease["tickets"][0]["ticket_id"]
    ]
    assert (await basement.here.tell(basement.code, 2))["reason"] == "conflict"
    task = (await basement.tasks())[0]
    assert (task["why"], task["people"]) == ("cancelled_meanwhile", 2)
    for status in (200, 409):
        resolved = await basement.manager.post(
            f"/v1/tasks/{task['task_id']}/resolve",
            json={"decision": "count", "reason": "They stay at the bar"},
            headers=key(),
        )
        assert resolved.status_code == status, resolved.text
    assert await basement.inside() == (2, 0)
    assert await basement.tasks() == []
    await basement.agrees()


async def test_a_cancellation_waits_for_the_tablets_answer(
    basement: Basement, patient: None
) -> None:
    await basement.here.take()

    async def answers() -> None:
        room = await basement.club.parts.live.room(NIGHT)
        async with asyncio.timeout(10):
            while not any(lease.recalled for lease in room.state.leases.values()):
                await basement.club.parts.live.hub.reached(room, room.version + 1)
        await basement.here.give_back(0)

    path = f"/v1/bookings/{basement.booking['booking_id']}/cancel"
    answer, _ = await asyncio.gather(basement.manager.post(path, headers=key()), answers())
    assert (answer.json()["status"], "may_still_admit" in answer.json()) == ("cancelled", False)
    assert basement.booking["status"] == "confirmed"
    await basement.agrees()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"party": 3}),
        ("POST", "/reschedule", {"until": "2027-06-20T02:00:00.000Z"}),
        ("POST", "/swap", {"other_id": "other"}),
        ("POST", "/split", {"party": 1, "tables": [7]}),
        ("POST", "/merge", {"other_id": "other", "tables": [1, 2]}),
    ],
    ids=["change", "reschedule", "swap", "split", "merge"],
)
async def test_whatever_is_done_with_a_party_asks_the_tablet_for_it_first(
    basement: Basement, hasty: None, method: str, path: str, body: dict[str, Any]
) -> None:
    other = await basement.confirmed([1])
    await basement.here.take(tables=[2])
    if "other_id" in body:
        body = {**body, "other_id": other["booking_id"]}
    address = f"/v1/bookings/{basement.booking['booking_id']}{path}"
    answer = await basement.manager.request(method, address, json=body, headers=key())
    assert answer.is_success, answer.text
    changed = answer.json()
    two = (changed["booking"], changed["other"]) if "other" in changed else (changed,)
    assert [one.get("may_still_admit") for one in two] == ["main", None][: len(two)]
    ticket = basement.here.lease["tickets"][0]["ticket_id"]
    assert (await basement.here.renew()).json()["recalled"] == [ticket]
    assert await basement.kinds() == ["LEASE_GRANTED", "LEASE_RECALLED"]
    await basement.agrees()


async def test_whom_a_tablet_let_in_counts_before_its_scans_have_come(
    basement: Basement,
) -> None:
    """Three of four are in, and nobody was told of them one by one yet."""
    other = await basement.confirmed([1])
    await basement.here.take(tables=[2])
    await basement.here.give_back(3)
    mine, theirs = basement.booking["booking_id"], other["booking_id"]

    async def refused(method: str, path: str, body: dict[str, Any]) -> str:
        answer = await basement.manager.request(
            method, f"/v1/bookings/{path}", json=body, headers=key()
        )
        assert answer.status_code == 409, answer.text
        return str(answer.json()["reason"])

    assert await refused("PATCH", mine, {"party": 2}) == "party_inside"
    assert await refused("POST", f"{mine}/split", {"party": 2, "tables": [7]}) == "party_inside"
    merge = {"other_id": mine, "tables": [1, 2]}
    assert await refused("POST", f"{theirs}/merge", merge) == "scans_on_their_way"
    assert (await basement.here.tell(basement.code, 3))["reason"] == "admitted"
    merged = await basement.manager.post(f"/v1/bookings/{theirs}/merge", json=merge, headers=key())
    assert (merged.status_code, merged.json()["booking"]["admitted"]) == (200, 3)
    await basement.agrees()


async def test_a_ban_reaches_the_tablet_that_holds_the_persons_ticket(
    basement: Basement, hasty: None
) -> None:
    await basement.here.take()
    ban = {"booking_id": basement.booking["booking_id"], "reason": "violence"}
    added = await basement.manager.post("/v1/bans", json=ban, headers=key())
    assert (added.status_code, added.json()["may_still_admit"]) == (201, ["main"]), added.text
    ticket = basement.here.lease["tickets"][0]["ticket_id"]
    assert (await basement.here.renew()).json()["recalled"] == [ticket]
    await basement.here.give_back(0)
    assert (await basement.here.scan(basement.code, 1))["reason"] == "banned"
    assert (await basement.here.take()).json()["reason"] == "nothing_to_lease"
    await basement.agrees()


async def test_a_ban_that_no_frame_told_of_comes_with_the_next_renewal(
    basement: Basement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the ban is entered between a lease's grant and its commit."""

    async def unasked(_: Any) -> list[str]:
        return []

    monkeypatch.setattr("app.web.bans.ask_back_banned", unasked)
    await basement.here.take()
    assert (await basement.here.renew()).json()["recalled"] == []
    ban = {"booking_id": basement.booking["booking_id"], "reason": "violence"}
    assert (await basement.manager.post("/v1/bans", json=ban, headers=key())).is_success
    ticket = basement.here.lease["tickets"][0]["ticket_id"]
    for _ in range(2):  # told once, and reminded of with every answer
        assert (await basement.here.renew()).json()["recalled"] == [ticket]
    assert await basement.kinds() == ["LEASE_GRANTED", "LEASE_RECALLED"]
    await basement.agrees()


async def test_a_party_that_a_tablet_let_in_is_not_cancelled(basement: Basement) -> None:
    await basement.here.take()
    await basement.here.give_back(2)
    path = f"/v1/bookings/{basement.booking['booking_id']}/cancel"
    refused = await basement.manager.post(path, headers=key())
    assert (refused.status_code, refused.json()["reason"]) == (409, "party_inside")


async def test_a_counter_shown_twice_makes_the_lease_void(basement: Basement, hasty: None) -> None:
    await basement.here.take()
    same = key()
    for _ in range(2):  # a reply that was lost: the same request again
        assert (await basement.here.renew(1, **same)).json()["status"] == "live"
    copied = await basement.here.renew(1)  # and a copy of the tablet, which knows the old counter
    assert copied.json()["status"] == "voided"
    assert (await basement.here.renew(2)).json()["status"] == "voided"
    assert [(t["kind"], t["why"]) for t in await basement.tasks()] == [("lease", "copied")]
    assert (await basement.there.scan(basement.code, 1))["reason"] == "held_by_other_door"
    assert (await basement.here.take()).json()["reason"] == "lease_not_returned"
    await basement.agrees()


async def test_people_of_a_lease_are_inside_for_the_licence(basement: Basement) -> None:
    limits = {"upstairs": 6, "downstairs": 6, "house": 6}
    answer = await basement.manager.patch(
        f"/v1/nights/{NIGHT}", json={"limits": limits}, headers=key()
    )
    assert answer.status_code == 200, answer.text
    await basement.confirmed([3])
    taken = (await basement.here.take()).json()
    assert len(taken["tickets"]) == 1  # the other party of four has no room beside the first
    click = {"night": NIGHT, "door": "main", "floor": taken["floor"]}
    for change, status in ((3, 409), (2, 200), (1, 409)):
        clicked = await basement.manager.post(
            "/v1/headcount", json={**click, "change": change}, headers=key()
        )
        assert clicked.status_code == status, clicked.text
    await basement.here.give_back(0)
    clicked = await basement.manager.post(
        "/v1/headcount", json={**click, "change": 4}, headers=key()
    )
    assert clicked.status_code == 200


async def test_only_the_tablet_that_has_it_renews_or_returns_a_lease(basement: Basement) -> None:
    await basement.here.take()
    basement.there.lease = basement.here.lease
    for call in ("renew", "return"):
        body: dict[str, Any] = {"counter": 1, **({"tickets": []} if call == "return" else {})}
        answer = await basement.there.client.post(
            f"/v1/leases/{basement.here.lease['lease_id']}/{call}", json=body, headers=key()
        )
        assert (answer.status_code, answer.json()["reason"]) == (404, "lease_not_found")
    assert (await basement.there.tell(basement.code, 1))["reason"] == "conflict"
    assert [t["why"] for t in await basement.tasks()] == ["no_lease"]


async def test_no_other_tablet_admits_while_two_ask_at_once(
    basement: Basement, hasty: None
) -> None:
    """Granting and scanning meet at the ticket's row: whoever is second sees the first."""
    for _ in range(10):
        party = await basement.confirmed([3])
        taken, scanned = await asyncio.gather(
            basement.here.take(tables=[3]), basement.there.scan(party["code"], 4)
        )
        assert (taken.status_code == 201) != (scanned["verdict"] == "admit")
        if taken.status_code == 201:
            await basement.here.give_back(0)
        else:
            assert taken.json()["reason"] == "nothing_to_lease"
        await basement.manager.post(
            f"/v1/bookings/{party['booking_id']}/"
            + ("cancel" if taken.status_code == 201 else "complete"),
            headers=key(),
        )


async def test_a_device_is_told_the_keys_and_the_list_a_day_ahead(basement: Basement) -> None:
    kept = (await basement.here.client.get("/v1/devices/self/door")).json()
    assert [n["night"] for n in kept["nights"]] == [NIGHT]
    assert len(kept["nights"][0]["public"]) == 44
    assert [(t["reference"], t["party"], t["name"]) for t in kept["tickets"]] == [
        (basement.booking["reference"], 4, "Ada L.")
    ]
