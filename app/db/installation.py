"""Whether a database holds demo data: once it does, it always will."""

import asyncpg

from app.db.clock import mark_demo

READ_DEMO = "SELECT demo FROM installation"
# The book has no personal data, so no row of it is hidden from anybody.
FIND_VENUE = """
SELECT EXISTS (SELECT FROM event WHERE type = 'BOOKING_INITIATED')
    OR EXISTS (SELECT FROM staff WHERE NOT demo)
"""


async def is_demo(url: str) -> bool:
    """True if the migrated database at `url` was made a demo's: its accounts are not real."""
    conn = await asyncpg.connect(url)
    try:
        return bool(await conn.fetchval(READ_DEMO))
    finally:
        await conn.close()


async def become_demo(owner_url: str) -> bool:
    """The database is a demo's from now on; False, and nothing changed, if a venue is in it."""
    conn = await asyncpg.connect(owner_url)
    try:
        async with conn.transaction():
            if await conn.fetchval(READ_DEMO):
                return True
            if await conn.fetchval(FIND_VENUE):
                return False
            await mark_demo(conn)
            return True
    finally:
        await conn.close()
