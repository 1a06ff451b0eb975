"""Whether a database holds demo data."""

import asyncpg

READ_DEMO_SQL = "SELECT demo FROM installation"


async def is_demo(url: str) -> bool:
    """True if the migrated database at `url` was made a demo's: its accounts are not real."""
    conn = await asyncpg.connect(url)
    try:
        return bool(await conn.fetchval(READ_DEMO_SQL))
    finally:
        await conn.close()
