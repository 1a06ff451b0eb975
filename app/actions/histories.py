"""A booking's life, read from the books of all the nights that it was for."""

import asyncpg
import msgspec

from app.db.history import HistoryRow, list_history

NIGHTS_AT_MOST = 50  # a booking that was rescheduled more often shows its latest nights


async def read_history(conn: asyncpg.Connection, night: str, booking_id: str) -> list[HistoryRow]:
    """Every line about the booking, the oldest first; `night` is its present one."""
    books: dict[str, list[HistoryRow]] = {}
    wanted = [night]
    while wanted and len(books) < NIGHTS_AT_MOST:
        book = wanted.pop()
        if book in books:
            continue
        books[book] = await list_history(conn, book, booking_id)
        for row in books[book]:
            if row.type == "BOOKING_RESCHEDULED":
                told = msgspec.json.decode(row.payload)
                wanted += [told["night_before"], told["night"]]
    # Two lines of one transaction have nearly one instant; the one that sent it away is the first.
    lines = [row for rows in books.values() for row in rows]
    return sorted(lines, key=lambda row: (row.at, _arrives(row), row.book, row.version))


def _arrives(row: HistoryRow) -> bool:
    return row.type == "BOOKING_RESCHEDULED" and '"booking":' in row.payload.replace(" ", "")
