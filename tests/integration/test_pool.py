"""Connections that break in the hands of whoever has them."""

import asyncio
from contextlib import suppress

import pytest

from app.db.pool import Database
from app.domain.principals import Principal
from app.errors import NotReady
from app.settings import Settings


async def broken_later(db: Database, *, in_order: bool) -> None:
    """A connection is given back, and its end is told two turns of the loop later: after it was
    looked at whether it lives, before it is put away."""
    async with db.reading() as conn:
        assert await conn.fetchval("SELECT 1") == 1
        asyncio.get_running_loop().call_soon(conn._con._transport.abort)
        if not in_order:
            raise LookupError


async def test_a_connection_that_breaks_while_it_is_given_back_is_no_error(
    settings: Settings,
) -> None:
    db = await Database.open(settings, size=1)
    try:
        for in_order in (True, False):
            with suppress(LookupError):
                await broken_later(db, in_order=in_order)
            for _turn in range(3):
                await asyncio.sleep(0)
            async with asyncio.timeout(5), db.reading() as conn:
                assert await conn.fetchval("SELECT 2") == 2
    finally:
        await db.close()


@pytest.mark.parametrize("state", ["53100", "53200", "53300", "25006", "57014", "57P01", "57P03"])
async def test_a_server_that_cannot_work_now_is_waited_for(settings: Settings, state: str) -> None:
    db = await Database.open(settings, size=1)
    try:
        with pytest.raises(NotReady) as refused:
            async with db.begun() as conn:
                await conn.execute(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")
        assert refused.value.reason == "database_away"
    finally:
        await db.close()


@pytest.mark.parametrize("end", ["well", "raises", "is cancelled"])
async def test_who_acted_is_forgotten_when_the_block_ends(settings: Settings, end: str) -> None:
    db = await Database.open(settings, size=1)
    someone = Principal("staff", "00000000-0000-4000-8000-000000000001", "MANAGER")
    begun = asyncio.Event()

    async def act() -> None:
        async with db.acting(someone) as conn:
            assert await conn.fetchval("SELECT current_setting('app.uid')") == someone.id
            begun.set()
            if end == "raises":
                raise LookupError
            if end == "is cancelled":
                await conn.execute("SELECT pg_sleep(3)")

    try:
        task = asyncio.create_task(act())
        await begun.wait()
        if end == "is cancelled":
            task.cancel()
        (found,) = await asyncio.gather(task, return_exceptions=True)
        ends = {"well": type(None), "raises": LookupError}
        assert isinstance(found, ends.get(end, asyncio.CancelledError))
        async with db.reading() as conn:
            assert not conn.is_in_transaction()
            assert await conn.fetchval("SELECT current_setting('app.uid')") == ""
            assert await conn.fetchval("SELECT current_setting('app.role')") == ""
    finally:
        await db.close()
