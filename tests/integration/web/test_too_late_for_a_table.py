"""Whoever loses a table is shown the waitlist exactly when the waitlist would take the party."""

from typing import Any

import httpx

from tests.integration.web.basement import TOKEN, Basement
from tests.integration.web.club import NIGHT, key

CONTACT = {"name": "Grace Hopper", "email": "grace@example.com"}


async def refused(client: httpx.AsyncClient, tables: list[int], party: int) -> Any:
    """What is said of a hold of tables that somebody else has."""
    wish = {"night": NIGHT, "tables": tables, "party": party, "contact": CONTACT}
    answer = await client.post("/v1/holds", json=wish, headers=key())
    assert (answer.status_code, answer.json()["reason"]) == (409, "table_not_available")
    return answer.json()


async def joined(client: httpx.AsyncClient, party: int, **more: Any) -> tuple[int, str | None]:
    """What the waitlist says to the party."""
    wish = {"night": NIGHT, "party": party, **more, "contact": CONTACT}
    answer = await client.post("/v1/waitlist", json=wish, headers=key())
    return answer.status_code, answer.json().get("reason")


async def test_the_waitlist_is_offered_when_it_takes_the_party(basement: Basement) -> None:
    club, manager = basement.club, basement.manager
    guest = await club.client()
    # Others are free for four.
    told = await refused(guest, [2], 4)
    assert told["alternatives"]
    assert "waitlist" not in told
    assert await joined(guest, 4) == (409, "tables_free")
    # There is one set for twelve.
    free = await guest.get(f"/v1/nights/{NIGHT}/availability?party=12")
    (only,) = free.json()["sets"]
    await club.held(manager, only["tables"], 12)
    told = await refused(guest, only["tables"], 12)
    assert told["alternatives"] == []
    assert told["waitlist"] == {"night": NIGHT, "party": 12}
    assert await joined(guest, 12) == (201, None)


async def test_after_last_entry_no_waitlist_is_offered(basement: Basement) -> None:
    club, manager = basement.club, basement.manager
    (only,) = (await manager.get(f"/v1/nights/{NIGHT}/availability?party=12")).json()["sets"]
    held = await club.held(manager, only["tables"], 12)
    paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
    path = f"/v1/holds/{held['booking_id']}/confirm"
    assert (await manager.post(path, json=paid, headers=key())).status_code == 200
    assert "waitlist" in await refused(manager, only["tables"], 12)
    body = {"token": TOKEN, "shown_at": "2027-06-20T02:30:00.000Z", "speed": 1}
    assert (await (await club.client()).post("/v1/demo/clock", json=body)).status_code == 200
    assert await joined(manager, 12) == (409, "too_late")
    assert "waitlist" not in await refused(manager, only["tables"], 12)
