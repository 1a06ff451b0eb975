"""Rows of nights, their tables, people limits and signing keys."""

from collections.abc import Sequence
from datetime import date

import asyncpg
import msgspec
from msgspec import Struct

from floorplan.events import NightTable

LIST_NIGHTS = """
SELECT n.date::text AS night, n.name, n.status, instant_text(n.doors_at) AS doors_at,
       instant_text(n.last_entry_at) AS last_entry_at, instant_text(n.closes_at) AS closes_at,
       instant_text(n.ends_at) AS ends_at, n.house_limit, n.edition,
       coalesce(b.version, 0) AS version,
       (SELECT jsonb_object_agg(h.floor, h.people_limit)
          FROM headcount h WHERE h.night = n.date)::text AS floors,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'number', f.number, 'floor', f.floor, 'capacity_min', f.capacity_min,
                   'capacity_max', f.capacity_max, 'capacity_optimal', f.capacity_optimal,
                   'deposit_pence', f.deposit_pence, 'minimum_spend_pence', f.minimum_spend_pence)
                   ORDER BY f.number), '[]')
          FROM floor_table f WHERE f.night = n.date)::text AS tables
  FROM night n LEFT JOIN book b ON b.name = n.date::text
 WHERE n.date >= $1 AND ($2::date IS NULL OR n.date = $2)
 ORDER BY n.date
 LIMIT 60
"""
INSERT_NIGHT = """
INSERT INTO night (date, name, doors_at, last_entry_at, closes_at, ends_at, house_limit)
VALUES ($1::text::date, $2, $3::text::timestamptz, $4::text::timestamptz, $5::text::timestamptz,
        $6::text::timestamptz, $7)
ON CONFLICT (date) DO NOTHING
RETURNING true
"""
INSERT_TABLE = """
INSERT INTO floor_table (night, number, floor, capacity_min, capacity_max, capacity_optimal,
                         deposit_pence, minimum_spend_pence)
VALUES ($1::text::date, $2, $3, $4, $5, $6, $7, $8)
"""
INSERT_HEADCOUNT = (
    "INSERT INTO headcount (night, floor, people_limit) VALUES ($1::text::date, $2, $3)"
)
# Nights that open at the same time would both take the next number, and the codes of one of them be
# called forged: they take turns until the commit.
LOCK_KEYS = "SELECT pg_advisory_xact_lock(hashtextextended('backroom:signing_key', 0))"
# The number of the night's key is free again when its night is sealed: at most 256 open nights.
INSERT_KEY = """
INSERT INTO signing_key (night, key_id, private, kid, public)
SELECT $1::text::date, id, $2, $3, $4
  FROM generate_series(0, 255) AS id
 WHERE id NOT IN (SELECT k.key_id FROM signing_key k JOIN night n ON n.date = k.night
                   WHERE n.status = 'open')
 ORDER BY id < (SELECT coalesce(max(key_id), -1) + 1 FROM signing_key
                 WHERE night = (SELECT max(night) FROM signing_key)), id
 LIMIT 1
RETURNING key_id
"""
FIND_KEY = "SELECT key_id, private, public FROM signing_key WHERE night = $1::text::date"
LIST_KEYS = """
SELECT k.key_id, k.public FROM signing_key k JOIN night n ON n.date = k.night
 ORDER BY (n.status = 'open') DESC, k.night DESC
 LIMIT 256
"""
EDIT_NIGHT = """
UPDATE night
   SET name = $2, doors_at = $3::text::timestamptz, last_entry_at = $4::text::timestamptz,
       closes_at = $5::text::timestamptz, house_limit = $6, edition = edition + 1
 WHERE date = $1::text::date
"""
EDIT_PRICE = """
UPDATE floor_table SET deposit_pence = $3, minimum_spend_pence = $4
 WHERE night = $1::text::date AND number = $2
"""
EDIT_LIMIT = "UPDATE headcount SET people_limit = $3 WHERE night = $1::text::date AND floor = $2"
SEAL_NIGHT = "UPDATE night SET status = 'sealed' WHERE date = $1::text::date"
EMPTY_HOUSE = "UPDATE headcount SET people = 0 WHERE night = $1::text::date"
LIST_LIVE_BOOKINGS = """
SELECT id::text FROM booking
 WHERE night = $1::text::date AND status IN ('pending', 'confirmed', 'seated') ORDER BY id
"""
LIST_NIGHTS_OVER = "SELECT date::text FROM night WHERE status = 'open' AND ends_at <= venue_now()"
LIST_HOLDS_OVER = """
SELECT id::text, night::text FROM booking
 WHERE status = 'pending' AND hold_expires_at <= venue_now() AND id::text <> ALL ($1::text[])
 ORDER BY hold_expires_at LIMIT 100
"""
LIST_BLOCKS_DUE = """
SELECT k.id::text, k.night::text, k.number, upper(k.slot) <= venue_now() AS over
  FROM table_block k JOIN night n ON n.date = k.night
 WHERE NOT k.lifted AND n.status = 'open'
   AND (upper(k.slot) <= venue_now() OR (NOT k.in_force AND lower(k.slot) <= venue_now()))
   AND k.id::text <> ALL ($1::text[])
 ORDER BY k.night, k.number LIMIT 100
"""
LIFT_BLOCKS = "UPDATE table_block SET lifted = true WHERE id = ANY ($1::uuid[])"
BEGIN_BLOCK = "UPDATE table_block SET in_force = true WHERE id = $1"
INSERT_BLOCK = """
INSERT INTO table_block (id, night, number, slot, reason, in_force)
VALUES ($1, $2::text::date, $3, tstzrange($4::text::timestamptz, $5::text::timestamptz), $6, $7)
"""


class NightRow(Struct, frozen=True):
    """A night with its tables; `floors` are the people limits of its floors."""

    night: str
    name: str
    status: str
    doors_at: str
    last_entry_at: str
    closes_at: str
    ends_at: str
    house_limit: int
    edition: int
    version: int
    floors: dict[str, int]
    tables: list[NightTable]


class NightKey(Struct, frozen=True):
    """The key that signs a night's codes: Ed25519, its private half wrapped."""

    key_id: int
    private: bytes
    public: bytes


async def list_nights(
    conn: asyncpg.Connection, since: date, only: date | None = None
) -> list[NightRow]:
    """Nights from `since` on, sealed ones included, at most sixty."""
    rows = await conn.fetch(LIST_NIGHTS, since, only)
    return [_night_row(row) for row in rows]


async def find_night(conn: asyncpg.Connection, night: date) -> NightRow | None:
    found = await list_nights(conn, night, night)
    return found[0] if found else None


def _night_row(row: asyncpg.Record) -> NightRow:
    return NightRow(
        night=row["night"],
        name=row["name"],
        status=row["status"],
        doors_at=row["doors_at"],
        last_entry_at=row["last_entry_at"],
        closes_at=row["closes_at"],
        ends_at=row["ends_at"],
        house_limit=row["house_limit"],
        edition=row["edition"],
        version=row["version"],
        floors=msgspec.json.decode(row["floors"] or "{}", type=dict[str, int]),
        tables=msgspec.json.decode(row["tables"], type=list[NightTable]),
    )


async def insert_night(
    conn: asyncpg.Connection,
    night: str,
    name: str,
    hours: tuple[str, str, str, str],
    house_limit: int,
    floors: dict[str, int],
    tables: list[NightTable],
    key: tuple[bytes, str, bytes],
) -> bool:
    """The night, its tables, its counts and its key exist; False: it existed already.

    `hours` are doors, last entry, close and the end of the business date; `key` is the private
    half wrapped, the name of the outer key, the public half.
    """
    if not await conn.fetchval(INSERT_NIGHT, night, name, *hours, house_limit):
        return False
    await conn.executemany(
        INSERT_TABLE,
        [
            (night, t.number, t.floor, t.capacity_min, t.capacity_max, t.capacity_optimal,
             t.deposit_pence, t.minimum_spend_pence)
            for t in tables
        ],
    )  # fmt: skip
    await conn.executemany(
        INSERT_HEADCOUNT, [(night, floor, most) for floor, most in floors.items()]
    )
    await conn.execute(LOCK_KEYS)
    assert await conn.fetchval(INSERT_KEY, night, *key) is not None, "256 nights are open"
    return True


async def find_key(conn: asyncpg.Connection, night: str) -> NightKey | None:
    row = await conn.fetchrow(FIND_KEY, night)
    return None if row is None else NightKey(row["key_id"], row["private"], row["public"])


async def list_keys(conn: asyncpg.Connection) -> dict[int, bytes]:
    """The public keys that a code may be signed with; a number in use twice means the newer."""
    keys: dict[int, bytes] = {}
    for row in await conn.fetch(LIST_KEYS):
        keys.setdefault(row["key_id"], row["public"])
    return keys


async def edit_night(
    conn: asyncpg.Connection,
    night: str,
    name: str,
    hours: tuple[str, str, str],
    house_limit: int,
    floors: dict[str, int],
    prices: list[tuple[int, int, int]],
) -> None:
    """The night's new values; `prices` are number, deposit, minimum spend."""
    await conn.execute(EDIT_NIGHT, night, name, *hours, house_limit)
    await conn.executemany(EDIT_LIMIT, [(night, floor, most) for floor, most in floors.items()])
    await conn.executemany(EDIT_PRICE, [(night, *price) for price in prices])


async def seal_night(conn: asyncpg.Connection, night: str) -> None:
    """Nothing of the night changes any more; nobody is inside."""
    await conn.execute(SEAL_NIGHT, night)
    await conn.execute(EMPTY_HOUSE, night)


async def list_live_bookings(conn: asyncpg.Connection, night: str) -> list[str]:
    return [row["id"] for row in await conn.fetch(LIST_LIVE_BOOKINGS, night)]


async def list_nights_over(conn: asyncpg.Connection) -> list[str]:
    """Open nights whose business date has ended."""
    return [row["date"] for row in await conn.fetch(LIST_NIGHTS_OVER)]


async def list_holds_over(
    conn: asyncpg.Connection, without: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Unpaid holds past their time, but those named: booking id and night."""
    return [(row["id"], row["night"]) for row in await conn.fetch(LIST_HOLDS_OVER, without)]


async def list_blocks_due(
    conn: asyncpg.Connection, without: Sequence[str] = ()
) -> list[tuple[str, str, int, bool]]:
    """Blocks that begin or end now, but those named: id, night, table, and whether it ends."""
    rows = await conn.fetch(LIST_BLOCKS_DUE, without)
    return [(row["id"], row["night"], row["number"], row["over"]) for row in rows]


async def lift_blocks(conn: asyncpg.Connection, block_ids: list[str]) -> None:
    await conn.execute(LIFT_BLOCKS, block_ids)


async def begin_block(conn: asyncpg.Connection, block_id: str) -> None:
    await conn.execute(BEGIN_BLOCK, block_id)


async def insert_block(
    conn: asyncpg.Connection,
    block_id: str,
    night: str,
    number: int,
    begin: str,
    end: str,
    reason: str,
    in_force: bool,
) -> None:
    """The table is out of service in the window. SQL's `block_table` does the same for psql."""
    await conn.execute(INSERT_BLOCK, block_id, night, number, begin, end, reason, in_force)
