"""Scans that come after their device's token has ended: kept for a manager, never judged.

A revoked tablet may have let people in before it heard of it, and a stolen one may send what never
was. So the scan is kept without an answer, the sender is told that it is revoked, and a manager
says what became of it.
"""

from typing import Final, NoReturn
from uuid import uuid4

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.administration import audited, note
from app.actions.door import spread
from app.actions.scopes import judge_scope
from app.db import bookings as rows
from app.db import quarantine
from app.db.nights import list_keys
from app.db.pool import Database, retried
from app.db.scans import NewScan, insert_scan
from app.domain.facts import BookingFact
from app.domain.quarantine import Counting, Held, judge_accept, judge_held
from app.domain.references import ReferenceUnreadable, parse_reference
from app.domain.sayings import SAYINGS
from app.errors import Conflict, NotFound, NotSignedIn
from app.wire import ScanRequest, Verdict
from app.wire.devices import QuarantineAnswer, ResolveScan
from floorplan import administration as book
from floorplan import events
from floorplan.venue import Door, Venue
from scanners.codes import CodeRefused, public_key, read_claims

# A busy door scans some 400 parties a night: what one tablet can hold of an evening offline.
WAITING_MOST: Final = 500


async def keep(db: Database, venue: Venue, caller: Caller, request: ScanRequest) -> NoReturn:
    """The scan waits for a manager, and its sender learns that it is revoked.

    Raises NotSignedIn `device_revoked` in every case; `kept` says whether the scan is kept: not
    without a door or a code, and not beyond 500 that wait for this device. The code itself is not
    stored.
    """
    known = request.door in {door.id for door in venue.doors}
    one = (request.code is None) != (request.reference is None)
    kept = known and one and await retried(lambda: _keep(db, venue, caller, request))
    detail = (
        "This device's pairing has ended. The scan waits for a manager; nobody was counted."
        if kept
        else "This device's pairing has ended, and the scan was not kept. Tell a manager."
    )
    raise NotSignedIn("device_revoked", detail, kept=kept)


async def _keep(db: Database, venue: Venue, caller: Caller, request: ScanRequest) -> bool:
    device_id = caller.principal.id
    ticket_id, generation, reference, refused = None, None, None, None
    async with db.acting(caller.principal) as conn:
        if request.reference is not None:
            try:
                reference = parse_reference(request.reference)
            except ReferenceUnreadable:
                refused = "unknown_code"
        else:
            assert request.code is not None
            keys = {number: public_key(raw) for number, raw in (await list_keys(conn)).items()}
            try:
                claims = read_claims(request.code, keys, venue=venue.id)
            except CodeRefused as error:
                refused = error.reason
            else:
                ticket_id, generation = str(claims.ticket_id), claims.generation
        await quarantine.lock_device(conn, device_id)
        stored = await quarantine.find_body(conn, device_id, request.scan_id)
        if stored is not None:
            return stored == caller.body_hash
        if await quarantine.count_waiting(conn, device_id) >= WAITING_MOST:
            return False
        quarantine_id = str(uuid4())
        await quarantine.insert_held(
            conn, quarantine_id, device_id, request.scan_id, caller.body_hash, request.door,
            request.direction, request.people, ticket_id, generation, reference, refused,
        )  # fmt: skip
        await note(
            conn,
            caller,
            book.ScanQuarantined(quarantine_id, request.scan_id, ticket_id=ticket_id),
            f"device:{device_id}",
        )
        return True


async def list_quarantine(
    db: Database, caller: Caller, *, device_id: str | None, waiting: bool
) -> list[QuarantineAnswer]:
    """What waits for a manager, or everything; the newest first, at most 500."""
    async with db.acting(caller.principal) as conn:
        found = await quarantine.list_held(conn, device_id=device_id, waiting=waiting)
    return [shown(held) for held in found]


async def resolve(
    db: Database, venue: Venue, caller: Caller, quarantine_id: str, request: ResolveScan
) -> Answered:
    """The scan counts, or it does not; either way once, and its record stays.

    Accepted, its people are in the rows and the book of the booking's night, with a verdict under
    the scan's own id, so that the same scan sent again by the device is answered and not counted.
    After the night's seal the line says so, and the figures stand. Raises NotFound, NotAllowed
    `out_of_scope`, and what `judge_held` and `judge_accept` refuse.
    """
    async with db.acting(caller.principal) as conn:
        held = await quarantine.find_held(conn, quarantine_id)
    if held is None:
        raise NotFound("scan_not_found", "No such scan is in quarantine.")
    for known in venue.doors:
        if known.id == held.door:
            judge_scope(caller.principal, door=known.id, floor=known.floor, night=held.night)
    if request.decision == "dismiss":
        return await _dismiss(db, caller, held, request)
    if held.booking_id is None or held.night is None:
        judge_held(held)
    assert held.booking_id is not None
    assert held.night is not None
    door = venue.get_door(held.door)
    if door.leaves is not None:
        raise Conflict(
            "nothing_to_count",
            "At the stairs nobody came in or left. Dismiss the scan, and correct the head count.",
        )
    booking_id = held.booking_id

    async def work(act: Act) -> tuple[int, QuarantineAnswer]:
        now = await quarantine.find_held(act.conn, quarantine_id)
        assert now is not None, "a scan in quarantine is never deleted"
        judge_held(now)
        booking = act.facts.find_booking(booking_id)
        assert booking is not None, "a booking is never deleted"
        counting = judge_accept(now, request.people, booking, act.facts, door.floor)
        await _settle(act, now, request, counting.people)
        await _count(act, now, booking, counting, door)
        return 200, _resolved(now, caller, request, act.facts.now, counting.people)

    return await perform(
        db, caller, "resolve_quarantine", work, night=held.night, bookings=[booking_id], people=True
    )


async def _dismiss(db: Database, caller: Caller, held: Held, request: ResolveScan) -> Answered:
    async def work(act: Act) -> tuple[int, QuarantineAnswer]:
        await _settle(act, held, request, 0)
        return 200, _resolved(held, caller, request, held.received_at, 0)

    return await audited(db, caller, "resolve_quarantine", work)


async def _settle(act: Act, held: Held, request: ResolveScan, people: int) -> None:
    """The row is resolved, by this transaction alone; the administration's book says so."""
    by = act.caller.principal.actor
    if not await quarantine.resolve_held(
        act.conn, held.id, by, request.decision, request.reason, people
    ):
        raise Conflict("already_resolved", "This scan was resolved already.")
    act.record(
        book.QuarantineResolved(
            held.id, held.scan_id, request.decision, request.reason, held.night, people
        ),
        f"device:{held.device_id}",
    )


async def _count(
    act: Act, held: Held, booking: BookingFact, counting: Counting, door: Door
) -> None:
    """The ticket, the head count, the scan's verdict and the line in the night's book."""
    ticket = booking.ticket
    assert ticket is not None, "judged before"
    going_in = held.direction == "in"
    guest = booking.find_guest(held.ticket_id)
    if guest is not None:
        await rows.count_guest(act.conn, guest.id, inside=going_in, at=held.at, door=held.door)
    inside = dict(act.facts.inside)
    await rows.count_admitted(
        act.conn,
        ticket.id,
        counting.admitted,
        counting.gone,
        held.at,
        held.door,
        f"device:{held.device_id}",
    )
    if not counting.after_seal:
        step = counting.people if going_in else -counting.people
        moved = spread(inside, door.floor, step)
        for floor, people in moved.items():
            await rows.set_headcount(act.conn, booking.night, floor, people)
        inside.update(moved)
    payload: events.Payload
    if going_in:
        payload = events.GuestCheckedIn(
            booking.id, ticket.id, counting.people, counting.admitted, counting.gone,
            door.floor, door.id, inside, counting.after_seal,
            guest=guest.number if guest else None,
        )  # fmt: skip
    else:
        payload = events.GuestCheckedOut(
            booking.id, ticket.id, counting.people, counting.gone, door.floor, door.id, inside,
            counting.after_seal, guest=guest.number if guest else None,
        )  # fmt: skip
    act.record(payload, f"booking:{booking.id}")
    reason = "admitted" if going_in else "out"
    saying = SAYINGS[reason]
    verdict = Verdict(
        scan_id=held.scan_id, verdict=saying.verdict, reason=reason, title=saying.title,
        instruction="A manager accepted this scan later.", at=held.at, door=held.door,
        people=counting.people, booking_id=booking.id, party=booking.party,
        admitted=counting.admitted, left_to_enter=None, tables=list(booking.tables),
        floor=door.floor, direction=held.direction, tell=saying.tell, gone=counting.gone,
    )  # fmt: skip
    new = NewScan(
        scanner=f"device:{held.device_id}", scan_id=held.scan_id, body_hash=held.body_hash,
        night=booking.night, at=held.at, door=held.door, verdict=saying.verdict, reason=reason,
        booking_id=booking.id, ticket_id=ticket.id, people=counting.people,
        answer=msgspec.json.encode(verdict), direction=held.direction, generation=held.generation,
        admitted_change=counting.admitted - ticket.admitted,
        gone_change=counting.gone - ticket.gone, guest_id=guest.id if guest else None,
    )  # fmt: skip
    if not await insert_scan(act.conn, new):
        raise Conflict("already_decided", "The same scan was answered meanwhile. Dismiss this one.")


def _resolved(
    held: Held, caller: Caller, request: ResolveScan, at: str, people: int
) -> QuarantineAnswer:
    return msgspec.structs.replace(
        shown(held),
        resolved_at=at,
        resolved_by=caller.principal.actor,
        resolution=request.decision,
        reason=request.reason,
        counted=people,
        version=UNNUMBERED,
    )


def shown(held: Held) -> QuarantineAnswer:
    """The scan as managers see it; no hash of anything."""
    fields = msgspec.structs.asdict(held)
    kept = {name: fields[name] for name in QuarantineAnswer.__struct_fields__ if name in fields}
    return QuarantineAnswer(quarantine_id=held.id, **kept)
