"""Scans that come after their device's token has ended: kept, and decided once by a manager."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest

from app.db.book import read_state
from app.db.floor import list_contradictions
from app.domain.principals import Principal
from app.settings import Settings
from tests.integration.web.basement import TOKEN, managed_demo
from tests.integration.web.club import NIGHT, Club, key
from tests.integration.web.test_evening import added_up

MANAGER = Principal("staff", str(uuid4()), "MANAGER")
OPEN = "2027-06-19T22:30:00.000Z"
SEALED = "2027-06-20T08:00:00.000Z"


class Door:
    """A camera that was revoked with a party before it, and the manager who revoked it."""

    def __init__(self, club: Club, manager: httpx.AsyncClient) -> None:
        self.club = club
        self.manager = manager
        self.camera: httpx.AsyncClient
        self.device_id = ""
        self.booking: dict[str, Any] = {}

    async def begin(self, party: int = 4) -> None:
        await self.clock(OPEN)
        await self.club.open()
        held = await self.club.held(self.manager, [2], party)
        paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
        path = f"/v1/holds/{held['booking_id']}/confirm"
        self.booking = (await self.manager.post(path, json=paid, headers=key())).json()
        made = await self.club.paired(self.manager)
        self.device_id = made["device_id"]
        self.camera = await self.club.client(Authorization=f"Bearer {made['token']}")

    async def clock(self, shown_at: str) -> None:
        stranger = await self.club.client()
        body = {"token": TOKEN, "shown_at": shown_at, "speed": 1}
        assert (await stranger.post("/v1/demo/clock", json=body)).status_code == 200

    async def revoke(self) -> None:
        answer = await self.manager.delete(f"/v1/devices/{self.device_id}", headers=key())
        assert answer.status_code == 200

    def body(self, **more: Any) -> dict[str, Any]:
        code = {} if "reference" in more else {"code": self.booking["code"]}
        return {"scan_id": str(uuid4()), "door": "main", **code, **more}

    async def scan(self, **more: Any) -> httpx.Response:
        return await self.camera.post("/v1/scans", json=self.body(**more))

    async def waiting(self, state: str = "waiting") -> list[dict[str, Any]]:
        answer = await self.manager.get("/v1/quarantine", params={"state": state})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["scans"]
        return found

    async def resolve(
        self, scan: dict[str, Any], decision: str = "accept", reason: str = "let_in", **more: Any
    ) -> httpx.Response:
        return await self.manager.post(
            f"/v1/quarantine/{scan['quarantine_id']}/resolve",
            json={"decision": decision, "reason": reason, **more},
            headers=key(),
        )

    async def inside(self) -> tuple[int, int]:
        """People on the floors by the rows, and of the booking by its ticket."""
        async with self.club.parts.db.acting(MANAGER) as conn:
            house = await conn.fetchval("SELECT sum(people) FROM headcount")
            party = await conn.fetchval("SELECT sum(admitted - gone) FROM ticket")
        return int(house), int(party)

    async def kinds(self, book: str = NIGHT) -> list[str]:
        async with self.club.parts.db.reading() as conn:
            rows = await conn.fetch("SELECT type FROM event WHERE book = $1 ORDER BY version", book)
        return [row["type"] for row in rows]

    async def agrees(self) -> None:
        await self.club.agrees(NIGHT)


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    async with managed_demo(settings) as (club, manager):
        made = Door(club, manager)
        await made.begin()
        yield made


async def test_a_scan_after_the_revocation_is_kept_without_its_code_and_counts_nothing(
    door: Door,
) -> None:
    await door.revoke()
    answer = await door.scan(people=2)
    assert (answer.status_code, answer.json()["reason"]) == (401, "device_revoked")
    assert answer.json()["kept"] is True
    (kept,) = await door.waiting()
    assert kept["booking_id"] == door.booking["booking_id"]
    assert (kept["people"], kept["door"], kept["device"]) == (2, "main", "Camera")
    assert await door.inside() == (0, 0)
    assert "GUEST_CHECKED_IN" not in await door.kinds()
    assert (await door.kinds("venue"))[-2:] == ["DEVICE_REVOKED", "SCAN_QUARANTINED"]
    async with door.club.parts.db.acting(MANAGER) as conn:
        row = await conn.fetchval("SELECT to_jsonb(quarantined_scan)::text FROM quarantined_scan")
    assert kept["scan_id"] in row
    assert door.booking["code"][4:40] not in row


async def test_before_the_revocation_the_same_scan_is_judged(door: Door) -> None:
    """The success beside the test above: nothing but the revocation differs."""
    answer = await door.scan(people=2)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "admit")
    assert await door.waiting() == []
    assert await door.inside() == (2, 2)


async def test_the_token_before_a_new_pairing_leaves_its_scans_too(door: Door) -> None:
    path = f"/v1/devices/{door.device_id}/pairing"
    code = (await door.manager.post(path, headers=key())).json()["pairing"]["code"]
    stranger = await door.club.client()
    await stranger.post("/v1/devices/pair", json={"code": code}, headers=key())
    answer = await door.scan(people=2)
    assert (answer.status_code, answer.json()["kept"]) == (401, True)
    assert len(await door.waiting()) == 1


async def test_the_same_scan_again_is_the_same_task_and_another_body_is_not_kept(
    door: Door,
) -> None:
    await door.revoke()
    body = door.body(people=2)
    same = [(await door.camera.post("/v1/scans", json=body)).json()["kept"] for _ in range(3)]
    other = await door.camera.post("/v1/scans", json={**body, "people": 3})
    assert (same, other.json()["kept"]) == ([True] * 3, False)
    assert [one["people"] for one in await door.waiting()] == [2]


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"door": "main"}, True),
        ({"door": "attic"}, False),
        ({"reference": "x", "code": None}, True),
        ({"code": "BR1:NOT-A-CODE"}, True),
        ({"code": None}, False),
    ],
)
async def test_what_cannot_be_a_scan_is_not_kept(
    door: Door, more: dict[str, Any], kept: bool
) -> None:
    await door.revoke()
    answer = await door.scan(**more)
    assert (answer.status_code, answer.json()["kept"]) == (401, kept)


async def test_what_a_revoked_token_may_not_do_is_refused_as_ever(door: Door) -> None:
    await door.revoke()
    for method, path in (("GET", f"/v1/scans/{uuid4()}"), ("POST", "/v1/devices/self/roll")):
        answer = await door.camera.request(method, path, headers=key())
        assert (answer.status_code, answer.json()["reason"]) == (401, "device_revoked")
        assert "kept" not in answer.json()
    malformed = await door.camera.post("/v1/scans", json={"scan_id": "x"})
    assert malformed.status_code == 422


async def test_beyond_the_limit_nothing_is_kept_until_a_manager_has_decided(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.actions.quarantine.WAITING_MOST", 3)
    await door.revoke()
    answers = await asyncio.gather(*(door.scan(people=1) for _ in range(6)))
    assert sorted(a.json()["kept"] for a in answers) == [False] * 3 + [True] * 3
    first, *_ = await door.waiting()
    assert (await door.resolve(first, "dismiss", "a_trial")).status_code == 200
    assert (await door.scan(people=1)).json()["kept"] is True
    assert (await door.scan(people=1)).json()["kept"] is False


async def test_without_the_devices_lock_more_would_be_kept(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the six meet before any of them has written."""
    monkeypatch.setattr("app.actions.quarantine.WAITING_MOST", 3)
    met = asyncio.Barrier(6)

    async def unlocked(*_: object) -> None:
        await met.wait()

    monkeypatch.setattr("app.actions.quarantine.quarantine.lock_device", unlocked)
    await door.revoke()
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(door.scan(people=1) for _ in range(6)))
    assert sum(a.json()["kept"] for a in answers) > 3


async def test_an_accepted_scan_counts_its_people_once(door: Door) -> None:
    await door.revoke()
    body = door.body(people=3)
    await door.camera.post("/v1/scans", json=body)
    (kept,) = await door.waiting()
    answers = await asyncio.gather(*(door.resolve(kept) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    assert {a.json()["reason"] for a in answers if a.status_code == 409} == {"already_resolved"}
    good = next(a.json() for a in answers if a.status_code == 200)
    assert (good["resolution"], good["counted"]) == ("accept", 3)
    assert good["version"] > 0
    assert await door.inside() == (3, 3)
    assert (await door.kinds()).count("GUEST_CHECKED_IN") == 1
    assert (await door.kinds("venue"))[-1] == "QUARANTINE_RESOLVED"
    await door.agrees()
    assert await door.waiting() == []
    (record,) = await door.waiting("all")
    assert (record["resolution"], record["reason"]) == ("accept", "let_in")


async def test_without_the_row_that_says_resolved_it_would_count_twice(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: with the guards off the same two decisions count twice."""

    async def always(*_: object) -> bool:
        return True

    monkeypatch.setattr("app.actions.quarantine.judge_held", lambda held: held.booking_id)
    monkeypatch.setattr("app.actions.quarantine.quarantine.resolve_held", always)
    monkeypatch.setattr("app.actions.quarantine.insert_scan", always)
    await door.revoke()
    await door.scan(people=2)
    (kept,) = await door.waiting()
    answers = await asyncio.gather(door.resolve(kept), door.resolve(kept))
    assert [a.status_code for a in answers] == [200, 200]
    assert await door.inside() == (4, 4)


async def test_a_dismissed_scan_keeps_its_record_and_counts_nothing(door: Door) -> None:
    await door.revoke()
    await door.scan(people=3)
    (kept,) = await door.waiting()
    answer = await door.resolve(kept, "dismiss", "stolen_device")
    assert (answer.status_code, answer.json()["counted"]) == (200, 0)
    assert await door.inside() == (0, 0)
    assert (await door.resolve(kept)).json()["reason"] == "already_resolved"
    (record,) = await door.waiting("all")
    assert (record["resolution"], record["reason"]) == ("dismiss", "stolen_device")
    assert record["resolved_by"].startswith("staff:")
    await door.agrees()


async def test_no_more_than_the_party_and_the_licence_are_accepted(door: Door) -> None:
    await door.scan(people=3)
    await door.revoke()
    await door.scan(people=2)
    (kept,) = await door.waiting()
    refused = await door.resolve(kept)
    assert (refused.status_code, refused.json()["reason"]) == (409, "party_full")
    limits = {"limits": {"upstairs": 3, "downstairs": 150, "house": 300}}
    edited = await door.manager.patch(f"/v1/nights/{NIGHT}", json=limits, headers=key())
    assert edited.status_code == 200, edited.text
    refused = await door.resolve(kept, people=1)
    assert (refused.status_code, refused.json()["reason"]) == (409, "capacity_full")
    assert await door.inside() == (3, 3)
    assert len(await door.waiting()) == 1


async def test_how_many_it_was_is_said_by_the_manager_where_the_scan_does_not(door: Door) -> None:
    await door.revoke()
    await door.scan()
    (kept,) = await door.waiting()
    refused = await door.resolve(kept)
    assert (refused.status_code, refused.json()["reason"]) == (422, "people_missing")
    assert (await door.resolve(kept, people=2)).json()["counted"] == 2
    assert await door.inside() == (2, 2)


async def test_people_who_went_out_are_counted_out(door: Door) -> None:
    await door.scan(people=4)
    await door.revoke()
    await door.scan(people=3, direction="out")
    (kept,) = await door.waiting()
    assert (await door.resolve(kept)).status_code == 200
    assert await door.inside() == (1, 1)
    await door.agrees()


async def test_a_reference_leads_to_its_booking_and_nonsense_to_none(door: Door) -> None:
    await door.revoke()
    await door.scan(reference=door.booking["reference"].lower(), people=1)
    (kept,) = await door.waiting()
    assert kept["booking_id"] == door.booking["booking_id"]
    assert (await door.resolve(kept)).status_code == 200
    await door.scan(code="BR1:NONSENSE", people=1)
    (kept,) = await door.waiting()
    assert (kept["booking_id"], kept["refused"]) == (None, "not_our_code")
    refused = await door.resolve(kept)
    assert (refused.status_code, refused.json()["reason"]) == (409, "nothing_to_count")
    assert (await door.resolve(kept, "dismiss", "other")).status_code == 200


async def test_a_scan_that_has_its_verdict_is_not_counted_again(door: Door) -> None:
    """The reply was lost, the device was revoked, and it sends the scan again."""
    body = door.body(people=2)
    assert (await door.camera.post("/v1/scans", json=body)).json()["verdict"] == "admit"
    await door.revoke()
    assert (await door.camera.post("/v1/scans", json=body)).status_code == 401
    (kept,) = await door.waiting()
    assert kept["decided"] is True
    refused = await door.resolve(kept)
    assert (refused.status_code, refused.json()["reason"]) == (409, "already_decided")
    assert await door.inside() == (2, 2)


async def test_after_the_seal_it_is_a_line_that_says_so_and_the_figures_stand(door: Door) -> None:
    await door.scan(people=1)
    await door.revoke()
    await door.scan(people=2)
    await door.clock(SEALED)
    path = f"/v1/nights/{NIGHT}"
    sealed = await door.manager.patch(path, json={"status": "sealed"}, headers=key())
    assert sealed.status_code == 200, sealed.text
    async with door.club.parts.db.acting(MANAGER) as conn:
        before = (await read_state(conn, NIGHT)).figures
    (kept,) = await door.waiting()
    answer = await door.resolve(kept)
    assert (answer.status_code, answer.json()["counted"]) == (200, 2), answer.text
    async with door.club.parts.db.acting(MANAGER) as conn:
        last = await conn.fetchrow(
            "SELECT type, payload::text AS payload FROM event WHERE book = $1"
            " ORDER BY version DESC LIMIT 1",
            NIGHT,
        )
        assert (await read_state(conn, NIGHT)).figures == before
    payload = msgspec.json.decode(last["payload"])
    assert last["type"] == "GUEST_CHECKED_IN"
    assert (payload["after_seal"], payload["people"], payload["admitted"]) == (True, 2, 3)
    report = added_up((await door.manager.get(f"{path}/report.csv")).content)
    assert report["total"] == msgspec.structs.asdict(before)
    late = {name: count for name, count in report["total_after_seal"].items() if count}
    assert late == {"people_admitted": 2}
    assert await door.inside() == (0, 3)
    await door.agrees()


async def test_an_acceptance_that_counted_otherwise_is_found(door: Door) -> None:
    """`backroom verify` says it: a hand changed how many it was."""
    await door.revoke()
    await door.scan(people=2)
    (kept,) = await door.waiting()
    assert (await door.resolve(kept)).status_code == 200
    await door.agrees()
    conn = await asyncpg.connect(door.club.parts.settings.owner_database_url)
    try:
        await conn.execute("UPDATE quarantined_scan SET counted = 3")
        (found,) = await list_contradictions(conn, NIGHT)
    finally:
        await conn.close()
    assert kept["scan_id"] in found
    assert "3 people" in found


async def test_one_devices_scans_can_be_looked_at_alone(door: Door) -> None:
    await door.revoke()
    await door.scan(people=1)
    for device_id, found in ((door.device_id, 1), (str(uuid4()), 0)):
        answer = await door.manager.get("/v1/quarantine", params={"device_id": device_id})
        assert len(answer.json()["scans"]) == found


async def test_a_manager_of_the_other_floor_settles_nothing_of_this_door(door: Door) -> None:
    await door.revoke()
    await door.scan(people=2)
    (kept,) = await door.waiting()
    staff_id = await door.club.staff()
    async with door.club.parts.db.begun(door.club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET floor = 'downstairs' WHERE id = $1", staff_id)
    here, door.manager = door.manager, await door.club.signed_in(staff_id=staff_id)
    for decision, reason in (("accept", "let_in"), ("dismiss", "not_let_in")):
        refused = await door.resolve(kept, decision, reason)
        assert (refused.status_code, refused.json()["reason"]) == (403, "out_of_scope")
    assert await door.inside() == (0, 0)
    door.manager = here
    assert (await door.resolve(kept)).status_code == 200
