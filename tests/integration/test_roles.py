"""What the service's roles cannot do, whatever statement somebody makes them send."""

import asyncpg
import pytest

from app.settings import Settings
from tests.integration.floor import NIGHT, house

# A temporary table is looked up before the schema's unless a function says otherwise.
DECOYS = """
CREATE TEMP TABLE book (LIKE public.book INCLUDING DEFAULTS);
INSERT INTO pg_temp.book VALUES ('2026-11-21', 98, now(), '');
CREATE TEMP TABLE clock (LIKE public.clock);
INSERT INTO pg_temp.clock VALUES (true, now(), '2035-01-01Z', 1);
GRANT ALL ON pg_temp.book, pg_temp.clock TO PUBLIC;
"""
INSERT_LINE = """
INSERT INTO event (book, type, subject, payload) VALUES ($1, 'TABLE_RESET', 'x', '{"table": 3}')
RETURNING version, at < '2030-01-01' AS this_year
"""


async def test_a_decoy_of_the_book_numbers_no_line(settings: Settings) -> None:
    async with house(settings):
        conn = await asyncpg.connect(settings.database_url)
        await conn.execute(DECOYS)
        line = await conn.fetchrow(INSERT_LINE, NIGHT)
        await conn.close()
        assert tuple(line) == (2, True)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("auth", "SELECT lock_book('2026-11-21')"),
        ("auth", "SELECT reference FROM booking"),
        ("auth", "SELECT id FROM ticket"),
        ("app", "UPDATE book SET version = 0"),
        ("app", "UPDATE scan SET verdict = 'admit'"),
        ("app", "UPDATE payment SET amount_pence = 1"),
        ("app", "DELETE FROM booking"),
        ("app", "DELETE FROM scan"),
        ("app", "UPDATE clock SET speed = 2"),
        ("app", "UPDATE installation SET demo = true"),
        ("app", "SELECT password_hash FROM staff"),
        ("app", "ALTER TABLE event DISABLE TRIGGER ALL"),
        ("app", "SET session_replication_role = 'replica'"),
        ("jobs", "SELECT private FROM signing_key"),
        ("jobs", "UPDATE payment SET amount_pence = 1"),
    ],
)
async def test_a_role_is_refused_what_its_work_does_not_need(
    settings: Settings, role: str, statement: str
) -> None:
    urls = {
        "app": settings.database_url,
        "jobs": settings.jobs_database_url,
        "auth": settings.auth_database_url,
    }
    conn = await asyncpg.connect(urls[role])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute(statement)
    await conn.close()
