"""What a connection knows of its own strength and of the schema that it finds."""

import asyncpg
from msgspec import Struct

from app.db.migrate import list_missing

READ_ROLE = """
SELECT current_user::text AS role, r.rolsuper, r.rolbypassrls,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                  AND pg_has_role(current_user, c.relowner, 'USAGE')) AS owns_tables
  FROM pg_roles r
 WHERE r.rolname = current_user
"""


class DatabaseHealth(Struct, frozen=True):
    role: str
    is_superuser: bool
    bypasses_policies: bool
    owns_tables: bool
    missing_migrations: list[str]
    other_functions: list[str]


async def read_health(conn: asyncpg.Connection) -> DatabaseHealth:
    """Who the connection is to Postgres, and which files of this code the database lacks or
    has with another text."""
    row = await conn.fetchrow(READ_ROLE)
    assert row is not None, "a connection has a role"
    return DatabaseHealth(
        row["role"],
        row["rolsuper"],
        row["rolbypassrls"],
        row["owns_tables"],
        *await list_missing(conn),
    )
