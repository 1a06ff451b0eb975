"""The demo's clock at a start, before any worker could act on an hour that nobody played."""

from collections.abc import Callable
from datetime import datetime

import asyncpg

from app.db.clock import set_clock

# Of the nights: the venue's own book has lines of the real day on which the demo was installed.
READ_LAST = "SELECT max(at) FROM book WHERE version > 0 AND name <> 'venue'"


async def begin_clock(
    owner_url: str, opening: Callable[[datetime | None], datetime], speed: float
) -> datetime:
    """The clock shows `opening(last)` and runs at the speed; `last` is the nights' last instant.

    Between two runs the clock would have gone on, and a worker's sweeper have sealed the night.
    Raises NotDemo.
    """
    conn = await asyncpg.connect(owner_url)
    try:
        shown_at = opening(await conn.fetchval(READ_LAST))
        await set_clock(conn, shown_at, speed)
        return shown_at
    finally:
        await conn.close()
