"""Guards of the database switched off, and actions that take their time, so that races meet."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from tests.integration.floor import House

GATE = 4242  # an advisory lock that nobody else takes


async def rewritten(house: House, function: str, *changes: tuple[str, str]) -> None:
    """The SQL function with a part replaced; proves that the part was there."""
    async with house.looking() as conn:
        source = await conn.fetchval(f"SELECT pg_get_functiondef('{function}'::regproc)")
    for before, after in changes:
        assert before in source, "the guard to switch off has moved"
        source = source.replace(before, after)
    async with house.looking() as conn:
        await conn.execute(source)


async def slowly(house: House, seconds: float = 0.05) -> None:
    """Every action takes a while between its facts and its commit, so that races meet."""
    pause = f"BEGIN\n    PERFORM pg_sleep({seconds});\n"
    await rewritten(house, "finish_action", ("BEGIN\n", pause))


async def without_locks(house: House) -> None:
    """Neither tables nor bookings, tickets and headcount are locked."""
    await rewritten(
        house,
        "lock_floor",
        ("ORDER BY f.number FOR UPDATE", "ORDER BY f.number"),
        ("ORDER BY b.id FOR UPDATE", "ORDER BY b.id"),
        ("ORDER BY k.id FOR UPDATE", "ORDER BY k.id"),
        ("ORDER BY h.floor FOR UPDATE", "ORDER BY h.floor"),
    )
    await slowly(house, 0.5)  # nobody waits for anybody, so all of them are at it at once


async def without_table_locks(house: House) -> None:
    """Tables are not locked, bookings are."""
    await rewritten(house, "lock_floor", ("ORDER BY f.number FOR UPDATE", "ORDER BY f.number"))
    await rewritten(house, "lock_tables", ("f.number FOR UPDATE", "f.number"))
    await slowly(house, 0.5)  # nobody waits for anybody, so all of them are at it at once


async def without_hold_locks(house: House) -> None:
    """Neither tables nor bookings are locked."""
    await rewritten(
        house,
        "lock_floor",
        ("ORDER BY f.number FOR UPDATE", "ORDER BY f.number"),
        ("ORDER BY b.id FOR UPDATE", "ORDER BY b.id"),
    )


async def without_constraint(house: House) -> None:
    """A table's claims may overlap."""
    async with house.looking() as conn:
        await conn.execute("ALTER TABLE booking_table DROP CONSTRAINT claims_do_not_overlap")


async def as_time_runs_out(
    house: House,
    action: str,
    work: Callable[[], Awaitable[str]],
    against: Callable[[], Awaitable[str]],
    minutes: float,
) -> tuple[str, str]:
    """What became of the action, which knows its facts when so much time goes by, and of another
    one that comes before it has written anything."""
    told = """    RAISE INFO '{"now\""""
    gate = f"    IF p_action = '{action}' THEN PERFORM pg_advisory_xact_lock({GATE}); END IF;\n"
    await rewritten(house, "lock_floor", (told, gate + told))

    async def first() -> str:
        return await work()

    async def second() -> str:
        return await against()

    async with house.looking() as owner, asyncio.TaskGroup() as group:
        await owner.execute(f"SELECT pg_advisory_lock({GATE})")
        working = group.create_task(first())
        await _until_somebody_waits(owner, ["advisory"])
        await house.later(minutes=minutes)
        other = group.create_task(second())
        # It waits for the action's locks; or there are none, and it has the table.
        waiting = group.create_task(_until_somebody_waits(owner, ["transactionid", "tuple"]))
        await asyncio.wait({other, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await asyncio.wait({waiting})
        await owner.execute(f"SELECT pg_advisory_unlock({GATE})")
    return working.result(), other.result()


async def _until_somebody_waits(owner: asyncpg.Connection, kinds: list[str]) -> None:
    """Somebody waits for a lock of these kinds."""
    sql = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = ANY ($1) AND NOT granted)"
    for _ in range(2000):
        if await owner.fetchval(sql, kinds):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody waits for a lock of {kinds}")
