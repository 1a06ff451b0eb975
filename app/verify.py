"""`backroom verify`: rows = fold = Redis = hash chain = anchors, or where they first differ."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import asyncpg
from msgspec.structs import replace

from app.anchors import READ_INSTALLATION, Anchor, AnchorFile, Known, find_contradiction
from app.db.book import decode_snapshot, is_nights, list_events, list_heads
from app.db.floor import list_bookless, list_contradictions, read_rows, read_taken, rows_of
from app.live.messages import MessageUnreadable
from app.live.redis_state import AWAY, RedisState, connect
from app.settings import Settings
from floorplan.administration import BOOK, administration_of
from floorplan.events import (
    Event,
    EventUnreadable,
    NightSealed,
    PaymentProcessed,
    PaymentRefunded,
    RefundReversed,
    payload_of,
)
from floorplan.fold import apply, is_readable
from floorplan.state import NightState, empty_state

REDIS_DEADLINE_SECONDS = 5.0  # the live copy follows a commit in milliseconds; a cold one in 1 s

# Each line's hash is computed again from the line itself and the hash before it.
LIST_BROKEN = """
SELECT version FROM (
    SELECT e.version, e.hash, e.previous_hash,
           lag(e.hash, 1, '\\x'::bytea) OVER line AS before,
           lag(e.version, 1, 0::bigint) OVER line AS version_before,
           event_hash(e.previous_hash, e.book, e.version, e.type, e.subject, e.at, e.actor,
                      e.correlation_id, e.made_by, e.payload, e.origin) AS computed
      FROM event e WHERE e.book = $1 WINDOW line AS (ORDER BY e.version)
) AS chain
 WHERE hash <> computed OR previous_hash <> before OR version <> version_before + 1
 ORDER BY version LIMIT 1
"""
READ_HEAD_HASH = """
SELECT b.version, b.hash = coalesce(e.hash, '\\x'::bytea) AS same
  FROM book b LEFT JOIN event e ON e.book = b.name AND e.version = b.version
 WHERE b.name = $1
"""
LIST_HAND_MADE = """
SELECT version, type, made_by FROM event WHERE book = $1 AND made_by LIKE 'hand:%' ORDER BY version
"""
LIST_SNAPSHOTS = "SELECT version, state::text FROM snapshot WHERE book = $1"


def main(settings: Settings, nights: list[str] | None = None) -> int:
    """Print what was compared for each night and what differs; 0 when nothing does."""
    return asyncio.run(_main(settings, nights))


async def _main(settings: Settings, nights: list[str] | None) -> int:
    conn = await asyncpg.connect(settings.owner_database_url)
    try:
        heads = await list_heads(conn)
        chosen = nights or sorted(heads)
        known = await _anchors(conn, AnchorFile(settings.anchors_path, settings.secret))
        wrong = len(known.problems)
        for problem in known.problems:
            print(f"anchors: {problem}")
        if not nights:
            gone = sorted({anchor.book for anchor in known.anchors} - heads.keys())
            for book in gone:
                print(f"{book}: the book was anchored and is gone")
            wrong += len(gone)
        for night in [] if nights else await list_bookless(conn):
            print(f"{night}: the night has rows but no book")
            wrong += 1
        for book in chosen:
            if book not in heads:
                print(f"{book}: no such book; there are {', '.join(sorted(heads)) or 'none'}")
                wrong += 1
                continue
            found = await verify_book(conn, settings.redis_url, book, known.anchors)
            for problem in found.problems:
                print(f"{book}: {problem}")
            wrong += len(found.problems)
            if not found.problems:
                print(f"{book}: {heads[book]} events, {found.agreed}")
        return 1 if wrong else 0
    finally:
        await conn.close()


class Found(NamedTuple):
    """What agreed, in words, and what did not."""

    agreed: str
    problems: list[str]


async def _anchors(conn: asyncpg.Connection, file: AnchorFile) -> Known:
    """The anchors of this database, and what is wrong with their file."""
    try:
        known = await asyncio.to_thread(file.read)
    except FileNotFoundError:
        print(f"anchors: there is no file {file.path} yet, so a cut-off tail would not be seen")
        return Known([], [])
    except OSError as error:
        return Known([], [f"the anchor file cannot be read: {error}"])
    installation = await conn.fetchval(READ_INSTALLATION)
    own = [anchor for anchor in known.anchors if anchor.installation == installation]
    others = len(known.anchors) - len(own)
    if not others:
        print(f"anchors: {len(own)} of this database in {file.path}")
        return known
    foreign = f"{others} lines of the anchor file are of another database: give each its own file"
    return Known(own, [*known.problems, foreign])


async def verify_book(
    conn: asyncpg.Connection, redis_url: str, book: str, anchors: Sequence[Anchor] = ()
) -> Found:
    """What is wrong with the book and its copies; no problems when all agree.

    Postgres is read in one REPEATABLE READ transaction, so a running night does not disturb it.
    `redis_url` may be empty: then the live copy is not compared. `anchors` are those of this
    database, read before.
    """
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        problems = await _chain_problems(conn, book)
        contradiction = await find_contradiction(conn, book, anchors)
        if contradiction is not None:
            problems.append(contradiction)
        if book == BOOK:
            return Found("hash chain", problems + await _unreadable(conn))
        if not is_nights(book):
            return Found("", [*problems, "neither a night's book nor the venue's"])
        snapshots = {row["version"]: row["state"] for row in await conn.fetch(LIST_SNAPSHOTS, book)}
        state, late = empty_state(book), 0
        while events := await list_events(conn, book, state.version):
            for event in events:
                if not is_readable(state, event):
                    problems.append(f"line {event.version} ({event.type}) has no meaning here")
                if event.version != state.version + 1:
                    return Found("", problems)  # a hole: the chain has named it
                problems += _seal_problems(state, event)
                late += _moved_after_seal(event)
                state = apply(state, event).state
                stored = snapshots.pop(event.version, None)
                if stored is not None and decode_snapshot(stored) != state:
                    problems.append(f"the snapshot at {event.version} is not the fold")
        problems += [f"there is a snapshot at {version}, and no such line" for version in snapshots]
        problems += await list_contradictions(conn, book)
        taken = await read_taken(conn, book)
        by_book = state.figures.deposits_pence - state.figures.refunds_pence + late
        if taken != by_book:
            problems.append(f"{taken} pence were paid and did not go back, {by_book} by the book")
        rows = await read_rows(conn, book)
    problems += [f"rows and fold differ: {place}" for place in differences(rows, rows_of(state))]
    if not redis_url or state.info is None:
        return Found("rows = fold = hash chain", problems)
    word, found = await _compare_redis(redis_url, state)
    if word == "Redis":
        return Found("rows = fold = Redis = hash chain", problems + found)
    return Found(f"rows = fold = hash chain; {word}", problems + found)


async def _unreadable(conn: asyncpg.Connection) -> list[str]:
    """The lines of the venue's book that its catalogue cannot read."""
    problems: list[str] = []
    version = 0
    while lines := await list_events(conn, BOOK, version):
        for line in lines:
            try:
                administration_of(line)
            except EventUnreadable:
                problems.append(f"line {line.version} ({line.type}) has no meaning here")
        version = lines[-1].version
    return problems


def _moved_after_seal(event: Event) -> int:
    """The pence that came in, less those that went back, beside the figures of a sealed night."""
    try:
        it = payload_of(event)
    except EventUnreadable:
        return 0
    if isinstance(it, (PaymentProcessed, RefundReversed)) and it.after_seal:
        return it.amount_pence
    return -it.amount_pence if isinstance(it, PaymentRefunded) and it.after_seal else 0


def _seal_problems(before: NightState, event: Event) -> list[str]:
    """A seal must state the totals that the lines before it make."""
    try:
        sealed = payload_of(event)
    except EventUnreadable:
        return []
    if not isinstance(sealed, NightSealed):
        return []
    completed = before.figures.bookings_completed + len(sealed.completed)
    if sealed.figures == replace(before.figures, bookings_completed=completed):
        return []
    return [f"line {event.version} seals other figures than the lines before it make"]


async def _chain_problems(conn: asyncpg.Connection, book: str) -> list[str]:
    problems = []
    broken = await conn.fetchval(LIST_BROKEN, book)
    if broken is not None:
        problems.append(f"the hash chain breaks at line {broken}")
    head = await conn.fetchrow(READ_HEAD_HASH, book)
    if head is not None and not head["same"]:
        problems.append(f"the book's head {head['version']} is not its last line")
    problems += [
        f"line {row['version']} ({row['type']}) was written by hand ({row['made_by']}),"
        " not by an action"
        for row in await conn.fetch(LIST_HAND_MADE, book)
    ]
    return problems


async def _compare_redis(redis_url: str, state: NightState) -> tuple[str, list[str]]:
    """What can be said of the live copy, and what is wrong with it.

    It is given a moment to arrive. A copy that is not there is no fault: nobody watches the night,
    or no service runs. One that is behind or differs is.
    """
    client = connect(redis_url)
    try:
        deadline = asyncio.get_running_loop().time() + REDIS_DEADLINE_SECONDS
        while True:
            stored = await RedisState(client).read(state.night, 1)
            if stored is None or stored.state.version >= state.version:
                break
            if asyncio.get_running_loop().time() > deadline:
                at = stored.state.version
                return "", [f"Redis is at version {at}, the book at {state.version}"]
            await asyncio.sleep(0.05)
    except AWAY as error:
        return "", [f"Redis did not answer: {error}"]
    except MessageUnreadable as error:
        return "", [f"what Redis holds cannot be read: {error}"]
    finally:
        await client.aclose()
    if stored is None:
        return "Redis holds no copy of this night", []
    if stored.state.version > state.version:
        return "the night went on meanwhile, Redis is ahead of this comparison", []
    if stored.state != state:
        return "", ["Redis holds another state than the fold at this version"]
    return "Redis", []


def differences(left: Any, right: Any, path: str = "") -> Iterator[str]:
    """Every place where two documents differ, with both values: rows first, then fold."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                yield from differences(left.get(key), right.get(key), f"{path}/{key}")
    elif left != right:
        yield f"{path}: {left!r} and {right!r}"
