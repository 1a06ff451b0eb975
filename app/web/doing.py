"""Writing: each call is one action, and the answer is the action's own."""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from app.actions import (
    bookings,
    door,
    holds,
    incidents,
    nights,
    overrides,
    scans,
    tables,
    walk_ins,
)
from app.actions.act import Answered, Caller
from app.actions.supervisors import supervised
from app.errors import Conflict, NotAllowed
from app.web.answers import Answer
from app.web.availability import with_alternatives
from app.web.operations import Call, Handler
from app.web.people import acted
from app.wire import Verdict


class Undone(Struct, frozen=True):
    at: str
    reason: str


class ShownVerdict(Verdict, frozen=True, kw_only=True):
    """A verdict as it is shown; `replayed`: it was decided before. `name` is read, never stored.

    `undone`: a supervisor took its count back since. `overridden_by`: the scan under which a
    supervisor let them in.
    """

    replayed: bool
    name: str | None
    undone: Undone | None = None
    overridden_by: str | None = None


Acting = Callable[[Call], Awaitable[Answered]]


def doing(action: Acting) -> Handler:
    """The handler whose answer is the action's."""

    async def handler(call: Call) -> Answer:
        answered = await action(call)
        call.parts.lag.note(answered)
        return acted(answered)

    return handler


async def edit_night(call: Call) -> Answered:
    """Closing a night for good is a right of its own."""
    if call.body.status is not None and not call.principal.may("night:close"):
        raise NotAllowed("not_allowed", "Closing a night needs the permission night:close.")
    return await nights.edit_night(
        call.parts.db, call.parts.venue, call.caller, call.path["night"], call.body
    )


async def hold(call: Call) -> Answered:
    """Whoever is too late learns what is free instead, and how to wait for a table."""
    parts = call.parts
    try:
        return await holds.hold_tables(
            parts.db, parts.venue, parts.vault, parts.settings.secret, call.caller, call.body
        )
    except Conflict as refusal:
        if refusal.reason not in ("table_not_available", "table_blocked"):
            raise
        raise await with_alternatives(parts, refusal, call.body) from refusal


open_night = doing(
    lambda c: nights.open_night(c.parts.db, c.parts.venue, c.parts.vault, c.caller, c.body)
)
patch_night = doing(edit_night)
hold_tables = doing(hold)
release_hold = doing(lambda c: holds.release_hold(c.parts.db, c.caller, c.path["booking_id"]))
extend_hold = doing(
    lambda c: holds.extend_hold(c.parts.db, c.parts.venue, c.caller, c.path["booking_id"])
)
seat_party = doing(lambda c: bookings.seat_party(c.parts.db, c.caller, c.path["booking_id"]))
complete_booking = doing(
    lambda c: bookings.complete_booking(c.parts.db, c.caller, c.path["booking_id"])
)
seat_walk_in = doing(
    lambda c: walk_ins.seat_walk_in(c.parts.db, c.parts.venue, c.parts.vault, c.caller, c.body)
)
vacate_table = doing(lambda c: tables.vacate_table(c.parts.db, c.caller, c.path["number"], c.body))
reset_table = doing(lambda c: tables.reset_table(c.parts.db, c.caller, c.path["number"], c.body))
block_table = doing(lambda c: tables.block_table(c.parts.db, c.caller, c.path["number"], c.body))
unblock_table = doing(
    lambda c: tables.unblock_table(c.parts.db, c.caller, c.path["number"], c.body)
)
find_verdict = doing(
    lambda c: scans.find_verdict(c.parts.db, c.parts.vault, c.caller, c.path["scan_id"])
)


async def override(call: Call) -> Answered:
    """The supervisor's PIN first; then it is their act."""
    caller = await _supervised(call)
    parts = call.parts
    return await overrides.override_scan(
        parts.db, parts.venue, caller, call.path["scan_id"], call.body
    )


async def undo(call: Call) -> Answered:
    caller = await _supervised(call)
    return await overrides.undo(
        call.parts.db, call.parts.venue, caller, call.path["scan_id"], call.body
    )


async def _supervised(call: Call) -> Caller:
    parts = call.parts
    return await supervised(
        parts.db, parts.hashing, parts.settings.secret, call.caller, call.body.supervisor
    )


override_scan = doing(override)
undo_scan = doing(undo)
record_incident = doing(
    lambda c: incidents.record_incident(c.parts.db, c.parts.venue, c.caller, c.body)
)
change_headcount = doing(
    lambda c: door.change_headcount(c.parts.db, c.parts.venue, c.caller, c.body)
)
