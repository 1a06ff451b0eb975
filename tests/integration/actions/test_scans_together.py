"""A rush: scans of several doors in one transaction are each what they would be alone."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from app.actions import nights
from app.actions.act import Looked, lock_scans
from app.actions.codes import read_scan
from app.db import group_commit
from app.db.pool import Database
from app.db.scans import verdict_row
from app.domain.facts import Facts
from app.domain.principals import Principal
from app.wire import EditNight, LimitsBody, ScanRequest
from tests.integration.floor import NIGHT, House
from tests.integration.racing import at_once

Answer = dict[str, Any]
PARTIES = [1, 2, 4, 5, 6, 7, 8, 9, 11, 12]  # tables that four people fit
GROUPED = len(PARTIES) - 1  # the first goes at once


def device(number: int) -> Principal:
    return Principal("device", f"00000000-0000-4000-8000-{number:012d}", "DEVICE", "Rush", "main")


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many scans each transaction was of, from now on."""
    found: list[int] = []
    plain = lock_scans
    monkeypatch.setattr(group_commit, "TURN_SECONDS", 60.0)  # nothing is ever late

    async def counting(conn: Any, looked: Sequence[Looked]) -> Any:
        found.append(len(looked))
        return await plain(conn, looked)

    monkeypatch.setattr("app.actions.scans.lock_scans", counting)
    return found


async def rush(house: House, parties: list[Answer], **more: Any) -> list[Answer]:
    """One person of each party is scanned at one moment, each by a device of its own."""
    return await asyncio.gather(
        *(house.scan(one["code"], 1, by=device(n), **more) for n, one in enumerate(parties))
    )


async def ten(house: House) -> list[Answer]:
    """Ten parties; the night's key is known, so that of their scans none comes later for it."""
    parties = [await house.booked([number], 4) for number in PARTIES]
    await read_scan(
        house.db, house.venue, ScanRequest(str(uuid4()), "main", code=parties[0]["code"])
    )
    return parties


async def test_a_rush_is_two_transactions_and_every_answer_is_its_own(
    venue_house: House, groups: list[int]
) -> None:
    house = venue_house
    parties = await ten(house)
    before = len(await house.kinds())
    answers = await rush(house, parties)
    assert groups == [1, GROUPED]
    assert [one["booking_id"] for one in answers] == [one["booking_id"] for one in parties]
    assert {one["verdict"] for one in answers} == {"admit"}
    assert sorted(one["version"] for one in answers) == list(
        range(before + 1, before + 1 + len(parties))
    )
    inside = sorted(one["capacity"]["here"]["inside"] for one in answers)
    assert inside == list(range(1, len(parties) + 1)), "each saw those before it"
    async with house.looking() as conn:
        rows = await conn.fetch("SELECT scanner, booking_id::text, answer FROM scan")
        actors = await conn.fetch("SELECT actor FROM event WHERE type = 'GUEST_CHECKED_IN'")
    by = {row["booking_id"]: row["scanner"] for row in rows}
    expected = {one["booking_id"]: device(n).scanner for n, one in enumerate(parties)}
    assert by == expected, "each in the name of who scanned"
    assert sorted(row["actor"] for row in actors) == sorted(expected.values())
    assert all(b'"version":-1' not in row["answer"] for row in rows)
    await house.agrees()


async def test_what_was_answered_in_a_group_is_answered_the_same_again(venue_house: House) -> None:
    parties = await ten(venue_house)
    ids = [str(uuid4()) for _ in parties]

    async def all_of_them() -> list[Answer]:
        return await asyncio.gather(
            *(
                venue_house.scan(one["code"], 1, scan_id=ids[n], by=device(n))
                for n, one in enumerate(parties)
            )
        )

    first, second = await all_of_them(), await all_of_them()
    assert [one.pop("replayed") for one in first + second] == [False] * 10 + [True] * 10
    assert first == second
    await venue_house.agrees()


async def limited(house: House, people: int) -> Counter[str]:
    """The reasons of a rush of ten into a house that has room for so many."""
    await nights.edit_night(
        house.db, house.venue, house.caller(), NIGHT, EditNight(limits=LimitsBody(people, 9, 20))
    )
    return Counter(one["reason"] for one in await rush(house, await ten(house)))


async def test_a_group_fills_the_floor_to_its_limit_and_no_further(venue_house: House) -> None:
    assert await limited(venue_house, 6) == {"admitted": 6, "capacity_full": 4}
    await venue_house.agrees()


async def test_without_the_count_of_those_before_a_group_would_fill_it_further(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what each leaves for the next is what keeps the limit."""

    def uncounted(facts: Facts, inside: object) -> Facts:
        return facts

    monkeypatch.setattr(Facts, "counted", uncounted)
    assert (await limited(venue_house, 6))["admitted"] > 6


async def test_one_party_by_two_of_its_codes_is_judged_twice(
    venue_house: House, groups: list[int]
) -> None:
    """By code and by reference the tickets are told apart, and the booking is one."""
    house = venue_house
    first, party = await house.booked([1], 4), await house.booked([7], 4)
    await house.scan(first["code"], 1)  # the night's key is known
    groups.clear()
    answers = await asyncio.gather(
        house.scan(first["code"], 1),
        house.scan(party["code"], 3, by=device(1)),
        house.scan(None, 3, reference=party["reference"], by=device(2)),
    )
    assert Counter(one["reason"] for one in answers) == {"admitted": 2, "party_full": 1}
    assert groups == [1, 2, 1]
    await house.agrees()


async def test_the_odd_ones_of_a_group_are_answered_as_ever(
    venue_house: House, groups: list[int]
) -> None:
    """Known already, of no ticket, and of more people than the party: among good ones."""
    house = venue_house
    parties = await ten(house)
    known = str(uuid4())
    await house.scan(parties[2]["code"], 1, scan_id=known, by=device(2))
    async with house.looking() as conn:
        await conn.execute(
            "DELETE FROM ticket WHERE booking_id = $1::text::uuid", parties[3]["booking_id"]
        )
    groups.clear()
    found = await asyncio.gather(
        house.scan(parties[0]["code"], 1, by=device(0)),
        house.scan(parties[1]["code"], 1, by=device(1)),
        house.scan(parties[2]["code"], 1, scan_id=known, by=device(2)),
        house.scan(parties[3]["code"], 1, by=device(3)),
        house.scan(parties[4]["code"], 9, by=device(4)),
        house.scan(parties[5]["code"], 1, by=device(5)),
    )
    assert [one["reason"] for one in found] == [
        "admitted", "admitted", "admitted", "unknown_code", "party_full", "admitted",
    ]  # fmt: skip
    assert found[2]["replayed"]
    assert groups == [1, 5, 1, 1]


@pytest.mark.parametrize("broken", ["lock", "write"])
async def test_a_group_that_fails_leaves_nothing_and_each_is_answered(
    venue_house: House, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    house = venue_house
    parties = await ten(house)
    if broken == "lock":
        plain = lock_scans

        async def torn(conn: Any, looked: Sequence[Looked]) -> Any:
            found = await plain(conn, looked)
            if len(looked) > 1:
                raise OSError("the link broke")
            return found

        monkeypatch.setattr("app.actions.scans.lock_scans", torn)
    else:
        # In the group the row of one scan is there already, written by a twin of it.
        tell: Callable[..., Any] = verdict_row
        rows: list[Any] = []

        def twice(new: Any) -> Any:
            rows.append(tell(new))
            return rows[1] if len(rows) == 3 else rows[-1]

        monkeypatch.setattr("app.actions.scans.verdict_row", twice)
    answers = await rush(house, parties)
    assert {one["verdict"] for one in answers} == {"admit"}
    async with house.looking() as conn:
        counted = await conn.fetchrow(
            "SELECT count(*), sum(people), (SELECT sum(admitted) FROM ticket) FROM scan"
        )
    assert tuple(counted) == (10, 10, 10)
    await house.agrees()


async def test_who_waits_for_a_row_holds_up_no_other_door(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan whose booking somebody else keeps locked waits by itself."""
    house, begun = venue_house, asyncio.Event()
    plain = lock_scans

    async def begin(conn: Any, looked: Sequence[Looked]) -> Any:
        begun.set()
        return await plain(conn, looked)

    monkeypatch.setattr("app.actions.scans.lock_scans", begin)
    stuck, *parties = await ten(house)
    async with house.looking() as owner:
        async with owner.transaction():
            await owner.execute(
                "SELECT FROM booking WHERE id = $1::text::uuid FOR UPDATE", stuck["booking_id"]
            )
            waiting = asyncio.create_task(house.scan(stuck["code"], 1))
            await begun.wait()
            answers = await rush(house, parties)
            assert {one["verdict"] for one in answers} == {"admit"}
            assert not waiting.done()
        assert (await waiting)["verdict"] == "admit"
    await house.agrees()


async def test_two_workers_in_one_rush_let_in_what_there_is_room_for(venue_house: House) -> None:
    """Groups of two processes meet at the rows."""
    house = venue_house
    parties = await ten(house)
    other = await Database.open(house.settings)
    try:
        both = (house, House(other, house.settings, house.venue))
        answers = await at_once(
            house,
            *(
                both[n % 2].scan(one["code"], 4, by=device(n))
                for n, one in enumerate([*parties, *parties])
            ),
            meeting=2,
        )
    finally:
        await other.close()
    assert Counter(one["verdict"] for one in answers) == {"admit": 10, "refuse": 10}
    await house.agrees()
