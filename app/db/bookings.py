"""Rows of bookings, their claims, payments and tickets: what actions write."""

import asyncpg
import msgspec
from msgspec import Struct

from app.domain.contacts import SealedPerson
from floorplan.refunds import Refunds

# One statement for the person, their key, the booking and its claims: one round trip under the
# table locks. Whether the customer holds enough already is judged in it.
INSERT_BOOKING = """
WITH judged AS (
    SELECT judge_holder($17, $16, $22, $23, $24)
), guest AS (
    INSERT INTO person (id, sealed, name_index, email_index, phone_index)
    SELECT $13, $14, $15, $16, $17 WHERE $13::uuid IS NOT NULL
), wrapped AS (
    INSERT INTO person_key (person_id, kid, wrapped)
    SELECT $13, $18, $19 WHERE $13::uuid IS NOT NULL
), made AS (
    INSERT INTO booking (id, reference, night, status, party, slot, source, person_id, owner_hash,
                         deposit_pence, hold_expires_at, created_at, refund_policy, held_from,
                         series)
    SELECT $1, $2, $3::text::date, $4, $5,
           tstzrange($6::text::timestamptz, $7::text::timestamptz), $8, $13, $9,
           $10, $11::text::timestamptz, $12::text::timestamptz, $21::text::jsonb, $23, $25::uuid
      FROM judged
)
INSERT INTO booking_table (booking_id, night, number, slot, live)
SELECT $1, $3::text::date, number, tstzrange($6::text::timestamptz, $7::text::timestamptz), true
  FROM unnest($20::integer[]) AS number
"""
END_BOOKING = "SELECT end_booking($1, $2)"
# Whoever's it is; the function looks at the clock itself.
EXPIRE_HOLD = "SELECT expire_holds(ARRAY[$1::uuid])"
REVOKE_TICKET = "UPDATE ticket SET status = 'revoked' WHERE booking_id = $1"
EXTEND_HOLD = """
UPDATE booking SET hold_expires_at = $2::text::timestamptz, extended = true WHERE id = $1
"""
CONFIRM_BOOKING = """
WITH issued AS (
    INSERT INTO ticket (id, booking_id, night, generation, party, admitted, unscanned)
    SELECT $2, id, night, $3, party, $4, $4 FROM booking WHERE id = $1
)
UPDATE booking SET status = $5, hold_expires_at = NULL, paid_pence = paid_pence + $6,
                   payment_failed = payment_failed AND $6 = 0
 WHERE id = $1
"""
# Who pays at the desk is not to pay online as well.
INSERT_PAYMENT = """
WITH ended AS (
    UPDATE payment_intent SET status = 'superseded'
     WHERE booking_id = $2 AND status IN ('creating', 'open', 'failed')
)
INSERT INTO payment (id, booking_id, amount_pence, kept_pence, method, taken_by, at)
VALUES ($1, $2, $3, $3, $4, $5, $6::text::timestamptz)
"""
SEAT_BOOKING = "UPDATE booking SET status = 'seated' WHERE id = $1"
SET_RESETTING = """
UPDATE floor_table SET resetting = $3 WHERE night = $1::text::date AND number = ANY ($2::integer[])
"""
COUNT_ADMITTED = """
UPDATE ticket
   SET admitted = $2, gone = $3, last_scan_at = $4::text::timestamptz, last_scan_door = $5,
       last_scan_by = $6, extra = coalesce($7, extra)
 WHERE id = $1
"""
COUNT_GUEST = """
UPDATE guest_ticket
   SET admitted = $2, gone = $3, last_scan_at = $4::text::timestamptz, last_scan_door = $5
 WHERE id = $1
"""
SET_HEADCOUNT = "UPDATE headcount SET people = $3 WHERE night = $1::text::date AND floor = $2"
IS_OWNER = "SELECT is_owner($1, $2)"
FIND_BY_REFERENCE = "SELECT id::text, night::text FROM booking WHERE reference = $1"
FIND_BY_TICKET = "SELECT booking_id::text, night::text FROM ticket WHERE id = $1"
FIND_SEATED = """
SELECT b.id::text FROM booking b JOIN booking_table t ON t.booking_id = b.id
 WHERE t.live AND b.status = 'seated' AND t.night = $1::text::date AND t.number = $2
"""


class NewBooking(Struct, frozen=True):
    """A booking to insert; instants are texts of the one form."""

    id: str
    reference: str
    night: str
    status: str
    party: int
    slot_from: str
    slot_until: str
    source: str
    owner_hash: bytes | None
    deposit_pence: int
    hold_expires_at: str | None
    created_at: str
    refund_policy: Refunds  # in force now; a change of the venue's does not reach it
    series: str | None = None  # of a booking that recurs


class Holder(Struct, frozen=True):
    """Who holds, where that is limited: the hash of the token of an earlier hold, the keyed digest
    of the address, and how many unpaid holds may come from there."""

    owner_hash: bytes | None
    address: str | None
    most: int


async def insert_booking(
    conn: asyncpg.Connection,
    new: NewBooking,
    tables: list[int],
    person: SealedPerson | None,
    holder: Holder | None = None,
) -> None:
    """The booking exists and claims the tables; whose it is stands apart, sealed.

    Raises Conflict: a live claim overlaps; `hold_exists`, `too_many_holds`: of a `holder` who has
    another unpaid hold, or whose address has too many.
    """
    guest: tuple[object, ...] = (None,) * 7
    if person is not None:
        indexes = person.indexes
        guest = (
            person.id, person.sealed, indexes.name, indexes.email, indexes.phone, person.kid,
            person.wrapped,
        )  # fmt: skip
    await conn.execute(
        INSERT_BOOKING, new.id, new.reference, new.night, new.status, new.party, new.slot_from,
        new.slot_until, new.source, new.owner_hash, new.deposit_pence, new.hold_expires_at,
        new.created_at, *guest, tables, msgspec.json.encode(new.refund_policy).decode(),
        holder and holder.owner_hash, holder and holder.address, holder and holder.most, new.series,
    )  # fmt: skip


async def end_booking(
    conn: asyncpg.Connection, booking_id: str, status: str, *, revoke: bool = False
) -> None:
    """The booking has its last status and claims nothing; with `revoke` its ticket is void."""
    await conn.execute(END_BOOKING, booking_id, status)
    if revoke:
        await conn.execute(REVOKE_TICKET, booking_id)


async def expire_hold(conn: asyncpg.Connection, booking_id: str) -> None:
    """The unpaid hold past its time, locked before, is over and claims nothing."""
    assert await conn.fetchval(EXPIRE_HOLD, booking_id) == 1, "a hold that is not due"


async def extend_hold(conn: asyncpg.Connection, booking_id: str, until: str) -> None:
    await conn.execute(EXTEND_HOLD, booking_id, until)


async def confirm_booking(
    conn: asyncpg.Connection,
    booking_id: str,
    ticket_id: str,
    generation: int,
    *,
    admitted: int = 0,
    status: str = "confirmed",
    paid_pence: int = 0,
) -> None:
    """The booking no longer expires and has its ticket."""
    await conn.execute(
        CONFIRM_BOOKING, booking_id, ticket_id, generation, admitted, status, paid_pence
    )


async def insert_payment(
    conn: asyncpg.Connection,
    payment_id: str,
    booking_id: str,
    amount_pence: int,
    method: str,
    taken_by: str,
    at: str,
) -> None:
    """Money taken at the desk, with who took it."""
    await conn.execute(INSERT_PAYMENT, payment_id, booking_id, amount_pence, method, taken_by, at)


async def seat_booking(conn: asyncpg.Connection, booking_id: str) -> None:
    await conn.execute(SEAT_BOOKING, booking_id)


async def set_resetting(
    conn: asyncpg.Connection, night: str, tables: list[int], resetting: bool
) -> None:
    """The tables wait to be laid again, or are laid."""
    await conn.execute(SET_RESETTING, night, tables, resetting)


async def count_admitted(
    conn: asyncpg.Connection,
    ticket_id: str,
    admitted: int,
    gone: int,
    at: str,
    door: str,
    by: str,
    *,
    extra: int | None = None,
) -> None:
    """The ticket's people: ever admitted, out again at present. The locked row's new values.

    `by` is the actor whose scan it was; `extra`, people beyond the party, is a supervisor's alone.
    """
    await conn.execute(COUNT_ADMITTED, ticket_id, admitted, gone, at, door, by, extra)


async def count_guest(
    conn: asyncpg.Connection, guest_id: str, *, inside: bool, at: str, door: str, came: bool = True
) -> None:
    """The guest is in or out by their own code; without `came` they never were in."""
    await conn.execute(COUNT_GUEST, guest_id, int(came), int(came and not inside), at, door)


async def set_headcount(conn: asyncpg.Connection, night: str, floor: str, people: int) -> None:
    """The locked row's new value; a negative one violates its constraint, which is a bug."""
    await conn.execute(SET_HEADCOUNT, night, floor, people)


async def is_owner(conn: asyncpg.Connection, booking_id: str, owner_hash: bytes) -> bool:
    """Whether the booking is of the customer whose token has this SHA-256."""
    return bool(await conn.fetchval(IS_OWNER, booking_id, owner_hash))


async def find_by_reference(conn: asyncpg.Connection, reference: str) -> tuple[str, str] | None:
    """The booking's id and night."""
    row = await conn.fetchrow(FIND_BY_REFERENCE, reference)
    return None if row is None else (row["id"], row["night"])


async def find_by_ticket(conn: asyncpg.Connection, ticket_id: str) -> tuple[str, str] | None:
    """The id and night of the ticket's booking."""
    row = await conn.fetchrow(FIND_BY_TICKET, ticket_id)
    return None if row is None else (row["booking_id"], row["night"])


async def find_seated(conn: asyncpg.Connection, night: str, number: int) -> str | None:
    """The id of the booking whose party sits at the table."""
    found: str | None = await conn.fetchval(FIND_SEATED, night, number)
    return found
