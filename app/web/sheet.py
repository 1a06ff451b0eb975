"""The night's sheet for the desk: every party with its code, on A4, for when the screens are dark.

It lies open, so names are masked whoever prints it. The codes are those of the moment: one that is
replaced later no longer opens the door, and the sheet says when it was made.
"""

import asyncio
from typing import Final

from app.actions.persons import opened
from app.actions.scopes import judge_scope
from app.db.listings import BookingRow, list_bookings
from app.db.nights import find_night
from app.db.tickets import TicketKey, list_ticket_keys
from app.domain.entry_codes import entry_code
from app.domain.letters import clock, day_of
from app.domain.names import masked
from app.domain.references import show_reference
from app.web.answers import Answer
from app.web.export_document import text
from app.web.floor import date_of, night_not_found
from app.web.operations import Call
from app.web.parts import Parts
from floorplan.nights import parse_instant
from scanners.codes.drawing import draw_svg

# It carries no script, and looks as the style sheet of this origin says.
POLICY: Final = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
EXPECTED: Final = ("confirmed", "seated")


async def get_sheet(call: Call) -> Answer:
    """Whoever is expected, in the order of their time; each code is drawn by itself in a thread,
    so that a long sheet delays nobody."""
    night, parts = call.path["night"], call.parts
    async with parts.db.acting(call.principal) as conn:
        row = await find_night(conn, date_of(night))
        if row is None:
            raise night_not_found(night)
        judge_scope(call.principal, night=night)
        bookings = [b for b in await list_bookings(conn, night) if b.status in EXPECTED]
        keys = await list_ticket_keys(conn, night)
    lines = [await _line(parts, booking, keys.get(booking.booking_id)) for booking in bookings]
    zone = parts.venue.zone
    begins = day_of(parse_instant(row.doors_at), zone)
    made = clock(parts.live.clock.now(), zone)
    page = (
        '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8">'
        f"<title>{text(f'{parts.venue.name}, {night}')}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/static/css/sheet.css"></head><body>'
        f"<header><h1>{text(parts.venue.name)}</h1><p>{text(begins)}, {text(row.name)}. "
        f"{len(lines)} parties, made at {text(made)}. Destroy it after the night.</p></header>"
        "<table><thead><tr><th>Code</th><th>Party</th><th>Tables</th><th>Time</th><th>In</th>"
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></body></html>\n"
    )
    return Answer(
        200, page.encode(), content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": POLICY},
    )  # fmt: skip


async def _line(parts: Parts, booking: BookingRow, key: TicketKey | None) -> str:
    picture = "no valid code"
    if key is not None and key.status == "valid":
        code = entry_code(parts.venue, parts.vault, key.ticket_id, key.generation, key)
        picture = await asyncio.to_thread(draw_svg, code)
    person = opened(parts.vault, booking.held)
    name = masked(person.name) if person else "No name"
    tables = ", ".join(map(str, booking.tables))
    begins = clock(parse_instant(booking.slot_from), parts.venue.zone)
    return (
        f'<tr><td class="code">{picture}</td>'
        f"<td><b>{text(name)}</b><br>{booking.party} people<br>"
        f'<span class="reference">{text(show_reference(booking.reference))}</span></td>'
        f"<td>{text(tables)}</td><td>{text(begins)}</td>"
        f"<td>{booking.admitted} of {booking.party}</td></tr>"
    )
