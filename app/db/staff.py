"""Rows of staff, their sign-in links and their failed attempts; written as the role `auth`."""

from datetime import datetime, timedelta

import asyncpg
from msgspec import Struct

INSERT_STAFF = """
INSERT INTO staff (id, username, display_name, role, password_hash, demo)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5)
ON CONFLICT (username) DO NOTHING
RETURNING id::text
"""
FIND_STAFF = """
SELECT id::text, username, display_name, role, password_hash, disabled_at IS NOT NULL AS disabled
  FROM staff
 WHERE username = $1
"""
GET_STAFF = """
SELECT id::text, username, display_name, role, password_hash, disabled_at IS NOT NULL AS disabled
  FROM staff
 WHERE id = $1
"""
CHANGE_HASH = "UPDATE staff SET password_hash = $2 WHERE id = $1"
INSERT_LINK = """
INSERT INTO sign_in_link (token_hash, staff_id, expires_at) VALUES ($1, $2, now() + $3)
"""
# One statement decides: of two requests with the same link the second finds it used.
USE_LINK = """
UPDATE sign_in_link SET used_at = now()
 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > now()
RETURNING staff_id::text
"""
NOTE_ATTEMPT = """
INSERT INTO sign_in_failure (username, failures, failed_at) VALUES ($1, 0, now())
ON CONFLICT DO NOTHING
"""
LOCK_FAILURES = """
SELECT failures, failed_at, now() AS now FROM sign_in_failure WHERE username = $1 FOR UPDATE
"""
COUNT_FAILURE = """
UPDATE sign_in_failure SET failures = failures + 1, failed_at = now() WHERE username = $1
"""
FORGET_FAILURES = "DELETE FROM sign_in_failure WHERE username = $1"
# Names that nobody has are forgotten after a day, so that guessing cannot fill the disk; those of
# real accounts stay, because their hard stop counts failures in a row however slow they come.
FORGET_STRANGERS = """
DELETE FROM sign_in_failure f
 WHERE f.failed_at < now() - interval '1 day'
   AND NOT EXISTS (SELECT FROM staff s WHERE s.username = f.username)
"""
FORGET_LINKS = "DELETE FROM sign_in_link WHERE expires_at < now() - interval '1 day'"
COUNT_REAL_STAFF = "SELECT count(*) FROM staff WHERE NOT demo"


class StaffRow(Struct, frozen=True):
    """A member of staff. `password_hash` is None for those who sign in by link only."""

    id: str
    username: str
    display_name: str
    role: str
    password_hash: str | None
    disabled: bool


class Failures(Struct, frozen=True):
    """Failed attempts in a row of one name, on the database's clock."""

    failures: int
    failed_at: datetime
    now: datetime


async def insert_staff(
    conn: asyncpg.Connection,
    username: str,
    display_name: str,
    role: str,
    password_hash: str | None,
    *,
    demo: bool = False,
) -> str | None:
    """The new member's id; None: the name is taken. `username` is a `username_key`."""
    staff_id: str | None = await conn.fetchval(
        INSERT_STAFF, username, display_name, role, password_hash, demo
    )
    return staff_id


async def find_staff(conn: asyncpg.Connection, username: str) -> StaffRow | None:
    """Whoever has the name, disabled ones included."""
    row = await conn.fetchrow(FIND_STAFF, username)
    return None if row is None else StaffRow(**row)


async def get_staff(conn: asyncpg.Connection, staff_id: str) -> StaffRow:
    row = await conn.fetchrow(GET_STAFF, staff_id)
    assert row is not None, "staff are disabled, never deleted"
    return StaffRow(**row)


async def set_password_hash(conn: asyncpg.Connection, staff_id: str, password_hash: str) -> None:
    await conn.execute(CHANGE_HASH, staff_id, password_hash)


async def insert_link(
    conn: asyncpg.Connection, token_hash: bytes, staff_id: str, lasts: timedelta
) -> None:
    """The link signs its member of staff in, once, until it is over."""
    await conn.execute(INSERT_LINK, token_hash, staff_id, lasts)


async def use_link(conn: asyncpg.Connection, token_hash: bytes) -> str | None:
    """The id of whom the link signs in, which it never does again; None: used, over or unknown."""
    staff_id: str | None = await conn.fetchval(USE_LINK, token_hash)
    return staff_id


async def lock_failures(conn: asyncpg.Connection, username: str) -> Failures:
    """The name's failures, locked, so that attempts at the same time are judged one by one."""
    await conn.execute(NOTE_ATTEMPT, username)
    return Failures(**await conn.fetchrow(LOCK_FAILURES, username))


async def count_failure(conn: asyncpg.Connection, username: str) -> None:
    await conn.execute(COUNT_FAILURE, username)


async def forget_failures(conn: asyncpg.Connection, username: str) -> None:
    await conn.execute(FORGET_FAILURES, username)


async def forget_old(conn: asyncpg.Connection) -> None:
    """Attempts on names that nobody has, and links that are long over, are gone."""
    await conn.execute(FORGET_STRANGERS)
    await conn.execute(FORGET_LINKS)


async def count_real_staff(conn: asyncpg.Connection) -> int:
    """How many accounts are not a demo's."""
    return int(await conn.fetchval(COUNT_REAL_STAFF))
