"""Guards of the database switched off, and actions that take their time, so that races meet."""

from tests.integration.floor import House


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


async def without_constraint(house: House) -> None:
    """A table's claims may overlap."""
    async with house.looking() as conn:
        await conn.execute("ALTER TABLE booking_table DROP CONSTRAINT claims_do_not_overlap")
