"""The venue's clock: real time, or the demo clock that Postgres keeps for all workers."""

from datetime import UTC, datetime

import asyncpg
from msgspec import Struct

READ_NOW = "SELECT instant_text(venue_now())"
READ_CLOCK = "SELECT real_at, shown_at, speed FROM clock"
SET_CLOCK = """
UPDATE clock
   SET real_at = clock_timestamp(), shown_at = $1, speed = $2
 WHERE (SELECT demo FROM installation)
RETURNING pg_notify('floor', 'clock')
"""
MARK_DEMO = "UPDATE installation SET demo = true"


class Clock(Struct, frozen=True):
    """`shown_at` was shown at the real instant `real_at`; since then it runs at `speed`."""

    real_at: datetime
    shown_at: datetime
    speed: float

    def now(self) -> datetime:
        """The venue's now, aware UTC; the same arithmetic as SQL's `venue_now()`."""
        real = datetime.now(UTC)
        if self.speed == 1 and self.real_at == self.shown_at:
            return real
        return self.shown_at + (real - self.real_at) * self.speed


class NotDemo(Exception):
    """Only demo data may run on a demo clock."""


async def read_clock(conn: asyncpg.Connection) -> Clock:
    row = await conn.fetchrow(READ_CLOCK)
    assert row is not None, "the clock has one row"
    return Clock(row["real_at"], row["shown_at"], row["speed"])


async def read_now(conn: asyncpg.Connection) -> str:
    """The venue's now as the text of the one form."""
    return str(await conn.fetchval(READ_NOW))


async def set_clock(conn: asyncpg.Connection, shown_at: datetime, speed: float) -> None:
    """All workers show `shown_at` now and run on at `speed`; they are woken by a NOTIFY.

    The connection must be the owner's. Raises NotDemo: the data is not demo data.
    """
    if await conn.fetchrow(SET_CLOCK, shown_at, speed) is None:
        raise NotDemo("the demo clock runs on demo data only")


async def mark_demo(conn: asyncpg.Connection) -> None:
    """From now on this database is demo data: it may have a demo clock, and `serve` refuses it."""
    await conn.execute(MARK_DEMO)
