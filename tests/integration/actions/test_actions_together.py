"""A rush: actions in one transaction are each what they would be alone, refused ones too."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from app.actions import bookings, holds, tables
from app.db import group_commit
from app.db.batch import all_told
from app.domain.principals import Principal, Scope
from app.errors import Refusal
from app.wire import Contact, HoldTables, OfNight
from tests.integration.floor import MANAGER, NIGHT, House, read

Answer = dict[str, Any]
TABLES = [1, 2, 4, 5, 6, 7, 8, 9, 11, 12]  # which four people fit
GROUPED = len(TABLES) - 1  # the first goes at once


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many actions each transaction was of, from now on."""
    found: list[int] = []
    plain = all_told

    async def counting(conn: Any, statements: str) -> Any:
        found.append(statements.count("SELECT lock_floor("))
        return await plain(conn, statements)

    monkeypatch.setattr("app.actions.act.all_told", counting)
    monkeypatch.setattr(group_commit, "TURN_SECONDS", 60.0)  # nothing is ever late
    return found


def guest(number: int) -> Principal:
    return Principal("anonymous", f"guest-{number}", "ANONYMOUS")


async def outcome(work: Any) -> str:
    """`won`, or the reason of the refusal."""
    try:
        await work
    except Refusal as refusal:
        return refusal.reason
    return "won"


async def held(house: House, number: int, **more: Any) -> Answer:
    """A hold of the desk."""
    return await house.hold([number], 4, contact=Contact(f"Guest {number}"), **more)


async def test_a_rush_of_holds_is_two_transactions_and_each_has_its_own_answer(
    venue_house: House, groups: list[int]
) -> None:
    house = venue_house
    before = len(await house.kinds())
    answers = await asyncio.gather(*(held(house, number) for number in TABLES))
    assert groups == [1, GROUPED]
    assert [one["tables"] for one in answers] == [[number] for number in TABLES]
    versions = sorted(one["version"] for one in answers)
    assert versions == list(range(before + 2, before + 2 + 2 * len(TABLES), 2)), "two lines each"
    async with house.looking() as conn:
        lines = await conn.fetch(
            "SELECT subject, array_agg(type ORDER BY version) AS types FROM event"
            " WHERE book = $1 AND version > $2 GROUP BY subject",
            NIGHT, before,
        )  # fmt: skip
    assert {row["subject"] for row in lines} == {f"booking:{one['booking_id']}" for one in answers}
    assert {tuple(row["types"]) for row in lines} == {("BOOKING_INITIATED", "TABLES_SELECTED")}
    await house.agrees()


async def test_each_line_says_who_made_it_and_by_what(
    venue_house: House, groups: list[int]
) -> None:
    house = venue_house
    morgan, robin = (Principal("staff", str(uuid4()), "MANAGER", name) for name in ("M", "R"))
    first, going, coming = await held(house, 1), await held(house, 2), await house.booked([4], 4)
    await house.scan(coming["code"], 4)
    before = len(await house.kinds())
    groups.clear()
    await asyncio.gather(
        holds.release_hold(house.db, house.caller(morgan), first["booking_id"]),
        holds.release_hold(house.db, house.caller(morgan), going["booking_id"]),
        bookings.seat_party(house.db, house.caller(robin), coming["booking_id"]),
        house.hold([5], 4, by=robin),
    )
    assert groups == [1, 3]
    async with house.looking() as conn:
        rows = await conn.fetch(
            "SELECT type, actor, made_by FROM event WHERE book = $1 AND version > $2", NIGHT, before
        )
    assert {tuple(row) for row in rows} == {
        ("HOLD_RELEASED", morgan.actor, "release_hold"),
        ("PARTY_SEATED", robin.actor, "seat_party"),
        ("BOOKING_INITIATED", robin.actor, "hold_tables"),
        ("TABLES_SELECTED", robin.actor, "hold_tables"),
    }
    await house.agrees()


async def test_the_same_key_at_the_same_moment_is_one_action(
    venue_house: House, groups: list[int]
) -> None:
    house = venue_house
    keys = [str(uuid4()) for _ in TABLES]
    answers = await asyncio.gather(
        *(
            held(house, number, key=key)
            for _ in range(2)
            for number, key in zip(TABLES, keys, strict=True)
        )
    )
    assert answers[: len(TABLES)] == answers[len(TABLES) :]
    assert max(groups) > 1
    assert Counter(await house.kinds())["BOOKING_INITIATED"] == len(TABLES)
    await house.agrees()


async def test_one_that_is_refused_leaves_nothing_and_its_key_is_free(
    venue_house: House, groups: list[int]
) -> None:
    house = venue_house
    await house.block(7)
    key = str(uuid4())
    before = len(await house.kinds())

    async def together() -> list[str]:
        wanted = [(number, key if number == 7 else None) for number in (1, 2, 7, 8)]
        return await asyncio.gather(*(outcome(held(house, n, key=k)) for n, k in wanted))

    groups.clear()
    assert await together() == ["won", "won", "table_blocked", "won"]
    assert groups == [1, 3]
    assert len(await house.kinds()) == before + 6
    async with house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM idempotency WHERE key = $1", key) == 0
        await conn.execute("UPDATE table_block SET lifted = true")
    assert await outcome(held(house, 7, key=key)) == "won", "the same request, later"


async def test_without_its_key_made_free_a_refused_action_could_not_be_tried_again(
    venue_house: House, groups: list[int]
) -> None:
    """The negative control."""
    house = venue_house
    async with house.looking() as conn:
        await conn.execute(
            "CREATE OR REPLACE FUNCTION forget_key(p_caller text, p_key text) RETURNS void"
            " LANGUAGE sql AS 'SELECT'"
        )
    await house.block(7)
    key = str(uuid4())
    await asyncio.gather(*(outcome(held(house, n, key=key if n == 7 else None)) for n in (1, 2, 7)))
    assert groups[-1] > 1
    assert await outcome(held(house, 7, key=key)) == "try_again"


async def test_only_a_key_of_this_transaction_is_made_free(venue_house: House) -> None:
    key = str(uuid4())
    await held(venue_house, 1, key=key)
    async with venue_house.db.acting(MANAGER) as conn:
        await conn.execute("SELECT forget_key($1, $2)", MANAGER.scanner, key)
    async with venue_house.looking() as conn:
        assert await conn.fetchval("SELECT count(*) FROM idempotency WHERE key = $1", key) == 1


async def test_one_customer_in_one_group_gets_one_table(
    venue_house: House, groups: list[int]
) -> None:
    """What the database alone can see undoes the group; then each is on its own."""
    house = venue_house
    ada = Contact("Ada", phone="0113 496 0001")
    found = await asyncio.gather(
        outcome(house.hold([1], 4, by=guest(1), contact=Contact("Ben", phone="0113 496 0002"))),
        *(outcome(house.hold([n], 4, by=guest(n), contact=ada)) for n in (2, 4, 5)),
    )
    assert Counter(found) == {"won": 2, "hold_exists": 2}
    assert groups[:2] == [1, 3]
    await house.agrees()


async def test_who_may_not_touch_a_table_is_told_so_among_those_who_may(
    venue_house: House, groups: list[int]
) -> None:
    house = venue_house
    below = Principal(
        "staff", str(uuid4()), "MANAGER", "B", scope=Scope(floor="downstairs")
    )  # tables 9 to 16 are downstairs
    laid = [await house.seated([number], 4) for number in (1, 2, 4)]
    for one in laid:
        await house.vacate(one["tables"][0])
    groups.clear()
    found = await asyncio.gather(
        *(
            outcome(tables.reset_table(house.db, house.caller(by), number, OfNight(NIGHT)))
            for number, by in ((1, MANAGER), (2, below), (4, MANAGER))
        )
    )
    assert found == ["won", "out_of_scope", "won"]
    assert groups == [1, 2]
    await house.agrees()


async def test_of_two_nights_each_action_is_in_its_own_book(
    venue_house: House, groups: list[int]
) -> None:
    house, other = venue_house, "2026-11-28"
    await house.open(other)
    here = [await held(house, number) for number in (1, 2)]
    there = []
    for number in (1, 2):
        request = HoldTables(other, [number], 4, Contact(f"Guest {number}"))
        there.append(
            read(
                await holds.hold_tables(
                    house.db, house.venue, house.vault, house.settings.secret,
                    house.caller(MANAGER, None, request), request,
                )
            )
        )  # fmt: skip
    groups.clear()
    answers = await asyncio.gather(
        *(
            holds.release_hold(house.db, house.caller(), one["booking_id"])
            for one in (here[0], there[0], here[1], there[1])
        )
    )
    assert [read(one)["night"] for one in answers] == [NIGHT, other, NIGHT, other]
    assert groups[:2] == [1, 3]
    for night in (NIGHT, other):
        assert (await house.kinds(book=night))[-2:] == ["HOLD_RELEASED", "HOLD_RELEASED"]
        await house.agrees(night)


async def test_tables_of_one_party_are_seated_while_others_want_them(venue_house: House) -> None:
    """Bookings and tables in any order: two workers with groups never wait for each other."""
    house = venue_house
    parties = [await house.booked([number], 4) for number in TABLES]
    await asyncio.gather(*(house.scan(one["code"], 4) for one in parties))
    seats = [bookings.seat_party(house.db, house.caller(), one["booking_id"]) for one in parties]
    wishes = [held(house, number) for number in TABLES]
    found = Counter(await asyncio.gather(*(outcome(one) for one in (*seats, *wishes))))
    assert found == {"won": len(TABLES), "table_not_available": len(TABLES)}
    await house.agrees()
