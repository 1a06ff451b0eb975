"""A row that cannot be read: the schema refuses it, and one that is there stops nothing else."""

import logging
from collections.abc import Awaitable
from uuid import UUID

import asyncpg
import msgspec
import pytest

from app.actions import bookings
from app.actions.deferred import Deferred, Work
from app.actions.sweeper import sweep
from app.actions.waitlist import offer_free_tables
from app.db import nights
from app.db.migrate import migrate
from app.main import sweep_alone
from tests.integration.floor import House
from tests.integration.waiting import FOUR, join

UNREADABLE = (
    "(,)",
    "empty",
    '["2026-11-21 22:00+00",infinity)',
    '[-infinity,"2026-11-22 05:00+00")',
    '["2026-11-21 22:00+00",)',
    '(,"2026-11-22 05:00+00")',
    '["2026-11-21 22:00+00","2026-11-22 05:00+00"]',
    '("2026-11-21 22:00+00","2026-11-22 05:00+00")',
    '["2026-11-21 22:00+00","20026-11-22 05:00+00")',
    '["0044-03-15 12:00+00 BC","2026-11-22 05:00+00")',
)
READABLE = '["2026-11-21 22:00+00","2026-11-22 05:00+00")'
BAD = '["2026-11-21 22:00+00",infinity)'


async def test_no_slot_is_written_that_cannot_be_read(venue_house: House) -> None:
    await venue_house.hold([1])
    await venue_house.block(2)
    async with venue_house.looking() as owner:
        for table in ("booking", "booking_table", "table_block"):
            for slot in UNREADABLE:
                with pytest.raises(asyncpg.CheckViolationError) as refused:
                    await owner.execute(f"UPDATE {table} SET slot = $1::text::tstzrange", slot)
                assert refused.value.constraint_name == f"{table}_slot"
            done = await owner.execute(f"UPDATE {table} SET slot = $1::text::tstzrange", READABLE)
            assert done == "UPDATE 1"
        for column in ("created_at", "hold_expires_at"):
            for instant in ("infinity", "-infinity", "20026-01-01"):
                with pytest.raises(asyncpg.CheckViolationError) as refused:
                    await owner.execute(
                        f"UPDATE booking SET {column} = $1::text::timestamptz", instant
                    )
                assert refused.value.constraint_name == f"booking_{column}"


async def test_every_range_of_the_schema_is_a_slot_that_can_be_read(venue_house: House) -> None:
    async with venue_house.looking() as owner:
        lacking = await owner.fetch("""
            SELECT c.table_name FROM information_schema.columns c
             WHERE c.table_schema = 'public' AND c.data_type = 'tstzrange'
               AND NOT EXISTS (SELECT FROM pg_constraint k
                                WHERE k.conrelid = c.table_name::regclass AND k.convalidated
                                  AND pg_get_constraintdef(k.oid)
                                      LIKE '%is_slot(' || c.column_name || ')%')
        """)
    assert lacking == []


async def unread(house: House, booking_id: str) -> None:
    """What the owner's own SQL may do, on a schema without its constraint."""
    async with house.looking() as owner:
        await owner.execute("ALTER TABLE booking DROP CONSTRAINT IF EXISTS booking_slot")
        await owner.execute(
            "UPDATE booking SET slot = $2::text::tstzrange WHERE id = $1", UUID(booking_id), BAD
        )


async def statuses(house: House) -> dict[str, str]:
    async with house.looking() as owner:
        return dict(await owner.fetch("SELECT id::text, status FROM booking"))


async def test_a_booking_that_cannot_be_read_stops_no_other(
    venue_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house, counted = venue_house, list[str]()
    bad = await house.hold([1])
    good = [await house.hold([number]) for number in (2, 3)]
    await unread(house, bad["booking_id"])
    await house.later(hours=1)
    now = 0.0
    deferred = Deferred(counted.append, lambda: now)
    with caplog.at_level(logging.ERROR):
        assert await sweep(house.db, house.venue, deferred) == 2
    ended = await statuses(house)
    assert ended[bad["booking_id"]] == "pending"
    assert {ended[hold["booking_id"]] for hold in good} == {"expired"}
    assert counted == ["hold"]
    [line] = caplog.records
    assert f"hold {bad['booking_id']} cannot be worked on" in line.getMessage()

    # Left alone for a minute, and then tried again: by then somebody mended it.
    assert await sweep(house.db, house.venue, deferred) == 0
    now = 60.0
    assert await sweep(house.db, house.venue, deferred) == 0
    assert counted == ["hold", "hold"]
    async with house.looking() as owner:
        await owner.execute(
            "UPDATE booking SET slot = $2::text::tstzrange WHERE id = $1",
            UUID(bad["booking_id"]), READABLE,
        )  # fmt: skip
    now = 120.0
    assert await sweep(house.db, house.venue, deferred) == 1
    assert (await statuses(house))[bad["booking_id"]] == "expired"


async def test_a_hundred_that_cannot_be_read_leave_room_for_others(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = venue_house
    bad = [await house.hold([number]) for number in (1, 2)]
    await house.later(minutes=1)
    good = await house.hold([3])  # the last of those that are due
    for hold in bad:
        await unread(house, hold["booking_id"])
    await house.later(hours=1)
    monkeypatch.setattr(
        nights, "LIST_HOLDS_OVER", nights.LIST_HOLDS_OVER.replace("LIMIT 100", "LIMIT 2")
    )
    deferred = Deferred()
    assert await sweep(house.db, house.venue, deferred) == 0
    assert await sweep(house.db, house.venue, deferred) == 1
    assert (await statuses(house))[good["booking_id"]] == "expired"


async def test_without_deferring_one_row_ends_the_sweep(
    venue_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what the guard is there for."""
    house = venue_house
    bad = await house.hold([1])
    await house.later(minutes=1)
    good = await house.hold([2])
    await unread(house, bad["booking_id"])
    await house.later(hours=1)

    async def attempt(_: Deferred, _work: Work, _row_id: str, todo: Awaitable[object]) -> bool:
        await todo
        return True

    monkeypatch.setattr(Deferred, "attempt", attempt)
    # The work that was not begun is thrown away with the sweep.
    with pytest.raises(msgspec.ValidationError):
        await sweep_alone(house.db, house.venue)
    assert (await statuses(house))[good["booking_id"]] == "pending"


async def test_a_night_whose_tables_cannot_be_read_is_deferred(venue_house: House) -> None:
    full = venue_house
    for number in FOUR:
        if number not in (7, 9):
            await full.block(number)
    going, _ = await full.booked([7]), await full.booked([9])
    await join(full, 1)
    await bookings.cancel_booking(full.db, full.caller(), going["booking_id"])
    async with full.looking() as owner:
        await owner.execute("""
            ALTER TABLE booking_table DROP CONSTRAINT booking_table_slot;
            UPDATE booking_table SET slot = tstzrange(lower(slot), 'infinity') WHERE number = 9
        """)
    counted: list[str] = []
    now = 0.0
    deferred = Deferred(counted.append, lambda: now)
    for _ in range(2):
        assert await offer_free_tables(full.db, full.venue, deferred) == 0
    assert counted == ["offer"]
    async with full.looking() as owner:
        await owner.execute("""
            UPDATE booking_table t SET slot = b.slot FROM booking b WHERE b.id = t.booking_id
        """)
    assert await offer_free_tables(full.db, full.venue, deferred) == 0
    now = 60.0
    assert await offer_free_tables(full.db, full.venue, deferred) == 1


async def test_a_schema_with_such_a_row_is_migrated_when_it_is_mended(venue_house: House) -> None:
    house = venue_house
    url = house.settings.owner_database_url
    bad = await house.hold([1])
    async with house.looking() as owner:
        await owner.execute("""
            DROP FUNCTION is_slot CASCADE; DROP FUNCTION is_instant CASCADE;
            DELETE FROM migration WHERE name = '0095_finite_slots.sql';
        """)
        for table in ("booking", "booking_table", "table_block", "waitlist"):
            await owner.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_slot CHECK (NOT isempty(slot))"
            )
        await owner.execute("UPDATE booking SET slot = $1::text::tstzrange", BAD)
        with pytest.raises(asyncpg.RaiseError) as refused:
            await migrate(url)
        told = str(refused.value)
        assert told.startswith("1 rows have a slot or an instant that cannot be read:")
        assert f"booking {bad['booking_id']}: slot " in told
        assert "UPDATE booking SET slot" in told
        await owner.execute("UPDATE booking SET slot = $1::text::tstzrange", READABLE)
        assert await migrate(url) == ["0095_finite_slots.sql"]
