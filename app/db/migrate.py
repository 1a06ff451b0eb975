"""Brings a database to the schema that this code needs: numbered files, forward only.

Each file runs in one transaction under one advisory lock, so that several nodes may start at the
same time; its SHA-256 is kept, so that an edited migration is noticed instead of skipped.

A function that changes with the code stands once, in `functions/`, as CREATE OR REPLACE: after the
migrations those whose text changed are made again. A function that a migration itself needs (for a
policy, a constraint) is first made there; another signature is dropped there.

While nodes are upgraded one by one, those of the older release go on with the functions of the
newer: what its callers ask of them stays. So one of another text is named and is not missing, and a
node of the older release that starts again leaves the functions as they are.
"""

import hashlib
from collections.abc import Iterable
from importlib.resources import files

import asyncpg

MIGRATION_LOCK = 0x6261636B  # "back": any constant that nobody else locks

CREATE_MIGRATION = """
CREATE TABLE IF NOT EXISTS migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
LIST_MIGRATIONS = "SELECT name, sha256 FROM migration ORDER BY name"
INSERT_MIGRATION = "INSERT INTO migration (name, sha256) VALUES ($1, $2)"
PUT_FUNCTION = (
    INSERT_MIGRATION
    + """
ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, applied_at = now()
"""
)


class MigrationChanged(Exception):
    """A migration that was applied has other text now; the schema may not be what it says."""


def list_migrations() -> list[tuple[str, str]]:
    """Every migration of this code in order: its file name and its SQL."""
    return _list_files("migrations")


def list_functions() -> list[tuple[str, str]]:
    """Every function that this code replaces when it changes: `functions/<name>.sql`, its SQL."""
    return [(f"functions/{name}", sql) for name, sql in _list_files("functions")]


def _list_files(folder: str) -> list[tuple[str, str]]:
    entries = files("app.db").joinpath(folder).iterdir()
    found = [entry for entry in entries if entry.name.endswith(".sql")]
    return [(entry.name, entry.read_text("utf-8")) for entry in sorted(found, key=lambda e: e.name)]


def _digest(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


async def migrate(owner_url: str) -> list[str]:
    """The database has every migration; the names of those applied now are returned.

    Raises MigrationChanged: an applied file was edited. Raises asyncpg errors: the SQL failed; the
    migrations before it stay applied, the failing one leaves nothing.
    """
    conn = await asyncpg.connect(owner_url)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        await conn.execute(CREATE_MIGRATION)
        applied = {row["name"]: row["sha256"] for row in await conn.fetch(LIST_MIGRATIONS)}
        done: list[str] = []
        for name, sql in list_migrations():
            digest = _digest(sql)
            if name in applied:
                if applied[name] != digest:
                    raise MigrationChanged(
                        f"{name} was applied with other text: write a new migration instead"
                    )
                continue
            async with conn.transaction():
                await conn.execute(sql)
                await conn.execute(INSERT_MIGRATION, name, digest)
            done.append(name)
        # Its own functions would take those of the newer release from the nodes that have it.
        functions = [] if _of_newer(applied) else list_functions()
        async with conn.transaction():
            # They may call each other, in whatever order their names have.
            await conn.execute("SET LOCAL check_function_bodies = off")
            for name, sql in functions:
                if applied.get(name) != _digest(sql):
                    await conn.execute(sql)
                    await conn.execute(PUT_FUNCTION, name, _digest(sql))
                    done.append(name)
        # After the migrations, one of which takes every table from everybody; readiness reads it.
        await conn.execute("GRANT SELECT ON migration TO PUBLIC")
        return done
    finally:
        await conn.close()


async def read_schema(owner_url: str) -> tuple[list[str], list[str]]:
    """What the database lacks of this code, functions of another text included (all of it when it
    is empty), and the migrations there that this code does not know: a newer version's. Raises
    asyncpg errors."""
    conn = await asyncpg.connect(owner_url)
    try:
        if await conn.fetchval("SELECT to_regclass('migration')") is None:
            return [name for name, _ in list_migrations()], []
        missing, other = await list_missing(conn)
        applied = [row["name"] for row in await conn.fetch(LIST_MIGRATIONS)]
        return missing + other, _of_newer(applied)
    finally:
        await conn.close()


async def list_missing(conn: asyncpg.Connection) -> tuple[list[str], list[str]]:
    """The files of this code that the database lacks, and the functions of another text there;
    readiness asks."""
    applied = {row["name"]: row["sha256"] for row in await conn.fetch(LIST_MIGRATIONS)}
    ours = list_functions()
    missing = [name for name, _ in (*list_migrations(), *ours) if name not in applied]
    return missing, [n for n, sql in ours if n in applied and applied[n] != _digest(sql)]


def _of_newer(applied: Iterable[str]) -> list[str]:
    """The migrations among the applied files that only a newer version knows. A function that this
    code lacks says nothing: it may be one that was dropped."""
    known = {name for name, _ in list_migrations()}
    return [n for n in applied if not n.startswith("functions/") and n not in known]
