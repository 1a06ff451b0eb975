"""The rows that are a projection of the events: read as they are, and written again."""

from typing import Any, Final

import asyncpg
import msgspec

# What can be made again from the events, and what the events cannot know. Nothing touches the
# sources: of a booking they are who it is (id, reference, guest, owner, series, wishes, when made),
# of a ticket who scanned it last, of a place on the waitlist whose it is and what it wishes.
PROJECTIONS: Final = (
    "booking (its state)", "booking_table", "ticket (its state)", "headcount",
    "waitlist (its state)",
)  # fmt: skip
SOURCES: Final = (
    "person", "staff", "session", "device", "payment", "stripe_inbox", "outbox", "scan", "event",
    "guest_ticket",
)  # fmt: skip

READ_PROJECTIONS = """
SELECT jsonb_build_object(
    'bookings', (SELECT coalesce(jsonb_object_agg(b.id::text, jsonb_build_object(
            'status', b.status, 'party', b.party, 'slot_from', instant_text(lower(b.slot)),
            'slot_until', instant_text(upper(b.slot)), 'source', b.source,
            'deposit_pence', b.deposit_pence, 'paid_pence', b.paid_pence,
            'hold_expires_at', instant_text(b.hold_expires_at), 'extended', b.extended,
            'edition', b.edition, 'overdue', b.overdue,
            'claims', (SELECT coalesce(jsonb_object_agg(t.number::text, jsonb_build_array(
                    t.live, instant_text(lower(t.slot)), instant_text(upper(t.slot)))), '{}')
                FROM booking_table t WHERE t.booking_id = b.id),
            'ticket', (SELECT jsonb_build_object('id', k.id, 'generation', k.generation,
                    'status', k.status, 'party', k.party, 'admitted', k.admitted, 'gone', k.gone)
                FROM ticket k WHERE k.booking_id = b.id))), '{}')
        FROM booking b WHERE b.night = $1::text::date),
    'inside', (SELECT coalesce(jsonb_object_agg(h.floor, h.people), '{}')
        FROM headcount h WHERE h.night = $1::text::date),
    'waitlist', (SELECT coalesce(jsonb_object_agg(w.id::text, jsonb_build_object(
            'status', w.status, 'party', w.party, 'slot_from', instant_text(lower(w.slot)),
            'slot_until', instant_text(upper(w.slot)), 'priority', w.priority,
            'ranked', coalesce(w.by_hand, w.priority), 'offers_left', w.offers_left,
            'booking_id', w.booking_id, 'ended_why', w.ended_why)), '{}')
        FROM waitlist w WHERE w.night = $1::text::date)
)::text
"""
LOCK_PROJECTIONS = (
    "LOCK TABLE booking, booking_table, ticket, headcount, waitlist IN EXCLUSIVE MODE"
)
DROP_CLAIMS = "DELETE FROM booking_table WHERE night = $1::text::date"
DROP_COUNTS = "UPDATE headcount SET people = 0 WHERE night = $1::text::date"
# One hold may have been offered to two rows that differ from the events: no row has any meanwhile.
DROP_PLACES = """
UPDATE waitlist SET status = 'left', ended_why = 'unanswered', booking_id = NULL
 WHERE night = $1::text::date
"""
WRITE_BOOKING = """
UPDATE booking
   SET status = $2, party = $3, slot = tstzrange($4::text::timestamptz, $5::text::timestamptz),
       source = $6, deposit_pence = $7, paid_pence = $8,
       hold_expires_at = $9::text::timestamptz, extended = $10, edition = $11, overdue = $12
 WHERE id = $1
"""
WRITE_CLAIM = """
INSERT INTO booking_table (booking_id, night, number, slot, live)
VALUES ($1, $2::text::date, $3, tstzrange($4::text::timestamptz, $5::text::timestamptz), $6)
"""
# Of a ticket that is gone what the scans say is taken from them: $9 are the bookings whose scans
# count for it.
WRITE_TICKET = """
INSERT INTO ticket (id, booking_id, night, generation, status, party, admitted, gone, extra,
                    unscanned, last_scan_at, last_scan_door, last_scan_by)
SELECT $1, $2, $3::text::date, $4::integer, $5, $6::integer, $7::integer, $8::integer,
       coalesce(c.extra, 0), $7::integer - $8::integer - coalesce(o.inside, 0),
       l.at, l.door, l.scanner
  FROM (SELECT sum(extra_change) AS extra FROM scan
         WHERE booking_id = ANY ($9::uuid[]) AND undone_at IS NULL) AS c,
       (SELECT sum(CASE reason WHEN 'admitted' THEN people WHEN 'overridden' THEN people
                               WHEN 'out' THEN -people ELSE 0 END) AS inside
          FROM scan WHERE booking_id = $2 AND undone_at IS NULL) AS o
  LEFT JOIN LATERAL (SELECT at, door, scanner FROM scan
                      WHERE booking_id = $2 AND undone_at IS NULL AND people > 0
                      ORDER BY at DESC LIMIT 1) AS l ON true
ON CONFLICT (id) DO UPDATE
   SET night = EXCLUDED.night, generation = EXCLUDED.generation, status = EXCLUDED.status,
       party = EXCLUDED.party, admitted = EXCLUDED.admitted, gone = EXCLUDED.gone
"""
WRITE_PLACE = """
UPDATE waitlist
   SET status = $2, party = $3, slot = tstzrange($4::text::timestamptz, $5::text::timestamptz),
       priority = $6::integer, by_hand = nullif($7::integer, $6::integer), offers_left = $8,
       booking_id = $9, ended_why = $10
 WHERE id = $1
"""
WRITE_COUNT = "UPDATE headcount SET people = $3 WHERE night = $1::text::date AND floor = $2"


async def read_projections(conn: asyncpg.Connection, night: str) -> dict[str, Any]:
    """What the night's rows say: bookings with claims and tickets, people inside, who waits."""
    rows: dict[str, Any] = msgspec.json.decode(await conn.fetchval(READ_PROJECTIONS, night))
    return rows


async def write_projections(
    conn: asyncpg.Connection, night: str, made: dict[str, Any], scans_of: dict[str, list[str]]
) -> None:
    """The night's projections are dropped, and are those that were made; in the caller's
    transaction, which holds LOCK_PROJECTIONS."""
    await conn.execute(DROP_CLAIMS, night)
    await conn.execute(DROP_COUNTS, night)
    for booking_id, b in made["bookings"].items():
        await conn.execute(
            WRITE_BOOKING, booking_id, b["status"], b["party"], b["slot_from"], b["slot_until"],
            b["source"], b["deposit_pence"], b["paid_pence"], b["hold_expires_at"], b["extended"],
            b["edition"], b["overdue"],
        )  # fmt: skip
        for number, (live, begins, ends) in b["claims"].items():
            await conn.execute(
                WRITE_CLAIM, booking_id, night, int(number), begins, ends, live
            )  # fmt: skip
        if (k := b["ticket"]) is not None:
            await conn.execute(
                WRITE_TICKET, k["id"], booking_id, night, k["generation"], k["status"], k["party"],
                k["admitted"], k["gone"], scans_of.get(booking_id, [booking_id]),
            )  # fmt: skip
    for floor, people in made["inside"].items():
        await conn.execute(WRITE_COUNT, night, floor, people)
    # After the bookings: a hold that ends takes its offer with it.
    await conn.execute(DROP_PLACES, night)
    for entry_id, w in made["waitlist"].items():
        await conn.execute(
            WRITE_PLACE, entry_id, w["status"], w["party"], w["slot_from"], w["slot_until"],
            w["priority"], w["ranked"], w["offers_left"], w["booking_id"], w["ended_why"],
        )  # fmt: skip
