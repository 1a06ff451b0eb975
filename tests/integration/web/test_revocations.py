"""What people do ends exactly the screens whose right it takes, and stands in the book."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from app.db.sessions import elevate_session, list_sessions
from app.domain.tokens import new_token, token_hash
from app.live import live as live_module
from app.settings import Settings
from tests.integration.live.nodes import until
from tests.integration.web.club import PASSWORD, key
from tests.integration.web.served import Served, serving

DEADLINE_SECONDS = 10.0


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Served]:
    async with serving(settings) as made:
        yield made


@asynccontextmanager
async def watching(served: Served, client: httpx.AsyncClient) -> AsyncIterator[ClientConnection]:
    """A manager's screen, open, of the browser that has the client's cookie."""
    cookie = f"sid={client.cookies['sid']}"
    async with served.socket(Origin=served.origin, Cookie=cookie) as ws:
        await ws.send(json.dumps({"type": "hello", "audience": "manager"}))
        await hears(ws, "snapshot")
        yield ws


async def hears(ws: ClientConnection, kind: str) -> None:
    """A frame of the kind comes."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while json.loads(await ws.recv())["type"] != kind:
            pass


async def closes(ws: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        await hears(ws, "never")
    return ws.close_code


async def stays(ws: ClientConnection) -> None:
    """The screen is open, and answered, after what happened before."""
    await ws.send(json.dumps({"type": "snapshot"}))
    await hears(ws, "snapshot")


async def book(served: Served, **query: Any) -> list[dict[str, Any]]:
    """Lines of the venue's book, oldest first."""
    answer = await served.manager.get("/v1/audit", params={"limit": 200, **query})
    assert answer.status_code == 200, answer.text
    lines: list[dict[str, Any]] = answer.json()["lines"][::-1]
    return lines


async def test_signing_out_ends_the_screens_of_that_browser_alone(served: Served) -> None:
    staff_id = await served.club.staff()
    desk = await served.club.signed_in(staff_id=staff_id)
    home = await served.club.signed_in(staff_id=staff_id)
    async with watching(served, desk) as first, watching(served, home) as second:
        assert (await desk.delete("/v1/session")).status_code == 204
        assert await closes(first) == 4403
        await stays(second)
    (line,) = await book(served, type="SIGNED_OUT")
    assert line["actor"] == f"staff:{staff_id}"
    assert line["payload"] == {"staff_id": staff_id}
    assert line["origin"] is not None


async def test_a_stolen_tablets_screen_closes_and_its_scans_are_refused(served: Served) -> None:
    """The other tablet of the door goes on; what the stolen one sends waits for a manager."""
    made = [
        await served.club.paired(served.manager, kind="tablet", name=name)
        for name in ("Stolen", "Other")
    ]
    scan = {"door": "main", "code": "BR1:NO CODE"}
    async with served.socket() as stolen, served.socket() as other:
        for ws, device in zip((stolen, other), made, strict=True):
            hello = {"type": "hello", "audience": "door", "token": device["token"]}
            await ws.send(json.dumps(hello))
            await hears(ws, "snapshot")
        gone = await served.manager.delete(f"/v1/devices/{made[0]['device_id']}", headers=key())
        assert gone.status_code == 200, gone.text
        assert await closes(stolen) == 4403
        await stays(other)
    answers = []
    for device in made:
        client = await served.club.client(Authorization=f"Bearer {device['token']}")
        answers.append(await client.post("/v1/scans", json={"scan_id": str(uuid4()), **scan}))
    assert (answers[0].status_code, answers[0].json()["reason"]) == (401, "device_revoked")
    assert (answers[1].status_code, answers[1].json()["reason"]) == (200, "not_our_code")
    # It does not come back by asking again.
    async with served.socket() as stolen:
        await stolen.send(
            json.dumps({"type": "hello", "audience": "door", "token": made[0]["token"]})
        )
        assert await closes(stolen) == 4401


async def test_a_session_that_another_ends_takes_its_own_screens(served: Served) -> None:
    admin = await served.club.signed_in("SUPER_ADMIN", elevated=True)
    staff_id = await served.club.staff()
    desk = await served.club.signed_in(staff_id=staff_id)
    async with served.club.looking() as conn:
        (gone,) = [one for one in await list_sessions(conn) if one.staff_id == staff_id]
    home = await served.club.signed_in(staff_id=staff_id)
    async with watching(served, desk) as first, watching(served, home) as second:
        answer = await admin.delete(f"/v1/sessions/{gone.session_id}", headers=key())
        assert answer.status_code in (200, 204), answer.text
        assert await closes(first) == 4403
        await stays(second)
    (line,) = await book(served, subject=f"session:{gone.session_id}")
    assert (line["type"], line["payload"]["why"]) == ("SESSION_REVOKED", "by_hand")


async def test_a_changed_role_ends_the_persons_screens_and_stands_before_and_after(
    served: Served,
) -> None:
    admin = await served.club.signed_in("SUPER_ADMIN", elevated=True)
    staff_id = await served.club.staff()
    desk = await served.club.signed_in(staff_id=staff_id)
    (person,) = [
        one for one in (await admin.get("/v1/staff")).json()["staff"] if one["staff_id"] == staff_id
    ]
    async with watching(served, desk) as screen, watching(served, served.manager) as other:
        answer = await admin.patch(
            f"/v1/staff/{staff_id}",
            json={"role": "DOOR_STAFF", "edition": person["edition"]},
            headers=key(),
        )
        assert answer.status_code == 200, answer.text
        assert await closes(screen) == 4403
        await stays(other)
    (line,) = await book(served, type="STAFF_CHANGED")
    assert line["subject"] == f"staff:{staff_id}"
    assert line["payload"]["before"]["role"] == "MANAGER"
    assert line["payload"]["after"]["role"] == "DOOR_STAFF"


async def test_another_password_ends_the_other_screens_and_keeps_ones_own(served: Served) -> None:
    staff_id = await served.club.staff()
    desk = await served.club.signed_in(staff_id=staff_id)
    home = await served.club.signed_in(staff_id=staff_id)
    async with watching(served, desk) as mine, watching(served, home) as other:
        answer = await desk.post(
            "/v1/session/password",
            json={"current": PASSWORD, "new": "a horse of another colour"},
            headers=key(),
        )
        assert answer.status_code == 204, answer.text
        assert await closes(other) == 4403
        await stays(mine)


async def test_a_screen_outlives_the_cookie_that_a_step_up_replaced(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    check = served.club.parts.live._check

    async def counted(*arguments: Any) -> None:
        nonlocal looks
        await check(*arguments)
        looks += 1

    monkeypatch.setattr(served.club.parts.live, "_check", counted)
    monkeypatch.setattr(live_module, "RECHECK_SECONDS", 0.02)
    staff_id = await served.club.staff()
    desk = await served.club.signed_in(staff_id=staff_id)
    async with watching(served, desk) as screen:
        db = served.club.parts.db
        async with db.begun(db.auth) as conn:
            (mine,) = [one for one in await list_sessions(conn) if one.staff_id == staff_id]
            lasts = mine.expires_at - mine.created_at
            await elevate_session(conn, mine.session_id, token_hash(new_token()), lasts)
        assert (await desk.get("/v1/session")).status_code == 401, "the old cookie is over"
        served.club.parts.live._look_now.set()
        before = looks
        await until(lambda: looks >= before + 2, "two looks at who watches")
        await stays(screen)


async def test_signing_in_anew_on_a_browser_ends_the_session_before_it_in_the_book(
    served: Served,
) -> None:
    staff_id = await served.club.staff("DOOR_STAFF", "dora")
    client = await served.club.client(Origin="http://127.0.0.1:8000")
    body = {"username": "dora", "password": PASSWORD}
    for _ in range(2):
        answer = await client.post("/v1/session", json=body)
        assert answer.status_code == 201, answer.text
    found = [line["type"] for line in await book(served, actor=f"staff:{staff_id}")]
    assert found == ["SIGNED_IN", "SESSION_REVOKED", "SIGNED_IN"]
