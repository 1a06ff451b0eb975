"""A booking's history tells its journey in the seven words of the venue's documents."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx

from app.db.clock import mark_demo, set_clock
from tests.integration.web.club import NIGHT, Club, key

DOCUMENTED = (
    "BOOKING_INITIATED", "TABLES_SELECTED", "PAYMENT_PROCESSED", "BOOKING_CONFIRMED",
    "BOOKING_CANCELLED", "GUEST_CHECKED_IN", "BOOKING_COMPLETED",
)  # fmt: skip
PAID = DOCUMENTED[:4]


async def sent(client: httpx.AsyncClient, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = await client.post(path, json={} if body is None else body, headers=key())
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


async def paid(manager: httpx.AsyncClient, held: dict[str, Any]) -> Any:
    deposit = {"method": "cash", "amount_pence": held["deposit_pence"]}
    return await sent(manager, f"/v1/holds/{held['booking_id']}/confirm", deposit)


async def told(client: httpx.AsyncClient, booking: dict[str, Any]) -> list[str]:
    """The documents' words in the booking's history, in its order."""
    answer = await client.get(f"/v1/bookings/{booking['booking_id']}/history")
    assert answer.status_code == 200, answer.text
    lines = answer.json()["events"]
    assert [line["version"] for line in lines] == sorted(line["version"] for line in lines)
    assert {line["night"] for line in lines} == {NIGHT}
    return [line["type"] for line in lines if line["type"] in DOCUMENTED]


async def test_a_whole_journey_and_a_cancelled_one_have_the_documents_words_in_order(
    club: Club,
) -> None:
    async with club.looking() as owner:
        await mark_demo(owner)  # whose clock can be set
        await set_clock(owner, datetime(2027, 6, 19, 22, 30, tzinfo=UTC), 1)
    await club.open()
    manager, camera = await club.signed_in(), await club.device()
    held = await club.held(await club.client(), [7])
    guest = await club.client(Authorization=f"Bearer {held['token']}")
    code = (await paid(manager, held))["code"]
    scan = {"scan_id": str(uuid4()), "door": "main", "code": code, "people": 4}
    verdict = await camera.post("/v1/scans", json=scan)
    assert verdict.json()["verdict"] == "admit", verdict.text
    booking = f"/v1/bookings/{held['booking_id']}"
    await sent(manager, f"{booking}/seat")
    await sent(manager, f"{booking}/complete")
    journey = [*PAID, "GUEST_CHECKED_IN", "BOOKING_COMPLETED"]
    assert await told(manager, held) == journey
    assert await told(guest, held) == journey

    other = await club.held(await club.client(), [8], email="grace@example.com")
    await paid(manager, other)
    await sent(manager, f"/v1/bookings/{other['booking_id']}/cancel")
    assert await told(manager, other) == [*PAID, "BOOKING_CANCELLED"]
    assert {*journey, "BOOKING_CANCELLED"} == set(DOCUMENTED)
