"""Rows of failed proofs in a row; written as the role `auth`."""

import asyncpg

from app.domain.patience import Failures

# Inserts or locks the row: attempts at the same time are judged one by one.
LOCK_FAILURES = """
INSERT INTO guess (subject, staff_id, failures, failed_at) VALUES ($1, $2, 0, now())
ON CONFLICT (subject) DO UPDATE SET staff_id = EXCLUDED.staff_id
RETURNING failures, failed_at, now() AS now
"""
COUNT_FAILURE = "UPDATE guess SET failures = failures + 1, failed_at = now() WHERE subject = $1"
FORGET_FAILURES = "DELETE FROM guess WHERE subject = $1"
FORGET_ALL_OF_STAFF = "DELETE FROM guess WHERE staff_id = $1"
# Names that nobody has are forgotten after a day, so that guessing cannot fill the disk; those of
# real accounts stay, because their hard stop counts failures in a row however slow they come.
FORGET_STRANGERS = """
DELETE FROM guess WHERE staff_id IS NULL AND failed_at < now() - interval '1 day'
"""


async def lock_failures(conn: asyncpg.Connection, subject: str, staff_id: str | None) -> Failures:
    """The failures counted under the name, which is held to the commit."""
    return Failures(**await conn.fetchrow(LOCK_FAILURES, subject, staff_id))


async def count_failure(conn: asyncpg.Connection, subject: str) -> None:
    await conn.execute(COUNT_FAILURE, subject)


async def forget_failures(conn: asyncpg.Connection, subject: str) -> None:
    await conn.execute(FORGET_FAILURES, subject)


async def forget_all_of(conn: asyncpg.Connection, staff_id: str) -> None:
    """Whatever was guessed of the account is forgotten: it was vouched for by another way."""
    await conn.execute(FORGET_ALL_OF_STAFF, staff_id)


async def forget_strangers(conn: asyncpg.Connection) -> None:
    await conn.execute(FORGET_STRANGERS)
