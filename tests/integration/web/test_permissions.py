"""Every route for every role.

Goal: nobody may more than was decided. Method: the decision is written here a second time, by hand,
as the roles that get past the permission check of each operation; a change of the table of
operations, or of the roles, has to be made here too. Each role then asks every operation for real:
with a body that is no JSON, so that whoever may pass is refused for that, and nothing is written.
"""

from uuid import uuid4

import pytest

from tests.integration.web.club import NIGHT, Club, key

EVERYBODY = "ANONYMOUS OWNER DEVICE DOOR_STAFF MANAGER SUPER_ADMIN"
STAFF = "DOOR_STAFF MANAGER SUPER_ADMIN"
DOOR = f"DEVICE {STAFF}"
MANAGERS = "MANAGER SUPER_ADMIN"

MAY = {
    "GET /v1/floor": EVERYBODY,
    "GET /v1/nights": EVERYBODY,
    "GET /v1/nights/{night}": EVERYBODY,
    "GET /v1/nights/{night}/availability": EVERYBODY,
    "GET /v1/nights/{night}/state": DOOR,
    "GET /v1/nights/{night}/events": STAFF,
    "GET /v1/nights/{night}/bookings": STAFF,
    "GET /v1/nights/{night}/sheet": MANAGERS,
    "GET /v1/nights/{night}/guests": DOOR,
    "POST /v1/nights": MANAGERS,
    "PATCH /v1/nights/{night}": MANAGERS,
    "POST /v1/holds": EVERYBODY,
    "DELETE /v1/holds/{booking_id}": MANAGERS,
    "POST /v1/holds/{booking_id}/extend": MANAGERS,
    "POST /v1/holds/{booking_id}/confirm": MANAGERS,
    "GET /v1/bookings/{booking_id}": STAFF,
    "GET /v1/bookings/{booking_id}/code.png": MANAGERS,
    "GET /v1/bookings/{booking_id}/code.svg": MANAGERS,
    "POST /v1/bookings/{booking_id}/cancel": MANAGERS,
    "PATCH /v1/bookings/{booking_id}": MANAGERS,
    "POST /v1/bookings/{booking_id}/reschedule": MANAGERS,
    "GET /v1/bookings/{booking_id}/move": MANAGERS,
    "POST /v1/bookings/{booking_id}/move": MANAGERS,
    "POST /v1/bookings/{booking_id}/swap": MANAGERS,
    "POST /v1/bookings/{booking_id}/split": MANAGERS,
    "POST /v1/bookings/{booking_id}/merge": MANAGERS,
    "POST /v1/bookings/{booking_id}/reinstate": MANAGERS,
    "GET /v1/bookings/{booking_id}/history": STAFF,
    "GET /v1/nights/{night}/series": MANAGERS,
    "POST /v1/series": MANAGERS,
    "GET /v1/series/{series_id}": MANAGERS,
    "POST /v1/series/{series_id}/cancel": MANAGERS,
    "POST /v1/bookings/{booking_id}/seat": STAFF,
    "POST /v1/bookings/{booking_id}/no-show": MANAGERS,
    "POST /v1/bookings/{booking_id}/complete": MANAGERS,
    "POST /v1/bookings/{booking_id}/link": MANAGERS,
    "POST /v1/bookings/{booking_id}/link/revoke": MANAGERS,
    "POST /v1/bookings/{booking_id}/calendar": MANAGERS,
    "POST /v1/nights/{night}/calendar": MANAGERS,
    "GET /v1/calendar.ics": EVERYBODY,
    "GET /v1/bookings/{booking_id}/guests": MANAGERS,
    "POST /v1/bookings/{booking_id}/guests": MANAGERS,
    "DELETE /v1/bookings/{booking_id}/guests/{number}": MANAGERS,
    "GET /v1/pass": "GUEST",
    "GET /v1/pass/code.svg": "GUEST",
    "POST /v1/bookings/{booking_id}/refund": MANAGERS,
    "GET /v1/bookings/{booking_id}/payments": MANAGERS,
    "POST /v1/refunds/{refund_id}/given": MANAGERS,
    "POST /v1/payments/{payment_id}/verify": MANAGERS,
    "GET /v1/payments/open": MANAGERS,
    "GET /v1/payments/ways": EVERYBODY,
    "POST /v1/stripe/webhook": EVERYBODY,
    "POST /v1/waitlist": EVERYBODY,
    "GET /v1/waitlist/{waitlist_id}": STAFF,
    "PATCH /v1/waitlist/{waitlist_id}": MANAGERS,
    "DELETE /v1/waitlist/{waitlist_id}": MANAGERS,
    "POST /v1/waitlist/{waitlist_id}/accept": MANAGERS,
    "GET /v1/nights/{night}/waitlist": STAFF,
    "POST /v1/walk-ins": STAFF,
    "POST /v1/tables/{number}/vacate": STAFF,
    "POST /v1/tables/{number}/reset": STAFF,
    "POST /v1/tables/{number}/block": MANAGERS,
    "POST /v1/tables/{number}/unblock": MANAGERS,
    "POST /v1/scans": DOOR,
    "GET /v1/scans/{scan_id}": DOOR,
    "POST /v1/scans/{scan_id}/override": DOOR,
    "POST /v1/scans/{scan_id}/undo": DOOR,
    "POST /v1/headcount": DOOR,
    "POST /v1/incidents": DOOR,
    "GET /v1/nights/{night}/inside": STAFF,
    "GET /v1/nights/{night}/door-log": MANAGERS,
    "GET /v1/nights/{night}/report.csv": MANAGERS,
    "POST /v1/bookings/{booking_id}/reissue": MANAGERS,
    "POST /v1/people/find": MANAGERS,
    "POST /v1/people/{person_id}/reveal": MANAGERS,
    "GET /v1/people/{person_id}/export": MANAGERS,
    "POST /v1/people/{person_id}/erase": "SUPER_ADMIN",
    "GET /v1/me/export": "OWNER",
    "POST /v1/me/erase": "OWNER",
    "GET /v1/bans": MANAGERS,
    "POST /v1/bans": MANAGERS,
    "POST /v1/bans/{ban_id}/lift": MANAGERS,
    "POST /v1/session": EVERYBODY,
    "GET /v1/session": DOOR,
    "DELETE /v1/session": STAFF,
    "POST /v1/session/totp/enrolment": STAFF,
    "POST /v1/session/totp": STAFF,
    "POST /v1/session/elevate": STAFF,
    "POST /v1/session/password": STAFF,
    "POST /v1/session/pin/set": STAFF,
    "GET /v1/session/pins": "DEVICE",
    "POST /v1/session/pin": "DEVICE",
    "GET /v1/staff": MANAGERS,
    "POST /v1/staff": "SUPER_ADMIN",
    "PATCH /v1/staff/{staff_id}": "SUPER_ADMIN",
    "POST /v1/staff/{staff_id}/link": "SUPER_ADMIN",
    "POST /v1/staff/{staff_id}/pin": "SUPER_ADMIN",
    "POST /v1/staff/{staff_id}/totp/reset": "SUPER_ADMIN",
    "GET /v1/sessions": MANAGERS,
    "DELETE /v1/sessions/{session_id}": MANAGERS,
    "DELETE /v1/staff/{staff_id}/sessions": MANAGERS,
    "GET /v1/devices": MANAGERS,
    "GET /v1/devices/health": MANAGERS,
    "POST /v1/devices": MANAGERS,
    "POST /v1/devices/pair": EVERYBODY,
    "POST /v1/devices/{device_id}/pairing": MANAGERS,
    "POST /v1/devices/self/roll": "DEVICE",
    "POST /v1/devices/self/status": "DEVICE",
    "DELETE /v1/devices/{device_id}": MANAGERS,
    "GET /v1/quarantine": MANAGERS,
    "POST /v1/quarantine/{quarantine_id}/resolve": MANAGERS,
    "GET /v1/devices/self/door": "DEVICE",
    "GET /v1/leases": MANAGERS,
    "POST /v1/leases": "DEVICE",
    "POST /v1/leases/{lease_id}/renew": "DEVICE",
    "POST /v1/leases/{lease_id}/return": "DEVICE",
    "POST /v1/leases/{lease_id}/recall": MANAGERS,
    "POST /v1/leases/{lease_id}/release": MANAGERS,
    "GET /v1/tasks": MANAGERS,
    "POST /v1/tasks/{task_id}/resolve": MANAGERS,
    "GET /v1/audit": MANAGERS,
    "GET /v1/outbox": MANAGERS,
    "GET /v1/outbox/{message_id}": MANAGERS,
    "POST /v1/outbox/{message_id}/replay": MANAGERS,
    "GET /health/live": EVERYBODY,
    "GET /health/ready": EVERYBODY,
    "GET /metrics": MANAGERS,
    "GET /openapi.json": EVERYBODY,
}
# What an owner may do with their own booking; with anybody else's it is not found.
OWN = {
    "GET /v1/bookings/{booking_id}/guests",
    "POST /v1/bookings/{booking_id}/guests",
    "DELETE /v1/bookings/{booking_id}/guests/{number}",
    "GET /v1/bookings/{booking_id}",
    "GET /v1/bookings/{booking_id}/code.png",
    "GET /v1/bookings/{booking_id}/code.svg",
    "DELETE /v1/holds/{booking_id}",
    "POST /v1/holds/{booking_id}/extend",
    "GET /v1/bookings/{booking_id}/history",
    "PATCH /v1/bookings/{booking_id}",
    "POST /v1/bookings/{booking_id}/reschedule",
    "POST /v1/holds/{booking_id}/confirm",
    "GET /v1/bookings/{booking_id}/payments",
    "POST /v1/bookings/{booking_id}/cancel",
    "POST /v1/bookings/{booking_id}/reissue",
    "POST /v1/bookings/{booking_id}/link",
    "POST /v1/bookings/{booking_id}/link/revoke",
    "POST /v1/bookings/{booking_id}/calendar",
}


def address(path: str) -> str:
    unknown = str(uuid4())
    return path.format(
        night=NIGHT, number=7, booking_id=unknown, scan_id=unknown, device_id=unknown,
        quarantine_id=unknown, staff_id=unknown, session_id=unknown, person_id=unknown,
        ban_id=unknown, message_id=unknown, lease_id=unknown, task_id=unknown,
        payment_id=unknown, refund_id=unknown,
        waitlist_id=unknown, series_id=unknown,
    )  # fmt: skip


async def test_the_table_has_exactly_these_operations(club: Club) -> None:
    assert sorted(f"{one.method} {one.path}" for one in club.table) == sorted(MAY)


@pytest.mark.parametrize("role", EVERYBODY.split())
async def test_a_role_gets_past_the_check_exactly_where_it_may(club: Club, role: str) -> None:
    client = await club.acting_as(role)
    wrong = []
    before = await club.counts()
    # Signing out last: the session is needed until then.
    for name in sorted(MAY, key=lambda name: name == "DELETE /v1/session"):
        method, path = name.split()
        await club.forget_limits()
        answer = await client.request(method, address(path), content=b"{", headers=JSON)
        if role in MAY[name].split():
            right = answer.status_code not in (401, 403)
        elif role == "OWNER" and (
            "{booking_id}" in path or "{waitlist_id}" in path
        ):  # also where they may nothing at all
            right = answer.status_code == 404
        else:
            right = answer.status_code == (401 if role == "ANONYMOUS" else 403)
        if not right or answer.status_code >= 500:
            wrong.append(f"{name}: {answer.status_code} {answer.text[:120]}")
    assert wrong == []
    # Signing out stands in the venue's book, and nothing else was written.
    ended = 1 if role in STAFF.split() else 0
    after = await club.counts()
    assert {**after, "event": after["event"] - ended} == before


JSON = {"Content-Type": "application/json", "Idempotency-Key": "permissions-1"}


async def test_an_owner_reads_and_cancels_their_own_booking_and_no_other(club: Club) -> None:
    await club.open()
    guest, other = await club.client(), await club.client()
    mine = await club.held(guest, [2])
    theirs = await club.held(other, [3], email="ben@example.com")
    guest.headers["Authorization"] = f"Bearer {mine['token']}"
    assert (await guest.get(f"/v1/bookings/{mine['booking_id']}")).json()["party"] == 4
    for method, path in [name.split() for name in OWN]:
        address = path.format(booking_id=theirs["booking_id"], number=1)
        answer = await guest.request(method, address, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code == 404, (method, path, answer.text)
        assert answer.json()["reason"] == "booking_not_found"
    gone = await guest.delete(
        f"/v1/holds/{mine['booking_id']}", headers={"Idempotency-Key": str(uuid4())}
    )
    assert (gone.status_code, gone.json()["status"]) == (200, "released")
    other.headers["Authorization"] = f"Bearer {theirs['token']}"
    assert (await other.get(f"/v1/bookings/{theirs['booking_id']}")).json()["status"] == "pending"


async def test_the_door_sees_masked_names_and_no_money(club: Club) -> None:
    await club.open()
    manager, door = await club.signed_in("MANAGER"), await club.signed_in("DOOR_STAFF")
    booking = await club.held(manager, [2])
    listed = {}
    for client in (manager, door):
        found = (await client.get(f"/v1/nights/{NIGHT}/bookings")).json()["bookings"][0]
        names = (await client.get(f"/v1/nights/{NIGHT}/guests")).json()["names"]
        state = (await client.get(f"/v1/nights/{NIGHT}/state")).json()["state"]
        listed[client] = (
            found["name"],
            names[booking["booking_id"]],
            found["deposit_pence"],
            "deposit_pence" in state["tables"]["2"],
        )
    assert listed[manager] == ("Ada Lovelace", "Ada Lovelace", booking["deposit_pence"], True)
    assert listed[door] == ("Ada L.", "Ada L.", None, False)
    asked = await door.get(f"/v1/nights/{NIGHT}/state", params={"audience": "manager"})
    assert (asked.status_code, asked.json()["reason"]) == (403, "not_allowed")


async def test_metrics_are_free_on_this_machine_and_not_from_outside(club: Club) -> None:
    near, far = await club.client(("127.0.0.1", 40_000)), await club.client()
    assert (await near.get("/metrics")).status_code == 200
    assert (await far.get("/metrics")).status_code == 401


async def test_what_has_no_limit_looks_nobody_up(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger may ask as often as they like, with tokens and cookies that they made up."""
    manager = await club.signed_in()

    async def asked(*_: object) -> None:
        raise AssertionError("somebody was looked up")

    monkeypatch.setattr("app.web.endpoint.identify", asked)
    unlimited = [one for one in club.table if one.limits == "none"]
    signed = "/v1/stripe/webhook"
    assert {one.path for one in unlimited} == {"/health/live", "/health/ready", signed}
    assert (await manager.post(signed, content=b"{}")).status_code == 400
    for operation in (one for one in unlimited if one.path != signed):
        headers = {"Authorization": "Bearer nobody-knows-this-token"}
        assert (await manager.get(operation.path, headers=headers)).status_code == 200
    assert (await manager.get("/v1/nights")).status_code == 500  # the test would notice


async def test_only_who_may_hold_at_the_desk_needs_no_name_and_joins_tables_by_hand(
    club: Club,
) -> None:
    await club.open()
    nameless = {"night": NIGHT, "tables": [2], "party": 4}
    joined = {"night": NIGHT, "tables": [3, 12], "party": 4, "contact": {"name": "Ada Lovelace"}}
    # A manager who has given a password, and no second factor yet.
    pending = await club.signed_in("DOOR_STAFF", staff_id=await club.staff("MANAGER"))
    door = await club.signed_in("DOOR_STAFF")
    for client in (pending, door):
        for body, reason in ((nameless, "contact_missing"), (joined, "not_a_combination")):
            refused = await client.post("/v1/holds", json=body, headers=key())
            assert (refused.status_code, refused.json()["reason"]) == (422, reason)
    manager = await club.signed_in()
    for body in (nameless, joined):
        assert (await manager.post("/v1/holds", json=body, headers=key())).status_code == 201
