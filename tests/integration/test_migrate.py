"""Migrations run once and in order; functions are made again when their text changes."""

import asyncpg
import pytest

from app.db import migrate as migrating
from app.db.migrate import list_functions, list_migrations, list_missing, migrate
from app.embedded.servers import URLs


async def test_a_second_start_finds_nothing_to_do(database: URLs) -> None:
    assert await migrate(database.owner) == []


async def test_a_function_of_another_text_is_missed_and_made_again(
    database: URLs, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = [
        (name, sql + "-- another text\n" if name == "functions/lock_floor.sql" else sql)
        for name, sql in list_functions()
    ]
    monkeypatch.setattr(migrating, "list_functions", lambda: changed)
    conn = await asyncpg.connect(database.owner)
    try:
        assert await list_missing(conn) == ["functions/lock_floor.sql"]
        assert await migrate(database.owner) == ["functions/lock_floor.sql"]
        assert await list_missing(conn) == []
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
