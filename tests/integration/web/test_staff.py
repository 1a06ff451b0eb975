"""The administration of staff and of their sessions."""

import asyncio
from typing import Any

import httpx
import pytest

from app.db import staff as rows
from tests.integration.web.club import ORIGIN, Club, key

DEV = {"username": "Dev", "display_name": "Dev Okafor", "role": "DOOR_STAFF"}
Json = dict[str, Any]


async def found(client: httpx.AsyncClient, staff_id: str) -> Json:
    everybody = (await client.get("/v1/staff")).json()["staff"]
    return next(one for one in everybody if one["staff_id"] == staff_id)


async def changed(client: httpx.AsyncClient, staff_id: str, **change: Any) -> httpx.Response:
    """The answer to a change of the account as it is now."""
    body = {"edition": (await found(client, staff_id))["edition"], **change}
    return await client.patch(f"/v1/staff/{staff_id}", json=body, headers=key())


async def added(client: httpx.AsyncClient, **more: Any) -> Json:
    answer = await client.post("/v1/staff", json={**DEV, **more}, headers=key())
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def words(club: Club, after: int = 0) -> list[str]:
    async with club.parts.db.reading() as conn:
        lines = await conn.fetch(
            "SELECT type FROM event WHERE book = 'venue' AND version > $1 ORDER BY version", after
        )
    return [line["type"] for line in lines]


@pytest.fixture
async def noor(club: Club) -> httpx.AsyncClient:
    """Somebody who may administer, and has just shown it."""
    return await club.signed_in("SUPER_ADMIN", elevated=True)


async def test_a_new_member_signs_in_by_the_link_once(club: Club, noor: httpx.AsyncClient) -> None:
    same = key()
    made = (await noor.post("/v1/staff", json=DEV, headers=same)).json()
    again = (await noor.post("/v1/staff", json=DEV, headers=same)).json()
    assert made == again
    assert (made["username"], made["has_password"]) == ("dev", False)
    client = await club.client(Origin=ORIGIN)
    signed_in = await client.post("/v1/session", json={"link": made["link"]})
    assert (signed_in.status_code, signed_in.json()["role"]) == (201, "DOOR_STAFF")
    chosen = await client.post("/v1/session/password", json={"new": "brass rails by candlelight"})
    assert chosen.status_code == 204
    other = await club.client(Origin=ORIGIN)
    assert (await other.post("/v1/session", json={"link": made["link"]})).status_code == 401
    by_name = {"username": "dev", "password": "brass rails by candlelight"}
    assert (await other.post("/v1/session", json=by_name)).status_code == 201
    async with club.looking() as conn:
        stored = await conn.fetchval(
            "SELECT string_agg(convert_from(answer, 'UTF8'), '') FROM idempotency"
        )
    assert made["link_id"] in stored
    assert made["link"] not in stored
    assert await words(club) == [
        "STAFF_ADDED", "LINK_MADE", "SIGNED_IN", "PASSWORD_CHANGED", "SIGNED_IN",
    ]  # fmt: skip


async def test_a_name_is_taken_once_and_a_door_must_exist(noor: httpx.AsyncClient) -> None:
    await added(noor)
    twin = await noor.post("/v1/staff", json={**DEV, "username": " DEV"}, headers=key())
    assert twin.status_code == 422  # a space in it
    twin = await noor.post("/v1/staff", json={**DEV, "username": "DEV"}, headers=key())
    assert (twin.status_code, twin.json()["reason"]) == (409, "username_taken")
    nowhere = await noor.post("/v1/staff", json={**DEV, "door": "attic"}, headers=key())
    assert (nowhere.status_code, nowhere.json()["reason"]) == (404, "door_not_found")


async def test_a_change_acts_at_the_next_request_and_is_told(
    club: Club, noor: httpx.AsyncClient
) -> None:
    made = await added(noor, role="MANAGER")
    client = await club.signed_in("MANAGER", staff_id=made["staff_id"])
    assert (await client.get("/v1/devices")).status_code == 200
    scoped = await changed(noor, made["staff_id"], floor="downstairs", night="2027-06-19")
    assert (scoped.json()["floor"], scoped.json()["edition"]) == ("downstairs", 2)
    session = (await client.get("/v1/session")).json()
    assert (session["floor"], session["night"]) == ("downstairs", "2027-06-19")
    refused = await client.get("/v1/nights/2027-06-26/bookings")
    assert (refused.status_code, refused.json()["reason"]) == (403, "out_of_scope")
    everywhere = await changed(noor, made["staff_id"], floor=None, night=None)
    assert (everywhere.json()["floor"], everywhere.json()["night"]) == (None, None)
    before = len(await words(club))
    demoted = await changed(noor, made["staff_id"], role="DOOR_STAFF")
    assert demoted.json()["role"] == "DOOR_STAFF"
    assert (await client.get("/v1/devices")).status_code == 401
    assert await words(club, before) == ["STAFF_CHANGED", "SESSION_REVOKED"]


async def by_link(club: Club, link: str) -> tuple[int, str | None]:
    """The answer to who signs in by the link."""
    answer = await (await club.client(Origin=ORIGIN)).post("/v1/session", json={"link": link})
    return answer.status_code, answer.json().get("reason")


async def test_disabling_ends_every_session_for_good(club: Club, noor: httpx.AsyncClient) -> None:
    made = await added(noor)
    client = await club.signed_in("DOOR_STAFF", staff_id=made["staff_id"])
    before = len(await words(club))
    assert (await changed(noor, made["staff_id"], disabled=True)).json()["disabled"]
    assert (await client.get("/v1/session")).status_code == 401
    link = await noor.post(f"/v1/staff/{made['staff_id']}/link", json={}, headers=key())
    assert (link.status_code, link.json()["reason"]) == (409, "disabled")
    assert not (await changed(noor, made["staff_id"], disabled=False)).json()["disabled"]
    # The invitation from before is over for good, too.
    assert await by_link(club, made["link"]) == (401, "link_refused")
    assert (await client.get("/v1/session")).status_code == 401
    assert await words(club, before) == ["STAFF_DISABLED", "STAFF_ENABLED"]


async def test_a_change_of_an_old_edition_is_refused(noor: httpx.AsyncClient) -> None:
    made = await added(noor)
    body = {"edition": made["edition"], "display_name": "Dev O."}
    address = f"/v1/staff/{made['staff_id']}"
    assert (await noor.patch(address, json=body, headers=key())).status_code == 200
    late = await noor.patch(address, json=body, headers=key())
    assert (late.status_code, late.json()["reason"]) == (409, "edition_old")


async def test_nobody_changes_their_own_role_its_reach_or_disables_themselves(
    noor: httpx.AsyncClient,
) -> None:
    me = (await noor.get("/v1/session")).json()["staff_id"]
    for change in ({"role": "MANAGER"}, {"disabled": True}, {"floor": "upstairs"}):
        answer = await changed(noor, me, **change)
        assert (answer.status_code, answer.json()["reason"]) == (403, "own_account")
    assert (await changed(noor, me, display_name="Noor H.")).json()["name"] == "Noor H."


async def two_administrators(club: Club) -> list[tuple[httpx.AsyncClient, str]]:
    both = []
    for _ in range(2):
        staff_id = await club.staff("SUPER_ADMIN")
        both.append(
            (await club.signed_in("SUPER_ADMIN", elevated=True, staff_id=staff_id), staff_id)
        )
    return both


async def each_demotes_the_other(club: Club) -> list[int]:
    """The answers to two administrators who take each other's role at the same time."""
    (one, first), (two, second) = await two_administrators(club)
    body = {"edition": 1, "role": "MANAGER"}
    answers = await asyncio.gather(
        one.patch(f"/v1/staff/{second}", json=body, headers=key()),
        two.patch(f"/v1/staff/{first}", json=body, headers=key()),
    )
    return sorted(answer.status_code for answer in answers)


async def administrators(club: Club) -> int:
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        left: int = await conn.fetchval("SELECT count(*) FROM staff WHERE role = 'SUPER_ADMIN'")
    return left


async def test_of_two_administrators_who_demote_each_other_at_once_one_stays(club: Club) -> None:
    statuses = await each_demotes_the_other(club)
    assert statuses[0] == 200
    assert statuses[1] in (401, 409)
    assert await administrators(club) == 1


async def test_without_the_lock_on_administrators_nobody_would_be_left(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: both have looked before either writes, and neither waits."""
    careless = rows.LOCK_ADMINISTRATORS.replace("FOR NO KEY UPDATE", "")
    assert careless != rows.LOCK_ADMINISTRATORS
    monkeypatch.setattr(rows, "LOCK_ADMINISTRATORS", careless)
    looked, both = 0, asyncio.Event()
    really = rows.lock_administrators

    async def together(conn: Any) -> list[str]:
        nonlocal looked
        found = await really(conn)
        looked += 1
        if looked == 2:
            both.set()
        async with asyncio.timeout(10):
            await both.wait()
        return found

    monkeypatch.setattr(rows, "lock_administrators", together)
    assert await each_demotes_the_other(club) == [200, 200]
    assert await administrators(club) == 0


async def test_the_last_administrator_stays_one(club: Club, noor: httpx.AsyncClient) -> None:
    """A demo's accounts do not count: they exist only in it."""
    me = (await noor.get("/v1/session")).json()["staff_id"]
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        other = await rows.insert_staff(conn, "demo", "Demo", "SUPER_ADMIN", None, demo=True)
    assert other is not None
    demo = await club.signed_in("SUPER_ADMIN", elevated=True, staff_id=other)
    answer = await changed(demo, me, disabled=True)
    assert (answer.status_code, answer.json()["reason"]) == (409, "last_administrator")
    await club.staff("SUPER_ADMIN")
    assert (await changed(demo, me, disabled=True)).status_code == 200


async def test_who_lost_the_phone_is_reset_and_enrols_anew(
    club: Club, noor: httpx.AsyncClient
) -> None:
    mara = await club.staff("MANAGER", "mara")
    client = await club.signed_in("MANAGER", staff_id=mara)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET totp_sealed = 'x' WHERE id = $1", mara)
        await rows.replace_recovery_codes(conn, mara, [b"one"])
    before = (await noor.post(f"/v1/staff/{mara}/link", json={}, headers=key())).json()["link"]
    answer = await noor.post(f"/v1/staff/{mara}/totp/reset", json={}, headers=key())
    assert (answer.status_code, answer.json()["has_totp"]) == (200, False)
    assert (await client.get("/v1/session")).status_code == 401
    async with club.parts.db.reading(club.parts.db.auth) as conn:
        assert await rows.count_recovery_codes(conn, mara) == 0
    # Who has the phone has its messages: with a link in one they would enrol in her place.
    assert await by_link(club, before) == (401, "link_refused")
    after = (await noor.post(f"/v1/staff/{mara}/link", json={}, headers=key())).json()["link"]
    assert await by_link(club, after) == (201, None)
    me = (await noor.get("/v1/session")).json()["staff_id"]
    own = await noor.post(f"/v1/staff/{me}/totp/reset", json={}, headers=key())
    assert (own.status_code, own.json()["reason"]) == (403, "own_account")


async def test_a_manager_sees_and_ends_the_sessions_of_the_door_alone(club: Club) -> None:
    mara = await club.signed_in("MANAGER")
    dev, other = await club.signed_in("DOOR_STAFF"), await club.signed_in("MANAGER")
    listed = (await mara.get("/v1/sessions")).json()["sessions"]
    assert sorted((one["role"], one["own"]) for one in listed) == [
        ("DOOR_STAFF", False), ("MANAGER", True),
    ]  # fmt: skip
    theirs = (await other.get("/v1/session")).json()
    refused = await mara.delete(f"/v1/sessions/{theirs['session_id']}", headers=key())
    assert (refused.status_code, refused.json()["reason"]) == (403, "not_allowed")
    refused = await mara.delete(f"/v1/staff/{theirs['staff_id']}/sessions", headers=key())
    assert refused.status_code == 403
    devs = next(one for one in listed if one["role"] == "DOOR_STAFF")
    ended = await mara.delete(f"/v1/sessions/{devs['session_id']}", headers=key())
    assert ended.json() == {"staff_id": devs["staff_id"], "ended": 1}
    assert (await dev.get("/v1/session")).status_code == 401
    assert (await other.get("/v1/session")).status_code == 200


async def test_an_administrator_ends_every_session_of_somebody(
    club: Club, noor: httpx.AsyncClient
) -> None:
    mara = await club.staff("MANAGER")
    clients = [await club.signed_in("MANAGER", staff_id=mara) for _ in range(2)]
    ended = await noor.delete(f"/v1/staff/{mara}/sessions", headers=key())
    assert ended.json()["ended"] == 2
    assert [(await one.get("/v1/session")).status_code for one in clients] == [401, 401]


async def test_a_session_is_listed_with_its_browser_and_without_its_address(club: Club) -> None:
    mara = await club.staff("DOOR_STAFF", "dev")
    agent = "Mozilla/5.0 (iPad; CPU OS 19) Version/19 Safari/604"
    client = await club.client(Origin=ORIGIN)
    client.headers["User-Agent"] = agent
    await client.post("/v1/session", json={"link": await club.link(mara)})
    noor = await club.signed_in("SUPER_ADMIN")
    answer = await noor.get("/v1/sessions")
    listed = next(one for one in answer.json()["sessions"] if one["role"] == "DOOR_STAFF")
    assert (listed["agent"], listed["began"]) == ("Safari on iPad", "link")
    assert len(listed["origin"]) == 16
    assert "203.0.113" not in answer.text


async def test_a_password_is_changed_with_the_present_one_and_ends_the_other_sessions(
    club: Club,
) -> None:
    link = await club.link(await club.staff("DOOR_STAFF", "dev"))
    here, there = await club.client(Origin=ORIGIN), await club.client(Origin=ORIGIN)
    right = {"username": "dev", "password": "correct horse battery staple"}
    for client in (here, there):
        assert (await client.post("/v1/session", json=right)).status_code == 201
    new = {"new": "brass rails by candlelight"}
    for wrong in ({}, {"current": "not this"}):
        answer = await here.post("/v1/session/password", json={**new, **wrong})
        assert (answer.status_code, answer.json()["reason"]) == (403, "password_wrong")
    weak = await here.post("/v1/session/password", json={"new": "password123"})
    assert (weak.status_code, weak.json()["reason"]) == (422, "password_refused")
    changed = await here.post("/v1/session/password", json={**new, "current": right["password"]})
    assert changed.status_code == 204
    assert (await here.get("/v1/session")).status_code == 200
    assert (await there.get("/v1/session")).status_code == 401
    assert (await there.post("/v1/session", json=right)).status_code == 401
    assert await by_link(club, link) == (401, "link_refused")


async def test_a_field_that_is_not_asked_for_is_refused(noor: httpx.AsyncClient) -> None:
    """No mass assignment: what an account is made of is not what a body says."""
    for extra in ({"demo": True}, {"password_hash": "x"}, {"staff_id": "y"}, {"has_totp": True}):
        answer = await noor.post("/v1/staff", json={**DEV, **extra}, headers=key())
        assert answer.status_code == 422, extra
