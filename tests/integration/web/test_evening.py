"""An evening through the interface alone: each operation does what the table says it answers.

Goal: the statuses and shapes that OpenAPI promises are those that come. Method: the demo clock is
set to a Saturday at 22:30 and a night is run by a manager, a camera and a guest; every good answer
is checked against the table, and at the end no operation is left that was not seen to work.
"""

import csv
import json
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pyotp
import pytest
import stripe

from app.actions.waitlist import offer_free_tables
from app.settings import Settings
from app.web.night_report import FIGURES
from app.web.operations import Operation
from tests.integration.pooler import pooled
from tests.integration.web.club import NIGHT, ORIGIN, PASSWORD, Club, key, opened
from tests.integration.web.test_pins import with_pin

TOKEN = "d" * 64
WEBHOOKS = "whsec_evening"


class Evening:
    """Calls by template, each judged by its line in the table."""

    def __init__(self, club: Club) -> None:
        self.club = club
        self.seen: set[str] = set()

    async def call(
        self, client: httpx.AsyncClient, method: str, path: str, body: Any = None, **values: Any
    ) -> Any:
        operation = next(
            one
            for one in self.club.table
            if (one.method, one.path) == (method, path.partition("?")[0])
        )
        answer = await client.request(
            method, path.format(**values), json=body, headers=key() if method != "GET" else {}
        )
        assert answer.status_code in operation.answers, f"{method} {path}: {answer.text}"
        self.seen.add(operation.id)
        return judge_shape(operation, answer)


def judge_shape(operation: Operation, answer: httpx.Response) -> Any:
    shape = operation.answers[answer.status_code]
    assert answer.headers["x-request-id"]
    if shape is None:
        assert answer.content == b""
        return None
    assert answer.headers["content-type"].startswith(operation.media), operation.id
    if shape in (bytes, str):
        return answer.content
    document = answer.json()
    if shape is not dict:
        msgspec.json.decode(answer.content, type=shape)
        promised = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert set(document) <= promised, (operation.id, set(document) - promised)
    return document


@pytest.fixture(params=["direct", "through a pooler"])
async def evening(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[Evening]:
    secrets = (WEBHOOKS,)
    given = {"demo": True, "demo_token": TOKEN, "stripe_webhook_secrets": secrets}
    way = nullcontext(settings) if request.param == "direct" else pooled(settings)
    with way as found:
        async with opened(found, **given) as club:
            yield Evening(club)


async def test_every_operation_answers_as_the_table_says(evening: Evening) -> None:
    call, club = evening.call, evening.club
    guest, manager = await club.client(), await club.client(Origin="http://127.0.0.1:8000")
    links = (await call(guest, "POST", "/v1/demo/links", {"token": TOKEN}))["links"]
    link = next(one["link"] for one in links if one["role"] == "MANAGER")
    await call(manager, "POST", "/v1/session", {"link": link})
    assert "night:open" in (await call(manager, "GET", "/v1/session"))["permissions"]
    clock = {"token": TOKEN, "shown_at": "2027-06-19T22:30:00.000Z", "speed": 1}
    await call(manager, "POST", "/v1/demo/clock", clock)
    await call(manager, "POST", "/v1/nights", {"night": NIGHT})
    await call(manager, "PATCH", "/v1/nights/{night}", {"name": "Midsummer"}, night=NIGHT)

    for path in ("/v1/floor", "/v1/nights", "/openapi.json", "/health/live", "/health/ready"):
        await call(guest, "GET", path)
    assert (await call(guest, "GET", "/v1/nights/{night}", night=NIGHT))["name"] == "Midsummer"
    free = await call(guest, "GET", "/v1/nights/{night}/availability?party=4", night=NIGHT)
    tables = free["sets"][0]["tables"]

    async def hold(numbers: list[int]) -> dict[str, Any]:
        contact = {"name": "Ada Lovelace", "phone": "+44 113 496 0000"}
        body = {"night": NIGHT, "tables": numbers, "party": 4, "contact": contact}
        made: dict[str, Any] = await call(guest, "POST", "/v1/holds", body)
        return made

    held = await hold(tables)
    mine = {"booking_id": held["booking_id"]}
    owner = await club.client(Authorization=f"Bearer {held['token']}")
    await call(owner, "POST", "/v1/holds/{booking_id}/extend", **mine)
    paid = {"method": "card", "amount_pence": held["deposit_pence"]}
    confirmed = await call(manager, "POST", "/v1/holds/{booking_id}/confirm", paid, **mine)
    assert await call(owner, "GET", "/v1/bookings/{booking_id}", **mine)
    await call(manager, "POST", "/v1/bookings/{booking_id}/link", **mine)
    await call(manager, "POST", "/v1/bookings/{booking_id}/link/revoke", **mine)
    given = await call(owner, "POST", "/v1/bookings/{booking_id}/calendar", **mine)
    await call(manager, "POST", "/v1/nights/{night}/calendar", {"renew": True}, night=NIGHT)
    await call(guest, "GET", "/v1/calendar.ics?{query}", query=given["address"].split("?")[1])
    for kind in ("png", "svg"):
        await call(owner, "GET", f"/v1/bookings/{{booking_id}}/code.{kind}", **mine)

    device = await call(
        manager, "POST", "/v1/devices", {"name": "Door", "kind": "camera", "door": "main"}
    )
    ours = {"device_id": device["device_id"]}
    again = await call(manager, "POST", "/v1/devices/{device_id}/pairing", **ours)
    paired = await call(guest, "POST", "/v1/devices/pair", {"code": again["pairing"]["code"]})
    camera = await club.client(Authorization=f"Bearer {paired['token']}")
    rolled = await call(camera, "POST", "/v1/devices/self/roll")
    camera.headers["Authorization"] = f"Bearer {rolled['token']}"
    await call(camera, "POST", "/v1/devices/self/status", {"battery_percent": 80, "spool": 0})
    scan = {"scan_id": str(uuid4()), "door": "main", "code": confirmed["code"], "people": 4}
    verdict = await call(camera, "POST", "/v1/scans", scan)
    assert (verdict["verdict"], verdict["name"], verdict["replayed"]) == ("admit", "Ada L.", False)
    again = await call(camera, "GET", "/v1/scans/{scan_id}", scan_id=scan["scan_id"])
    assert again == {**verdict, "replayed": True}
    await supervised(evening, camera, scan)
    click = {"night": NIGHT, "door": "main", "floor": "upstairs", "change": 2}
    await call(camera, "POST", "/v1/headcount", click)
    await call(manager, "POST", "/v1/bookings/{booking_id}/seat", **mine)

    other = {"booking_id": (await hold([5]))["booking_id"]}
    paid = {"method": "cash", "amount_pence": 1_000_000}
    await call(manager, "POST", "/v1/holds/{booking_id}/confirm", paid, **other)
    await call(manager, "POST", "/v1/bookings/{booking_id}/move", {"tables": [6]}, **other)
    await changes(evening, manager, other)
    await recurring(evening, manager)
    await away(evening, camera, manager)
    await call(manager, "POST", "/v1/bookings/{booking_id}/cancel", **other)
    let_go = {"booking_id": (await hold([5]))["booking_id"]}
    await call(manager, "DELETE", "/v1/holds/{booking_id}", **let_go)

    walk_in = {"night": NIGHT, "tables": [10], "party": 2, "door": "main"}
    walked = await call(manager, "POST", "/v1/walk-ins", walk_in)
    of_night = {"night": NIGHT}
    await call(manager, "POST", "/v1/tables/{number}/vacate", of_night, number=10)
    await call(manager, "POST", "/v1/tables/{number}/reset", of_night, number=10)
    walked_id = {"booking_id": walked["booking_id"]}
    complete = "/v1/bookings/{booking_id}/complete"
    answer = await manager.post(complete.format(**walked_id), headers=key())
    assert answer.json()["reason"] == "illegal_transition"  # vacating had completed it
    await call(manager, "POST", complete, **mine)
    block = {**of_night, "reason": "spill"}
    await call(manager, "POST", "/v1/tables/{number}/block", block, number=12)
    await call(manager, "POST", "/v1/tables/{number}/unblock", of_night, number=12)

    late = {"booking_id": (await hold([7]))["booking_id"]}
    await call(manager, "POST", "/v1/holds/{booking_id}/confirm", paid, **late)
    clock = {**clock, "shown_at": "2027-06-19T23:59:00.000Z"}
    await call(manager, "POST", "/v1/demo/clock", clock)
    await call(manager, "POST", "/v1/bookings/{booking_id}/no-show", **late)
    await call(manager, "POST", "/v1/bookings/{booking_id}/reinstate", {}, **late)
    await waiting_list(evening, guest, manager)

    chief = await club.signed_in("SUPER_ADMIN", elevated=True)
    await money(evening, manager, chief, late)
    found = await call(manager, "POST", "/v1/people/find", {"phone": "0113 496 0000"})
    somebody = {"person_id": found["people"][0]["person_id"]}
    await call(manager, "POST", "/v1/people/{person_id}/reveal", **somebody)
    await call(chief, "GET", "/v1/people/{person_id}/export?format=json", **somebody)
    banned = await call(manager, "POST", "/v1/bans", {"reason": "theft", "name": "Nobody"})
    assert (await call(manager, "GET", "/v1/bans"))["bans"][0]["in_force"] is True
    await call(manager, "POST", "/v1/bans/{ban_id}/lift", ban_id=banned["ban_id"])
    await club.parts.outbox.drain()
    kept = (await call(manager, "GET", "/v1/outbox?status=kept"))["messages"]
    told = {"message_id": kept[0]["message_id"]}
    await call(manager, "GET", "/v1/outbox/{message_id}", **told)
    await call(manager, "POST", "/v1/outbox/{message_id}/replay", **told)
    await call(owner, "GET", "/v1/me/export")
    await call(owner, "POST", "/v1/me/erase")
    await call(chief, "POST", "/v1/people/{person_id}/erase", **somebody)

    for path in ("state", "events", "bookings", "guests"):
        await call(manager, "GET", f"/v1/nights/{{night}}/{path}", night=NIGHT)
    await call(manager, "GET", "/v1/nights/{night}/sheet", night=NIGHT)
    await call(manager, "GET", "/v1/audit?book=venue")
    await call(manager, "GET", "/v1/devices")
    await call(manager, "GET", "/v1/devices/health")
    await call(manager, "GET", "/metrics")
    await call(manager, "DELETE", "/v1/devices/{device_id}", **ours)
    late_scan = {**scan, "scan_id": str(uuid4()), "people": 1}
    assert (await camera.post("/v1/scans", json=late_scan)).json()["kept"] is True
    waiting = (await call(manager, "GET", "/v1/quarantine"))["scans"]
    await call(
        manager, "POST", "/v1/quarantine/{quarantine_id}/resolve",
        {"decision": "dismiss", "reason": "a_trial"},
        quarantine_id=waiting[0]["quarantine_id"],
    )  # fmt: skip
    for path in ("inside", "door-log"):
        await call(manager, "GET", f"/v1/nights/{{night}}/{path}", night=NIGHT)
    state = await call(manager, "GET", "/v1/nights/{night}/state", night=NIGHT)
    report = await call(manager, "GET", "/v1/nights/{night}/report.csv", night=NIGHT)
    assert added_up(report) == {"total": state["state"]["counts"]["figures"]}
    await staff_changes(evening, chief)
    await call(manager, "DELETE", "/v1/session")
    left = {one.id for one in club.table} - evening.seen
    assert left == set(), sorted(left)


def added_up(report: bytes) -> dict[str, dict[str, int]]:
    """The totals of the night's report as a file, each of which its lines make."""
    rows = list(csv.DictReader(report.decode("utf-8-sig").splitlines()))
    totals = {}
    for part, sums in (("night", "total"), ("after_seal", "total_after_seal")):
        lines = [row for row in rows if row["part"] == part]
        for row in rows:
            if row["part"] == sums:
                totals[sums] = {name: int(row[name]) for name in FIGURES}
                made = {name: sum(int(line[name]) for line in lines) for name in FIGURES}
                assert totals[sums] == made
    return totals


async def supervised(evening: Evening, camera: httpx.AsyncClient, admitted: dict[str, Any]) -> None:
    """The party is complete; a supervisor lets one more in, takes that back, and notes a fight."""
    call, club = evening.call, evening.club
    mara = await with_pin(club, "MANAGER", "8051", "mara")
    refused = {**admitted, "scan_id": str(uuid4()), "people": 1}
    assert (await call(camera, "POST", "/v1/scans", refused))["reason"] == "already_in"
    by = {"supervisor": {"pin": "8051", "staff_id": mara}}
    why = {**by, "reason": "known_guest"}
    its = {"scan_id": refused["scan_id"]}
    let_in = await call(camera, "POST", "/v1/scans/{scan_id}/override", why, **its)
    why = {**by, "reason": "wrong_guest"}
    its = {"scan_id": let_in["scan_id"]}
    await call(camera, "POST", "/v1/scans/{scan_id}/undo", why, **its)


async def waiting_list(
    evening: Evening, guest: httpx.AsyncClient, manager: httpx.AsyncClient
) -> None:
    """A party waits, is put first, is offered a table and takes it; another one goes home."""
    call, club = evening.call, evening.club
    path = "/v1/waitlist/{waitlist_id}"

    async def joined(name: str) -> tuple[dict[str, str], httpx.AsyncClient]:
        contact = {"name": name, "email": f"{name}@example.com"}
        wish = {"night": NIGHT, "party": 12, "contact": contact}  # there is one set for twelve
        made = await call(guest, "POST", "/v1/waitlist", wish)
        mine = {"waitlist_id": made["waitlist_id"]}
        return mine, await club.client(Authorization=f"Bearer {made['token']}")

    night = {"night": NIGHT}
    await call(
        manager, "POST", "/v1/tables/{number}/block", {**night, "reason": "spill"}, number=15
    )
    ours, owner = await joined("Grace")
    await call(manager, "PATCH", path, {"priority": 900}, **ours)
    await call(manager, "POST", "/v1/tables/{number}/unblock", night, number=15)
    await offer_free_tables(club.parts.db, club.parts.venue)
    assert (await call(owner, "GET", path, **ours))["status"] == "offered"
    await call(owner, "POST", f"{path}/accept", **ours)
    theirs, other = await joined("Edsger")
    assert (await call(manager, "GET", "/v1/nights/{night}/waitlist", night=NIGHT))["waiting"]
    await call(other, "DELETE", path, **theirs)


async def money(
    evening: Evening,
    manager: httpx.AsyncClient,
    chief: httpx.AsyncClient,
    booking: dict[str, str],
) -> None:
    """A payment at the desk is seen by a second person, a part of it given back; Stripe tells."""
    call = evening.call
    incident = {"night": NIGHT, "door": "main", "kind": "fight", "outcome": "settled"}
    await call(manager, "POST", "/v1/incidents", incident)
    await call(manager, "POST", "/v1/bookings/{booking_id}/reissue", {"reason": "lost"}, **booking)
    await guest_codes(evening, manager, booking)
    await call(manager, "GET", "/v1/payments/ways")
    path = "/v1/bookings/{booking_id}"
    paid = (await call(manager, "GET", f"{path}/payments", **booking))["payments"][0]
    its = {"payment_id": paid["payment_id"]}
    await call(chief, "POST", "/v1/payments/{payment_id}/verify", **its)
    await call(chief, "POST", f"{path}/refund", {"amount_pence": 100}, **booking)
    owed = (await call(manager, "GET", "/v1/payments/open"))["refunds"][0]["refund"]
    its = {"refund_id": owed["refund_id"]}
    await call(chief, "POST", "/v1/refunds/{refund_id}/given", **its)
    event = json.dumps(
        {
            "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
            "created": 1, "data": {"object": {"id": "pi_unknown", "object": "payment_intent"}},
        }
    )  # fmt: skip
    sign = stripe.WebhookSignature.generate_signature_header
    guest = await evening.club.client()
    answer = await guest.post(
        "/v1/stripe/webhook", content=event, headers={"Stripe-Signature": sign(event, WEBHOOKS)}
    )
    told = next(one for one in evening.club.table if one.id == "post_stripe_webhook")
    assert answer.status_code == 200, answer.text
    judge_shape(told, answer)
    evening.seen.add(told.id)


async def guest_codes(
    evening: Evening, manager: httpx.AsyncClient, booking: dict[str, str]
) -> None:
    """One guest of the party gets a code of their own, looks at it, and loses it."""
    call, path = evening.call, "/v1/bookings/{booking_id}/guests"
    made = await call(manager, "POST", path, {}, **booking)
    await call(manager, "GET", path, **booking)
    token = made["link"].partition("#")[2]
    guest = await evening.club.client(Authorization=f"Bearer {token}")
    await call(guest, "GET", "/v1/pass")
    await call(guest, "GET", "/v1/pass/code.svg")
    await call(manager, "DELETE", f"{path}/{{number}}", {}, **booking, number=made["number"])


async def changes(evening: Evening, manager: httpx.AsyncClient, booking: dict[str, str]) -> None:
    """A booking of table 6 is changed in every way, and is there again in the end."""
    call, path = evening.call, "/v1/bookings/{booking_id}"
    await call(manager, "PATCH", path, {"party": 3, "requests": "A quiet corner"}, **booking)
    assert (await call(manager, "GET", path, **booking))["requests"] == "A quiet corner"
    seen = await call(manager, "GET", f"{path}/move?tables=15,16", **booking)
    assert seen["possible"] is True
    await call(manager, "POST", f"{path}/move", {"tables": [15, 16]}, **booking)
    parts = await call(manager, "POST", f"{path}/split", {"party": 1, "tables": [16]}, **booking)
    other = {"other_id": parts["other"]["booking_id"]}
    await call(manager, "POST", f"{path}/swap", other, **booking)
    await call(manager, "POST", f"{path}/merge", other, **booking)
    until = {"until": "2027-06-20T03:00:00.000Z"}
    await call(manager, "POST", f"{path}/reschedule", until, **booking)
    history = (await call(manager, "GET", f"{path}/history", **booking))["events"]
    assert [line["type"] for line in history][-5:] == [
        "TABLES_MOVED", "BOOKING_SPLIT", "TABLES_SWAPPED", "BOOKINGS_MERGED", "BOOKING_RESCHEDULED",
    ]  # fmt: skip


async def recurring(evening: Evening, manager: httpx.AsyncClient) -> None:
    """A series of one date, which is cancelled again."""
    call = evening.call
    path = "/v1/nights/{night}/series?times=1&party=4"
    (date,) = (await call(manager, "GET", path, night=NIGHT))["dates"]
    wanted = {name: date[name] for name in ("night", "tables", "from", "until")}
    body = {"party": 4, "contact": {"name": "Ada Lovelace"}, "dates": [wanted], "paid": "card"}
    its = {"series_id": (await call(manager, "POST", "/v1/series", body))["series_id"]}
    assert (await call(manager, "GET", "/v1/series/{series_id}", **its))["bookings"]
    await call(manager, "POST", "/v1/series/{series_id}/cancel", {}, **its)


async def away(evening: Evening, tablet: httpx.AsyncClient, manager: httpx.AsyncClient) -> None:
    """A tablet holds the parties that are expected, gives them back, and is lost with the rest."""
    call, wish = evening.call, {"night": NIGHT, "door": "main"}
    assert (await call(tablet, "GET", "/v1/devices/self/door"))["nights"]
    lease = await call(tablet, "POST", "/v1/leases", wish)
    its = {"lease_id": lease["lease_id"]}
    renewed = await call(tablet, "POST", "/v1/leases/{lease_id}/renew", {"counter": 1}, **its)
    stated = [{"ticket_id": one["ticket_id"], "admitted": 0} for one in lease["tickets"]]
    back = {"counter": renewed["counter"], "tickets": stated}
    ended = await call(tablet, "POST", "/v1/leases/{lease_id}/return", back, **its)
    assert ended["status"] == "returned"
    lost = {"lease_id": (await call(tablet, "POST", "/v1/leases", wish))["lease_id"]}
    await call(manager, "POST", "/v1/leases/{lease_id}/recall", **lost)
    await call(manager, "POST", "/v1/leases/{lease_id}/release", {"reason": "lost"}, **lost)
    leases = (await call(manager, "GET", f"/v1/leases?night={NIGHT}"))["leases"]
    assert {one["status"] for one in leases} == {"returned", "released"}
    seen = {"at": "2027-06-19T22:30:00.000Z", "verdict": "admit"}
    told = {"scan_id": str(uuid4()), "door": "main", "reference": "0000", "observed": seen}
    assert (await call(tablet, "POST", "/v1/scans", told))["reason"] == "conflict"
    task = (await call(manager, "GET", "/v1/tasks"))["tasks"][0]
    decided = {"decision": "dismiss", "reason": "Nobody was let in"}
    await call(manager, "POST", "/v1/tasks/{task_id}/resolve", decided, task_id=task["task_id"])


async def staff_changes(evening: Evening, chief: httpx.AsyncClient) -> None:
    """Somebody is hired, enrols, takes a tablet by PIN, and leaves again."""
    call, club = evening.call, evening.club
    hired = {"username": "dev", "display_name": "Dev Okafor", "role": "MANAGER"}
    made = await call(chief, "POST", "/v1/staff", hired)
    his = {"staff_id": made["staff_id"]}
    dev = await club.client(Origin=ORIGIN)
    assert (await call(dev, "POST", "/v1/session", {"link": made["link"]}))["began"] == "link"
    app = pyotp.TOTP((await call(dev, "POST", "/v1/session/totp/enrolment"))["secret"])
    codes = (await call(dev, "POST", "/v1/session/totp", {"code": app.now()}))["recovery_codes"]
    await call(dev, "POST", "/v1/session/elevate", {"recovery_code": codes[0]})
    await call(dev, "POST", "/v1/session/password", {"new": "brass rails by candlelight"})
    await call(dev, "POST", "/v1/session/pin/set", {"pin": "7394"})
    tablet = await club.device()
    tablet.headers["Origin"] = ORIGIN
    holders = await call(tablet, "GET", "/v1/session/pins")
    assert {"name": "Dev Okafor", "supervisor": True, **his} in holders["staff"]
    await call(tablet, "POST", "/v1/session/pin", {**his, "pin": "7394"})
    await call(chief, "POST", "/v1/staff/{staff_id}/pin", {"pin": None}, **his)
    await call(chief, "POST", "/v1/staff/{staff_id}/link", **his)
    assert len((await call(chief, "GET", "/v1/staff"))["staff"]) > 1
    listed = (await call(chief, "GET", "/v1/sessions"))["sessions"]
    one = next(one for one in listed if one["staff_id"] == his["staff_id"])
    await call(chief, "DELETE", "/v1/sessions/{session_id}", session_id=one["session_id"])
    await call(chief, "DELETE", "/v1/staff/{staff_id}/sessions", **his)
    await call(chief, "POST", "/v1/staff/{staff_id}/totp/reset", **his)
    gone = {"edition": 1, "disabled": True}
    assert (await call(chief, "PATCH", "/v1/staff/{staff_id}", gone, **his))["disabled"]


async def test_only_who_started_the_demo_gets_its_links_and_clock(evening: Evening) -> None:
    client = await evening.club.client()
    for path, more in (
        ("links", {}),
        ("clock", {"shown_at": "2027-06-19T22:30:00.000Z", "speed": 60}),
    ):
        wrong = await client.post(f"/v1/demo/{path}", json={"token": "e" * 64, **more})
        assert (wrong.status_code, wrong.json()["reason"]) == (403, "not_allowed")
        right = await client.post(f"/v1/demo/{path}", json={"token": TOKEN, **more})
        assert right.status_code in (200, 201)


async def test_a_venue_has_no_way_to_the_demos_links_and_clock(club: Club) -> None:
    client = await club.client()
    for path in ("/v1/demo/links", "/v1/demo/clock"):
        assert (await client.post(path, json={"token": TOKEN})).status_code == 404
    interface = (await client.get("/openapi.json")).json()
    assert not any("demo" in path for path in interface["paths"])
    assert "demo" not in {tag["name"] for tag in interface["tags"]}


async def test_a_venues_own_database_never_becomes_a_demo(settings: Settings) -> None:
    from app.actions.demo import prepare_demo  # noqa: PLC0415
    from app.errors import Conflict  # noqa: PLC0415

    async with opened(settings) as club:
        await club.staff("MANAGER", "mara")
        with pytest.raises(Conflict) as refused:
            await prepare_demo(settings.owner_database_url)
    assert re.match("This database has", refused.value.detail)
    assert PASSWORD not in str(refused.value)
