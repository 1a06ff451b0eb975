"""Parties that did not come: whose grace is over, and what may be given back."""

from collections.abc import Sequence

import asyncpg

# Of open nights, so that the sweeper looks at tonight's confirmed bookings and at nothing else.
# Whoever booked when the slot had begun has their grace from then on.
LIST_OVERDUE = """
SELECT id, night, given_up FROM (
    SELECT b.id::text AS id, b.night::text AS night, b.overdue, d.due,
           d.due + make_interval(mins => $1) <= venue_now() AS late,
           $2 > 0 AND d.due + make_interval(mins => $2) <= venue_now() AS given_up
      FROM night n JOIN booking b ON b.night = n.date AND b.status = 'confirmed',
           LATERAL (SELECT greatest(lower(b.slot), b.created_at) AS due) AS d
     WHERE n.status = 'open' AND n.doors_at <= venue_now() AND n.ends_at > venue_now()
       AND NOT EXISTS (SELECT FROM ticket k WHERE k.booking_id = b.id AND k.admitted > 0)
) AS absent
 WHERE late AND (given_up OR NOT overdue) AND id <> ALL ($3::text[])
 ORDER BY due, id LIMIT 100
"""
MARK_OVERDUE = "UPDATE booking SET overdue = true WHERE id = $1"


async def list_overdue(
    conn: asyncpg.Connection,
    grace_minutes: int,
    no_show_minutes: int,
    without: Sequence[str] = (),
) -> list[tuple[str, str, bool]]:
    """Id, night, and whether the rule gives it up: at most 100 bookings of which nobody came, but
    those named.

    Those that were told to be overdue already are left out until `no_show_minutes` are over; with 0
    they never are.
    """
    found = await conn.fetch(LIST_OVERDUE, grace_minutes, no_show_minutes, without)
    return [(row["id"], row["night"], row["given_up"]) for row in found]


async def mark_overdue(conn: asyncpg.Connection, booking_id: str) -> None:
    await conn.execute(MARK_OVERDUE, booking_id)
