"""Changes of bookings as rows: each through a function of the database that asks who acts."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

CHANGE_BOOKINGS = "SELECT change_bookings($1::text::jsonb)"
SPLIT_BOOKING = "SELECT split_booking($1::text::jsonb)"


async def change_bookings(conn: asyncpg.Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Each of these locked bookings is changed once: its edition grows by one.

    A change names its `booking`, and what of it becomes what; app/db/functions/change_bookings.sql
    lists the fields. Raises Conflict: a live claim overlaps.
    """
    await conn.execute(CHANGE_BOOKINGS, msgspec.json.encode(changes).decode())


async def split_booking(conn: asyncpg.Connection, split: dict[str, Any]) -> None:
    """A part of a locked booking, whose tables are given up already, is a booking of its own."""
    await conn.execute(SPLIT_BOOKING, msgspec.json.encode(split).decode())
