"""The negative controls of links and feeds: with one check turned off, what it refuses is served.

Each check is met by one address that nothing else refuses, so no other check can hide that it fell.
"""

import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import icalendar
import msgspec
import pytest

from app.actions import calendars, guests
from app.db import calendars as feeds
from app.db import guests as passes
from app.db import links as linked
from app.db.clock import mark_demo, set_clock
from app.domain import manage_links, signed_links
from app.domain.calendar_addresses import NEVER
from app.domain.signed_links import BOOKING_CALENDAR, GUEST, MANAGE, Kind, SignedLink, mint, verify
from app.web import calendars as pages
from app.web import endpoint
from tests.integration.web.club import NIGHT, Club, key
from tests.integration.web.test_calendars import address_of, path_of
from tests.integration.web.test_links import booked, owner

Off = Callable[[pytest.MonkeyPatch], None]
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def unsigned(patch: pytest.MonkeyPatch) -> None:
    """Every signature passes."""
    careless = SimpleNamespace(digest=hmac.digest, compare_digest=lambda *_: True)
    patch.setattr(signed_links, "hmac", careless)


def one_key(patch: pytest.MonkeyPatch) -> None:
    """What is signed for one kind of link passes for each."""
    patch.setattr(Kind, "key", lambda _, secret: hmac.digest(bytes.fromhex(secret), b"x", "sha256"))


def endless(module: ModuleType) -> Off:
    """A token's own end is not looked at."""
    return lambda patch: patch.setattr(
        module, "read", lambda kind, key, token, _: verify(kind, key, token)
    )


def says(module: ModuleType, name: str, **fields: Any) -> Off:
    """What is looked up is as the address wants it, in these fields."""
    find = getattr(module, name)

    async def found(*given: Any) -> Any:
        row = await find(*given)
        return row if row is None else msgspec.structs.replace(row, **fields)

    return lambda patch: patch.setattr(module, name, found)


def without(module: ModuleType, name: str, condition: str) -> Off:
    """A statement does not ask one thing."""
    sql = getattr(module, name)
    assert sql.count(condition) == 1, condition
    return lambda patch: patch.setattr(module, name, sql.replace(condition, "true"))


def resigned(kind: Kind, secret: str, token: str, **changed: Any) -> str:
    """The same link with something else in it, signed as ours."""
    said = verify(kind, kind.key(secret), token)
    return mint(kind, kind.key(secret), msgspec.structs.replace(said, **changed))


def forged(kind: Kind, subject: str, ends: datetime = NEVER) -> str:
    """A link that somebody made who does not know the secret."""
    return mint(kind, b"guessed", SignedLink(subject, 1, ends))


async def control(
    off: Off, answer: Callable[[], Awaitable[httpx.Response]], refusal: int
) -> httpx.Response:
    """Refused as it is; the answer with the check turned off, which is no refusal."""
    assert (await answer()).status_code == refusal
    with pytest.MonkeyPatch.context() as patch:
        off(patch)
        served = await answer()
    assert served.status_code < 300, served.text
    assert (await answer()).status_code == refusal, "the check is on again"
    return served


def entries(answer: httpx.Response) -> list[str]:
    found = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    return [str(one["UID"]).split("@")[0] for one in found]


async def set_time(club: Club, at: datetime) -> None:
    async with club.looking() as conn:
        await mark_demo(conn)
        await set_clock(conn, at, 1.0)


async def test_each_check_of_a_bookings_feed_keeps_its_calendar_from_somebody(club: Club) -> None:
    await club.open()
    booking, program = await booked(club, [2]), await club.client()
    mine, secret = booking["booking_id"], club.parts.settings.secret
    guest = await owner(club, booking["manage"])
    address = await address_of(guest, path_of(booking))
    token = address.split("key=")[1]

    def fetch(key: str) -> Callable[[], Awaitable[httpx.Response]]:
        return lambda: program.get(f"/v1/calendar.ics?key={key}")

    shown = await control(unsigned, fetch(forged(BOOKING_CALENDAR, mine)), 404)
    assert entries(shown) == [mine]
    shared = SignedLink(mine, 1, NEVER)
    with pytest.MonkeyPatch.context() as patch:
        one_key(patch)
        manage = mint(MANAGE, MANAGE.key(secret), shared)
    assert entries(await control(one_key, fetch(manage.replace("mng_", "cal_")), 404)) == [mine]
    past = resigned(BOOKING_CALENDAR, secret, token, expires_at=BEFORE)
    assert entries(await control(endless(calendars), fetch(past), 404)) == [mine]
    await address_of(guest, path_of(booking), renew=True)
    renewed = says(feeds, "find_booking_feed", generation=1)
    assert entries(await control(renewed, fetch(token), 404)) == [mine]
    now = resigned(BOOKING_CALENDAR, secret, token, generation=2)
    assert (await fetch(now)()).status_code == 200
    await set_time(club, datetime(2027, 7, 21, 5, tzinfo=UTC))
    assert entries(await control(says(feeds, "find_booking_feed", over=False), fetch(now), 404))


async def test_each_check_of_a_nights_feed_keeps_the_night_from_somebody(club: Club) -> None:
    await club.open()
    staff_id = await club.staff()
    manager, program = await club.signed_in(staff_id=staff_id), await club.client()
    booking, path = await booked(club, [2]), f"/v1/nights/{NIGHT}"
    first = await address_of(manager, path)
    second = await address_of(manager, path, renew=True)
    renewed = says(feeds, "find_night_feed", generation=1)
    assert entries(await control(renewed, lambda: program.get(first), 404)) == [
        booking["booking_id"]
    ]

    for changed, condition in (
        ("disabled_at = now()", "s.disabled_at IS NULL"),
        ("role = 'DOOR_STAFF'", "s.role IN ('MANAGER', 'SUPER_ADMIN')"),
        ("night = '2027-06-26'", "(s.night IS NULL OR s.night = c.night)"),
    ):
        async with club.looking() as conn:
            statement = f"UPDATE staff SET {changed} WHERE id = $1::text::uuid"
            await conn.execute(statement, staff_id)
        off = without(feeds, "FIND_NIGHT_FEED", condition)
        shown = await control(off, lambda: program.get(second), 404)
        assert "Ada L." in shown.text
        assert "Lovelace" not in shown.text
        async with club.looking() as conn:
            await conn.execute(
                "UPDATE staff SET disabled_at = NULL, role = 'MANAGER', night = NULL"
                " WHERE id = $1::text::uuid",
                staff_id,
            )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calendars, "masked", str)
        assert "Ada Lovelace" in (await program.get(second)).text, "the mask is all that hides it"
    await set_time(club, datetime(2027, 7, 21, 5, tzinfo=UTC))
    over = says(feeds, "find_night_feed", over=False)
    await control(over, lambda: program.get(second), 404)


async def test_each_check_of_who_is_given_an_address(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    await club.open()
    mine, staff_id = await booked(club, [2]), await club.staff()
    async with club.looking() as conn:
        await conn.execute(
            "UPDATE staff SET night = '2027-06-26' WHERE id = $1::text::uuid", staff_id
        )
    elsewhere = await club.signed_in(staff_id=staff_id)

    def ask(by: httpx.AsyncClient, path: str) -> Callable[[], Awaitable[httpx.Response]]:
        return lambda: by.post(f"{path}/calendar", headers=key())

    def unscoped(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(calendars, "judge_scope", lambda *_, **__: None)

    await control(unscoped, ask(elsewhere, path_of(mine)), 403)

    # Who may follow a night is asked twice: of the role, and of the account.
    door, path = await club.signed_in("DOOR_STAFF"), f"/v1/nights/{NIGHT}"
    assert (await ask(door, path)()).status_code == 403
    monkeypatch.setattr(endpoint, "judge_permission", lambda *_: None)
    assert (await ask(door, path)()).status_code == 404
    without(feeds, "FIND_NIGHT_FEED", "s.role IN ('MANAGER', 'SUPER_ADMIN')")(monkeypatch)
    assert (await ask(door, path)()).status_code == 201


async def test_a_tag_that_did_not_follow_the_calendar_would_hide_its_change(club: Club) -> None:
    await club.open()
    booking, manager, program = await booked(club, [2]), await club.signed_in(), await club.client()
    address = await address_of(manager, path_of(booking))

    async def after_change(table: int) -> httpx.Response:
        tag = (await program.get(address)).headers["etag"]
        body = {"tables": [table]}
        moved = await manager.post(f"{path_of(booking)}/move", json=body, headers=key())
        moved.raise_for_status()
        return await program.get(address, headers={"If-None-Match": tag})

    assert (await after_change(4)).status_code == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "hash_of", lambda _: "same")
        assert (await after_change(3)).status_code == 304


async def test_each_check_of_a_manage_link_keeps_a_booking_from_somebody(club: Club) -> None:
    await club.open()
    booking, secret = await booked(club, [2]), club.parts.settings.secret
    manage, mine, path = booking["manage"], booking["booking_id"], path_of(booking)
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

    async def show(token: str) -> Callable[[], Awaitable[httpx.Response]]:
        client = await owner(club, token)
        return lambda: client.get(path)

    await control(unsigned, await show(forged(MANAGE, mine, soon)), 401)
    with pytest.MonkeyPatch.context() as patch:
        one_key(patch)
        calendar = mint(BOOKING_CALENDAR, BOOKING_CALENDAR.key(secret), SignedLink(mine, 1, soon))
    await control(one_key, await show(calendar.replace("cal_", "mng_")), 401)
    past = resigned(MANAGE, secret, manage, expires_at=BEFORE)
    await control(endless(manage_links), await show(past), 401)
    await (await owner(club, manage)).post(f"{path}/link/revoke", headers=key())

    async def first(*_: object) -> int:
        return 1

    def revoked(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(linked, "find_generation", first)

    await control(revoked, await show(manage), 401)


async def test_each_check_of_a_guests_link_keeps_a_code_from_somebody(club: Club) -> None:
    await club.open()
    booking, secret = await booked(club, [2]), club.parts.settings.secret
    booker, path = await owner(club, booking["manage"]), path_of(booking)
    made = (await booker.post(f"{path}/guests", json={}, headers=key())).json()
    token = made["link"].split("#")[1]
    said = verify(GUEST, GUEST.key(secret), token)

    async def show(token: str) -> Callable[[], Awaitable[httpx.Response]]:
        client = await owner(club, token)
        return lambda: client.get("/v1/pass")

    await control(unsigned, await show(forged(GUEST, said.subject, said.expires_at)), 401)
    past = resigned(GUEST, secret, token, expires_at=BEFORE)
    await control(endless(guests), await show(past), 401)
    other = resigned(GUEST, secret, token, generation=2)
    await control(says(passes, "find_pass", generation=2), await show(other), 401)
    taken = await booker.delete(f"{path}/guests/{made['number']}", headers=key())
    assert taken.status_code == 200, taken.text
    await control(says(passes, "find_pass", status="valid"), await show(token), 401)
