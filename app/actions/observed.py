"""What a device showed while nobody could be asked: recorded, and never judged again.

An admission counts, or it waits for a person as a task: the people are in, whatever the books say.
Everything else is stored as it was seen. The same scan id has one answer for ever, as at the door,
so a device sends each scan until it is answered, and deletes it then.
"""

from datetime import timedelta
from typing import Final
from uuid import uuid4

import asyncpg
import msgspec

from app.actions.act import (
    UNNUMBERED,
    Act,
    Answered,
    Caller,
    Looked,
    finish,
    lock_scans,
    numbered,
    spliced,
)
from app.actions.codes import Read, read_scan
from app.actions.door import find_own_door, spread
from app.actions.leases import share_of
from app.actions.scans import reused, ticket_of
from app.actions.scopes import judge_scope
from app.db import bookings as rows
from app.db import leases
from app.db.batch import Batch
from app.db.pool import Database, retried
from app.db.scans import NewScan, find_scan, verdict_row
from app.domain.facts import BookingFact, NightFact
from app.domain.leases import Observed, judge_observed
from app.domain.sayings import SAYINGS
from app.errors import NotFound, NotValid
from app.wire import ScanRequest, Verdict
from floorplan import events
from floorplan.nights import parse_instant
from floorplan.venue import Door, Venue

LONGEST_NIGHT: Final = timedelta(hours=25)  # when the clocks go back
COUNTED: Final = ("confirmed", "seated", "completed")


class _Answered(Exception):
    """The same scan was recorded before, or by another transaction meanwhile."""


async def record_observed(
    db: Database, venue: Venue, caller: Caller, request: ScanRequest
) -> Answered:
    """The scan is in the book, or waits for a manager; its answer is the acknowledgement.

    Raises NotValid `scan_id_reused`, `code_missing`; NotFound `door_not_found`, `night_not_found`;
    NotAllowed `other_door`, `out_of_scope`.
    """
    door = find_own_door(venue, caller, request.door)
    if (request.code is None) == (request.reference is None):
        raise NotValid("code_missing", "Send either the code or the reference.")
    read = await read_scan(db, venue, request)
    own = await _own_lease(db, caller, request)

    async def attempt() -> Answered:
        async with db.undecided(begin=False) as conn:
            looked = Looked(caller, request.scan_id, read.ticket_id, read.reference)
            facts, (found,) = await lock_scans(conn, [looked])
            if found.stored:
                raise _Answered
            act = Act(Batch(conn), caller, facts)
            night = found.night or (own.night if own else None) or found.tonight
            if night is None:
                raise NotFound("night_not_found", "No night is open to record the scan in.")
            judge_scope(caller.principal, night=night)
            booking = act.facts.find_booking(found.booking_id or "")
            return await _record(act, request, door, booking, night, own, read)

    try:
        return await retried(attempt)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "scan_pkey":
            raise
    except _Answered:
        pass
    async with db.acting(caller.principal) as conn:
        stored = await find_scan(conn, caller.principal.scanner, request.scan_id)
    assert stored is not None, "a scan is never deleted"
    if stored.body_hash != caller.body_hash:
        reused()
    return _shown(stored.answer, None, replayed=True)


async def _own_lease(db: Database, caller: Caller, request: ScanRequest) -> leases.LeaseRow | None:
    """The lease that the device names, if it is its own."""
    if request.observed is None or request.observed.lease is None:
        return None
    async with db.acting(caller.principal) as conn:
        lease = await leases.find_lease(conn, request.observed.lease)
    device_id = caller.principal.device or caller.principal.id
    return lease if lease and lease.device_id == device_id else None


async def _record(
    act: Act,
    request: ScanRequest,
    door: Door,
    booking: BookingFact | None,
    night: str,
    own: leases.LeaseRow | None,
    read: Read,
) -> Answered:
    seen, scanner = request.observed, act.caller.principal.scanner
    assert seen is not None, "the caller looked"
    reason, outcome = "observed", Observed(0)
    at = believed(seen.at, act.facts.night, act.facts.now)
    if seen.verdict == "admit" and request.direction == "in":
        outcome = await _count(act, request, door, booking, own, read, at)
        reason = "admitted" if outcome.task is None else "conflict"
    ticket = booking.ticket if booking else None
    if outcome.task is not None:
        await leases.insert_task(
            act.conn, str(uuid4()), night, "scan", outcome.task, at, door=door.id,
            device_id=scanner.partition(":")[2] if scanner.startswith("device:") else None,
            floor=door.floor, lease_id=own.id if own else None, scanner=scanner,
            scan_id=request.scan_id, ticket_id=ticket.id if ticket else None,
            booking_id=booking.id if booking else None, people=request.people or 1,
        )  # fmt: skip
    body = msgspec.json.encode(_verdict(request, booking, door, reason, at, outcome.counted))
    after = outcome.counted
    guest = booking.find_guest(read.guest_id) if booking else None
    new = min(after, ticket.party + ticket.extra - ticket.admitted) if ticket and after else 0
    row = NewScan(
        scanner=scanner, scan_id=request.scan_id, body_hash=act.caller.body_hash, night=night,
        at=at, door=door.id, verdict=seen.verdict, reason=reason,
        booking_id=booking.id if booking else None, ticket_id=ticket_of(read, booking),
        people=after, answer=body, direction=request.direction, generation=read.generation,
        admitted_change=new, gone_change=new - after,
        guest_id=guest.id if guest else None,
    )  # fmt: skip
    version = await finish(act, night, 200, body, last=verdict_row(row))
    return _shown(numbered(body, version), version, replayed=False)


async def _count(
    act: Act,
    request: ScanRequest,
    door: Door,
    booking: BookingFact | None,
    own: leases.LeaseRow | None,
    read: Read,
    at: str,
) -> Observed:
    """Rows and event of an admission that happened; or why a person has to decide."""
    ticket = booking.ticket if booking else None
    row = None
    if own is not None and ticket is not None:
        row = await leases.find_share(act.conn, own.id, ticket.id, own.device_id)
    outcome = judge_observed(
        share_of(row),
        ticket.candidate if ticket else None,
        request.people or 1,
        is_valid=booking is not None
        and booking.status in COUNTED
        and ticket is not None
        and ticket.status == "valid",
    )
    if outcome.counted == 0:
        return outcome
    assert booking is not None, "counted"
    assert ticket is not None, "counted"
    assert row is not None, "counted"
    people = outcome.counted
    new = min(people, ticket.party + ticket.extra - ticket.admitted)
    admitted, gone = ticket.admitted + new, ticket.gone - (people - new)
    await rows.count_admitted(
        act.conn, ticket.id, admitted, gone, at, door.id, act.caller.principal.actor
    )
    if (guest := booking.find_guest(read.guest_id)) is not None:
        await rows.count_guest(act.conn, guest.id, inside=True, at=at, door=door.id)
    await leases.count_share(act.conn, row.lease_id, ticket.id, people)
    inside = dict(act.facts.inside)
    after_seal = act.facts.night is not None and act.facts.night.status == "sealed"
    if not after_seal:
        for floor, count in spread(inside, door.floor, people).items():
            inside[floor] = count
            await rows.set_headcount(act.conn, booking.night, floor, count)
    act.record(
        events.GuestCheckedIn(
            booking.id, ticket.id, people, admitted, gone, door.floor, door.id, inside, after_seal,
            row.lease_id, guest.number if guest else None,
        ),
        f"booking:{booking.id}",
    )  # fmt: skip
    return outcome


def believed(seen_at: str, night: NightFact | None, now: str) -> str:
    """When it was by the device, unless its clock is a day off: then it was told of now.

    The order in which its scans come says more than such a clock.
    """
    if night is None:
        return min(seen_at, now)
    begins = parse_instant(night.ends_at) - LONGEST_NIGHT
    return seen_at if begins <= parse_instant(seen_at) <= parse_instant(now) else now


def _verdict(
    request: ScanRequest,
    booking: BookingFact | None,
    door: Door,
    reason: str,
    at: str,
    people: int,
) -> Verdict:
    saying = SAYINGS[reason]
    assert request.observed is not None, "the caller looked"
    return Verdict(
        scan_id=request.scan_id,
        verdict=request.observed.verdict,
        reason=reason,
        title=saying.title,
        instruction=saying.instruction,
        at=at,
        door=door.id,
        people=people,
        booking_id=booking.id if booking else None,
        party=booking.party if booking else None,
        tables=list(booking.tables) if booking else [],
        floor=door.floor,
        direction=request.direction,
        version=UNNUMBERED,
    )


def _shown(body: bytes, version: int | None, *, replayed: bool) -> Answered:
    """The device shows its own answer already, so nobody's name is opened for it."""
    shown = spliced(body, {"replayed": replayed, "name": None})
    return Answered(200, shown, version, replayed=replayed)
