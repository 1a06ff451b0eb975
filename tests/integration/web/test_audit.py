"""Who may read the audit, what its filters find, and what never stands in it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.actions.act import Caller
from app.actions.administration import note
from app.domain.principals import Principal
from floorplan import administration
from floorplan.administration import Standing
from floorplan.events import Payload
from tests.integration.web.club import NIGHT, Club, key

HERE, THERE = "0123456789abcdef", "fedcba9876543210"


class Deeds:
    """Two members of staff, and what they did in the venue's book."""

    def __init__(self, club: Club) -> None:
        self._club = club
        self.mara = Principal("staff", str(uuid4()), "SUPER_ADMIN")
        self.sam = Principal("staff", str(uuid4()), "MANAGER")

    async def write(self, by: Principal, payload: Payload, subject: str, origin: str = HERE) -> int:
        db = self._club.parts.db
        async with db.begun(db.auth) as conn:
            return await note(conn, Caller(by, str(uuid4()), origin=origin), payload, subject)


@pytest.fixture
async def deeds(club: Club) -> Deeds:
    made = Deeds(club)
    sam = f"staff:{made.sam.id}"
    before, after = Standing("DOOR_STAFF", door="main"), Standing("MANAGER")
    await made.write(made.mara, administration.StaffAdded(before), sam)
    await made.write(made.mara, administration.StaffChanged(before, after), sam)
    await made.write(made.sam, administration.SignedIn("s-1", "totp"), sam, THERE)
    await made.write(made.sam, administration.DeviceAdded("tablet", "main"), "device:d-1", THERE)
    return made


async def read(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def own(found: dict[str, Any], deeds: Deeds) -> list[str]:
    """The types of the lines that the deeds wrote, newest first; signing in writes others."""
    actors = {deeds.mara.actor, deeds.sam.actor}
    return [line["type"] for line in found["lines"] if line["actor"] in actors]


async def test_a_line_says_who_did_what_from_where_before_and_after(
    club: Club, deeds: Deeds
) -> None:
    manager = await club.signed_in()
    found = await read(manager, type="STAFF_CHANGED")
    (line,) = found["lines"]
    assert line["actor"] == deeds.mara.actor
    assert line["subject"] == f"staff:{deeds.sam.id}"
    assert line["origin"] == HERE
    assert line["made_by"] == "staff_changed"
    assert line["payload"] == {
        "before": {"role": "DOOR_STAFF", "floor": None, "door": "main", "night": None},
        "after": {"role": "MANAGER", "floor": None, "door": None, "night": None},
        "renamed": False,
    }
    assert found["book"] == "venue"
    assert found["version"] >= 4


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["DEVICE_ADDED", "SIGNED_IN", "STAFF_CHANGED", "STAFF_ADDED"]),
        ({"actor": "sam"}, ["DEVICE_ADDED", "SIGNED_IN"]),
        ({"actor": "mara"}, ["STAFF_CHANGED", "STAFF_ADDED"]),
        ({"subject": "sam"}, ["SIGNED_IN", "STAFF_CHANGED", "STAFF_ADDED"]),
        ({"subject": "device:d-1"}, ["DEVICE_ADDED"]),
        ({"type": ["STAFF_ADDED", "DEVICE_ADDED"]}, ["DEVICE_ADDED", "STAFF_ADDED"]),
        ({"type": "STAFF_ADDED", "actor": "sam"}, []),
        ({"subject": "device:unknown"}, []),
    ],
)
async def test_every_filter_that_is_given_must_hold(
    club: Club, deeds: Deeds, filters: dict[str, Any], expected: list[str]
) -> None:
    people = {"sam": deeds.sam.actor, "mara": deeds.mara.actor}
    query = {n: people.get(v, v) if isinstance(v, str) else v for n, v in filters.items()}
    assert own(await read(await club.signed_in(), **query), deeds) == expected


async def test_instants_bound_the_lines_the_second_one_outside(club: Club, deeds: Deeds) -> None:
    manager = await club.signed_in()
    (changed,) = (await read(manager, type="STAFF_CHANGED"))["lines"]
    (added,) = (await read(manager, type="STAFF_ADDED"))["lines"]
    since = own(await read(manager, **{"from": changed["at"]}), deeds)
    assert "STAFF_CHANGED" in since
    assert own(await read(manager, until=added["at"]), deeds) == []
    assert own(await read(manager, until="2199-01-01T00:00:00.000Z"), deeds) == [
        "DEVICE_ADDED", "SIGNED_IN", "STAFF_CHANGED", "STAFF_ADDED",
    ]  # fmt: skip
    assert await read(manager, **{"from": "2199-01-01T00:00:00.000Z"}) | {"version": 0} == {
        "book": "venue", "version": 0, "lines": [], "older": None,
    }  # fmt: skip


async def test_pages_follow_each_other_without_a_gap(club: Club, deeds: Deeds) -> None:
    manager = await club.signed_in()
    whole = [line["version"] for line in (await read(manager, limit=200))["lines"]]
    assert whole == sorted(whole, reverse=True)
    pages: list[int] = []
    cursor: dict[str, int] = {}
    while True:
        found = await read(manager, limit=3, **cursor)
        pages += [line["version"] for line in found["lines"]]
        if found["older"] is None:
            break
        assert found["older"] == found["lines"][-1]["version"]
        cursor = {"before": found["older"]}
    assert pages == whole
    newer = (await read(manager, after=whole[2]))["lines"]
    assert [line["version"] for line in newer] == whole[:2]


async def test_a_nights_book_is_read_in_the_same_way(club: Club) -> None:
    manager = await club.signed_in()
    await club.open()
    await club.held(await club.client(), [2])
    found = await read(manager, book=NIGHT)
    assert [line["type"] for line in found["lines"]] == [
        "TABLES_SELECTED", "BOOKING_INITIATED", "NIGHT_OPENED",
    ]  # fmt: skip
    assert found["lines"][0]["actor"] == "public" or found["lines"][0]["actor"].startswith("owner")
    assert [
        line["type"] for line in (await read(manager, book=NIGHT, type="NIGHT_OPENED"))["lines"]
    ]


async def test_the_origin_of_a_line_is_the_digest_of_the_address_of_its_request(
    club: Club,
) -> None:
    manager = await club.signed_in()
    await club.open()
    first, same, other = [
        await club.client((address, 40_000))
        for address in ("203.0.113.40", "203.0.113.40", "203.0.113.41")
    ]
    for client, table in ((first, 2), (same, 3), (other, 4)):
        await club.held(client, [table], email=f"ada-{table}@example.com")
    found = (await read(manager, book=NIGHT, type="TABLES_SELECTED"))["lines"]
    there, here, again = (line["origin"] for line in found)
    assert here == again
    assert there != here
    assert "203.0.113" not in str(await read(manager, book=NIGHT, limit=200))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"book": "2026-02-31"}, "?book"),
        ({"book": "kitchen"}, "?book"),
        ({"type": "STAFF_PROMOTED"}, "?type"),
        ({"type": "NIGHT_OPENED"}, "?type"),
        ({"limit": 201}, "?limit"),
        ({"limit": 0}, "?limit"),
        ({"from": "yesterday"}, "?from"),
        ({"from": "2026-02-31T00:00:00.000Z"}, "?from"),
        ({"before": 0}, "?before"),
        ({"who": "mara"}, "?"),
    ],
)
async def test_a_filter_that_cannot_be_meant_is_refused_by_name(
    club: Club, query: dict[str, Any], place: str
) -> None:
    manager = await club.signed_in()
    answer = await manager.get("/v1/audit", params=query)
    assert (answer.status_code, answer.json()["place"]) == (422, place), answer.text


async def test_a_night_that_nobody_opened_has_no_book(club: Club) -> None:
    answer = await (await club.signed_in()).get("/v1/audit", params={"book": "2027-06-20"})
    assert (answer.status_code, answer.json()["reason"]) == (404, "night_not_found")


@pytest.mark.parametrize("role", ["ANONYMOUS", "OWNER", "DEVICE", "DOOR_STAFF"])
async def test_whoever_does_not_answer_for_the_venue_reads_no_audit(club: Club, role: str) -> None:
    client = await club.acting_as(role)
    answer = await client.get("/v1/audit")
    assert answer.status_code == (401 if role == "ANONYMOUS" else 403)


async def test_nothing_of_a_guest_is_in_any_book(club: Club) -> None:
    manager = await club.signed_in()
    await club.open()
    booking = await club.held(await club.client(), [2])
    confirm = {"method": "cash", "amount_pence": booking["deposit_pence"]}
    path = f"/v1/holds/{booking['booking_id']}/confirm"
    done = await manager.post(path, json=confirm, headers=key())
    assert done.status_code == 200, done.text
    for book in ("venue", NIGHT):
        text = str(await read(manager, book=book, limit=200))
        assert "lines" in text
        for private in ("Ada", "Lovelace", "ada@example.com", booking["token"]):
            assert private not in text


async def test_a_manager_of_one_night_reads_no_other_nights_book(club: Club) -> None:
    other = "2027-06-26"
    await club.open()
    await club.open(other)
    staff_id = await club.staff()
    manager = await club.signed_in(staff_id=staff_id)
    assert (await read(manager, book=other))["lines"], "everywhere, before"
    async with club.looking() as conn:
        night = "UPDATE staff SET night = $2::text::date WHERE id = $1"
        await conn.execute(night, staff_id, NIGHT)
    assert (await read(manager, book=NIGHT))["lines"]
    assert (await read(manager))["book"] == "venue"
    answer = await manager.get("/v1/audit", params={"book": other})
    assert (answer.status_code, answer.json()["reason"]) == (403, "out_of_scope")
