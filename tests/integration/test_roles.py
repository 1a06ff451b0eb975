"""What the service's roles cannot do, whatever statement somebody makes them send."""

from pathlib import Path

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
        ("jobs", "UPDATE signing_key SET private = ''"),
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


# A right on every column is shown without columns. A function that everybody may call is left out.
LIST_RIGHTS = """
SELECT format('%s %s: %s', r.role, c.relname, string_agg(format('%s%s', p.may, CASE
           WHEN NOT has_table_privilege(r.role, c.oid, p.may) THEN (
               SELECT '(' || string_agg(a.attname, ', ' ORDER BY a.attname) || ')'
                 FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                  AND has_column_privilege(r.role, c.oid, a.attnum, p.may)) END), ' '
           ORDER BY p.may)) AS line
  FROM unnest(ARRAY['app', 'jobs', 'auth', 'public']) AS r (role),
       (SELECT oid, relname FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')) AS c,
       unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
           AS p (may)
 WHERE CASE WHEN p.may IN ('DELETE', 'TRUNCATE', 'TRIGGER')
            THEN has_table_privilege(r.role, c.oid, p.may)
            ELSE has_any_column_privilege(r.role, c.oid, p.may) END
 GROUP BY r.role, c.relname
UNION ALL
SELECT format('%s %s()', r.role, f.proname)
  FROM unnest(ARRAY['app', 'jobs', 'auth']) AS r (role),
       (SELECT oid, proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS f
 WHERE has_function_privilege(r.role, f.oid, 'EXECUTE')
   AND NOT has_function_privilege('public', f.oid, 'EXECUTE')
 ORDER BY line
"""
RIGHTS = Path(__file__).parents[1] / "cases" / "database_grants.txt"


async def test_the_roles_have_the_rights_that_are_written_down_and_no_other(
    settings: Settings,
) -> None:
    """Whoever adds a table or a right says so in the file: what differs is shown here."""
    conn = await asyncpg.connect(settings.owner_database_url)
    found = {row["line"] for row in await conn.fetch(LIST_RIGHTS)}
    await conn.close()
    written = set(RIGHTS.read_text("utf-8").splitlines())
    assert found - written == set(), f"not written down in {RIGHTS.name}"
    assert written - found == set(), f"written down in {RIGHTS.name}, and not so"
