"""Changes of bookings over HTTP, what a move breaks, and what happened to a booking."""

from typing import Any

import msgspec
from msgspec.structs import replace

from app.actions import changes, no_shows, parties, reschedules
from app.actions.act import Answered
from app.actions.histories import read_history
from app.actions.scopes import judge_scope
from app.db.history import HistoryRow
from app.db.listings import find_booking
from app.errors import Conflict, NotFound
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.offline import ask_back
from app.web.operations import Call
from app.wire.changes import Break, History, HistoryLine, MovePreview, numbers_in
from floorplan.events import Event
from floorplan.lines import line_of
from floorplan.nights import instant_text
from floorplan.preview import preview_move
from floorplan.state import BookingState, empty_state


async def _change(call: Call) -> Answered:
    if call.body.party is not None:
        await ask_back(call, "change")
    parts = call.parts
    return await changes.change_booking(
        parts.db, parts.venue, parts.vault, call.caller, call.path["booking_id"], call.body
    )


async def _reschedule(call: Call) -> Answered:
    await ask_back(call, "reschedule")
    parts = call.parts
    return await reschedules.reschedule(
        parts.db, parts.venue, parts.vault, call.caller, call.path["booking_id"], call.body
    )


async def _swap(call: Call) -> Answered:
    await ask_back(call, "swap", call.path["booking_id"], call.body.other_id)
    parts = call.parts
    return await parties.swap_parties(
        parts.db, parts.venue, call.caller, call.path["booking_id"], call.body
    )


async def _split(call: Call) -> Answered:
    await ask_back(call, "split")
    parts = call.parts
    return await parties.split_party(
        parts.db, parts.venue, parts.vault, call.caller, call.path["booking_id"], call.body
    )


async def _merge(call: Call) -> Answered:
    await ask_back(call, "merge", call.path["booking_id"], call.body.other_id)
    parts = call.parts
    return await parties.merge_parties(
        parts.db, parts.venue, call.caller, call.path["booking_id"], call.body
    )


change_booking = doing(_change)
reschedule = doing(_reschedule)
swap_parties = doing(_swap)
split_party = doing(_split)
merge_parties = doing(_merge)
reinstate = doing(
    lambda c: no_shows.reinstate(
        c.parts.db, c.parts.venue, c.parts.vault, c.caller, c.path["booking_id"], c.body
    )
)


async def preview(call: Call) -> Answer:
    """What a move to these tables would break, of the floor as it is; nothing is written."""
    booking_id = call.path["booking_id"]
    async with call.parts.db.acting(call.principal) as conn:
        row = await find_booking(conn, booking_id)
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    judge_scope(call.principal, night=row.night)
    state = await call.parts.live.ensure(row.night)
    booking = state.bookings.get(booking_id)
    if booking is None:
        raise Conflict(
            "illegal_transition", f"The booking is {row.status}: it has no tables to move from.",
            booking_status=row.status,
        )  # fmt: skip
    wanted = numbers_in(call.query.tables)
    now = instant_text(call.parts.live.clock.now())
    found = preview_move(state, booking, wanted, call.parts.venue.combinations, now)
    return encoded(
        MovePreview(
            booking_id=booking_id,
            night=row.night,
            tables_before=list(booking.tables),
            tables=wanted,
            possible=found.possible,
            breaks=[
                Break(b.kind, b.text, b.forbids, b.table, b.booking_id, b.begins, b.ends)
                for b in found.breaks
            ],
            deposit_difference_pence=found.deposit_difference_pence,
            minimum_spend_difference_pence=found.minimum_spend_difference_pence,
            edition=booking.edition,
            version=state.version,
        )
    )


async def get_history(call: Call) -> Answer:
    """All that happened to the booking; a guest learns of staff only that it was the club."""
    booking_id = call.path["booking_id"]
    async with call.parts.db.acting(call.principal) as conn:
        row = await find_booking(conn, booking_id)
        if row is None:
            raise NotFound("booking_not_found", "There is no such booking.")
        judge_scope(call.principal, night=row.night)
        lines = await read_history(conn, row.night, booking_id)
    told = [_line(line, staff=call.principal.kind == "staff") for line in with_texts(lines)]
    return encoded(History(booking_id=booking_id, events=told))


def with_texts(lines: list[HistoryRow]) -> list[tuple[HistoryRow, str | None]]:
    """Each line with what the managers' feed said of it: it names the tables and the party that the
    lines before it gave the booking."""
    known: dict[str, Any] = {"party": 0, "tables": ()}
    said = []
    for row in lines:
        event = Event(
            book=row.book, version=row.version, type=row.type, subject=row.subject, at=row.at,
            actor=row.actor, correlation_id=row.correlation_id, payload=row.payload.encode(),
        )  # fmt: skip
        details = msgspec.json.decode(row.payload)
        booking = BookingState(
            id=details.get("booking_id", ""), status="", slot_from="", slot_until="", source="",
            party=known["party"], tables=tuple(known["tables"]),
        )  # fmt: skip
        before = replace(empty_state(row.book), bookings={booking.id: booking})
        line = line_of(before, event)
        said.append((row, None if line is None else line["text"]))
        known |= {name: details[name] for name in known if details.get(name)}
    return said


def _line(told: tuple[HistoryRow, str | None], *, staff: bool) -> HistoryLine:
    row, text = told
    kind = row.actor.partition(":")[0]
    details = msgspec.json.decode(row.payload) if row.type != "NIGHT_SEALED" else {}
    return HistoryLine(
        night=row.book,
        version=row.version,
        at=row.at,
        type=row.type,
        actor=row.actor if staff else {"owner": "you", "public": "you"}.get(kind, "club"),
        text=text,
        details=details if staff else {},
    )
