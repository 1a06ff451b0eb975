"""Migrations run once and in order; functions are made again when their text changes."""

import asyncpg
import pytest

from app.db import migrate as migrating
from app.db.migrate import list_functions, list_migrations, list_missing, migrate, read_schema
from app.embedded.servers import URLs


async def test_a_second_start_finds_nothing_to_do(database: URLs) -> None:
    assert await migrate(database.owner) == []


CHANGED = "functions/lock_floor.sql"


def change_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the code has another text of a function than the database."""
    changed = [
        (name, sql + "-- another text\n" if name == CHANGED else sql)
        for name, sql in list_functions()
    ]
    monkeypatch.setattr(migrating, "list_functions", lambda: changed)


async def test_a_function_of_another_text_is_named_and_made_again(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_a_function(monkeypatch)
    conn = await asyncpg.connect(database.owner)
    try:
        assert await list_missing(conn) == ([], [CHANGED])
        assert await migrate(database.owner) == [CHANGED]
        assert await list_missing(conn) == ([], [])
    finally:
        await conn.close()


async def test_a_function_that_the_database_has_not_is_missing(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [*list_functions(), ("functions/not_yet.sql", "SELECT 1")]
    monkeypatch.setattr(migrating, "list_functions", lambda: more)
    conn = await asyncpg.connect(database.owner)
    try:
        assert await list_missing(conn) == (["functions/not_yet.sql"], [])
    finally:
        await conn.close()


async def test_an_older_release_that_starts_again_leaves_the_functions_of_the_newer(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_a_function(monkeypatch)
    conn = await asyncpg.connect(database.owner)
    try:
        await conn.execute(migrating.INSERT_MIGRATION, "9999_newer.sql", "0" * 64)
        assert await migrate(database.owner) == []
        assert await list_missing(conn) == ([], [CHANGED])
        assert await read_schema(database.owner) == ([CHANGED], ["9999_newer.sql"])
    finally:
        await conn.close()


async def test_a_function_that_was_dropped_is_no_sign_of_a_newer_version(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_a_function(monkeypatch)
    conn = await asyncpg.connect(database.owner)
    try:
        await conn.execute(migrating.INSERT_MIGRATION, "functions/dropped.sql", "0" * 64)
        assert await read_schema(database.owner) == ([CHANGED], [])
        assert await migrate(database.owner) == [CHANGED]
    finally:
        await conn.close()


async def test_an_applied_migration_of_another_text_is_refused(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = list_migrations()
    monkeypatch.setattr(
        migrating, "list_migrations", lambda: [(first[0], first[1] + "-- edited\n"), *others]
    )
    with pytest.raises(migrating.MigrationChanged, match=first[0]):
        await migrate(database.owner)
