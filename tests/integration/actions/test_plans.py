"""The hot statements, explained beside years of history: tonight is found by an index."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.db.calendars import LIST_ENTRIES
from app.db.history import LIST_HISTORY
from app.db.listings import FIND_BOOKING, LIST_BOOKINGS, LIST_SERIES
from app.db.no_shows import LIST_OVERDUE
from app.db.outbox import LIST_REMINDERS, TAKE_DUE
from app.db.persons import FIND_PERSON_OF_OWNER
from load.history import fill
from tests.integration.changing import SUNDAY, rescheduled
from tests.integration.floor import NIGHT, House

BOOKING = "00000000-0000-4000-8000-000000000001"
GROWING = {"booking", "booking_table", "ticket", "event", "person", "scan", "payment"}
# What lock_floor asks of the claims on the tables that somebody wants.
CLAIMS = """
SELECT b.id FROM booking_table t JOIN booking b ON b.id = t.booking_id
 WHERE t.live AND t.night = $1::text::date AND t.number = ANY ($2::integer[])
"""
HOT: dict[str, tuple[str, tuple[Any, ...]]] = {
    "the night's list": (LIST_BOOKINGS, (NIGHT,)),
    "one booking": (FIND_BOOKING, (BOOKING,)),
    "the claims on a table": (CLAIMS, (NIGHT, [7])),
    "parties that are overdue": (LIST_OVERDUE, (30, 60, [])),
    "a booking's history": (LIST_HISTORY, (NIGHT, BOOKING)),
    "the dates of a series": (LIST_SERIES, (BOOKING,)),
    "a night's calendar": (LIST_ENTRIES, (NIGHT,)),
    "reminders that are due": (LIST_REMINDERS, ()),
    "messages that are due": (TAKE_DUE, (8, BOOKING, 60.0)),
    "whose data an owner asks for": (FIND_PERSON_OF_OWNER, (b"hash",)),
}


def scanned(plan: dict[str, Any]) -> set[str]:
    """The growing tables that the plan reads from end to end."""
    own = plan.get("Relation Name") if plan["Node Type"] == "Seq Scan" else None
    found = {own} if own in GROWING else set()
    for part in plan.get("Plans", []):
        found |= scanned(part)
    return {name for name in found if name is not None}


@pytest.fixture
async def years(venue_house: House) -> AsyncIterator[asyncpg.Connection]:
    await venue_house.booked([7])
    async with venue_house.looking() as conn:
        await fill(conn, NIGHT, 20_000, 40)
        yield conn


async def test_no_hot_statement_reads_the_past(years: asyncpg.Connection) -> None:
    wrong = {}
    for name, (sql, arguments) in HOT.items():
        plan = json.loads(await years.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments))
        if tables := scanned(plan[0]["Plan"]):
            wrong[name] = tables
    assert wrong == {}


async def test_without_its_index_the_list_reads_everything(years: asyncpg.Connection) -> None:
    """The negative control: the test would notice."""
    await years.execute("DROP INDEX booking_of_night")
    plan = json.loads(await years.fetchval(f"EXPLAIN (FORMAT JSON) {LIST_BOOKINGS}", NIGHT))
    assert "booking" in scanned(plan[0]["Plan"])


# A page more for each level that an index grew by, in each of the tables that a statement joins.
DEEPER_MOST = 8


async def pages_of(house: House, name: str, plans: str) -> int:
    """The pages that a manager's hot statement asks for, prepared as the service prepares it."""
    sql, arguments = HOT[name]
    given = ", ".join(
        f"'{{{one[0]}}}'" if isinstance(one, list) else f"'{one}'" for one in arguments
    )
    async with house.db.acting(house.caller().principal) as conn:
        await conn.execute(f"SET LOCAL plan_cache_mode = {plans}")
        await conn.execute(f"PREPARE hot AS {sql}")
        try:
            told_by = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) EXECUTE"
            plan = json.loads(await conn.fetchval(f"{told_by} hot ({given})"))[0]["Plan"]
        finally:
            await conn.execute("DEALLOCATE hot")
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("plans", ["force_generic_plan", "force_custom_plan"])
async def test_history_costs_staff_no_page_beyond_deeper_indexes(
    venue_house: House, plans: str
) -> None:
    """By pages instead of a clock. The last lines are the negative control."""
    names = (
        "the night's list", "one booking", "the claims on a table", "the dates of a series",
        "a night's calendar",
    )  # fmt: skip
    await venue_house.open(SUNDAY)
    await rescheduled(venue_house, await venue_house.booked([7]), night=SUNDAY)
    await venue_house.booked([7])
    before = {name: await pages_of(venue_house, name, plans) for name in names}
    async with venue_house.looking() as owner:
        await fill(owner, NIGHT, 20_000, 40)
        await owner.execute("VACUUM booking, booking_table, ticket")
        after = {name: await pages_of(venue_house, name, plans) for name in names}
        more = {name: after[name] - before[name] for name in names}
        assert all(pages <= DEEPER_MOST for pages in more.values()), more
        await owner.execute("DROP INDEX booking_of_night")
        without = await pages_of(venue_house, "the night's list", plans)
        assert without > after["the night's list"] + 10 * DEEPER_MOST


RELEASED_BY_OWNER = """
ALTER POLICY released_by_owner ON booking_table
    USING ((SELECT acts_as('OWNER')) AND EXISTS (SELECT FROM booking b WHERE b.id = booking_id{}))
"""


# A policy that asks for a row of another table, in the catalogue's words.
LIST_ASKING = """
SELECT tablename || '.' || policyname AS name, said
  FROM pg_policies, LATERAL (VALUES (qual), (with_check)) AS each (said)
 WHERE said LIKE '%EXISTS%'
"""


def unfenced(rows: list[asyncpg.Record]) -> list[str]:
    return [
        row["name"] for row in rows if row["said"].count("EXISTS") > row["said"].count("OFFSET 0")
    ]


async def test_every_policy_that_looks_a_row_up_does_it_by_key(venue_house: House) -> None:
    async with venue_house.looking() as owner:
        assert unfenced(await owner.fetch(LIST_ASKING)) == []
        await owner.execute(RELEASED_BY_OWNER.format(""))
        assert unfenced(await owner.fetch(LIST_ASKING)) == ["booking_table.released_by_owner"]
