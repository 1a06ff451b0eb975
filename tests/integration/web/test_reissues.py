"""A code that is issued again: every door in contact hears of it by the event's own frame."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import ClientConnection

from app.settings import Settings
from tests.integration.web.basement import OPEN, TOKEN
from tests.integration.web.club import NIGHT, key
from tests.integration.web.served import Served, serving

DEADLINE_SECONDS = 10.0


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[Served]:
    """The doors are open."""
    async with serving(settings, demo=True, demo_token=TOKEN) as made:
        stranger = await made.club.client()
        body = {"token": TOKEN, "shown_at": OPEN, "speed": 1}
        assert (await stranger.post("/v1/demo/clock", json=body)).status_code == 200
        yield made


async def watches(ws: ClientConnection, token: str) -> None:
    """The device's screen stands as of now."""
    hello = {"type": "hello", "audience": "door", "night": NIGHT, "token": token}
    await ws.send(json.dumps(hello))
    while json.loads(await ws.recv())["type"] != "snapshot":
        pass


async def hears(ws: ClientConnection, version: int) -> dict[str, Any]:
    """The first frame with the version; what came before it is of versions before it."""
    heard: dict[str, Any] = json.loads(await ws.recv())
    while heard["type"] == "event" and heard["version"] < version:
        heard = json.loads(await ws.recv())  # the confirmation's, where it came late
    return heard


async def test_devices_in_contact_are_told_the_new_generation_and_refuse_the_old(
    served: Served,
) -> None:
    """The design's second is the fan-out's, which load/ measures. Here it is the way: the first
    thing that each door hears after the answer's version is that frame, and no snapshot or
    heartbeat was needed for it; from then on neither lets the old code in, and both the new."""
    club = served.club
    held = await club.held(served.manager, [2], 4)
    paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
    path = f"/v1/bookings/{held['booking_id']}"
    confirmed = await served.manager.post(
        f"/v1/holds/{held['booking_id']}/confirm", json=paid, headers=key()
    )
    old = confirmed.json()["code"]
    tokens = [
        (await club.paired(served.manager, kind="tablet", name=name))["token"]
        for name in ("Front", "Queue")
    ]
    doors = [await club.client(Authorization=f"Bearer {token}") for token in tokens]

    async def scans(code: str) -> list[str]:
        answers = [
            await door.post(
                "/v1/scans",
                json={"scan_id": str(uuid4()), "door": "main", "code": code, "people": 1},
            )
            for door in doors
        ]
        return [answer.json()["reason"] for answer in answers]

    async with served.socket() as one, served.socket() as two, asyncio.timeout(DEADLINE_SECONDS):
        for ws, token in zip((one, two), tokens, strict=True):
            await watches(ws, token)
        answer = await served.manager.post(
            f"{path}/reissue", json={"reason": "shared"}, headers=key()
        )
        made = answer.json()
        assert (answer.status_code, made["generation"]) == (200, 2), answer.text
        for heard in (await hears(one, made["version"]), await hears(two, made["version"])):
            assert (heard["type"], heard["version"]) == ("event", made["version"])
            assert heard["changes"]["bookings"][held["booking_id"]]["generation"] == 2
        assert await scans(old) == ["replaced"] * 2
    new = (await served.manager.get(path)).json()["code"]
    assert await scans(new) == ["admitted"] * 2
    async with club.looking() as conn:
        told = await conn.fetchrow(
            "SELECT kind, channel, status FROM outbox WHERE cause = $1",
            f"code_reissued:{held['booking_id']}:2",
        )
    assert tuple(told) == ("code_reissued", "email", "waiting")
