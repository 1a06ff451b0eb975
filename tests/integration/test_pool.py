"""Connections that break in the hands of whoever has them."""

import asyncio

import pytest

from app.db.pool import Database
from app.domain.principals import Principal
from app.errors import NotReady
from app.settings import Settings


async def test_a_connection_that_breaks_while_it_is_given_back_is_no_error(
    settings: Settings,
) -> None:
    db = await Database.open(settings, size=1)
    try:
        async with db.reading() as conn:
            assert await conn.fetchval("SELECT 1") == 1
            # The end of the connection is told two turns of the loop later: after the pool has
            # looked whether it lives, before it has put it away.
            asyncio.get_running_loop().call_soon(conn._con._transport.abort)
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
