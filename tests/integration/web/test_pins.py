"""A shared tablet in somebody's hands: by PIN, beside its own token, and no longer than that."""

from typing import Any

import httpx
import pytest

from app.actions.credentials import hash_pin
from app.db.staff import set_pin_hash
from app.domain.patience import PIN, PIN_ON_DEVICE
from tests.integration.web.club import NIGHT, ORIGIN, Club, key

MARAS, DEVS = "7394", "90210"


async def with_pin(club: Club, role: str, pin: str, username: str) -> str:
    """A member of staff who has the PIN; the id."""
    staff_id = await club.staff(role, username)
    parts = club.parts
    hashed = await hash_pin(parts.hashing, parts.settings.secret, staff_id, pin)
    async with parts.db.begun(parts.db.auth) as conn:
        await set_pin_hash(conn, staff_id, hashed)
    return staff_id


@pytest.fixture
async def mara(club: Club) -> str:
    return await with_pin(club, "MANAGER", MARAS, "mara")


@pytest.fixture
async def tablet(club: Club) -> httpx.AsyncClient:
    client = await club.device("main")
    client.headers["Origin"] = ORIGIN
    return client


async def take(tablet: httpx.AsyncClient, staff_id: str, pin: str) -> httpx.Response:
    return await tablet.post("/v1/session/pin", json={"staff_id": staff_id, "pin": pin})


async def long_ago(club: Club) -> None:
    """The guesses so far were made an hour ago."""
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE guess SET failed_at = now() - interval '1 hour'")


async def actor_of_the_last(club: Club, word: str) -> Any:
    async with club.parts.db.reading() as conn:
        return await conn.fetchval(
            "SELECT actor FROM event WHERE type = $1 ORDER BY book, version DESC LIMIT 1", word
        )


async def count(tablet: httpx.AsyncClient, **header: str) -> httpx.Response:
    body = {"night": NIGHT, "door": "main", "floor": "upstairs", "change": 1}
    return await tablet.post("/v1/headcount", json=body, headers={**key(), **header})


async def test_what_is_done_by_pin_is_told_as_the_persons(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    await club.open()
    async with club.parts.db.reading() as conn:
        device = await conn.fetchval("SELECT id::text FROM device")
    assert (await count(tablet)).status_code == 200
    assert await actor_of_the_last(club, "HEADCOUNT_CHANGED") == f"device:{device}"
    answer = await take(tablet, mara, MARAS)
    assert answer.status_code == 201, answer.text
    session = answer.json()
    assert (session["staff_id"], session["device_id"], session["door"]) == (mara, device, "main")
    assert "scan:override" in session["permissions"]
    assert "night:edit" not in session["permissions"]
    assert (await tablet.get("/v1/session")).json()["staff_id"] == mara
    assert (await count(tablet)).status_code == 200
    assert await actor_of_the_last(club, "HEADCOUNT_CHANGED") == f"staff:{mara}"
    # Nobody takes the cookie anywhere else: without the tablet it is nobody's.
    elsewhere = await club.client(Cookie=f"sid={tablet.cookies['sid']}", Origin=ORIGIN)
    assert (await elsewhere.get("/v1/session")).status_code == 401
    other = await club.device("main")
    other.cookies.set("sid", tablet.cookies["sid"], domain="127.0.0.1", path="/")
    assert (await other.get("/v1/session")).json()["staff_id"] is None


async def test_a_request_that_is_sent_again_after_the_pin_changed_counts_once(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    await club.open()
    same = key()
    first = await count(tablet, **same)
    await take(tablet, mara, MARAS)
    again = await count(tablet, **same)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_by_pin_a_manager_may_what_the_door_may_and_changes_no_keys(
    tablet: httpx.AsyncClient, mara: str
) -> None:
    await take(tablet, mara, MARAS)
    for method, path in (
        ("GET", "/v1/devices"), ("GET", "/v1/staff"), ("GET", "/v1/sessions"),
        ("POST", "/v1/nights"), ("POST", "/v1/session/elevate"), ("POST", "/v1/session/pin/set"),
        ("POST", "/v1/session/password"), ("POST", "/v1/session/totp/enrolment"),
    ):  # fmt: skip
        answer = await tablet.request(method, path, json={}, headers=key())
        assert answer.status_code == 403, path
    # The tablet stays what it is for its own errands.
    report = await tablet.post("/v1/devices/self/status", json={"battery_percent": 80})
    assert report.status_code in (200, 204), report.text
    assert (await tablet.get("/v1/session/pins")).status_code == 200


async def test_the_next_pin_ends_the_one_before_and_signing_out_gives_the_tablet_back(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    dev = await with_pin(club, "DOOR_STAFF", DEVS, "dev")
    await take(tablet, mara, MARAS)
    before = tablet.cookies["sid"]
    assert (await take(tablet, dev, DEVS)).json()["staff_id"] == dev
    tablet.cookies.set("sid", before, domain="127.0.0.1", path="/")
    assert (await tablet.get("/v1/session")).json()["kind"] == "device"
    await take(tablet, dev, DEVS)
    assert (await tablet.delete("/v1/session")).status_code == 204
    assert (await tablet.get("/v1/session")).json()["kind"] == "device"


async def test_the_list_has_who_may_stand_at_this_door(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    away = await with_pin(club, "DOOR_STAFF", DEVS, "away")
    gone = await with_pin(club, "DOOR_STAFF", DEVS, "gone")
    await club.staff("DOOR_STAFF", "without")
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET door = 'basement' WHERE id = $1", away)
        await conn.execute("UPDATE staff SET disabled_at = now() WHERE id = $1", gone)
    listed = (await tablet.get("/v1/session/pins")).json()["staff"]
    assert listed == [{"staff_id": mara, "name": "Mara Quill", "supervisor": True}]
    for staff_id in (away, gone):
        answer = await take(tablet, staff_id, DEVS)
        assert (answer.status_code, answer.json()["reason"]) == (403, "pin_refused")


async def test_a_wrong_pin_of_somebody_and_any_pin_of_nobody_are_answered_alike(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    without = await club.staff("DOOR_STAFF")
    nobody = "00000000-0000-4000-8000-000000000000"
    answers = [await take(tablet, who, "8465") for who in (mara, without, nobody)]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert (await take(tablet, mara, MARAS)).status_code == 201


async def test_guesses_on_a_tablet_wait_and_another_tablet_does_not(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    for _ in range(PIN_ON_DEVICE.free):
        assert (await take(tablet, mara, "8465")).status_code == 403
    await club.just_failed()
    throttled = await take(tablet, mara, MARAS)
    assert (throttled.status_code, throttled.json()["reason"]) == (429, "pin_throttled")
    other = await club.device("main")
    other.headers["Origin"] = ORIGIN
    assert (await take(other, mara, MARAS)).status_code == 201


async def test_after_twenty_guesses_on_any_tablets_the_pin_is_stopped_and_its_owner_is_not(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    tablets = [tablet]
    for _ in range(PIN.most // PIN_ON_DEVICE.free - 1):
        tablets.append(await club.device("main"))
        tablets[-1].headers["Origin"] = ORIGIN
    for one in tablets:
        for _ in range(PIN_ON_DEVICE.free):
            assert (await take(one, mara, "8465")).status_code == 403
    await long_ago(club)
    fresh = await club.device("main")
    fresh.headers["Origin"] = ORIGIN
    stopped = await take(fresh, mara, MARAS)
    assert (stopped.status_code, stopped.json()["reason"]) == (429, "pin_locked")
    # Its owner signs in as always, and sets another one.
    client = await club.signed_in("MANAGER", staff_id=mara, elevated=True)
    assert (await client.post("/v1/session/pin/set", json={"pin": "4862"})).status_code == 204
    assert (await take(fresh, mara, "4862")).status_code == 201


async def test_a_pin_ends_with_its_tablet_with_time_and_with_the_account(
    club: Club, tablet: httpx.AsyncClient, mara: str
) -> None:
    await take(tablet, mara, MARAS)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE session SET seen_at = now() - interval '16 minutes'")
    assert (await tablet.get("/v1/session")).json()["kind"] == "device"
    await take(tablet, mara, MARAS)
    assert (await tablet.get("/v1/session")).json()["staff_id"] == mara
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET disabled_at = now() WHERE id = $1", mara)
    assert (await tablet.get("/v1/session")).json()["kind"] == "device"
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET disabled_at = NULL WHERE id = $1", mara)
    manager = await club.signed_in()
    device = (await tablet.get("/v1/session")).json()["device_id"]
    await manager.delete(f"/v1/devices/{device}", headers=key())
    assert (await tablet.get("/v1/session")).status_code == 401


async def test_a_pin_that_lets_override_is_set_with_a_step_up_and_a_pattern_never(
    club: Club,
) -> None:
    manager = await club.signed_in("MANAGER")
    refused = await manager.post("/v1/session/pin/set", json={"pin": MARAS})
    assert (refused.status_code, refused.json()["reason"]) == (403, "step_up_needed")
    dev = await club.signed_in("DOOR_STAFF")
    pattern = await dev.post("/v1/session/pin/set", json={"pin": "1234"})
    assert (pattern.status_code, pattern.json()["reason"]) == (422, "pin_not_taken")
    assert (await dev.post("/v1/session/pin/set", json={"pin": DEVS})).status_code == 204
    assert (await dev.get("/v1/session")).json()["has_pin"] is True
    assert (await dev.post("/v1/session/pin/set", json={"pin": None})).status_code == 204
    assert (await dev.get("/v1/session")).json()["has_pin"] is False


async def test_an_administrator_gives_a_pin_and_the_database_holds_none(
    club: Club, tablet: httpx.AsyncClient
) -> None:
    noor = await club.signed_in("SUPER_ADMIN", elevated=True)
    dev = await club.staff("DOOR_STAFF")
    given = await noor.post(f"/v1/staff/{dev}/pin", json={"pin": DEVS}, headers=key())
    assert (given.status_code, given.json()["has_pin"]) == (200, True)
    assert (await take(tablet, dev, DEVS)).status_code == 201
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        stored = await conn.fetchval("SELECT pin_hash FROM staff WHERE id = $1", dev)
    assert stored.startswith("$argon2id$")
    # Whoever has the hash alone cannot try the ten thousand PINs: what was hashed is not the PIN.
    assert not await club.parts.hashing.verify(stored, DEVS)
