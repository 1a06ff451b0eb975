"""Rows of the waitlist: who waits, what is free for them, and what became of it."""

from typing import Final

import asyncpg
import msgspec
from msgspec import Struct

from app.db.persons import Held
from app.domain.contacts import SealedPerson
from app.domain.waitlist import TakenFloor, Waiting
from floorplan.allocation import Preferences
from floorplan.refunds import Refunds

JUDGE_WAITING: Final = "SELECT judge_waiting($1::text::date, $2, $3, $4, $5, $6)"
INSERT_WAITING: Final = """
WITH guest AS (
    INSERT INTO person (id, sealed, name_index, email_index, phone_index)
    VALUES ($14, $15, $16, $17, $18)
), wrapped AS (
    INSERT INTO person_key (person_id, kid, wrapped) VALUES ($14, $19, $20)
)
INSERT INTO waitlist (id, night, party, slot, floor, zone, features, special_occasion, person_id,
                      owner_hash, joined_from, joined_at, visits, timing, priority, offers_left)
VALUES ($1, $2::text::date, $3, tstzrange($4::text::timestamptz, $5::text::timestamptz), $6, $7,
        $8::text[], $9, $14, $10, $11, $12::text::timestamptz, $13, $21, $22, $23)
"""
READ_TAKEN: Final = "SELECT floor_taken($1::text::date)::text"
OFFER_TABLES: Final = """
SELECT offer_tables($1, $2, $3, $4::integer[], $5, $6::text::timestamptz, $7::text::timestamptz,
                    $8::text::jsonb)
"""
# Nights on which somebody waits; answered from the index of those alone.
LIST_NIGHTS: Final = """
SELECT DISTINCT w.night::text FROM waitlist w JOIN night n ON n.date = w.night
 WHERE w.status = 'waitlisted' AND n.status = 'open' ORDER BY 1 LIMIT 60
"""
LIST_WAITING: Final = """
SELECT w.id::text, w.party, instant_text(lower(w.slot)) AS slot_from,
       instant_text(upper(w.slot)) AS slot_until, w.floor, w.zone, w.features,
       coalesce(w.by_hand, w.priority) AS priority, w.offers_left,
       instant_text(w.joined_at) AS joined_at
  FROM waitlist w WHERE w.night = $1::text::date AND w.status = 'waitlisted'
"""
FIND_PERSON: Final = "SELECT person_id::text FROM waitlist WHERE id = $1"
_entry_columns: Final = """
SELECT w.id::text AS waitlist_id, w.night::text AS night, w.status, w.party,
       instant_text(lower(w.slot)) AS slot_from, instant_text(upper(w.slot)) AS slot_until,
       w.floor, w.zone, w.features, w.special_occasion, w.person_id::text AS person_id, w.visits,
       w.timing, w.priority, w.by_hand, w.offers_left, w.ended_why,
       instant_text(w.joined_at) AS joined_at, w.booking_id::text AS booking_id,
       b.deposit_pence, instant_text(b.hold_expires_at) AS hold_expires_at,
       (SELECT coalesce(array_agg(t.number ORDER BY t.number), '{}') FROM booking_table t
         WHERE t.live AND t.booking_id = w.booking_id) AS tables,
       coalesce(v.version, 0) AS version
"""
FIND_ENTRY: Final = (
    _entry_columns
    + """, place_in_line(w.id) AS place
  FROM waitlist w LEFT JOIN booking b ON b.id = w.booking_id
  LEFT JOIN book v ON v.name = w.night::text
 WHERE w.id = $1
"""
)
LIST_ENTRIES: Final = (
    _entry_columns
    + """, NULL::integer AS place, p.sealed, q.wrapped
  FROM waitlist w LEFT JOIN booking b ON b.id = w.booking_id
  LEFT JOIN book v ON v.name = w.night::text
  LEFT JOIN person p ON p.id = w.person_id
  LEFT JOIN person_key q ON q.person_id = p.id
 WHERE w.night = $1::text::date AND w.status IN ('waitlisted', 'offered')
 ORDER BY w.offers_left DESC, coalesce(w.by_hand, w.priority) DESC, w.joined_at, w.id
"""
)
LIST_PLACES_OF: Final = (
    _entry_columns
    + """, NULL::integer AS place
  FROM waitlist w LEFT JOIN booking b ON b.id = w.booking_id
  LEFT JOIN book v ON v.name = w.night::text
 WHERE w.person_id = $1
 ORDER BY w.joined_at, w.id
 LIMIT 1000
"""
)
# Decided by the row's own state: two that end it at once have one winner.
END_WAITING: Final = """
UPDATE waitlist SET status = $2, ended_why = $3
 WHERE id = $1 AND status = ANY ($4::text[]) AND booking_id IS NOT DISTINCT FROM $5::uuid
RETURNING id
"""
RANK_WAITING: Final = """
UPDATE waitlist SET by_hand = $2 WHERE id = $1 AND status IN ('waitlisted', 'offered')
RETURNING priority
"""
EXTEND_OFFER: Final = "UPDATE booking SET hold_expires_at = $2::text::timestamptz WHERE id = $1"
FIND_OFFER: Final = """
SELECT b.id::text FROM waitlist w JOIN booking b ON b.id = w.booking_id
 WHERE w.id = $1 AND w.offers_left = $2 AND w.status IN ('offered', 'accepted')
   AND b.status = 'pending' AND venue_now() < least(b.hold_expires_at, $3::text::timestamptz)
"""
IS_WAITING: Final = "SELECT is_waiting($1, $2)"

_FLOOR: Final = msgspec.json.Decoder(TakenFloor)


class EntryRow(Struct, frozen=True):
    """A place on the waitlist; the hold's columns are those of what it is offered, if anything."""

    waitlist_id: str
    night: str
    status: str
    party: int
    slot_from: str
    slot_until: str
    floor: str | None
    zone: str | None
    features: list[str]
    special_occasion: bool
    person_id: str
    visits: int
    timing: int
    priority: int
    by_hand: int | None
    offers_left: int
    ended_why: str | None
    joined_at: str
    booking_id: str | None
    deposit_pence: int | None
    hold_expires_at: str | None
    tables: list[int]
    version: int
    place: int | None
    held: Held | None = None

    @property
    def effective(self) -> int:
        """The priority that counts."""
        return self.priority if self.by_hand is None else self.by_hand


class NewWaiting(Struct, frozen=True):
    """A place to insert; instants are texts of the one form."""

    id: str
    night: str
    party: int
    slot_from: str
    slot_until: str
    prefers: Preferences
    special_occasion: bool
    owner_hash: bytes
    joined_from: str | None
    joined_at: str
    visits: int
    timing: int
    priority: int
    offers_left: int


async def judge_waiting(
    conn: asyncpg.Connection,
    night: str,
    person: SealedPerson,
    address: str | None,
    most: int | None,
) -> int:
    """How often the person was here. Raises Conflict `already_waiting`, `too_many_waiting`,
    `waitlist_full`."""
    indexes = person.indexes
    return int(
        await conn.fetchval(
            JUDGE_WAITING, night, indexes.name, indexes.phone, indexes.email, address, most
        )
    )


async def insert_waiting(conn: asyncpg.Connection, new: NewWaiting, person: SealedPerson) -> None:
    """The party waits; whose it is stands apart, sealed."""
    indexes, prefers = person.indexes, new.prefers
    await conn.execute(
        INSERT_WAITING, new.id, new.night, new.party, new.slot_from, new.slot_until,
        prefers.floor, prefers.zone, list(prefers.features), new.special_occasion, new.owner_hash,
        new.joined_from, new.joined_at, new.visits, person.id, person.sealed, indexes.name,
        indexes.email, indexes.phone, person.kid, person.wrapped, new.timing, new.priority,
        new.offers_left,
    )  # fmt: skip


async def read_taken(conn: asyncpg.Connection, night: str) -> TakenFloor | None:
    """What of the night is taken, unlocked; None: there is no such night, or it is sealed."""
    text = await conn.fetchval(READ_TAKEN, night)
    return None if text is None else _FLOOR.decode(text)


async def offer_tables(
    conn: asyncpg.Connection, entry_id: str, booking_id: str, reference: str, tables: list[int],
    deposit_pence: int, until: str, now: str, refunds: Refunds,
) -> bool:  # fmt: skip
    """The locked tables are held for the party; False: it has an offer, or waits no more."""
    return bool(
        await conn.fetchval(
            OFFER_TABLES,
            entry_id,
            booking_id,
            reference,
            tables,
            deposit_pence,
            until,
            now,
            msgspec.json.encode(refunds).decode(),
        )
    )


async def list_nights(conn: asyncpg.Connection) -> list[str]:
    """Open nights on which somebody waits without an offer."""
    return [row["night"] for row in await conn.fetch(LIST_NIGHTS)]


async def list_waiting(conn: asyncpg.Connection, night: str) -> list[Waiting]:
    """The parties of the night that wait without an offer; at most 200, as many as may join."""
    return [
        Waiting(
            id=row["id"],
            party=row["party"],
            slot_from=row["slot_from"],
            slot_until=row["slot_until"],
            prefers=Preferences(row["floor"], row["zone"], tuple(row["features"])),
            priority=row["priority"],
            offers_left=row["offers_left"],
            joined_at=row["joined_at"],
        )
        for row in await conn.fetch(LIST_WAITING, night)
    ]


async def find_person(conn: asyncpg.Connection, entry_id: str) -> str | None:
    """The id of the person who waits."""
    found: str | None = await conn.fetchval(FIND_PERSON, entry_id)
    return found


async def find_entry(conn: asyncpg.Connection, entry_id: str) -> EntryRow | None:
    """The place, as the one who acts may see it."""
    row = await conn.fetchrow(FIND_ENTRY, entry_id)
    return None if row is None else EntryRow(**dict(row))


async def list_entries(conn: asyncpg.Connection, night: str) -> list[EntryRow]:
    """The night's places, the next one first, with whose they are, sealed."""
    found = []
    for row in await conn.fetch(LIST_ENTRIES, night):
        columns = dict(row)
        sealed, wrapped = columns.pop("sealed"), columns.pop("wrapped")
        held = None
        if sealed is not None and wrapped is not None:
            held = Held(columns["person_id"], sealed, wrapped)
        found.append(EntryRow(**columns, held=held))
    return found


async def list_places_of(conn: asyncpg.Connection, person_id: str) -> list[EntryRow]:
    """The person's places on the waitlist, those that are over too, at most a thousand."""
    rows = await conn.fetch(LIST_PLACES_OF, person_id)
    return [EntryRow(**dict(row)) for row in rows]


async def end_waiting(conn: asyncpg.Connection, entry: EntryRow, status: str, why: str) -> bool:
    """The place is over; False: it is in another state than when it was read."""
    found = await conn.fetchval(
        END_WAITING, entry.waitlist_id, status, why, [entry.status], entry.booking_id
    )
    return found is not None


async def rank_waiting(conn: asyncpg.Connection, entry_id: str, priority: int | None) -> int | None:
    """The place has the priority by hand, or its own again, which is returned; None: it is over."""
    found: int | None = await conn.fetchval(RANK_WAITING, entry_id, priority)
    return found


async def extend_offer(conn: asyncpg.Connection, booking_id: str, until: str) -> None:
    """The hold that was an offer is an ordinary one from here on; its extension is not used up."""
    await conn.execute(EXTEND_OFFER, booking_id, until)


async def find_offer(
    conn: asyncpg.Connection, entry_id: str, offers_left: int, until: str
) -> str | None:
    """The hold that is, or was, offered to the place while it had so many offers left; None: that
    hold is paid or over, or it is `until` by the venue's clock."""
    found: str | None = await conn.fetchval(FIND_OFFER, entry_id, offers_left, until)
    return found


async def is_waiting(conn: asyncpg.Connection, entry_id: str, owner_hash: bytes) -> bool:
    """Whether the place is of the customer whose token has this SHA-256."""
    return bool(await conn.fetchval(IS_WAITING, entry_id, owner_hash))
