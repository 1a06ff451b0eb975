"""The floor as its rows show it, in the words of the fold: what `backroom verify` compares."""

from typing import Any

import asyncpg
import msgspec

from floorplan.state import NightState

READ_ROWS = """
SELECT jsonb_build_object(
    'night', (SELECT jsonb_build_object(
            'name', n.name, 'status', n.status, 'doors_at', instant_text(n.doors_at),
            'last_entry_at', instant_text(n.last_entry_at),
            'closes_at', instant_text(n.closes_at), 'house', n.house_limit,
            'edition', n.edition,
            'floors', (SELECT jsonb_object_agg(h.floor, h.people_limit)
                FROM headcount h WHERE h.night = n.date))
        FROM night n WHERE n.date = $1::text::date),
    'tables', (SELECT coalesce(jsonb_object_agg(f.number::text, jsonb_build_object(
            'floor', f.floor, 'deposit_pence', f.deposit_pence,
            'minimum_spend_pence', f.minimum_spend_pence, 'resetting', f.resetting,
            'capacity', jsonb_build_array(f.capacity_min, f.capacity_optimal, f.capacity_max),
            'claims', (SELECT coalesce(jsonb_agg(b.id ORDER BY t.slot, b.id), '[]')
                FROM booking_table t JOIN booking b ON b.id = t.booking_id
               WHERE t.live AND t.night = f.night AND t.number = f.number
                 AND b.status IN ('pending', 'confirmed')),
            'occupied_by', (SELECT b.id
                FROM booking_table t JOIN booking b ON b.id = t.booking_id
               WHERE t.live AND t.night = f.night AND t.number = f.number AND b.status = 'seated'),
            'blocks', (SELECT coalesce(jsonb_agg(jsonb_build_array(
                    k.id, instant_text(lower(k.slot)), instant_text(upper(k.slot)), k.reason,
                    k.in_force) ORDER BY lower(k.slot), k.id), '[]')
                FROM table_block k
               WHERE NOT k.lifted AND k.night = f.night AND k.number = f.number))), '{}')
        FROM floor_table f WHERE f.night = $1::text::date),
    'bookings', (SELECT coalesce(jsonb_object_agg(b.id::text, jsonb_build_object(
            'status', b.status, 'party', b.party, 'slot_from', instant_text(lower(b.slot)),
            'slot_until', instant_text(upper(b.slot)), 'source', b.source,
            'deposit_pence', b.deposit_pence, 'paid_pence', b.paid_pence,
            'payment_failed', b.payment_failed, 'disputed', b.disputed,
            'hold_expires_at', instant_text(b.hold_expires_at), 'ticket_id', k.id,
            'admitted', coalesce(k.admitted, 0), 'left', coalesce(k.gone, 0),
            'edition', b.edition, 'overdue', b.overdue,
            'tables', (SELECT coalesce(jsonb_agg(t.number ORDER BY t.number), '[]')
                FROM booking_table t WHERE t.booking_id = b.id AND t.live))), '{}')
        FROM booking b LEFT JOIN ticket k ON k.booking_id = b.id
       WHERE b.night = $1::text::date AND b.status IN ('pending', 'confirmed', 'seated')),
    'waitlist', (SELECT coalesce(jsonb_object_agg(w.id::text, jsonb_build_object(
            'party', w.party, 'slot_from', instant_text(lower(w.slot)),
            'slot_until', instant_text(upper(w.slot)),
            'priority', coalesce(w.by_hand, w.priority), 'offers_left', w.offers_left,
            'booking_id', CASE WHEN w.status = 'offered' THEN w.booking_id END)), '{}')
        FROM waitlist w
       WHERE w.night = $1::text::date AND w.status IN ('waitlisted', 'offered')),
    'inside', (SELECT coalesce(jsonb_object_agg(h.floor, h.people), '{}')
        FROM headcount h WHERE h.night = $1::text::date),
    'leases', (SELECT coalesce(jsonb_object_agg(l.id::text, jsonb_build_object(
            'device_id', l.device_id, 'door', l.door, 'is_void', l.status = 'voided',
            'held', (SELECT coalesce(jsonb_agg(s.ticket_id ORDER BY s.ticket_id::text), '[]')
                FROM lease_ticket s
               WHERE s.lease_id = l.id AND s.stated IS NULL AND NOT s.released),
            'recalled', (SELECT coalesce(jsonb_agg(s.ticket_id ORDER BY s.ticket_id::text), '[]')
                FROM lease_ticket s
               WHERE s.lease_id = l.id AND s.stated IS NULL AND NOT s.released
                 AND s.recalled_at IS NOT NULL))), '{}')
        FROM lease l WHERE l.night = $1::text::date AND l.status IN ('live', 'voided'))
)::text
"""


# What no line of the book shows but rows say twice. Each finding is a sentence.
LIST_CONTRADICTIONS = """
WITH said AS (
    SELECT e.payload ->> 'booking_id' AS booking_id,
           CASE e.type WHEN 'HOLD_RELEASED' THEN 'released' WHEN 'HOLD_EXPIRED' THEN 'expired'
                       WHEN 'BOOKING_CANCELLED' THEN 'cancelled'
                       WHEN 'NO_SHOW_MARKED' THEN 'no_show'
                       ELSE 'completed' END AS status
      FROM event e
     WHERE e.book = $1 AND e.type IN ('HOLD_RELEASED', 'HOLD_EXPIRED', 'BOOKING_CANCELLED',
                                      'NO_SHOW_MARKED', 'BOOKING_COMPLETED')
    UNION
    SELECT e.payload ->> 'other_id', 'merged'
      FROM event e WHERE e.book = $1 AND e.type = 'BOOKINGS_MERGED'
    UNION
    SELECT jsonb_array_elements_text(e.payload -> 'completed'), 'completed'
      FROM event e WHERE e.book = $1 AND e.type = 'NIGHT_SEALED'
), mine AS (
    SELECT b.*, b.status IN ('pending', 'confirmed', 'seated') AS unfinished
      FROM booking b WHERE b.night = $1::text::date
)
SELECT format('booking %s is %s, which no line of the book says', b.id, b.status)
  FROM mine b
 WHERE NOT b.unfinished
   AND NOT EXISTS (SELECT FROM said s WHERE s.booking_id = b.id::text AND s.status = b.status)
UNION ALL
SELECT format('table %s has a live claim of booking %s, which is %s', t.number, b.id, b.status)
  FROM mine b JOIN booking_table t ON t.booking_id = b.id WHERE t.live AND NOT b.unfinished
UNION ALL
SELECT format('the claim of booking %s on table %s is for another time', b.id, t.number)
  FROM mine b JOIN booking_table t ON t.booking_id = b.id WHERE t.live AND t.slot <> b.slot
UNION ALL
SELECT format('booking %s paid %s pence, its payments are %s', b.id, b.paid_pence, p.sum)
  FROM mine b, LATERAL (SELECT coalesce(sum(amount_pence - refunded_pence), 0) AS sum
                          FROM payment WHERE booking_id = b.id AND currency = 'gbp') AS p
 WHERE p.sum <> b.paid_pence
UNION ALL
SELECT format('of payment %s %s pence are on their way and %s back, its refunds say %s and %s',
              p.id, p.refunding_pence, p.refunded_pence, r.pending, r.done)
  FROM payment p JOIN mine b ON b.id = p.booking_id,
       LATERAL (SELECT coalesce(sum(amount_pence) FILTER (WHERE status = 'pending'), 0) AS pending,
                       coalesce(sum(amount_pence) FILTER (WHERE status = 'succeeded'), 0) AS done
                  FROM refund WHERE payment_id = p.id) AS r
 WHERE (p.refunding_pence, p.refunded_pence) <> (r.pending, r.done)
UNION ALL
SELECT format('booking %s is %s, and %s pence of it are kept', b.id, b.status, p.sum)
  FROM mine b, LATERAL (SELECT coalesce(sum(kept_pence), 0) AS sum
                          FROM payment WHERE booking_id = b.id) AS p
 WHERE b.status IN ('pending', 'expired', 'released') AND p.sum > 0
UNION ALL
SELECT format('booking %s is %s without a ticket', b.id, b.status)
  FROM mine b
 WHERE b.status IN ('confirmed', 'seated', 'completed', 'no_show')
   AND NOT EXISTS (SELECT FROM ticket k WHERE k.booking_id = b.id)
UNION ALL
SELECT format('the ticket of booking %s counts %s inside, its scans say %s', b.id,
              k.admitted - k.gone, s.inside)
  FROM mine b JOIN ticket k ON k.booking_id = b.id,
       LATERAL (SELECT k.unscanned + coalesce(sum(
                           CASE c.reason WHEN 'admitted' THEN c.people
                                         WHEN 'overridden' THEN c.people
                                         WHEN 'out' THEN -c.people ELSE 0 END), 0) AS inside
                  FROM scan c WHERE c.booking_id = b.id AND c.undone_at IS NULL) AS s
 WHERE s.inside <> k.admitted - k.gone OR k.party <> b.party
UNION ALL
SELECT format('guest %s of booking %s counts %s inside, the last scan of the code says %s',
              g.number, b.id, g.admitted - g.gone, coalesce(s.last, 'nothing'))
  FROM mine b JOIN guest_ticket g ON g.booking_id = b.id,
       LATERAL (SELECT (SELECT c.reason FROM scan c
                         WHERE c.guest_id = g.id AND c.undone_at IS NULL AND c.people > 0
                           AND c.reason IN ('admitted', 'overridden', 'out')
                         ORDER BY c.at DESC, c.scan_id LIMIT 1) AS last) AS s
 WHERE g.admitted - g.gone <> (coalesce(s.last, 'out') <> 'out')::integer
UNION ALL
-- Of the whole night, because parties that are joined bring theirs along.
SELECT format('tickets admit %s people beyond their parties, overrides let %s in', k.extra, s.extra)
  FROM (SELECT coalesce(sum(extra), 0) AS extra FROM ticket WHERE night = $1::text::date) AS k,
       (SELECT coalesce(sum(c.extra_change), 0) AS extra FROM scan c
         WHERE c.night = $1::text::date AND c.undone_at IS NULL) AS s
 WHERE k.extra <> s.extra
UNION ALL
SELECT format('scan %s was accepted from quarantine for %s people, which no verdict says',
              q.scan_id, q.counted)
  FROM quarantined_scan q JOIN mine b ON b.reference = q.reference
                                      OR b.id IN (SELECT k.booking_id FROM ticket k
                                                   WHERE k.id = q.ticket_id
                                                  UNION
                                                  SELECT g.booking_id FROM guest_ticket g
                                                   WHERE g.id = q.ticket_id)
 WHERE q.resolution = 'accept'
   AND NOT EXISTS (SELECT FROM scan c
                    WHERE c.scanner = 'device:' || q.device_id AND c.scan_id = q.scan_id
                      AND c.booking_id = b.id AND c.people = q.counted)
ORDER BY 1
"""
READ_TAKEN = """
SELECT coalesce(sum(p.amount_pence - p.refunded_pence), 0)
  FROM payment p JOIN booking b ON b.id = p.booking_id
 WHERE b.night = $1::text::date AND p.currency = 'gbp'
"""
LIST_BOOKLESS = """
SELECT date::text FROM night
 WHERE NOT EXISTS (SELECT FROM book WHERE name = date::text) ORDER BY date
"""


async def list_contradictions(conn: asyncpg.Connection, night: str) -> list[str]:
    """Where the night's rows say two things: statuses, claims, payments, tickets, scans."""
    return [row["format"] for row in await conn.fetch(LIST_CONTRADICTIONS, night)]


async def read_taken(conn: asyncpg.Connection, night: str) -> int:
    """The pence that were taken for the night and did not go back."""
    return int(await conn.fetchval(READ_TAKEN, night))


async def list_bookless(conn: asyncpg.Connection) -> list[str]:
    """Nights of which no book tells."""
    return [row["date"] for row in await conn.fetch(LIST_BOOKLESS)]


async def read_rows(conn: asyncpg.Connection, night: str) -> dict[str, Any]:
    """What the rows say of the night's floor: sections night, tables, bookings, waitlist,
    inside."""
    rows: dict[str, Any] = msgspec.json.decode(await conn.fetchval(READ_ROWS, night))
    return rows


def rows_of(state: NightState) -> dict[str, Any]:
    """The same document as `read_rows`, from the state that the fold gives."""
    info = state.info
    return {
        "night": None
        if info is None
        else {
            "name": info.name,
            "status": info.status,
            "doors_at": info.doors_at,
            "last_entry_at": info.last_entry_at,
            "closes_at": info.closes_at,
            "house": info.limits.house,
            "edition": info.edition,
            "floors": dict(info.limits.floors),
        },
        "tables": {
            str(t.number): {
                "floor": t.floor,
                "deposit_pence": t.deposit_pence,
                "minimum_spend_pence": t.minimum_spend_pence,
                "resetting": t.resetting_since is not None,
                "capacity": [t.capacity_min, t.capacity_optimal, t.capacity_max],
                "claims": list(t.claims),
                "occupied_by": t.occupied_by,
                "blocks": [
                    [b.id, b.blocked_from, b.blocked_until, b.reason, b.in_force] for b in t.blocks
                ],
            }
            for t in state.tables.values()
        },
        "bookings": {
            b.id: {
                "status": b.status,
                "party": b.party,
                "slot_from": b.slot_from,
                "slot_until": b.slot_until,
                "source": b.source,
                "deposit_pence": b.deposit_pence,
                "paid_pence": b.paid_pence,
                "payment_failed": b.payment_failed,
                "disputed": b.disputed,
                "hold_expires_at": b.hold_expires_at,
                "ticket_id": b.ticket_id,
                "admitted": b.admitted,
                "left": b.left,
                "edition": b.edition,
                "overdue": b.overdue,
                "tables": list(b.tables),
            }
            for b in state.bookings.values()
        },
        "waitlist": {
            entry.id: {
                "party": entry.party,
                "slot_from": entry.slot_from,
                "slot_until": entry.slot_until,
                "priority": entry.priority,
                "offers_left": entry.offers_left,
                "booking_id": entry.booking_id,
            }
            for entry in state.waitlist.values()
        },
        "inside": dict(state.inside),
        "leases": {
            lease_id: {
                "device_id": lease.device_id,
                "door": lease.door,
                "is_void": lease.is_void,
                "held": list(lease.held),
                "recalled": list(lease.recalled),
            }
            for lease_id, lease in state.leases.items()
        },
    }
