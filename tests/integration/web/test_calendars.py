"""Calendar feeds: fetched by an address alone, one entry through every change, until it is over.

What a calendar program does is done here: a GET without a cookie, a token or a header, and again
with the ETag of the last answer.
"""

import json
import logging
from typing import Any

import httpx
import icalendar
import pytest

from app.web import endpoint
from app.web.limits import STRANGER_READS
from app.web.logs import JsonLines
from tests.integration.web.club import NIGHT, Club, key
from tests.integration.web.test_links import booked, owner
from tests.integration.web.test_origins import lower


async def address_of(
    client: httpx.AsyncClient, path: str, *, renew: bool = False, status: int = 201
) -> str:
    answer = await client.post(f"{path}/calendar", json={"renew": renew}, headers=key())
    assert answer.status_code == status, answer.text
    return str(answer.json().get("address", ""))


async def fetched(program: httpx.AsyncClient, address: str) -> tuple[Any, httpx.Response]:
    answer = await program.get(address)
    assert answer.status_code == 200, answer.text
    return icalendar.Calendar.from_ical(answer.content), answer


async def over(program: httpx.AsyncClient, address: str) -> None:
    """Whatever is not right with an address, its program is told the same."""
    answers = [
        await program.get(one) for one in (address, "/v1/calendar.ics", "/v1/calendar.ics?key=x")
    ]
    told = [{k: v for k, v in one.json().items() if k != "request_id"} for one in answers]
    assert [one.status_code for one in answers] == [404] * 3
    assert told[0] == told[1] == told[2]


def path_of(booking: dict[str, Any]) -> str:
    return f"/v1/bookings/{booking['booking_id']}"


async def test_a_booking_is_one_entry_through_every_change_and_its_end(club: Club) -> None:
    await club.open()
    booking, manager, program = await booked(club, [2]), await club.signed_in(), await club.client()
    guest = await owner(club, booking["manage"])
    address = await address_of(guest, path_of(booking))
    assert await address_of(guest, path_of(booking)) == address, "asking again gives no other"

    calendar, answer = await fetched(program, address)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    (first,) = calendar.walk("VEVENT")
    assert first["UID"] == f"{booking['booking_id']}@127.0.0.1"
    assert (first["SEQUENCE"], first["STATUS"]) == (0, "CONFIRMED")
    assert "table for 4" in str(first["SUMMARY"])
    assert "Lovelace" not in answer.text
    same = await program.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")

    moved = {"tables": [4]}
    (await manager.post(f"{path_of(booking)}/move", json=moved, headers=key())).raise_for_status()
    changed = await program.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert changed.status_code == 200
    (second,) = icalendar.Calendar.from_ical(changed.content).walk("VEVENT")
    (await manager.post(f"{path_of(booking)}/cancel", headers=key())).raise_for_status()
    (third,) = (await fetched(program, address))[0].walk("VEVENT")
    assert third["STATUS"] == "CANCELLED", "it stays, as what it is"
    assert first["UID"] == second["UID"] == third["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"] < third["SEQUENCE"]
    assert "Table 4" in str(second["DESCRIPTION"])


async def test_an_address_is_over_when_it_is_renewed_or_every_link_is_ended(club: Club) -> None:
    await club.open()
    booking, program = await booked(club, [2]), await club.client()
    guest = await owner(club, booking["manage"])
    first = await address_of(guest, path_of(booking))
    second = await address_of(guest, path_of(booking), renew=True)
    await over(program, first)
    await fetched(program, second)
    revoke = f"{path_of(booking)}/link/revoke"
    (await guest.post(revoke, headers=key())).raise_for_status()
    await over(program, second)
    forged = second[:-1] + ("A" if second[-1] != "A" else "B")
    await over(program, forged)
    await over(program, second.replace("cal_", "nic_"))
    manage = await owner(club, second.split("key=")[1])
    refused = await manage.get(path_of(booking))
    assert refused.status_code in (401, 404), "an address reads its calendar, and acts on nothing"
    stranger = await owner(club, (await booked(club, [3]))["manage"])
    await address_of(stranger, path_of(booking), status=404)


async def test_a_night_shows_its_staff_what_the_door_sees_until_they_may_not(club: Club) -> None:
    await club.open()
    staff_id = await club.staff()
    manager, other = await club.signed_in(staff_id=staff_id), await club.signed_in()
    booking, gone = await booked(club, [2]), await booked(club, [3])
    held = await club.held(await club.client(), [5], email="cy@example.org")
    (await other.post(f"{path_of(gone)}/cancel", headers=key())).raise_for_status()
    program, path = await club.client(), f"/v1/nights/{NIGHT}"
    address, theirs = await address_of(manager, path), await address_of(other, path)
    assert address != theirs

    calendar, answer = await fetched(program, address)
    entries = {str(one["UID"]).split("@")[0]: one for one in calendar.walk("VEVENT")}
    assert set(entries) == {booking["booking_id"], gone["booking_id"]}
    assert held["booking_id"] not in entries, "what is only held is no booking"
    assert entries[booking["booking_id"]]["SUMMARY"] == "Ada L., 4 people, table 2"
    assert entries[gone["booking_id"]]["STATUS"] == "CANCELLED"
    for secret in ("Lovelace", "0113", "@example", booking["reference"], "mng_"):
        assert secret not in answer.text

    await address_of(other, path, renew=True)
    await over(program, theirs)
    await fetched(program, address)
    door = await club.signed_in("DOOR_STAFF")
    await address_of(door, path, status=403)
    await address_of(manager, "/v1/nights/2031-01-01", status=404)
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute("UPDATE staff SET disabled_at = now() WHERE id = $1::uuid", staff_id)
    await over(program, address)


async def test_no_log_line_has_the_secret_of_an_address(
    club: Club, caplog: pytest.LogCaptureFixture
) -> None:
    await club.open()
    booking, program = await booked(club, [2]), await club.client()
    address = await address_of(await owner(club, booking["manage"]), path_of(booking))
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "app"), caplog.at_level(logging.DEBUG, "backroom"):
        await fetched(program, address)
        await over(program, address[:-3] + "AAA")
    ours = [one for one in caplog.records if one.name.split(".")[0] in ("app", "backroom")]
    lines = [JsonLines().format(one) for one in ours]
    routes = {json.loads(line).get("route") for line in lines}
    assert "/v1/calendar.ics" in routes, "the lines are looked at"
    assert not any("cal_" in line for line in lines)


async def test_an_address_that_asks_too_often_waits_and_its_neighbours_do_not(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted by where it comes from: a feed's key is no person, and a wrong one counts as well."""
    await club.open()
    booking, program = await booked(club, [2]), await club.client()
    address = await address_of(await owner(club, booking["manage"]), path_of(booking))
    tag = {"If-None-Match": (await program.get(address)).headers["etag"]}
    neighbour = await club.client(("198.51.100.7", 40_000))
    await club.forget_limits()
    monkeypatch.setattr(endpoint, "STRANGER_READS", lower(STRANGER_READS, 3))

    asked = [(address, {}), (address, tag), ("/v1/calendar.ics?key=cal_x", {})]
    answers = [await program.get(path, headers=more) for path, more in asked]
    assert [one.status_code for one in answers] == [200, 304, 404]
    for path, more in asked:
        refused = await program.get(path, headers=more)
        assert (refused.status_code, refused.json()["reason"]) == (429, "too_many_requests")
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 24 * 3600
    assert (await neighbour.get(address)).status_code == 200
    assert (await program.get("/health/live")).status_code == 200

    # The negative control: nobody counts.
    async def uncounted(*_: object, **__: object) -> None:
        """Nothing."""

    monkeypatch.setattr(club.parts.limiter, "spend", uncounted)
    assert [(await program.get(path, headers=more)).status_code for path, more in asked] == [
        200, 304, 404,
    ]  # fmt: skip
