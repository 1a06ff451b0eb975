"""Guards of the database switched off, and gates at which those who race meet.

A race that is left to chance proves nothing where it does not happen: on a machine that is slow
enough one is over before the next begins.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from tests.integration.floor import House

GATE = 4242  # an advisory lock that nobody else takes
WAITING = """
SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE a.datname = current_database() AND NOT l.granted
   AND ($1::text[] = '{}' OR l.locktype = ANY ($1))
"""


async def rewritten(house: House, function: str, *changes: tuple[str, str]) -> None:
    """The SQL function with a part replaced; proves that the part was there."""
    async with house.looking() as conn:
        source = await conn.fetchval(f"SELECT pg_get_functiondef('{function}'::regproc)")
    for before, after in changes:
        assert before in source, "the guard to switch off has moved"
        source = source.replace(before, after)
    async with house.looking() as conn:
        await conn.execute(source)


async def at_once(
    house: House,
    *works: Awaitable[object],
    meeting: int | None = None,
    return_exceptions: bool = False,
) -> list[Any]:
    """What came of actions that meet, as `asyncio.gather` tells it.

    None of them commits before each has judged what it read, waits for a lock of another one, or
    was refused: so they meet however slow the machine is. `meeting`: so many transactions are
    enough, where several actions go together in one.
    """
    at_the_gate = (
        "BEGIN\n    PERFORM set_config('lock_timeout', '0', true),"
        f" pg_advisory_xact_lock_shared({GATE});\n"
    )
    await rewritten(house, "finish_action", ("BEGIN\n", at_the_gate))
    async with house.looking() as owner:
        await owner.execute(f"SELECT pg_advisory_lock({GATE})")
        racers = [asyncio.ensure_future(work) for work in works]

        async def met() -> bool:
            # Counted before the look at the locks: who is refused meanwhile makes nobody early.
            at_it = sum(not racer.done() for racer in racers)
            return await waiting(owner) >= min(at_it, meeting or at_it)

        await until(met, "the racers did not meet")
        await owner.execute(f"SELECT pg_advisory_unlock({GATE})")
    return await asyncio.gather(*racers, return_exceptions=return_exceptions)


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


async def without_table_locks(house: House) -> None:
    """Tables are not locked, bookings are."""
    await rewritten(house, "lock_floor", ("ORDER BY f.number FOR UPDATE", "ORDER BY f.number"))
    await rewritten(house, "lock_tables", ("f.number FOR UPDATE", "f.number"))


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

        async def gate_is_reached() -> bool:
            return await waiting(owner, "advisory") > 0

        async def action_is_waited_for() -> bool:
            return await waiting(owner, "transactionid", "tuple") > 0

        await owner.execute(f"SELECT pg_advisory_lock({GATE})")
        working = group.create_task(first())
        await until(gate_is_reached, f"nobody came to {action}")
        await house.later(minutes=minutes)
        other = group.create_task(second())
        # It waits for the action's locks; or there are none, and it has the table.
        looking = group.create_task(until(action_is_waited_for, "nobody wants its locks"))
        await asyncio.wait({other, looking}, return_when=asyncio.FIRST_COMPLETED)
        looking.cancel()
        await asyncio.wait({looking})
        await owner.execute(f"SELECT pg_advisory_unlock({GATE})")
    return working.result(), other.result()


async def waiting(owner: asyncpg.Connection, *kinds: str) -> int:
    """How many transactions of this database wait for a lock, of these kinds or any."""
    found: int = await owner.fetchval(WAITING, list(kinds))
    return found


async def until(true: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    for _ in range(2000):
        if await true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(otherwise)
