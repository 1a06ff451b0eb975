"""Reading the book: events in order, heads, snapshots, and the state at any version or instant."""

import logging
from datetime import date, datetime
from hashlib import sha256

import asyncpg
import msgspec

from floorplan.events import Event
from floorplan.fold import fold
from floorplan.state import NightState, empty_state

logger = logging.getLogger(__name__)

EVENTS_PER_READ = 1000  # a batch of the fold: 57 us an event, so a reader yields every 60 ms

LIST_EVENTS = """
SELECT book, version, type, subject, instant_text(at) AS at, actor, correlation_id,
       payload::text AS payload
  FROM event
 WHERE book = $1 AND version > $2
 ORDER BY version
 LIMIT $3
"""
READ_HEAD = "SELECT version FROM book WHERE name = $1"
LIST_HEADS = "SELECT name, version FROM book"
# The timeline changes with a promotion or a point-in-time restore, the database's oid with a
# restored dump, the system identifier with another cluster: each is Postgres gone back in time.
READ_EPOCH = """
SELECT (SELECT system_identifier FROM pg_control_system())::text || ':' ||
       (SELECT oid FROM pg_database WHERE datname = current_database())::text || ':' ||
       substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || ':' ||
       (SELECT id FROM installation)::text
"""
FIND_SNAPSHOT = """
SELECT version, state::text FROM snapshot
 WHERE book = $1 AND version <= coalesce($2, 9223372036854775807)
 ORDER BY version DESC LIMIT 1
"""
WRITE_SNAPSHOT = """
INSERT INTO snapshot (book, version, state) VALUES ($1, $2, $3::text::jsonb)
ON CONFLICT DO NOTHING
"""
LOCK_BOOK = "SELECT lock_book($1)"
FIND_VERSION_AT = "SELECT max(version) FROM event WHERE book = $1 AND at <= $2"


async def list_events(
    conn: asyncpg.Connection, book: str, after: int, limit: int = EVENTS_PER_READ
) -> list[Event]:
    """At most `limit` events of the book with versions beyond `after`, in order."""
    rows = await conn.fetch(LIST_EVENTS, book, after, limit)
    return [
        Event(
            book=row["book"],
            version=row["version"],
            type=row["type"],
            subject=row["subject"],
            at=row["at"],
            actor=row["actor"],
            correlation_id=row["correlation_id"],
            payload=row["payload"].encode(),
        )
        for row in rows
    ]


async def read_head(conn: asyncpg.Connection, book: str) -> int:
    """The book's version; 0 when it has no line."""
    return int(await conn.fetchval(READ_HEAD, book) or 0)


async def lock_book(conn: asyncpg.Connection, book: str) -> None:
    """Nobody else writes a line of the book until this transaction ends; its last lock."""
    await conn.execute(LOCK_BOOK, book)


async def list_heads(conn: asyncpg.Connection) -> dict[str, int]:
    """The version of every book."""
    return {row["name"]: row["version"] for row in await conn.fetch(LIST_HEADS)}


def is_nights(book: str) -> bool:
    """Whether a night may have this book; a hand with psql gives one any name."""
    try:
        return date.fromisoformat(book).isoformat() == book
    except ValueError:
        return False


async def read_epoch(conn: asyncpg.Connection) -> str:
    """Sixteen hexadecimal digits that change only when Postgres itself went back in time."""
    return sha256((await conn.fetchval(READ_EPOCH)).encode()).hexdigest()[:16]


async def find_snapshot(
    conn: asyncpg.Connection, book: str, at_most: int | None = None
) -> NightState | None:
    """The newest stored state of the book, at or below `at_most`; None when there is none.

    One that cannot be read, as after a release that changed its shape, is as good as none.
    """
    while (row := await conn.fetchrow(FIND_SNAPSHOT, book, at_most)) is not None:
        state = decode_snapshot(row["state"])
        if state is not None and (state.night, state.version) == (book, row["version"]):
            return state
        logger.warning("the snapshot of %s at %d is not readable", book, row["version"])
        at_most = row["version"] - 1
    return None


def decode_snapshot(text: str) -> NightState | None:
    """The stored state; None: it is not of this release's shape."""
    try:
        return msgspec.json.decode(text, type=NightState, strict=False)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


async def write_snapshot(conn: asyncpg.Connection, state: NightState) -> None:
    """The state is stored at its version, for the readers to come."""
    await conn.execute(
        WRITE_SNAPSHOT, state.night, state.version, msgspec.json.encode(state).decode()
    )


async def read_state(
    conn: asyncpg.Connection,
    book: str,
    version: int | None = None,
    at: datetime | None = None,
) -> NightState:
    """The state of the night now, at `version`, or as it was at the instant `at`.

    From the nearest snapshot and the events since; versions beyond the head give the head.
    """
    if at is not None:
        version = int(await conn.fetchval(FIND_VERSION_AT, book, at) or 0)
    state = await find_snapshot(conn, book, version) or empty_state(book)
    while version is None or state.version < version:
        limit = EVENTS_PER_READ
        if version is not None:
            limit = min(limit, version - state.version)
        events = await list_events(conn, book, state.version, limit)
        state = fold(state, events)
        if len(events) < limit:
            break
    return state
