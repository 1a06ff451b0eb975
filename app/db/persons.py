"""Rows of people: sealed data, wrapped keys, and the indexes that find them again.

Nothing here can be read without the vault. A person whose row was erased has neither data nor key:
both go in one transaction, and every read takes both in one statement, so that no reader ever has
the one without the other.
"""

import asyncpg
from msgspec import Struct

from app.domain.contacts import SealedPerson
from app.domain.facts import HeldFact

INSERT_PERSON = """
WITH made AS (
    INSERT INTO person (id, sealed, name_index, email_index, phone_index)
    VALUES ($1, $2, $3, $4, $5)
)
INSERT INTO person_key (person_id, kid, wrapped) VALUES ($1, $6, $7)
"""
FIND_HELD = """
SELECT p.id::text AS person_id, p.sealed, k.wrapped
  FROM booking b
  JOIN person p ON p.id = b.person_id
  JOIN person_key k ON k.person_id = p.id
 WHERE b.id = $1
"""
_PERSON_COLUMNS = """
SELECT p.id::text AS person_id, p.sealed, k.wrapped, instant_text(p.created_at) AS created_at,
       instant_text(p.erased_at) AS erased_at
  FROM person p LEFT JOIN person_key k ON k.person_id = p.id
"""
FIND_PERSON = _PERSON_COLUMNS + " WHERE p.id = $1"
# An index tells two people with one telephone; fifty bookings by one number are a promoter's.
FIND_BY_PHONE = (
    _PERSON_COLUMNS + " WHERE p.phone_index = $1 ORDER BY p.created_at DESC, p.id LIMIT 50"
)
FIND_BY_EMAIL = (
    _PERSON_COLUMNS + " WHERE p.email_index = $1 ORDER BY p.created_at DESC, p.id LIMIT 50"
)
FIND_BOOKING_PERSON = "SELECT person_id::text FROM booking WHERE id = $1"
# Who waits has no booking before the first offer.
FIND_PERSON_OF_OWNER = """
SELECT person_id::text FROM (
    SELECT person_id, created_at AS at FROM booking WHERE owner_hash = $1
    UNION ALL SELECT person_id, joined_at FROM waitlist WHERE owner_hash = $1) AS theirs
 ORDER BY at DESC LIMIT 1
"""
READ_NOW = "SELECT instant_text(now())"
LOCK_PERSON = "SELECT instant_text(erased_at) AS erased_at FROM person WHERE id = $1 FOR UPDATE"
ERASE_PERSON = """
WITH shredded AS (DELETE FROM person_key WHERE person_id = $1)
UPDATE person
   SET sealed = NULL, name_index = NULL, email_index = NULL, phone_index = NULL, erased_at = now()
 WHERE id = $1 AND erased_at IS NULL
RETURNING instant_text(erased_at)
"""
LIST_BOOKINGS_OF_PERSON = """
SELECT b.id::text AS booking_id, b.reference, b.night::text AS night, b.status, b.party,
       (SELECT coalesce(array_agg(t.number ORDER BY t.number), '{}') FROM booking_table t
         WHERE t.booking_id = b.id
           AND (t.live OR b.status NOT IN ('pending', 'confirmed', 'seated'))) AS tables,
       instant_text(lower(b.slot)) AS slot_from, instant_text(upper(b.slot)) AS slot_until,
       b.person_id::text AS person_id, b.source, b.deposit_pence, b.paid_pence,
       instant_text(b.created_at) AS created_at,
       coalesce(k.admitted, 0) AS admitted, instant_text(k.last_scan_at) AS last_scan_at, b.wishes
  FROM booking b LEFT JOIN ticket k ON k.booking_id = b.id
 WHERE b.person_id = ANY ($1::uuid[])
 ORDER BY lower(b.slot), b.id
 LIMIT 1000
"""
LIST_PAYMENTS_OF_PERSON = """
SELECT y.booking_id::text AS booking_id, y.amount_pence, y.currency, y.method,
       instant_text(y.at) AS at
  FROM payment y JOIN booking b ON b.id = y.booking_id
 WHERE b.person_id = $1
 ORDER BY y.at, y.id
 LIMIT 1000
"""


class Held(Struct, frozen=True):
    """A person's data and key as the database has them."""

    person_id: str
    sealed: bytes
    wrapped: bytes

    @classmethod
    def of(cls, fact: HeldFact) -> "Held":
        """The same as a scan was told it."""
        return cls(fact.person_id, bytes.fromhex(fact.sealed), bytes.fromhex(fact.wrapped))


class PersonRow(Struct, frozen=True):
    """A person; `sealed` and `wrapped` are None when they were erased."""

    person_id: str
    sealed: bytes | None
    wrapped: bytes | None
    created_at: str
    erased_at: str | None

    @property
    def held(self) -> Held | None:
        """The data and the key; None: erased."""
        if self.sealed is None or self.wrapped is None:
            return None
        return Held(self.person_id, self.sealed, self.wrapped)


class PersonsBooking(Struct, frozen=True):
    """A booking, as its person is told of it."""

    person_id: str
    booking_id: str
    reference: str
    night: str
    status: str
    party: int
    tables: list[int]
    slot_from: str
    slot_until: str
    source: str
    deposit_pence: int
    paid_pence: int
    created_at: str
    admitted: int
    last_scan_at: str | None
    wishes: bytes | None


class PersonsPayment(Struct, frozen=True):
    booking_id: str
    amount_pence: int
    currency: str
    method: str
    at: str


async def insert_person(conn: asyncpg.Connection, person: SealedPerson) -> None:
    """A person without a booking."""
    await conn.execute(
        INSERT_PERSON, person.id, person.sealed, person.indexes.name, person.indexes.email,
        person.indexes.phone, person.kid, person.wrapped,
    )  # fmt: skip


async def find_held(conn: asyncpg.Connection, booking_id: str) -> Held | None:
    """The person of the booking; None: nobody, or erased."""
    row = await conn.fetchrow(FIND_HELD, booking_id)
    return None if row is None else Held(**row)


async def find_person(conn: asyncpg.Connection, person_id: str) -> PersonRow | None:
    row = await conn.fetchrow(FIND_PERSON, person_id)
    return None if row is None else PersonRow(**row)


async def find_by_phone(conn: asyncpg.Connection, index: bytes) -> list[PersonRow]:
    """The people with the telephone of that index, the newest first, at most fifty."""
    return [PersonRow(**row) for row in await conn.fetch(FIND_BY_PHONE, index)]


async def find_by_email(conn: asyncpg.Connection, index: bytes) -> list[PersonRow]:
    """The people with the address of that index, the newest first, at most fifty."""
    return [PersonRow(**row) for row in await conn.fetch(FIND_BY_EMAIL, index)]


async def find_booking_person(
    conn: asyncpg.Connection, booking_id: str
) -> tuple[str | None] | None:
    """The id of the booking's person, or that it has none; None: no such booking."""
    row = await conn.fetchrow(FIND_BOOKING_PERSON, booking_id)
    return None if row is None else (row["person_id"],)


async def find_person_of_owner(conn: asyncpg.Connection, owner_hash: bytes) -> str | None:
    """The id of the person whose booking has the owner's token."""
    found: str | None = await conn.fetchval(FIND_PERSON_OF_OWNER, owner_hash)
    return found


async def read_now(conn: asyncpg.Connection) -> str:
    """The instant of real time: what people may ask of their data has nothing of the night's."""
    now: str = await conn.fetchval(READ_NOW)
    return now


async def lock_person(conn: asyncpg.Connection, person_id: str) -> tuple[str | None] | None:
    """When the person was erased, if so, which does not change until the commit; None: unknown."""
    row = await conn.fetchrow(LOCK_PERSON, person_id)
    return None if row is None else (row["erased_at"],)


async def erase_person(conn: asyncpg.Connection, person_id: str) -> str | None:
    """The key, the data and the indexes are gone; the instant. None: they were gone before."""
    erased_at: str | None = await conn.fetchval(ERASE_PERSON, person_id)
    return erased_at


async def list_bookings_of(conn: asyncpg.Connection, person_ids: list[str]) -> list[PersonsBooking]:
    """The bookings of these people by time, at most a thousand."""
    rows = await conn.fetch(LIST_BOOKINGS_OF_PERSON, person_ids)
    return [PersonsBooking(**row) for row in rows]


async def list_payments_of(conn: asyncpg.Connection, person_id: str) -> list[PersonsPayment]:
    """What was paid for the person's bookings, at most a thousand."""
    rows = await conn.fetch(LIST_PAYMENTS_OF_PERSON, person_id)
    return [PersonsPayment(**row) for row in rows]
