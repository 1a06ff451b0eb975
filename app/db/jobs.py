"""Work that one worker of all does: a lock in Postgres chooses, and is free when that one dies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from app.db.pool import Database

TRY_LEAD = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
# Answers are kept for 24 hours: no client retries longer.
FORGET_ANSWERS = """
DELETE FROM idempotency
 WHERE ctid IN (SELECT ctid FROM idempotency
                 WHERE created_at < now() - interval '24 hours' LIMIT 5000)
"""


@asynccontextmanager
async def lead(db: Database, name: str) -> AsyncIterator[asyncpg.Connection | None]:
    """The connection that holds the lock of the work's name until the block ends; None: another
    worker has it."""
    async with db.begun(db.jobs) as conn:
        yield conn if await conn.fetchval(TRY_LEAD, f"backroom:{name}") else None


async def forget_answers(conn: asyncpg.Connection) -> None:
    """Stored answers older than a day are gone, 5000 at a time."""
    await conn.execute(FORGET_ANSWERS)
