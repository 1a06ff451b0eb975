"""Rows that outer keys have wrapped: which keys are in use, and the same rows under another."""

import asyncpg
from msgspec import Struct

LIST_KIDS = """
SELECT kid FROM person_key UNION SELECT kid FROM signing_key WHERE kid IS NOT NULL ORDER BY kid
"""
# By person, so that one that cannot be opened is passed and not met again.
LIST_PERSON_KEYS = """
SELECT person_id::text AS person_id, wrapped FROM person_key
 WHERE kid = $1 AND person_id > $2
 ORDER BY person_id LIMIT $3
"""
# Nothing is inserted: a person who was erased meanwhile stays erased.
WRAP_PERSON_KEY = (
    "UPDATE person_key SET kid = $3, wrapped = $4 WHERE person_id = $1 AND wrapped = $2"
)
LIST_SIGNING_KEYS = """
SELECT night::text AS night, private, kid FROM signing_key
 WHERE kid IS DISTINCT FROM $1 ORDER BY night
"""
# The name of the key stands in what it sealed.
LIST_SEEDS = """
SELECT id::text AS staff_id, totp_sealed AS sealed FROM staff
 WHERE totp_sealed IS NOT NULL ORDER BY id
"""
WRAP_SEED = "UPDATE staff SET totp_sealed = $3 WHERE id = $1 AND totp_sealed = $2"
WRAP_SIGNING_KEY = """
UPDATE signing_key SET private = $3, kid = $4 WHERE night = $1::text::date AND private = $2
"""

NOBODY = "00000000-0000-0000-0000-000000000000"  # before every person


class PersonKey(Struct, frozen=True):
    person_id: str
    wrapped: bytes


class Seed(Struct, frozen=True):
    """The sealed seed of an account's second factor."""

    staff_id: str
    sealed: bytes


class SigningKey(Struct, frozen=True):
    """A night's private key; plain while `kid` is None."""

    night: str
    private: bytes
    kid: str | None


async def list_kids(conn: asyncpg.Connection) -> list[str]:
    """The names of the outer keys without which something in the database does not open."""
    return [row["kid"] for row in await conn.fetch(LIST_KIDS)]


async def list_person_keys(
    conn: asyncpg.Connection, kid: str, after: str, limit: int
) -> list[PersonKey]:
    """The next people's keys under this outer key, after that person."""
    return [PersonKey(**row) for row in await conn.fetch(LIST_PERSON_KEYS, kid, after, limit)]


async def wrap_person_keys(
    conn: asyncpg.Connection, kid: str, wrapped: list[tuple[PersonKey, bytes]]
) -> None:
    """These people's keys stand under the outer key; who was erased meanwhile is passed over."""
    await conn.executemany(
        WRAP_PERSON_KEY, [(one.person_id, one.wrapped, kid, after) for one, after in wrapped]
    )


async def list_seeds(conn: asyncpg.Connection) -> list[Seed]:
    """The seeds of every account that has a second factor."""
    return [Seed(**row) for row in await conn.fetch(LIST_SEEDS)]


async def wrap_seed(conn: asyncpg.Connection, seed: Seed, sealed: bytes) -> None:
    """The seed stands under another key; an account that enrolled again meanwhile is passed."""
    await conn.execute(WRAP_SEED, seed.staff_id, seed.sealed, sealed)


async def list_signing_keys(conn: asyncpg.Connection, kid: str) -> list[SigningKey]:
    """The nights' keys that are plain, or under another outer key than this."""
    return [SigningKey(**row) for row in await conn.fetch(LIST_SIGNING_KEYS, kid)]


async def wrap_signing_key(
    conn: asyncpg.Connection, key: SigningKey, kid: str, wrapped: bytes
) -> None:
    """The night's key stands under the outer key."""
    await conn.execute(WRAP_SIGNING_KEY, key.night, key.private, wrapped, kid)
