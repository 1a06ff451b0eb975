"""Guests' own codes: handed out by a link, one entry each, and never more people than the party."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.actions import overrides
from app.actions.act import Caller
from app.db import bookings as rows
from app.db.clock import mark_demo, set_clock
from app.domain.principals import Principal
from app.verify import verify_book
from app.wire import UndoScan
from tests.integration.web.club import NIGHT, Club, key

NASTY = "<b>Ann</b> \u202e=1+1 'DROP"


class Party:
    """A confirmed party of three with its booker's page, a door, and the guests' codes."""

    def __init__(self, club: Club, booking: dict[str, Any]) -> None:
        self.club = club
        self.booking = booking
        self.path = f"/v1/bookings/{booking['booking_id']}"
        self.booker: httpx.AsyncClient
        self.door: httpx.AsyncClient
        self.manager: httpx.AsyncClient

    async def hand_out(self, number: int | None = None, name: str | None = None) -> dict[str, Any]:
        body = {"number": number, "name": name}
        answer = await self.booker.post(f"{self.path}/guests", json=body, headers=key())
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def guest(self, made: dict[str, Any]) -> httpx.AsyncClient:
        """Whoever opens the link."""
        return await self.club.client(Authorization=f"Bearer {made['link'].split('#')[1]}")

    async def code(self, made: dict[str, Any]) -> str:
        shown = await (await self.guest(made)).get("/v1/pass")
        assert shown.status_code == 200, shown.text
        code: str = shown.json()["code"]
        return code

    async def scan(self, code: str, **more: Any) -> dict[str, Any]:
        body = {"scan_id": str(uuid4()), "door": "main", "code": code, **more}
        answer = await self.door.post("/v1/scans", json=body)
        assert answer.status_code == 200, answer.text
        verdict: dict[str, Any] = answer.json()
        return verdict

    async def states(self) -> list[str]:
        places = (await self.booker.get(f"{self.path}/guests")).json()["places"]
        return [place["state"] for place in places]

    async def agrees(self) -> None:
        """Rows, book and the scans say the same."""
        async with self.club.looking() as conn:
            assert (await verify_book(conn, "", NIGHT)).problems == []


@pytest.fixture
async def party(club: Club) -> Party:
    await club.open()
    async with club.looking() as conn:
        await mark_demo(conn)
        await set_clock(conn, datetime(2027, 6, 19, 22, 30, tzinfo=UTC), 1.0)
    manager, stranger = await club.signed_in(), await club.client()
    held = await club.held(stranger, [2], 3)
    paid = {"method": "card", "amount_pence": held["deposit_pence"]}
    path = f"/v1/holds/{held['booking_id']}/confirm"
    made = Party(club, (await manager.post(path, json=paid, headers=key())).json())
    made.manager = manager
    made.booker = await club.client(Authorization=f"Bearer {held['token']}")
    made.door = await club.device()
    return made


async def test_a_guest_comes_in_once_goes_and_comes_back_on_a_code_of_their_own(
    party: Party,
) -> None:
    made = await party.hand_out(name=NASTY)
    guest = await party.guest(made)
    shown = (await guest.get("/v1/pass")).json()
    assert (shown["number"], shown["party"], shown["name"]) == (1, 3, " ".join(NASTY.split()))
    assert (shown["state"], shown["tables"], shown["night"]) == ("out", [2], NIGHT)
    assert b"Ann" not in (await guest.get("/v1/pass/code.svg")).content
    code = shown["code"]
    entered = await party.scan(code)
    assert (entered["verdict"], entered["people"]) == ("admit", 1)
    assert (entered["name"], entered["guest_number"], entered["party"]) == ("Ada L.", 1, 3)
    again = await party.scan(code)
    assert (again["reason"], again["seen"]["door"]) == ("already_in", "main")
    # One of three has come: nobody is told that the party is in, and the door has its name.
    assert again["instruction"] == (
        "The guest of this code came in before. Find them by name, or ask a supervisor."
    )
    assert again["tell"] == "This code was used: its guest is inside already."
    assert (await party.scan(code, people=2))["reason"] == "already_in"
    assert await party.states() == ["inside", "free", "free"]
    assert (await party.scan(code, direction="out"))["reason"] == "out"
    assert (await party.scan(code, direction="out"))["reason"] == "nobody_inside"
    assert (await guest.get("/v1/pass")).json()["state"] == "left"
    back = await party.scan(code)
    assert (back["verdict"], back["admitted"], back["gone"]) == ("admit", 1, 0)
    await party.agrees()


async def test_guests_and_the_bookers_code_share_one_party(party: Party) -> None:
    first, second = [await party.code(await party.hand_out()) for _ in range(2)]
    assert (await party.scan(first))["admitted"] == 1
    whole = await party.scan(party.booking["code"], people=2)
    assert (whole["verdict"], whole["admitted"], whole["left_to_enter"]) == ("admit", 3, 0)
    late = await party.scan(second)
    assert (late["verdict"], late["reason"], late["left_to_enter"]) == ("refuse", "party_full", 0)
    # Everybody leaves on the booker's code, and a guest who is counted in by their own comes back.
    assert (await party.scan(party.booking["code"], people=3, direction="out"))["gone"] == 3
    assert (await party.scan(first))["verdict"] == "admit"
    await party.agrees()


async def test_two_doors_with_one_guests_code_at_once_admit_one(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await party.code(await party.hand_out())
    verdicts = await asyncio.gather(*(party.scan(code) for _ in range(6)))
    assert [v["verdict"] for v in verdicts].count("admit") == 1
    await party.agrees()

    # The negative control: where the guest's own count is not written, one code lets the party in.
    async def uncounted(*_: object, **__: object) -> None:
        """Nothing."""

    monkeypatch.setattr(rows, "count_guest", uncounted)
    other = await party.code(await party.hand_out())
    verdicts = [await party.scan(other) for _ in range(2)]
    assert [v["verdict"] for v in verdicts] == ["admit", "admit"]


async def test_a_code_that_was_taken_back_or_replaced_opens_nothing(party: Party) -> None:
    made = await party.hand_out(name="Ben")
    code, guest = await party.code(made), await party.guest(made)
    newer = await party.hand_out(1)
    assert newer["generation"] == 2
    assert (await party.scan(code))["reason"] == "replaced"
    assert (await guest.get("/v1/pass")).status_code == 401
    code, guest = await party.code(newer), await party.guest(newer)
    assert (await guest.get("/v1/pass")).json()["name"] == "Ben"
    back = await party.booker.request("DELETE", f"{party.path}/guests/1", headers=key())
    assert (back.status_code, back.json()["status"]) == (200, "revoked")
    assert (await party.scan(code))["reason"] == "revoked"
    assert (await guest.get("/v1/pass")).status_code == 401
    assert await party.states() == ["free", "free", "free"]
    twice = await party.booker.request("DELETE", f"{party.path}/guests/1", headers=key())
    assert (twice.status_code, twice.json()["reason"]) == (409, "code_not_out")


async def test_whoever_is_inside_keeps_a_code_to_leave_by(party: Party) -> None:
    code = await party.code(await party.hand_out())
    await party.scan(code)
    back = await party.booker.request("DELETE", f"{party.path}/guests/1", headers=key())
    assert (back.status_code, back.json()["reason"]) == (409, "guest_inside")


async def test_the_bookings_new_code_and_its_end_void_every_guests_code(party: Party) -> None:
    made = await party.hand_out(name="Cleo")
    code = await party.code(made)
    answer = await party.booker.post(
        f"{party.path}/reissue", json={"reason": "shared"}, headers=key()
    )
    assert answer.status_code == 200, answer.text
    assert (await party.scan(code))["reason"] == "revoked"
    assert (await party.states())[0] == "over"
    again = await party.code(await party.hand_out(1))
    assert (await party.scan(again))["verdict"] == "admit"
    assert (await party.scan(again, direction="out"))["verdict"] == "admit"
    other = await party.hand_out()
    other_code, page = await party.code(other), await party.guest(other)
    smaller = {"party": 1, "edition": 0}
    changed = await party.manager.patch(party.path, json=smaller, headers=key())
    assert changed.status_code == 200, changed.text
    assert (await party.scan(other_code))["reason"] == "revoked"
    assert (await page.get("/v1/pass")).status_code == 401
    await party.agrees()


async def test_a_cancelled_bookings_guest_hears_that_it_is_cancelled(party: Party) -> None:
    code = await party.code(await party.hand_out())
    assert (await party.manager.post(f"{party.path}/cancel", headers=key())).status_code == 200
    assert (await party.scan(code))["reason"] == "cancelled"
    late = await party.booker.post(f"{party.path}/guests", headers=key())
    assert (late.status_code, late.json()["reason"]) == (409, "illegal_transition")


async def test_a_supervisor_takes_a_guests_entry_back_and_lets_them_in_again(
    party: Party,
) -> None:
    code = await party.code(await party.hand_out())
    scan_id = ""
    for direction in ("in", "out", "in"):
        scan_id = str(uuid4())
        body = {"scan_id": scan_id, "door": "main", "code": code, "direction": direction}
        assert (await party.door.post("/v1/scans", json=body)).json()["verdict"] == "admit"
    async with party.club.looking() as conn:
        await _undo(party, scan_id)
        assert await conn.fetchrow("SELECT admitted, gone FROM guest_ticket") == (1, 1)
    assert await party.states() == ["left", "free", "free"]
    await party.agrees()


async def _undo(party: Party, scan_id: str) -> None:
    """By the action: the PIN is another test's."""
    async with party.club.looking() as conn:
        scanner = await conn.fetchval("SELECT scanner FROM scan WHERE scan_id = $1", scan_id)
    supervisor = Principal("staff", str(uuid4()), "MANAGER")
    caller = Caller(supervisor, str(uuid4()), str(uuid4()), b"x")
    request = UndoScan(None, "wrong_guest", scanner)  # type: ignore[arg-type]
    await overrides.undo(party.club.parts.db, party.club.parts.venue, caller, scan_id, request)


async def test_numbers_run_out_with_the_party_and_a_key_gives_the_same_code(party: Party) -> None:
    headers = key()
    first = await party.booker.post(f"{party.path}/guests", headers=headers)
    twin = await party.booker.post(f"{party.path}/guests", headers=headers)
    assert first.json() == twin.json()
    assert twin.headers["Idempotency-Replayed"] == "true"
    for number in (2, 3):
        assert (await party.hand_out())["number"] == number
    for body, reason in (({}, "no_number_free"), ({"number": 4}, "number_not_valid")):
        full = await party.booker.post(f"{party.path}/guests", json=body, headers=key())
        assert (full.status_code, full.json()["reason"]) == (409, reason)


async def test_a_guest_reads_their_own_code_and_nothing_else(party: Party) -> None:
    made = await party.hand_out()
    guest = await party.guest(made)
    for path in (party.path, f"{party.path}/guests", "/v1/floor", f"/v1/nights/{NIGHT}/guests"):
        assert (await guest.get(path)).status_code == 403, path
    hold = {"night": NIGHT, "tables": [3], "party": 2}
    assert (await guest.post("/v1/holds", json=hold, headers=key())).status_code == 403
    token = made["link"].split("#")[1]
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    for wrong in (flipped, token.replace("gst_", "mng_"), token[:-4]):
        other = await party.club.client(Authorization=f"Bearer {wrong}")
        assert (await other.get("/v1/pass")).status_code in (401, 403), wrong


async def test_names_go_with_the_bookers_key_and_are_given_out_with_their_data(
    party: Party,
) -> None:
    made = await party.hand_out(name="Dora")
    assert "Dora" in (await party.booker.get("/v1/me/export")).text
    assert (await party.booker.post("/v1/me/erase", headers=key())).status_code == 200
    shown = (await (await party.guest(made)).get("/v1/pass")).json()
    assert (shown["name"], shown["code"][:4]) == (None, "BR1:")
    async with party.club.looking() as conn:
        events = await conn.fetchval("SELECT string_agg(payload::text, ' ') FROM event")
    assert "Dora" not in events
