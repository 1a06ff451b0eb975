"""Two customers with bookings, everybody who might look at them, and what could be tried.

The rows are made by the actions where there is one for them, else by the owner.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg

from app.db.acting import Acting, acting_of
from app.domain.principals import ANONYMOUS, SYSTEM, Principal
from tests.integration.floor import DEVICE, EVENING, House

DOOR = Principal("staff", str(uuid4()), "DOOR_STAFF", "Dev")
ADMIN = Principal("staff", str(uuid4()), "SUPER_ADMIN", "Sam")
PENDING = Principal("staff", str(uuid4()), "MANAGER", second_factor="needed")
BY_PIN = Principal("staff", str(uuid4()), "MANAGER", assurance="pin", device=DEVICE.id)
REVOKED = Principal("device", str(uuid4()), "REVOKED")
STRANGER = Principal("owner", hashlib.sha256(b"nothing").hexdigest(), "OWNER")

# Each table's rows: what names the row, and whose it is (a booking, a device, a caller).
ROWS = {
    "booking": "SELECT id::text AS key, id::text AS whose FROM booking",
    "booking_table": "SELECT booking_id || ':' || number AS key, booking_id::text AS whose"
    " FROM booking_table",
    "ticket": "SELECT id::text AS key, booking_id::text AS whose FROM ticket",
    "guest_ticket": "SELECT id::text AS key, booking_id::text AS whose FROM guest_ticket",
    "payment": "SELECT id::text AS key, booking_id::text AS whose FROM payment",
    "payment_intent": "SELECT id::text AS key, booking_id::text AS whose FROM payment_intent",
    "refund": "SELECT id::text AS key, booking_id::text AS whose FROM refund",
    "scan": "SELECT scan_id::text AS key, scanner AS whose FROM scan",
    "person": "SELECT id::text AS key,"
    " (SELECT b.id::text FROM booking b WHERE b.person_id = person.id) AS whose FROM person",
    "person_key": "SELECT person_id::text AS key,"
    " (SELECT b.id::text FROM booking b WHERE b.person_id = k.person_id) AS whose"
    " FROM person_key k",
    "ban": "SELECT id::text AS key, booking_id::text AS whose FROM ban",
    "quarantined_scan": "SELECT id::text AS key, 'device:' || device_id AS whose"
    " FROM quarantined_scan",
    "waitlist": "SELECT id::text AS key, booking_id::text AS whose FROM waitlist",
    "outbox": "SELECT id::text AS key, booking_id::text AS whose FROM outbox",
    "lease": "SELECT id::text AS key, 'device:' || device_id AS whose FROM lease",
    "lease_ticket": "SELECT lease_id || ' ' || ticket_id AS key,"
    " (SELECT 'device:' || l.device_id FROM lease l WHERE l.id = lease_id) AS whose"
    " FROM lease_ticket",
    "task": "SELECT id::text AS key, 'device:' || device_id AS whose FROM task",
    "idempotency": "SELECT caller || ' ' || key AS key, caller AS whose FROM idempotency",
}  # fmt: skip

OLD_GUEST = """
WITH sealed AS (
    INSERT INTO night (date, name, status, doors_at, last_entry_at, closes_at, ends_at, house_limit)
    VALUES ('2026-11-14', 'Last week', 'sealed', $3, $3, $3, $3, 1)
), guest AS (
    INSERT INTO person (id, sealed) VALUES ($2, '\\x00')
)
INSERT INTO booking (id, reference, night, status, party, slot, source, person_id, owner_hash,
                     deposit_pence, created_at)
VALUES ($1, 'OLD', '2026-11-14', 'completed', 2, tstzrange($3, $3 + interval '1 hour'), 'public',
        $2, '\\x01', 0, $3)
"""
KEYS = """
INSERT INTO person_key (person_id, kid, wrapped)
SELECT id, 'one', '\\x00' FROM person
 WHERE NOT EXISTS (SELECT FROM person_key k WHERE k.person_id = person.id)
"""
GUESTS = """
INSERT INTO guest_ticket (id, booking_id, number)
SELECT gen_random_uuid(), booking_id, 1 FROM ticket
"""
BANS = """
INSERT INTO ban (id, person_id, booking_id, reason, added_by, added_at)
SELECT gen_random_uuid(), person_id, id, 'theft', 'staff:x', now()
  FROM booking WHERE person_id IS NOT NULL
"""
DEVICES = """
INSERT INTO device (id, name, kind, door)
VALUES ($1, 'One', 'tablet', 'main'), ($2, 'Two', 'tablet', 'main')
"""
QUARANTINE = """
INSERT INTO quarantined_scan (id, device_id, scan_id, body_hash, at, door, direction)
SELECT gen_random_uuid(), id, gen_random_uuid(), '', now(), 'main', 'in' FROM device
"""
MESSAGES = """
INSERT INTO outbox (kind, channel, cause, booking_id, person_id, status, settled_at)
SELECT 'confirmation', 'email', 'confirmation:' || id, id, person_id, 'dead', now()
  FROM booking WHERE person_id IS NOT NULL
"""
LEASES = """
INSERT INTO lease (id, device_id, night, door, floor)
SELECT gen_random_uuid(), id, '2026-11-21', 'main', 'upstairs' FROM device
"""
SHARES = """
INSERT INTO lease_ticket (lease_id, ticket_id, booking_id, places, stated)
SELECT l.id, k.id, k.booking_id, 4, 0 FROM lease l, ticket k
"""
TASKS = """
INSERT INTO task (id, night, kind, why, at, device_id, door, floor)
SELECT gen_random_uuid(), '2026-11-21', 'lease', 'copied', now(), id, 'main', 'upstairs' FROM device
"""
INTENTS = """
INSERT INTO payment_intent (id, booking_id, attempt, amount_pence, key, stripe_id, status,
                            created_at)
SELECT gen_random_uuid(), booking_id, 1, 1, 'k' || booking_id, 's' || booking_id, 'open', now()
  FROM payment
"""
REFUNDS = """
WITH back AS (
    UPDATE payment SET kept_pence = kept_pence - 1, refunding_pence = 1 RETURNING id, booking_id
)
INSERT INTO refund (id, booking_id, payment_id, amount_pence, why, status, key, asked_by, asked_at)
SELECT gen_random_uuid(), booking_id, id, 1, 'goodwill', 'pending', 'r' || id, 'x', now() FROM back
"""
ANSWERS = """
INSERT INTO idempotency (caller, key, body_hash, created_at)
SELECT caller, 'k', '\\x'::bytea, now() FROM unnest($1::text[]) AS caller
 UNION ALL SELECT 'staff:gone', 'old', '\\x', now() - interval '25 hours'
"""


PLACES = """
INSERT INTO waitlist (id, night, status, party, slot, special_occasion, person_id, owner_hash,
                      joined_at, visits, timing, priority, offers_left, booking_id, ended_why)
SELECT gen_random_uuid(), b.night, CASE WHEN b.id = $1 THEN 'offered' ELSE 'accepted' END, b.party,
       b.slot, false, b.person_id, b.owner_hash, now(), 0, 0, 0, 2, b.id,
       CASE WHEN b.id <> $1 THEN 'accepted' END
  FROM booking b WHERE b.id = ANY ($2::uuid[])
"""

# What could be done to Ben's booking ({ben}), his hold ({hold}) or in somebody else's name.
WRITES = {
    "cancel": "UPDATE booking SET status = 'cancelled' WHERE id = '{ben}'",
    "seat": "UPDATE booking SET status = 'seated' WHERE id = '{ben}'",
    "complete": "UPDATE booking SET status = 'completed' WHERE id = '{ben}'",
    "no-show": "UPDATE booking SET status = 'no_show' WHERE id = '{ben}'",
    "pay": "UPDATE booking SET paid_pence = paid_pence + 1 WHERE id = '{ben}'",
    "extend": "UPDATE booking SET hold_expires_at = now() WHERE id = '{hold}'",
    "let go": "UPDATE booking SET status = 'released', hold_expires_at = NULL WHERE id = '{hold}'",
    "confirm": "UPDATE booking SET status = 'confirmed', hold_expires_at = NULL"
    " WHERE id = '{hold}'",
    "take over": "UPDATE booking SET owner_hash = '\\x02' WHERE id = '{ben}'",
    "rename": "UPDATE booking SET person_id = NULL WHERE id = '{ben}'",
    "claim": "INSERT INTO booking_table (booking_id, night, number, slot, live)"
    " SELECT '{ben}', '2026-11-21', 12, tstzrange(now(), now() + interval '1 hour'), true",
    "give up": "UPDATE booking_table SET live = false WHERE booking_id = '{ben}'",
    "revive": "UPDATE booking_table SET live = true WHERE booking_id = '{ben}'",
    "void": "UPDATE ticket SET status = 'revoked' WHERE booking_id = '{ben}'",
    "count a guest": "UPDATE guest_ticket SET admitted = 1 WHERE booking_id = '{ben}'",
    "count": "UPDATE ticket SET admitted = 0, gone = 0 WHERE booking_id = '{ben}'",
    "issue": "INSERT INTO ticket (id, booking_id, night, party)"
    " SELECT gen_random_uuid(), '{hold}', '2026-11-21', 2",
    "take money": "INSERT INTO payment (id, booking_id, amount_pence, kept_pence, method, taken_by,"
    " at) SELECT gen_random_uuid(), '{ben}', 1, 1, 'cash', 'staff:{uid}', now()",
    "take money for another": "INSERT INTO payment (id, booking_id, amount_pence, kept_pence,"
    " method, taken_by, at) SELECT gen_random_uuid(), '{ben}', 1, 1, 'cash', 'staff:somebody',"
    " now()",
    "scan": "INSERT INTO scan (scanner, scan_id, body_hash, at, door, verdict, reason, answer)"
    " SELECT '{caller}', gen_random_uuid(), '', now(), 'main', 'admit', 'admitted', ''",
    "scan as another": "INSERT INTO scan (scanner, scan_id, body_hash, at, door, verdict, reason,"
    " answer) SELECT 'device:x', gen_random_uuid(), '', now(), 'main', 'admit', 'admitted', ''",
    "change another's verdict": "UPDATE scan SET answer = 'green' WHERE scanner <> '{caller}'",
    "book": "INSERT INTO booking (id, reference, night, status, party, slot, source, deposit_pence,"
    " created_at) SELECT gen_random_uuid(), 'NEW', '2026-11-21', 'confirmed', 2,"
    " tstzrange(now(), now() + interval '1 hour'), 'public', 0, now()",
    "walk in": "INSERT INTO booking (id, reference, night, status, party, slot, source,"
    " deposit_pence, created_at) SELECT gen_random_uuid(), 'NEW', '2026-11-21', 'confirmed', 2,"
    " tstzrange(now(), now() + interval '1 hour'), 'walk_in', 0, now()",
    "hold beside one's own": "INSERT INTO booking (id, reference, night, status, party, slot,"
    " source, deposit_pence, created_at, hold_expires_at) SELECT gen_random_uuid(), 'NEW',"
    " '2026-11-21', 'pending', 2, tstzrange(now(), now() + interval '1 hour'),"
    " 'public', 0, now(), now()",
    "erase": "UPDATE person SET sealed = NULL, erased_at = now(), name_index = NULL,"
    " email_index = NULL, phone_index = NULL"
    " WHERE id = (SELECT person_id FROM booking WHERE id = '{ben}')",
    "destroy the key": "DELETE FROM person_key"
    " WHERE person_id = (SELECT person_id FROM booking WHERE id = '{ben}')",
    "ban": "INSERT INTO ban (id, person_id, reason, added_by, added_at)"
    " SELECT gen_random_uuid(), '{person}', 'theft', 'staff:{uid}', now()",
    "lift": "UPDATE ban SET lifted_at = now(), lifted_by = 'staff:{uid}', name_index = NULL,"
    " email_index = NULL, phone_index = NULL WHERE booking_id = '{ben}'",
    "leave in quarantine": "INSERT INTO quarantined_scan (id, device_id, scan_id, body_hash, at,"
    " door, direction) SELECT gen_random_uuid(), '{revoked}', gen_random_uuid(), '', now(), 'main',"
    " 'in'",
    "leave as another": "INSERT INTO quarantined_scan (id, device_id, scan_id, body_hash, at,"
    " door, direction) SELECT gen_random_uuid(), '{device}', gen_random_uuid(), '', now(), 'main',"
    " 'in'",
    "resolve": "UPDATE quarantined_scan SET resolved_at = now(), resolution = 'dismiss'",
    "leave the list": "UPDATE waitlist SET status = 'left', ended_why = 'guest'"
    " WHERE booking_id = '{hold}'",
    "rank": "UPDATE waitlist SET by_hand = 1000 WHERE booking_id = '{hold}'",
    "give oneself offers": "UPDATE waitlist SET offers_left = 9 WHERE booking_id = '{hold}'",
    "join as another": "INSERT INTO waitlist (id, night, party, slot, special_occasion, person_id,"
    " owner_hash, joined_at, visits, timing, priority, offers_left)"
    " SELECT gen_random_uuid(), '2026-11-21', 2, tstzrange(now(), now() + interval '1 hour'),"
    " false, '{person}',"
    " '\\x02', now(), 0, 0, 0, 2",
    "send again": "UPDATE outbox SET status = 'waiting', settled_at = NULL"
    " WHERE booking_id = '{ben}'",
    "say it was sent": "UPDATE outbox SET status = 'sent' WHERE booking_id = '{ben}'",
    "forget the messages": "DELETE FROM outbox WHERE booking_id = '{ben}'",
    "take another's tickets": "UPDATE lease_ticket SET released = true"
    " WHERE lease_id IN (SELECT id FROM lease WHERE device_id <> '{device}')",
    "end another's lease": "UPDATE lease SET status = 'returned', ended_at = now()"
    " WHERE device_id <> '{device}'",
    "decide a task": "UPDATE task SET resolved_at = now(), resolution = 'dismiss'",
    "forget a task": "DELETE FROM task",
    "answer for another": "UPDATE idempotency SET answer = '' WHERE caller <> '{caller}'",
    "forget answers": "DELETE FROM idempotency WHERE caller <> '{caller}'",
    "forget the booking": "DELETE FROM booking_table WHERE booking_id = '{ben}'",
    "forget the scans": "DELETE FROM scan",
    "forget the money": "DELETE FROM refund",
    "begin to pay": "INSERT INTO payment_intent (id, booking_id, attempt, amount_pence, key,"
    " status, created_at) SELECT gen_random_uuid(), '{hold}', 9, 1, 'k', 'creating', now()",
    "end the tries to pay": "UPDATE payment_intent SET status = 'superseded'"
    " WHERE booking_id = '{ben}' AND status = 'open'",
    "take money online": "INSERT INTO payment (id, booking_id, amount_pence, kept_pence, method,"
    " taken_by, at, intent_id) SELECT gen_random_uuid(), '{ben}', 1, 1, 'online', 'stripe', now(),"
    " id FROM payment_intent WHERE booking_id = '{ben}'",
    "verify": "UPDATE payment SET verified_by = 'staff:another', verified_at = now()"
    " WHERE booking_id = '{ben}'",
    "keep again": "UPDATE payment SET kept_pence = kept_pence WHERE booking_id = '{ben}'",
    "give back": "UPDATE refund SET status = 'succeeded', done_by = 'staff:{uid}', done_at = now()"
    " WHERE booking_id = '{ben}'",
    "change the money": "UPDATE payment SET amount_pence = amount_pence + 1,"
    " kept_pence = kept_pence + 1",
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """Two customers with a booking and all that hangs on it; an old guest of a sealed night."""

    house: House
    ada: Principal
    ben: Principal
    ada_booking: str
    ben_booking: str
    ben_person: str
    ben_hold: str
    ben_holding: Principal  # by the token of the hold
    old_booking: str

    @asynccontextmanager
    async def connected(self, role: str) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the service's role, on which nobody acts yet."""
        settings = self.house.settings
        urls = {
            "app": settings.database_url,
            "jobs": settings.jobs_database_url,
            "auth": settings.auth_database_url,
        }
        conn = await asyncpg.connect(urls[role])
        try:
            yield conn
        finally:
            await conn.close()

    def mine(self, who: Principal | None) -> set[str]:
        """What the rows' `whose` says of those that are theirs."""
        if who is None:
            return set()
        by_booking = {self.ada.id: {self.ada_booking}, "": set[str]()}
        caller = f"{who.scanner}@127.0.0.1" if who.kind == "anonymous" else who.scanner
        linked = {who.booking_id} if who.booking_id else set()
        return by_booking.get(who.id, set()) | linked | {caller}


def owner_of(made: dict[str, Any]) -> Principal:
    return Principal("owner", hashlib.sha256(made["token"].encode()).hexdigest(), "OWNER")


async def populated(house: House) -> World:
    """The house with both customers, who have a table, a paid ticket and people inside."""
    made = []
    for number, by in ((7, DEVICE), (1, DOOR)):
        held = await house.hold([number], 4, by=ANONYMOUS)
        code = (await house.confirm(held))["code"]
        assert (await house.scan(code, 2, by=by))["verdict"] == "admit"
        made.append(held)
    hold = await house.hold([2], 4, by=ANONYMOUS)
    old, person = str(uuid4()), str(uuid4())
    callers = [STRANGER, DEVICE, REVOKED, DOOR, ADMIN, PENDING, SYSTEM, owner_of(made[0])]
    async with house.looking() as owner:
        await owner.execute(OLD_GUEST, old, person, EVENING)
        await owner.execute(INTENTS)
        await owner.execute(REFUNDS)
        await owner.execute(KEYS)
        await owner.execute(GUESTS)
        await owner.execute(BANS)
        await owner.execute(MESSAGES)
        await owner.execute(PLACES, hold["booking_id"], [made[0]["booking_id"], hold["booking_id"]])
        await owner.execute(DEVICES, REVOKED.id, DEVICE.id)
        await owner.execute(QUARANTINE)
        for sql in (LEASES, SHARES, TASKS):
            await owner.execute(sql)
        await owner.execute(ANSWERS, [who.scanner for who in callers])
        ben_person = await owner.fetchval(
            "SELECT person_id::text FROM booking WHERE id = $1", made[1]["booking_id"]
        )
    return World(
        house, owner_of(made[0]), owner_of(made[1]), made[0]["booking_id"], made[1]["booking_id"],
        ben_person, hold["booking_id"], owner_of(hold), old,
    )  # fmt: skip


def told(who: Principal) -> Acting:
    """What Postgres is told of somebody at 127.0.0.1."""
    caller = f"{who.scanner}@127.0.0.1" if who.kind == "anonymous" else who.scanner
    return acting_of(who, caller=caller)
