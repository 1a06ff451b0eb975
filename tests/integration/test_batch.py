"""The writes of an action: kept back, in their order, and in one message with what ends it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from app.db.batch import POOLED, Batch
from app.db.pool import Database, retried
from app.settings import Settings

ADD = "INSERT INTO step (word) VALUES ($1)"
TELL = "DO $$ BEGIN RAISE INFO '%', (SELECT string_agg(word, ' ' ORDER BY id) FROM step); END $$"


@asynccontextmanager
async def one_session(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    db = await Database.open(settings, size=1)
    try:
        async with db.reading() as conn:
            await conn.execute(
                "CREATE TEMP TABLE step (id integer GENERATED ALWAYS AS IDENTITY, word text)"
            )
            yield conn
    finally:
        await db.close()


async def test_writes_happen_in_their_order_before_what_ends_the_action(settings: Settings) -> None:
    async with one_session(settings) as conn:
        await conn.execute("BEGIN")
        batch = Batch(conn)
        await batch.execute(ADD, "one's")
        await batch.executemany(ADD, [("two",), ("three",)])
        assert await conn.fetchval("SELECT count(*) FROM step") == 0, "they wait"
        assert await batch.finish(TELL, "COMMIT") == ["one's two three"]
        assert not conn.is_in_transaction()


async def test_a_read_sees_what_was_written_before_it(settings: Settings) -> None:
    async with one_session(settings) as conn:
        batch = Batch(conn)
        await batch.execute(ADD, "one")
        assert await batch.fetchval("SELECT word FROM step") == "one"
        await batch.execute(ADD, "two")
        assert await batch.finish(TELL) == ["one two"], "none of them twice"


async def test_postgres_reads_each_value_as_it_was(settings: Settings) -> None:
    given = ("a'b\\c\n", b"\x00\\'", [2, -1], ["", "NULL", '{"x"}', "a,b\\", None], -(2**40), False)
    uuid = "6f44e6af-0000-4000-8000-0123456789ab"
    async with one_session(settings) as conn:
        await conn.execute(
            "CREATE TEMP TABLE kept"
            " (a text, b bytea, c integer[], d text[], e bigint, f boolean, g uuid)"
        )
        batch = Batch(conn)
        await batch.execute("INSERT INTO kept VALUES ($1, $2, $3, $4, $5, $6, $7)", *given, uuid)
        await batch.finish(TELL)
        row = await conn.fetchrow("SELECT a, b, c, d, e, f, g::text FROM kept")
        assert tuple(row) == (*given, uuid)


async def test_behind_a_pooler_that_keeps_no_statement_it_works_at_the_second_try(
    settings: Settings,
) -> None:
    tries = 0
    async with one_session(settings) as conn:
        batch = Batch(conn)
        await batch.execute(ADD, "one")
        await batch.finish(TELL)

        async def attempt() -> list[str]:
            nonlocal tries
            tries += 1
            async with conn.transaction():
                batch = Batch(conn)
                await batch.execute(ADD, "two")
                return await batch.finish(TELL)

        await conn.execute("DEALLOCATE ALL")
        with pytest.raises(POOLED):
            await attempt()
        conn.prepared.lasts = True
        assert await retried(attempt) == ["one two"]
        assert tries == 3
        assert await retried(attempt) == ["one two two"]
        assert tries == 4, "it does without from then on"
