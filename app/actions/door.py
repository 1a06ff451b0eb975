"""The door: a scan gets its one verdict, and people are counted in and out."""

from typing import Any, NoReturn

import asyncpg
import msgspec

from app.actions.act import (
    UNNUMBERED,
    Act,
    Answered,
    Caller,
    finish,
    lock_scan,
    numbered,
    perform,
    spliced,
)
from app.actions.codes import Read, read_scan
from app.actions.persons import opened
from app.actions.recalls import Recalled, recall
from app.actions.scopes import judge_scope
from app.actions.verdict import verdict_of, warnings_of
from app.db import bookings as rows
from app.db.persons import Held, find_held
from app.db.pool import Database, retried
from app.db.scans import NewScan, StoredScan, find_scan, verdict_row
from app.domain.bookings import judge_night, judge_room
from app.domain.capacity import fill_of
from app.domain.contacts import PersonalData
from app.domain.facts import BookingFact, GuestFact
from app.domain.names import masked
from app.domain.sealing import Vault
from app.domain.verdicts import Judgement, Request, judge_scan
from app.errors import Conflict, NotAllowed, NotFound, NotValid
from app.wire import HeadcountAnswer, HeadcountRequest, ScanRequest
from floorplan import events
from floorplan.venue import Door, Venue


class HolderAsked(Exception):
    """The device that holds the ticket was asked for it; that much is committed."""

    def __init__(self, recalled: Recalled) -> None:
        super().__init__()
        self.recalled = recalled


class _Answered(Exception):
    """The same scan was answered before, or by another transaction meanwhile."""


async def scan(
    db: Database,
    venue: Venue,
    vault: Vault,
    caller: Caller,
    request: ScanRequest,
    *,
    ask: bool = False,
) -> Answered:
    """The verdict on one read; the same scan id has the same bytes for ever, refusals included.

    With `ask`, a device that holds the ticket is asked for it first, where it was not yet: then
    nothing is judged or stored, HolderAsked is raised, and the caller comes back when the device
    has answered, or has not.

    Counts and verdict commit together. The answer has `replayed` and the guest's masked name in
    front of the stored verdict. Raises NotValid `scan_id_reused` (another body), `code_missing`,
    NotFound `door_not_found`, NotAllowed `other_door`: these are not verdicts and store nothing.
    """
    door = find_own_door(venue, caller, request.door)
    if (request.code is None) == (request.reference is None):
        raise NotValid("code_missing", "Send either the code or the reference.")
    scanner = caller.principal.scanner
    read = await read_scan(db, venue, request)

    async def attempt() -> Answered | Recalled:
        async with db.undecided(begin=False) as conn:
            act, found = await lock_scan(
                conn, caller, request.scan_id, ticket_id=read.ticket_id, reference=read.reference
            )
            if act is None:
                raise _Answered
            tonight = found.tonight
            judge_scope(caller.principal, night=tonight)
            night = found.night or tonight
            booking = act.facts.find_booking(found.booking_id or "")
            judgement = judge_scan(
                Request(
                    direction=request.direction,
                    people=request.people,
                    floor=door.floor,
                    leaves=door.leaves,
                    id_checked=request.id_checked,
                    refused=read.refused,
                    generation=read.generation if found.booking_id else None,
                    to_bar=request.to_bar,
                    own_floor_only=door.own_floor_only,
                    guest=read.guest_id,
                ),
                booking,
                act.facts,
                tonight,
            )
            if ask and judgement.reason == "held_by_other_door" and booking is not None:
                assert booking.ticket is not None, "held"
                assert booking.ticket.lease is not None, "held"
                if not booking.ticket.lease.recalled:
                    asked = await recall(act, booking.night, [booking.id], "other_door")
                    assert asked is not None, "held under the ticket's lock"
                    return asked
            guest = booking.find_guest(read.guest_id) if booking else None
            inside = await _count(act, request, door, booking, judgement, guest)
            verdict = verdict_of(
                venue, door, request, act.facts, booking, judgement, inside, tonight=tonight,
                device_id=caller.principal.device or caller.principal.id, guest=guest,
            )  # fmt: skip
            body = msgspec.json.encode(verdict)
            new = NewScan(
                scanner=scanner,
                scan_id=request.scan_id,
                body_hash=caller.body_hash,
                night=night,
                at=act.facts.now,
                door=request.door,
                verdict=verdict.verdict,
                reason=verdict.reason,
                booking_id=found.booking_id,
                ticket_id=ticket_of(read, booking),
                people=judgement.people,
                answer=body,
                direction=request.direction,
                generation=read.generation,
                guest_id=guest.id if guest else None,
                admitted_change=_change(booking, "admitted", judgement.admitted),
                gone_change=_change(booking, "gone", judgement.gone),
            )
            # A refusal is told in the book of the night at whose door it happened.
            version = await finish(act, tonight or "venue", 200, body, last=verdict_row(new))
        held = None if found.held is None else Held.of(found.held)
        shown = _beside(opened(vault, held), replayed=False)
        return Answered(200, spliced(numbered(body, version), shown), version)

    judged: Answered | Recalled | None = None
    try:
        judged = await retried(attempt)
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "scan_pkey":
            raise
    except _Answered:
        pass
    if isinstance(judged, Recalled):
        raise HolderAsked(judged)
    if judged is not None:
        return judged
    return await find_verdict(db, vault, caller, request.scan_id, request_hash=caller.body_hash)


async def find_verdict(
    db: Database, vault: Vault, caller: Caller, scan_id: str, *, request_hash: bytes | None = None
) -> Answered:
    """What was decided about a scan of this caller. Raises NotFound."""
    async with db.acting(caller.principal) as conn:
        stored = await find_scan(conn, caller.principal.scanner, scan_id)
        if stored is None:
            raise NotFound("scan_not_found", "No scan with this id reached the service.")
        if request_hash is not None and stored.body_hash != request_hash:
            reused()
        body = await _shown(
            conn, vault, stored.answer, stored.booking_id, replayed=True, stored=stored
        )
        return Answered(200, body, replayed=True)


async def change_headcount(
    db: Database, venue: Venue, caller: Caller, request: HeadcountRequest
) -> Answered:
    """The clicker counted people in or out, or a head count put the number right.

    At a door inside the house the people change floors. Raises Conflict `capacity_full`,
    `nobody_inside`; NotAllowed: correcting needs `headcount:correct`, a device is at another door,
    `out_of_scope`.
    """
    door = find_own_door(venue, caller, request.door)
    # The door says where they stand, and the floor whose number it is: both may be beyond them.
    judge_scope(caller.principal, floor=request.floor)
    if (request.change is None) == (request.people is None) or request.change == 0:
        raise NotValid(
            "change_missing", "Send either a change other than 0, or the people counted."
        )
    if request.people is not None and not caller.principal.may("headcount:correct"):
        raise NotAllowed("not_allowed", "A head count is corrected by a manager.")

    async def work(act: Act) -> tuple[int, HeadcountAnswer]:
        facts = act.facts
        night = judge_night(facts, request.night)
        inside = dict(facts.inside)
        if request.floor not in inside:
            raise NotFound("floor_not_found", f"There is no floor {request.floor}.")
        if request.people is not None:
            change, why = request.people - inside[request.floor], "head_count"
            inside[request.floor] = request.people
        else:
            assert request.change is not None
            change, why = request.change, "clicker"
            other = door.leaves if door.floor == request.floor else door.floor
            if door.leaves is not None and other is not None:
                why = "stairs"
                if inside[other] - change < 0:
                    raise Conflict("nobody_inside", f"Nobody is counted on {other}.")
                # The house holds as many as before; the floor that they go to must have room.
                target = request.floor if change > 0 else other
                limits = {h.floor: h.people_limit for h in facts.headcount}
                if inside[target] + abs(change) > limits[target]:
                    judge_room(facts, night, target, abs(change))
                inside[other] -= change
                await rows.set_headcount(act.conn, request.night, other, inside[other])
            elif change > 0:
                judge_room(facts, night, request.floor, change)
            inside[request.floor] += change
            if inside[request.floor] < 0:
                raise Conflict(
                    "nobody_inside",
                    f"Only {facts.inside[request.floor]} people are counted on {request.floor}.",
                    inside=facts.inside[request.floor],
                )
        await rows.set_headcount(act.conn, request.night, request.floor, inside[request.floor])
        act.record(
            events.HeadcountChanged(request.floor, request.door, change, inside, why),
            f"floor:{request.floor}",
        )
        limits = {h.floor: h.people_limit for h in facts.headcount}
        return 200, HeadcountAnswer(
            night=request.night,
            inside=inside,
            limits={**limits, "house": night.house_limit},
            version=UNNUMBERED,
            warnings=warnings_of(venue, request.floor, fill_of(facts, night, inside)),
        )

    return await perform(db, caller, "change_headcount", work, night=request.night, people=True)


def find_door(venue: Venue, door_id: str) -> Door:
    """The door of the venue. Raises NotFound naming the doors there are."""
    try:
        return venue.get_door(door_id)
    except KeyError:
        known = ", ".join(door.id for door in venue.doors)
        raise NotFound("door_not_found", f"There is no such door; the doors are {known}.") from None


def find_own_door(venue: Venue, caller: Caller, door_id: str) -> Door:
    """As `find_door`; a device acts at the door where it stands, and nobody beyond their scope.

    Raises NotAllowed `other_door`, `out_of_scope`.
    """
    door = find_door(venue, door_id)
    judge_scope(caller.principal, door=door_id, floor=door.floor)
    at = caller.principal.door
    if at is not None and at != door_id:
        raise NotAllowed("other_door", f"This device stands at {at}. Pair it again to move it.")
    return door


async def _count(
    act: Act,
    request: ScanRequest,
    door: Door,
    booking: BookingFact | None,
    judgement: Judgement,
    guest: GuestFact | None,
) -> dict[str, int]:
    """Rows and events of the verdict; the people inside by floor after it."""
    inside = dict(act.facts.inside)
    ticket = booking.ticket if booking else None
    if judgement.saying.verdict == "refuse":
        act.record(
            events.EntryRefused(
                request.scan_id, judgement.reason, request.door, booking.id if booking else None
            ),
            f"door:{request.door}",
        )
    if judgement.people == 0 or booking is None or ticket is None:
        return inside
    if judgement.reason == "moved":
        assert door.leaves is not None
        step = judgement.people if request.direction == "in" else -judgement.people
        inside[door.floor] += step
        inside[door.leaves] -= step
        for name in (door.floor, door.leaves):
            await rows.set_headcount(act.conn, booking.night, name, inside[name])
        act.record(
            events.HeadcountChanged(door.floor, door.id, step, inside, "stairs"),
            f"floor:{door.floor}",
        )
        return inside
    assert judgement.admitted is not None
    assert judgement.gone is not None
    step = judgement.people if judgement.reason == "admitted" else -judgement.people
    moved = spread(inside, door.floor, step)
    inside.update(moved)
    await rows.count_admitted(
        act.conn, ticket.id, judgement.admitted, judgement.gone, act.facts.now, request.door,
        act.caller.principal.actor,
    )  # fmt: skip
    if guest is not None:
        await rows.count_guest(
            act.conn, guest.id, inside=step > 0, at=act.facts.now, door=request.door
        )
    for floor, people in moved.items():
        await rows.set_headcount(act.conn, booking.night, floor, people)
    subject = f"booking:{booking.id}"
    if step > 0:
        act.record(
            events.GuestCheckedIn(
                booking.id, ticket.id, step, judgement.admitted, judgement.gone,
                door.floor, door.id, inside, guest=guest.number if guest else None,
            ),
            subject,
        )  # fmt: skip
    else:
        act.record(
            events.GuestCheckedOut(
                booking.id,
                ticket.id,
                -step,
                judgement.gone,
                door.floor,
                door.id,
                inside,
                guest=guest.number if guest else None,
            ),
            subject,
        )
    return inside


def ticket_of(read: Read, booking: BookingFact | None) -> str | None:
    """The party's ticket that a scan is of; of a code that leads nowhere, the one it states."""
    ticket = booking.ticket if booking else None
    return ticket.id if read.of_guest and ticket else read.ticket_id


def spread(inside: dict[str, int], door_floor: str, step: int) -> dict[str, int]:
    """The counts that change when `step` people pass a street door of the floor.

    A party may leave by another floor's door than it came in by, and from both floors at once; and
    a head count may have missed it. Whoever leaves is taken from the door's floor first, then from
    the others, and no floor falls below nobody.
    """
    if step >= 0:
        return {door_floor: inside[door_floor] + step}
    changed: dict[str, int] = {}
    leaving = -step
    for floor in sorted(inside, key=lambda name: (name != door_floor, name)):
        taken = min(leaving, inside[floor])
        if taken:
            changed[floor] = inside[floor] - taken
        leaving -= taken
    return changed


def _change(booking: BookingFact | None, name: str, after: int | None) -> int:
    """What the verdict changes on the ticket, kept so that it can be taken back."""
    if booking is None or booking.ticket is None or after is None:
        return 0
    before: int = getattr(booking.ticket, name)
    return after - before


async def _shown(
    conn: asyncpg.Connection,
    vault: Vault,
    body: bytes,
    booking_id: str | None,
    *,
    replayed: bool,
    stored: StoredScan | None = None,
) -> bytes:
    """The stored verdict with what is read when it is asked for: never stored beside it."""
    guest = opened(vault, await find_held(conn, booking_id)) if booking_id else None
    beside = _beside(guest, replayed=replayed)
    if stored is not None and stored.undone_at is not None:
        beside["undone"] = {"at": stored.undone_at, "reason": stored.undone_reason}
    if stored is not None and stored.overridden_by is not None:
        beside["overridden_by"] = stored.overridden_by
    return spliced(body, beside)


def _beside(guest: PersonalData | None, *, replayed: bool) -> dict[str, Any]:
    return {"replayed": replayed, "name": masked(guest.name) if guest else None}


def reused() -> NoReturn:
    raise NotValid(
        "scan_id_reused", "This scan id was used for another scan. Give each read its own id."
    )
