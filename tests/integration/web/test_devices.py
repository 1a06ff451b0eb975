"""Devices over HTTP: pairing once, rolling, revoking, and what a device says of itself."""

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.actions.devices import device_token, pairing_code
from app.db.sessions import insert_session
from app.domain.pairing import Pairing
from app.web.limits import Window
from tests.integration.web.club import NIGHT, Club, key


async def pair(club: Club, code: str, **more: Any) -> httpx.Response:
    client = await club.client()
    return await client.post("/v1/devices/pair", json={"code": code, **more}, headers=key())


async def asking(club: Club, token: str) -> httpx.Response:
    """What a holder of the token is answered."""
    client = await club.client(Authorization=f"Bearer {token}")
    return await client.get(f"/v1/nights/{NIGHT}/state")


async def lines(club: Club) -> list[tuple[str, str]]:
    """Types and actors' kinds of the administration's book, of devices."""
    async with club.parts.db.reading() as conn:
        rows = await conn.fetch(
            "SELECT type, actor FROM event WHERE book = 'venue' AND subject LIKE 'device:%'"
            " ORDER BY version"
        )
    return [(row["type"], row["actor"].partition(":")[0]) for row in rows]


async def test_a_device_is_paired_by_the_code_that_a_manager_was_shown(club: Club) -> None:
    await club.open()
    manager = await club.signed_in()
    added = await club.added(manager)
    pairing = added["pairing"]
    assert re.fullmatch(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", pairing["code"])
    assert pairing["address"].endswith("/door#pair=" + pairing["code"].replace("-", ""))
    assert pairing["svg"].startswith("<svg")
    assert added["generation"] == 0
    answer = await pair(club, pairing["code"].lower().replace("-", " "), version="1.2.3")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["device_id"], made["door"], made["generation"]) == (added["device_id"], "main", 1)
    assert (await asking(club, made["token"])).status_code == 200
    listed = (await manager.get("/v1/devices")).json()["devices"][0]
    assert (listed["version"], listed["pairing_expires_at"]) == ("1.2.3", None)
    assert listed["paired_at"] is not None
    assert listed["seen_at"] is not None
    assert "token" not in listed
    assert await lines(club) == [("DEVICE_ADDED", "staff"), ("DEVICE_PAIRED", "public")]


async def test_neither_code_nor_token_is_stored_and_both_are_given_again(club: Club) -> None:
    manager, tablet = await club.signed_in(), await club.client()
    body, same = {"name": "T", "kind": "tablet", "door": "main"}, key()
    added = (await manager.post("/v1/devices", json=body, headers=same)).json()
    again = await manager.post("/v1/devices", json=body, headers=same)
    assert again.json() == added
    assert again.headers["idempotency-replayed"] == "true"
    code, once = {"code": added["pairing"]["code"]}, key()
    made = await tablet.post("/v1/devices/pair", json=code, headers=once)
    replayed = await tablet.post("/v1/devices/pair", json=code, headers=once)
    assert (replayed.status_code, replayed.json()) == (201, made.json())
    # Elsewhere the same key is another one's: the code was used.
    stranger = await club.client(("198.51.100.7", 40_000))
    refused = await stranger.post("/v1/devices/pair", json=code, headers=once)
    assert (refused.status_code, refused.json()["reason"]) == (409, "pairing_used")
    secrets = (code["code"], code["code"].replace("-", ""), made.json()["token"])
    async with club.parts.db.reading() as conn:
        rows = await conn.fetch("SELECT convert_from(answer, 'UTF8') AS said FROM idempotency")
        device = await conn.fetchval("SELECT to_jsonb(device)::text FROM device")
        events = await conn.fetchval("SELECT string_agg(payload::text, '') FROM event")
    assert added["device_id"] in device  # the test would see what is stored
    for text in (device, events, *(row["said"] for row in rows if row["said"])):
        assert [secret for secret in secrets if secret in text] == []


async def test_of_two_uses_of_one_code_at_the_same_time_one_wins(club: Club) -> None:
    added = await club.added(await club.signed_in())
    code = added["pairing"]["code"]
    answers = await asyncio.gather(*(pair(club, code) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    reasons = {a.json()["reason"] for a in answers if a.status_code == 409}
    assert reasons == {"pairing_used"}
    token = next(a.json()["token"] for a in answers if a.status_code == 201)
    assert (await asking(club, token)).status_code == 404  # known; there is no such night


async def test_without_the_judge_every_use_of_the_code_would_win(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the test above: the guard is what refuses, not chance."""
    added = await club.added(await club.signed_in())

    def anybody(found: Pairing | None) -> Pairing:
        assert found is not None
        return found

    monkeypatch.setattr("app.actions.devices.judge_pairing", anybody)
    answers = await asyncio.gather(*(pair(club, added["pairing"]["code"]) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [201] * 6


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        (None, 201, None),
        ("pairing_expires_at = now()", 409, "pairing_expired"),
        ("pairing_used_at = now()", 409, "pairing_used"),
        ("revoked_at = now()", 409, "device_revoked"),
        ("pairing_hash = NULL", 404, "pairing_not_found"),
    ],
)
async def test_a_code_that_is_over_says_why(
    club: Club, change: str | None, status: int, reason: str | None
) -> None:
    added = await club.added(await club.signed_in())
    if change is not None:
        async with club.parts.db.begun() as conn:
            await conn.execute(f"UPDATE device SET {change}")
    answer = await pair(club, added["pairing"]["code"])
    assert (answer.status_code, answer.json().get("reason")) == (status, reason)


@pytest.mark.parametrize("code", ["0000-0000-0000-0000", "x", "' OR 1=1 --", "🂡" * 16])
async def test_a_code_that_nobody_was_shown_pairs_nothing(club: Club, code: str) -> None:
    await club.added(await club.signed_in())
    answer = await pair(club, code)
    assert (answer.status_code, answer.json()["reason"]) == (404, "pairing_not_found")


async def test_tries_are_limited_by_address_and_cost_the_strangers_nothing(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.endpoint.PAIRINGS", Window("pairings", 3, 60))
    monkeypatch.setattr("app.web.endpoint.STRANGER_WRITES", Window("stranger-writes", 1, 60))
    answers = [await pair(club, "0000-0000-0000-0000") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    guest = await club.client()
    assert (await guest.post("/v1/holds", json={}, headers=key())).status_code == 422


async def test_a_device_stands_at_a_door_and_for_a_night_that_exist(club: Club) -> None:
    manager = await club.signed_in()
    body = {"name": "C", "kind": "camera", "door": "main"}
    for more, reason in (
        ({"door": "attic"}, "door_not_found"),
        ({"night": NIGHT}, "night_not_found"),
    ):
        answer = await manager.post("/v1/devices", json={**body, **more}, headers=key())
        assert (answer.status_code, answer.json()["reason"]) == (404, reason)
    await club.open()
    answer = await manager.post("/v1/devices", json={**body, "night": NIGHT}, headers=key())
    assert (answer.status_code, answer.json()["night"]) == (201, NIGHT)


async def test_the_old_token_lasts_until_the_new_pairing_is_used(club: Club) -> None:
    manager = await club.signed_in()
    first = await club.paired(manager)
    path = f"/v1/devices/{first['device_id']}/pairing"
    again = (await manager.post(path, headers=key())).json()
    assert (await asking(club, first["token"])).status_code == 404
    second = (await pair(club, again["pairing"]["code"])).json()
    assert second["generation"] == 2
    assert second["token"] != first["token"]
    refused = await asking(club, first["token"])
    assert (refused.status_code, refused.json()["reason"]) == (401, "device_revoked")
    assert (await asking(club, second["token"])).status_code == 404


async def test_a_new_code_makes_the_one_before_unknown(club: Club) -> None:
    manager = await club.signed_in()
    added = await club.added(manager)
    again = await manager.post(f"/v1/devices/{added['device_id']}/pairing", headers=key())
    assert (await pair(club, added["pairing"]["code"])).status_code == 404
    assert (await pair(club, again.json()["pairing"]["code"])).status_code == 201


async def test_a_rolled_token_counts_from_its_first_use_and_ends_the_one_before(
    club: Club,
) -> None:
    made = await club.paired(await club.signed_in())
    device = await club.client(Authorization=f"Bearer {made['token']}")
    rolled = (await device.post("/v1/devices/self/roll", headers=key())).json()
    again = (await device.post("/v1/devices/self/roll", headers=key())).json()
    assert again["token"] == rolled["token"] != made["token"]
    assert (await asking(club, made["token"])).status_code == 404  # still good
    uses = await asyncio.gather(*(asking(club, rolled["token"]) for _ in range(4)))
    assert [answer.status_code for answer in uses] == [404] * 4
    assert (await asking(club, made["token"])).json()["reason"] == "device_revoked"
    async with club.parts.db.reading() as conn:
        assert await conn.fetchval("SELECT generation FROM device") == 2
        assert await conn.fetchval("SELECT count(*) FROM retired_token") == 1
    third = await club.client(Authorization=f"Bearer {rolled['token']}")
    assert (await third.post("/v1/devices/self/roll", headers=key())).json()["generation"] == 3


async def test_of_old_tokens_the_newest_are_known(club: Club) -> None:
    from app.db.devices import RETIRED_MOST  # noqa: PLC0415

    made = await club.paired(await club.signed_in())
    tokens = [made["token"]]
    for _ in range(RETIRED_MOST + 2):
        await club.forget_limits()
        device = await club.client(Authorization=f"Bearer {tokens[-1]}")
        tokens.append((await device.post("/v1/devices/self/roll", headers=key())).json()["token"])
        assert (await asking(club, tokens[-1])).status_code == 404
    async with club.parts.db.reading() as conn:
        assert await conn.fetchval("SELECT count(*) FROM retired_token") == RETIRED_MOST
    assert (await asking(club, tokens[0])).json()["reason"] == "token_refused"
    assert (await asking(club, tokens[-2])).json()["reason"] == "device_revoked"


async def test_a_revoked_device_is_out_at_once_and_so_is_a_code_that_waits_for_it(
    club: Club,
) -> None:
    manager = await club.signed_in()
    made = await club.paired(manager)
    path = f"/v1/devices/{made['device_id']}"
    waiting = (await manager.post(f"{path}/pairing", headers=key())).json()
    camera = await club.client(Authorization=f"Bearer {made['token']}")
    assert (await camera.get("/v1/devices")).status_code == 403
    revoked = await manager.delete(path, headers=key())
    assert revoked.json()["revoked_at"] is not None
    for asked in ("/v1/floor", "/v1/devices"):
        refused = await camera.get(asked)
        assert (refused.status_code, refused.json()["reason"]) == (401, "device_revoked")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert (await pair(club, waiting["pairing"]["code"])).status_code == 404
    anew = await manager.post(f"{path}/pairing", headers=key())
    assert (anew.status_code, anew.json()["reason"]) == (409, "device_revoked")
    assert (await manager.delete(path, headers=key())).status_code == 200
    assert [kind for kind, _ in await lines(club)].count("DEVICE_REVOKED") == 1


async def test_a_device_says_how_it_is_and_only_what_it_says_is_known(club: Club) -> None:
    manager = await club.signed_in()
    made = await club.paired(manager)
    device = await club.client(Authorization=f"Bearer {made['token']}")

    async def told(**status: Any) -> dict[str, Any]:
        answer = await device.post("/v1/devices/self/status", json=status)
        assert answer.status_code == 204, answer.text
        listed: dict[str, Any] = (await manager.get("/v1/devices")).json()["devices"][0]
        return {name: listed[name] for name in ("battery_percent", "version", "spool")}

    full = {"battery_percent": 64, "version": "0.1.0", "spool": 2}
    assert await told(**full) == full
    assert await told(battery_percent=63) == {"battery_percent": 63, "version": None, "spool": None}
    for wrong in ({"battery_percent": 101}, {"spool": -1}, {"version": "a\nb"}, {"door": "main"}):
        assert (await device.post("/v1/devices/self/status", json=wrong)).status_code == 422
    async with club.parts.db.reading() as conn:
        assert await conn.fetchval("SELECT status_at IS NOT NULL FROM device")


def test_tokens_and_codes_differ_by_device_and_by_count() -> None:
    secret, one, other = "ab" * 32, "6f9619ff-8b86-d011-b42d-00c04fc964ff", "7" * 36
    tokens = {device_token(secret, device, n) for device in (one, other) for n in (1, 2, 12)}
    codes = {pairing_code(secret, device, n) for device in (one, other) for n in (1, 2, 12)}
    assert (len(tokens), len(codes)) == (6, 6)
    assert all(len(token) == 47 for token in tokens)  # dev_ and 256 bits


async def test_a_device_of_one_night_scans_and_counts_and_looks_at_that_night_only(
    club: Club,
) -> None:
    await club.open()
    bound, free = await club.device(night=NIGHT), await club.device()

    def scan() -> dict[str, str]:
        return {"scan_id": str(uuid4()), "door": "main", "reference": "7Q4M-2XKD-9RTA-F3HN-P"}

    assert (await bound.post("/v1/scans", json=scan())).json()["reason"] == "unknown_code"
    earlier = "2027-06-12"
    await club.open(earlier)  # and that is tonight now
    refused = await bound.post("/v1/scans", json=scan())
    assert (refused.status_code, refused.json()["reason"]) == (403, "out_of_scope")
    assert (await free.post("/v1/scans", json=scan())).json()["reason"] == "unknown_code"
    click = {"door": "main", "floor": "upstairs", "change": 1}
    for night, status in ((earlier, 403), (NIGHT, 200)):
        counted = await bound.post("/v1/headcount", json={**click, "night": night}, headers=key())
        assert counted.status_code == status, counted.text
        assert (await bound.get(f"/v1/nights/{night}/state")).status_code == status
    told = (await bound.get("/v1/session")).json()
    assert (told["kind"], told["door"], told["night"]) == ("device", "main", NIGHT)
    assert "scan:create" in told["permissions"]


async def test_a_device_acts_at_its_own_door_alone(club: Club) -> None:
    await club.open()
    device = await club.device("main")
    scan = {"reference": "7Q4M-2XKD-9RTA-F3HN-P"}
    click = {"night": NIGHT, "floor": "downstairs", "change": 1}
    for door, status in (("basement", 403), ("main", 200)):
        scanned = await device.post(
            "/v1/scans", json={**scan, "scan_id": str(uuid4()), "door": door}
        )
        counted = await device.post("/v1/headcount", json={**click, "door": door}, headers=key())
        assert (scanned.status_code, counted.status_code) == (status, status), counted.text
        if status == 403:
            assert {scanned.json()["reason"], counted.json()["reason"]} == {"other_door"}


@pytest.mark.parametrize("deed", ["revoke", "pair_again"])
async def test_who_is_on_a_tablet_by_pin_is_off_when_its_token_ends(club: Club, deed: str) -> None:
    manager, staff_id = await club.signed_in(), await club.staff("DOOR_STAFF")
    made = await club.paired(manager, kind="tablet")
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await insert_session(
            conn, bytes(32), staff_id, timedelta(hours=8), began="pin", assurance="pin",
            device_id=made["device_id"],
        )  # fmt: skip
    path = f"/v1/devices/{made['device_id']}"
    if deed == "revoke":
        await manager.delete(path, headers=key())
    else:
        again = await manager.post(f"{path}/pairing", headers=key())
        await pair(club, again.json()["pairing"]["code"])
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        assert await conn.fetchval(
            "SELECT revoked_at IS NOT NULL FROM session WHERE device_id = $1", made["device_id"]
        )
    async with club.parts.db.reading() as conn:
        told = await conn.fetchval(
            "SELECT payload ->> 'why' FROM event WHERE type = 'SESSION_REVOKED'"
        )
    assert told == "device"


async def test_the_book_names_who_opened_another_pairing(club: Club) -> None:
    """Whoever then shows the code is nobody yet: the line before says who let them."""
    manager = await club.signed_in()
    made = await club.paired(manager)
    opened = await manager.post(f"/v1/devices/{made['device_id']}/pairing", headers=key())
    assert opened.status_code == 201, opened.text
    assert (await lines(club))[-1] == ("LINK_MADE", "staff")
    assert (await pair(club, opened.json()["pairing"]["code"])).status_code == 201
    assert (await lines(club))[-1] == ("DEVICE_PAIRED", "public")


async def scoped(club: Club, **scope: str) -> httpx.AsyncClient:
    """A manager whose rights end there."""
    staff_id = await club.staff()
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        for name, value in scope.items():
            kind = "date" if name == "night" else "text"
            await conn.execute(
                f"UPDATE staff SET {name} = $2::text::{kind} WHERE id = $1::text::uuid",
                staff_id, value,
            )  # fmt: skip
    return await club.signed_in(staff_id=staff_id)


async def test_nobody_makes_a_device_that_may_more_than_they_may(club: Club) -> None:
    await club.open()
    body = {"name": "Tablet", "kind": "tablet", "door": "main"}
    upstairs = (await club.added(await club.signed_in()))["device_id"]
    for scope in ({"floor": "downstairs"}, {"door": "basement"}, {"night": NIGHT}):
        manager = await scoped(club, **scope)
        for path in ("/v1/devices", f"/v1/devices/{upstairs}/pairing"):
            sent = body if path == "/v1/devices" else {}
            refused = await manager.post(path, json=sent, headers=key())
            told = (refused.status_code, refused.json()["reason"])
            assert told == (403, "out_of_scope"), (scope, path)
    below = await scoped(club, floor="downstairs", night=NIGHT)
    await club.added(below, "basement", night=NIGHT)


async def test_a_manager_of_another_night_reads_no_booking_no_code_and_no_report(
    club: Club,
) -> None:
    await club.open()
    manager = await club.signed_in()
    held = await club.held(manager, [2])
    elsewhere = await scoped(club, night="2027-06-26")
    path = f"/v1/bookings/{held['booking_id']}"
    report = f"/v1/nights/{NIGHT}/report.csv"
    for address in (path, f"{path}/code.svg", f"{path}/code.png", report):
        refused = await elsewhere.get(address)
        assert (refused.status_code, refused.json()["reason"]) == (403, "out_of_scope"), address
    for address in (path, report):
        assert (await manager.get(address)).status_code == 200
