"""A code that is issued again: every door in contact hears of it by the event's own frame."""

import asyncio
import json
from typing import Any

from tests.integration.web.club import NIGHT, key
from tests.integration.web.served import Served

DEADLINE_SECONDS = 10.0


async def test_a_connected_door_is_told_the_new_generation_by_the_lines_own_frame(
    served: Served,
) -> None:
    """The design's second is the fan-out's, which load/ measures. Here it is the order: the first
    thing that the door hears after the answer's version is that frame, and no snapshot or
    heartbeat was needed for it."""
    club = served.club
    stranger = await club.client()
    held = await club.held(stranger, [2])
    paid = {"method": "card", "amount_pence": held["deposit_pence"]}
    path = f"/v1/bookings/{held['booking_id']}"
    confirmed = await served.manager.post(
        f"/v1/holds/{held['booking_id']}/confirm", json=paid, headers=key()
    )
    assert confirmed.status_code == 200, confirmed.text
    token = (await club.paired(served.manager))["token"]
    async with served.socket() as ws, asyncio.timeout(DEADLINE_SECONDS):
        hello = {"type": "hello", "audience": "door", "night": NIGHT, "token": token}
        await ws.send(json.dumps(hello))
        frame: dict[str, Any] = {}
        while frame.get("type") != "snapshot":
            frame = json.loads(await ws.recv())
        answer = await served.manager.post(
            f"{path}/reissue", json={"reason": "shared"}, headers=key()
        )
        made = answer.json()
        assert (answer.status_code, made["generation"]) == (200, 2), answer.text
        heard = json.loads(await ws.recv())
        while heard["type"] == "event" and heard["version"] < made["version"]:
            heard = json.loads(await ws.recv())  # the confirmation's, where it came late
    assert (heard["type"], heard["version"]) == ("event", made["version"])
    assert heard["changes"]["bookings"][held["booking_id"]]["generation"] == 2
    async with club.looking() as conn:
        told = await conn.fetchrow(
            "SELECT kind, channel, status FROM outbox WHERE cause = $1",
            f"code_reissued:{held['booking_id']}:2",
        )
    assert tuple(told) == ("code_reissued", "email", "waiting")
