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
            'edition', n.edition)
        FROM night n WHERE n.date = $1::text::date),
    'tables', (SELECT coalesce(jsonb_object_agg(f.number::text, jsonb_build_object(
            'floor', f.floor, 'deposit_pence', f.deposit_pence,
            'minimum_spend_pence', f.minimum_spend_pence, 'resetting', f.resetting,
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
            'hold_expires_at', instant_text(b.hold_expires_at), 'ticket_id', k.id,
            'admitted', coalesce(k.admitted, 0), 'left', coalesce(k.gone, 0),
            'tables', (SELECT coalesce(jsonb_agg(t.number ORDER BY t.number), '[]')
                FROM booking_table t WHERE t.booking_id = b.id AND t.live))), '{}')
        FROM booking b LEFT JOIN ticket k ON k.booking_id = b.id
       WHERE b.night = $1::text::date AND b.status IN ('pending', 'confirmed', 'seated')),
    'inside', (SELECT coalesce(jsonb_object_agg(h.floor, h.people), '{}')
        FROM headcount h WHERE h.night = $1::text::date)
)::text
"""


async def read_rows(conn: asyncpg.Connection, night: str) -> dict[str, Any]:
    """What the rows say of the night's floor: sections night, tables, bookings, inside."""
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
        },
        "tables": {
            str(t.number): {
                "floor": t.floor,
                "deposit_pence": t.deposit_pence,
                "minimum_spend_pence": t.minimum_spend_pence,
                "resetting": t.resetting_since is not None,
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
                "hold_expires_at": b.hold_expires_at,
                "ticket_id": b.ticket_id,
                "admitted": b.admitted,
                "left": b.left,
                "tables": list(b.tables),
            }
            for b in state.bookings.values()
        },
        "inside": dict(state.inside),
    }
