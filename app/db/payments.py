"""Rows of money: intents at Stripe, payments, refunds, and what Stripe told.

Waiting work is claimed by a lease of 60 s: one short statement with SKIP LOCKED moves `next_at`
past the longest that the work may take, so that no transaction is open while Stripe is asked, and
what a killed worker had claimed is due again by itself. Those times are real; `at` is the venue's.
"""

import asyncpg
from msgspec import Struct

from app.domain.payments import Differs

_INTENT = """
SELECT i.id::text AS id, i.booking_id::text AS booking_id, i.attempt, i.amount_pence, i.key,
       i.stripe_id, i.status, i.failed_charge
  FROM payment_intent i
"""
FIND_LATEST_INTENT = _INTENT + " WHERE i.booking_id = $1 ORDER BY i.attempt DESC LIMIT 1"
FIND_INTENT = _INTENT + " WHERE i.stripe_id = $1"
FIND_OWN_INTENT = _INTENT + " WHERE i.id::text = $1"
INSERT_INTENT = """
INSERT INTO payment_intent (id, booking_id, attempt, amount_pence, key, status, created_at)
VALUES ($1, $2, $3, $4, $5, 'creating', $6::text::timestamptz)
"""
# What Stripe has made, known by its own id; the second answer to the same call finds it there.
OPEN_INTENT = """
UPDATE payment_intent SET stripe_id = $2, status = 'open'
 WHERE id = $1 AND stripe_id IS NULL AND status = 'creating'
"""
# A second object of Stripe's for one try: its answer to the first call was lost, and it did not
# know the key any more.
ADOPT_INTENT = """
INSERT INTO payment_intent (id, booking_id, attempt, amount_pence, key, stripe_id, status,
                            created_at)
SELECT $1, $2, coalesce(max(attempt), 0) + 1, $3, 'adopted:' || $4::text, $4, 'superseded',
       venue_now()
  FROM payment_intent WHERE booking_id = $2::uuid
"""
SUPERSEDE_INTENTS = """
UPDATE payment_intent SET status = 'superseded'
 WHERE booking_id = $1 AND status IN ('creating', 'open', 'failed')
"""
SET_INTENT = """
UPDATE payment_intent
   SET status = $2, failed_charge = coalesce($3, failed_charge),
       stripe_id = coalesce(stripe_id, $4)
 WHERE id = $1
"""
# Where an intent is to be looked at again: of what nobody wants any more, at once.
CLAIM_INTENT = """
UPDATE payment_intent SET next_at = now() + interval '60 seconds'
 WHERE id = (SELECT i.id FROM payment_intent i JOIN booking b ON b.id = i.booking_id
              WHERE i.status IN ('creating', 'open', 'failed', 'superseded') AND i.next_at <= now()
                AND (i.status = 'superseded' OR b.status <> 'pending')
              ORDER BY i.next_at LIMIT 1 FOR UPDATE OF i SKIP LOCKED)
RETURNING id::text, booking_id::text, attempt, amount_pence, key, stripe_id, status, failed_charge
"""
LIST_UNFINISHED = """
SELECT stripe_id FROM payment_intent
 WHERE stripe_id IS NOT NULL AND status IN ('open', 'failed', 'superseded')
 ORDER BY next_at LIMIT $1
"""
FIND_PLACE = """
SELECT b.id::text AS booking_id, b.night::text AS night, b.status,
       coalesce((SELECT ARRAY(SELECT jsonb_array_elements_text(e.payload -> 'tables')::integer)
          FROM event e
         WHERE e.book = b.night::text AND e.subject = 'booking:' || b.id
           AND e.payload ? 'tables'
         ORDER BY e.version DESC LIMIT 1), '{}') AS tables
  FROM booking b WHERE b.id = $1
"""

_PAYMENT = """
SELECT p.id::text AS id, p.booking_id::text AS booking_id, p.amount_pence, p.method, p.kept_pence,
       p.refunding_pence, p.refunded_pence, p.taken_by, p.verified_by,
       p.intent_id::text AS intent_id, i.stripe_id, p.dispute_id, p.dispute_status,
       p.disputed_pence, p.currency, p.differs, i.amount_pence AS asked_pence,
       instant_text(p.at) AS at, instant_text(p.verified_at) AS verified_at
  FROM payment p LEFT JOIN payment_intent i ON i.id = p.intent_id
"""
LIST_PAYMENTS = _PAYMENT + " WHERE p.booking_id = $1 ORDER BY p.at, p.id"
FIND_PAYMENT = _PAYMENT + " WHERE p.id = $1"
FIND_PAYMENT_OF_INTENT = _PAYMENT + " WHERE p.intent_id = $1"
INSERT_ONLINE = """
INSERT INTO payment (id, booking_id, amount_pence, kept_pence, method, taken_by, at, intent_id,
                     currency, differs)
VALUES ($1, $2, $3, $3, 'online', 'stripe', $4::text::timestamptz, $5, $6, $7)
"""
SET_DISPUTE = """
UPDATE payment SET dispute_id = $2, dispute_status = $3, disputed_pence = $4 WHERE id = $1
"""
# What a manager has to look at, across the nights.
LIST_UNVERIFIED = (
    _PAYMENT + " WHERE (p.method <> 'online' OR p.differs IS NOT NULL) AND p.verified_at IS NULL"
    " ORDER BY p.at, p.id LIMIT 200"
)
LIST_DISPUTED = (
    _PAYMENT
    + " WHERE p.dispute_status NOT IN ('won', 'lost', 'warning_closed') ORDER BY p.at LIMIT 200"
)
LIST_PLACES = """
SELECT id::text AS booking_id, reference, night::text AS night FROM booking
 WHERE id = ANY ($1::text[]::uuid[])
"""
VERIFY_PAYMENT = """
UPDATE payment SET verified_by = $2, verified_at = $3::text::timestamptz
 WHERE id = $1 AND verified_at IS NULL
"""

COUNT_MONEY = "SELECT paid, contested FROM count_money($1, $2)"

CONFIRM_PAID = "SELECT confirm_paid($1, $2, $3, $4)"


class Intent(Struct, frozen=True):
    """One try to collect a deposit, as the row has it."""

    id: str
    booking_id: str
    attempt: int
    amount_pence: int
    key: str
    stripe_id: str | None
    status: str
    failed_charge: str | None

    @property
    def is_live(self) -> bool:
        return self.status in ("creating", "open", "failed")


class Place(Struct, frozen=True):
    """Where a booking stands, and the tables that it has or had when its hold ran out."""

    booking_id: str
    night: str
    status: str
    tables: list[int]


class PaymentRow(Struct, frozen=True):
    """Money that arrived, and where it is now: kept + refunding + refunded = amount.

    `asked_pence` and, where it is not what came, `differs`: of online money. Money in another
    `currency` is in its smallest unit, and never counted with the pence.
    """

    id: str
    booking_id: str
    amount_pence: int
    method: str
    kept_pence: int
    refunding_pence: int
    refunded_pence: int
    taken_by: str
    verified_by: str | None
    intent_id: str | None
    stripe_id: str | None
    dispute_id: str | None
    dispute_status: str | None
    disputed_pence: int | None
    currency: str
    differs: Differs | None
    asked_pence: int | None
    at: str
    verified_at: str | None


async def find_latest_intent(conn: asyncpg.Connection, booking_id: str) -> Intent | None:
    """The booking's last try to pay online."""
    row = await conn.fetchrow(FIND_LATEST_INTENT, booking_id)
    return None if row is None else Intent(**row)


async def find_intent(
    conn: asyncpg.Connection, stripe_id: str, own_id: str | None = None
) -> Intent | None:
    """The try that Stripe's object is of: by its id, or by the id that it was given by us."""
    row = await conn.fetchrow(FIND_INTENT, stripe_id)
    if row is None and own_id is not None:
        row = await conn.fetchrow(FIND_OWN_INTENT, own_id)
    return None if row is None else Intent(**row)


async def insert_intent(conn: asyncpg.Connection, new: Intent, at: str) -> None:
    """A try is about to be made at Stripe; committed before it is."""
    await conn.execute(
        INSERT_INTENT, new.id, new.booking_id, new.attempt, new.amount_pence, new.key, at
    )


async def open_intent(conn: asyncpg.Connection, intent_id: str, stripe_id: str) -> None:
    """Stripe has made the object; the first to say which one is right."""
    await conn.execute(OPEN_INTENT, intent_id, stripe_id)


async def adopt_intent(
    conn: asyncpg.Connection, intent_id: str, booking_id: str, amount_pence: int, stripe_id: str
) -> None:
    """An object of Stripe's for the booking that no row names."""
    await conn.execute(ADOPT_INTENT, intent_id, booking_id, amount_pence, stripe_id)


async def supersede_intents(conn: asyncpg.Connection, booking_id: str) -> None:
    """Nobody is to pay by the booking's intents any more; they are cancelled at Stripe soon."""
    await conn.execute(SUPERSEDE_INTENTS, booking_id)


async def set_intent(
    conn: asyncpg.Connection,
    intent: Intent,
    status: str,
    *,
    failed_charge: str | None = None,
    stripe_id: str | None = None,
) -> None:
    """How far the try has come."""
    await conn.execute(SET_INTENT, intent.id, status, failed_charge, stripe_id)


async def claim_intent(conn: asyncpg.Connection) -> Intent | None:
    """An intent that nobody wants any more, leased to the caller; None: there is none due."""
    row = await conn.fetchrow(CLAIM_INTENT)
    return None if row is None else Intent(**row)


async def list_unfinished(conn: asyncpg.Connection, most: int) -> list[str]:
    """Stripe's ids of intents of which we do not know the end."""
    return [row["stripe_id"] for row in await conn.fetch(LIST_UNFINISHED, most)]


async def find_place(conn: asyncpg.Connection, booking_id: str) -> Place | None:
    """Where the booking stands, with the tables of the last line of the book that names any."""
    row = await conn.fetchrow(FIND_PLACE, booking_id)
    return None if row is None else Place(**row)


async def list_payments(conn: asyncpg.Connection, booking_id: str) -> list[PaymentRow]:
    """What was paid for the booking, oldest first."""
    return [PaymentRow(**row) for row in await conn.fetch(LIST_PAYMENTS, booking_id)]


async def find_payment(conn: asyncpg.Connection, payment_id: str) -> PaymentRow | None:
    row = await conn.fetchrow(FIND_PAYMENT, payment_id)
    return None if row is None else PaymentRow(**row)


async def find_payment_of_intent(conn: asyncpg.Connection, intent_id: str) -> PaymentRow | None:
    """The money that the try has brought."""
    row = await conn.fetchrow(FIND_PAYMENT_OF_INTENT, intent_id)
    return None if row is None else PaymentRow(**row)


async def insert_online(
    conn: asyncpg.Connection,
    payment_id: str,
    intent: Intent,
    amount_pence: int,
    at: str,
    *,
    currency: str,
    differs: Differs | None,
) -> None:
    """Money that came by Stripe, as it came."""
    await conn.execute(
        INSERT_ONLINE, payment_id, intent.booking_id, amount_pence, at, intent.id, currency, differs
    )


async def set_dispute(
    conn: asyncpg.Connection, payment_id: str, dispute_id: str, status: str, amount_pence: int
) -> None:
    """How far the dispute about the payment has come."""
    await conn.execute(SET_DISPUTE, payment_id, dispute_id, status, amount_pence)


async def verify_payment(conn: asyncpg.Connection, payment_id: str, by: str, at: str) -> None:
    """A second person saw the money; a constraint refuses whoever took it."""
    await conn.execute(VERIFY_PAYMENT, payment_id, by, at)


async def count_money(
    conn: asyncpg.Connection, booking_id: str, *, failed: bool | None = None
) -> tuple[int, bool]:
    """The booking's row says what its payments say; returns what the house has, and whether any of
    it is in dispute. `failed` is set where it is given."""
    row = await conn.fetchrow(COUNT_MONEY, booking_id, failed)
    assert row is not None, "a locked booking is there"
    return row["paid"], row["contested"]


async def confirm_paid(
    conn: asyncpg.Connection, booking_id: str, ticket_id: str, generation: int, tables: list[int]
) -> None:
    """The paid booking is confirmed on its tables and has its ticket."""
    done = await conn.fetchval(CONFIRM_PAID, booking_id, ticket_id, generation, tables)
    assert done, "the rule that let it through saw a hold and its money"


async def list_unverified(conn: asyncpg.Connection) -> list[PaymentRow]:
    """Money of the desk that no second person has seen, and what came otherwise than it was asked
    for and nobody has seen; oldest first, 200 at most."""
    return [PaymentRow(**row) for row in await conn.fetch(LIST_UNVERIFIED)]


async def list_disputed(conn: asyncpg.Connection) -> list[PaymentRow]:
    """Payments in dispute, oldest first, 200 at most."""
    return [PaymentRow(**row) for row in await conn.fetch(LIST_DISPUTED)]


async def list_places(conn: asyncpg.Connection, bookings: list[str]) -> dict[str, tuple[str, str]]:
    """Booking id to its reference and night."""
    rows = await conn.fetch(LIST_PLACES, bookings)
    return {row["booking_id"]: (row["reference"], row["night"]) for row in rows}
