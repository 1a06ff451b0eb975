"""Scans: each read gets its one verdict, alone or in a rush with others in one transaction."""

from collections.abc import Sequence
from typing import Any, Final, NoReturn
from weakref import WeakKeyDictionary

import asyncpg
import msgspec
from msgspec import Struct

from app.actions.act import (
    Act,
    Answered,
    Caller,
    Looked,
    finish,
    lock_scans,
    numbered,
    spliced,
    writing_of,
)
from app.actions.codes import Read, read_scan
from app.actions.door import find_own_door, spread
from app.actions.persons import opened
from app.actions.recalls import Recalled, recall
from app.actions.scopes import judge_scope
from app.actions.verdict import verdict_of
from app.db import bookings as rows
from app.db.acting import acting_as, acting_of
from app.db.batch import Batch, Statement
from app.db.group_commit import GroupCommit
from app.db.persons import Held, find_held
from app.db.pool import Database, retried
from app.db.scans import NewScan, StoredScan, find_scan, verdict_row
from app.domain.contacts import PersonalData
from app.domain.facts import BookingFact, Entry, Facts, GuestFact
from app.domain.names import masked
from app.domain.sealing import Vault
from app.domain.verdicts import Judgement, Request, judge_scan
from app.errors import NotFound, NotValid, Refusal
from app.wire import ScanRequest
from floorplan import events
from floorplan.venue import Door, Venue


class HolderAsked(Exception):
    """The device that holds the ticket was asked for it; that much is committed."""

    def __init__(self, recalled: Recalled) -> None:
        super().__init__()
        self.recalled = recalled


class _Answered(Exception):
    """The same scan was answered before, or by another transaction meanwhile."""


class _Scan(Struct, frozen=True, eq=False):
    """One read on its way to its verdict; `ask` is that of `scan`."""

    db: Database
    venue: Venue
    vault: Vault
    caller: Caller
    request: ScanRequest
    door: Door
    read: Read
    ask: bool

    @property
    def looked(self) -> Looked:
        read = self.read
        return Looked(self.caller, self.request.scan_id, read.ticket_id, read.reference)

    def judge(self, facts: Facts, booking: BookingFact | None, tonight: str | None) -> Judgement:
        """The judgement by what is known under the locks."""
        judge_scope(self.caller.principal, night=tonight)
        request, door, read = self.request, self.door, self.read
        asked = Request(
            direction=request.direction,
            people=request.people,
            floor=door.floor,
            leaves=door.leaves,
            id_checked=request.id_checked,
            refused=read.refused,
            generation=read.generation if booking else None,
            to_bar=request.to_bar,
            own_floor_only=door.own_floor_only,
            guest=read.guest_id,
        )
        return judge_scan(asked, booking, facts, tonight)

    def must_recall(self, judgement: Judgement, booking: BookingFact | None) -> bool:
        """Whether the device that holds the ticket is to be asked for it, and was not yet."""
        if not self.ask or judgement.reason != "held_by_other_door" or booking is None:
            return False
        assert booking.ticket is not None, "held"
        assert booking.ticket.lease is not None, "held"
        return not booking.ticket.lease.recalled


class _Told(Struct, frozen=True):
    """A judged scan before its commit: the book it is told in, its body, its row, and the people
    inside after it."""

    book: str
    body: bytes
    row: Statement
    inside: dict[str, int]


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

    Counts and verdict commit together; in a rush several scans of different tickets do so at once.
    The answer has `replayed` and the guest's masked name in front of the stored verdict. Raises
    NotValid `scan_id_reused` (another body), `code_missing`, NotFound `door_not_found`, NotAllowed
    `other_door`: these are not verdicts and store nothing.
    """
    door = find_own_door(venue, caller, request.door)
    if (request.code is None) == (request.reference is None):
        raise NotValid("code_missing", "Send either the code or the reference.")
    read = await read_scan(db, venue, request)
    one = _Scan(db, venue, vault, caller, request, door, read, ask)
    key = read.ticket_id or read.reference
    if key is None:
        return await _alone(one)
    group = _TOGETHER.setdefault(db, GroupCommit(_alone, _together))
    return await group.run(frozenset({key}), one)


async def _alone(one: _Scan) -> Answered:
    """The scan in a transaction of its own."""

    async def attempt() -> Answered | Recalled:
        async with one.db.undecided(begin=False) as conn:
            facts, (found,) = await lock_scans(conn, [one.looked])
            if found.stored:
                raise _Answered
            act = Act(Batch(conn), one.caller, facts)
            booking = facts.find_booking(found.booking_id or "")
            judgement = one.judge(facts, booking, found.tonight)
            if one.must_recall(judgement, booking):
                assert booking is not None, "held"
                asked = await recall(act, booking.night, [booking.id], "other_door")
                assert asked is not None, "held under the ticket's lock"
                return asked
            told = await _tell(act, one, found, booking, judgement)
            version = await finish(act, told.book, 200, told.body, last=told.row)
        return _answered(one, found, told, version)

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
    hashed = one.caller.body_hash
    return await find_verdict(
        one.db, one.vault, one.caller, one.request.scan_id, request_hash=hashed
    )


async def _together(scans: Sequence[_Scan]) -> Sequence[Answered | None]:
    """The scans of different bookings, one after the other in one transaction; None: not this one.

    Each sees the people inside as the one before it left them. What is answered already, leads
    nowhere, needs another device or is beyond the caller's rights is not for here.
    """
    done: list[tuple[_Scan, Entry, _Told] | None] = []
    async with scans[0].db.undecided(begin=False) as conn:
        facts, entries = await lock_scans(conn, [one.looked for one in scans])
        batch, seen = Batch(conn), set()
        for one, found in zip(scans, entries, strict=True):
            booking = facts.find_booking(found.booking_id or "")
            told = None
            if not found.stored and booking is not None and booking.id not in seen:
                seen.add(booking.id)
                told = await _in_group(Act(batch, one.caller, facts), one, found, booking)
            if told is None:
                done.append(None)
                continue
            done.append((one, found, told))
            facts = facts.counted(told.inside)
        versions = iter(await batch.finish("COMMIT"))
    return [one and _answered(*one, int(next(versions))) for one in done]


async def _in_group(act: Act, one: _Scan, found: Entry, booking: BookingFact) -> _Told | None:
    try:
        judgement = one.judge(act.facts, booking, found.tonight)
    except Refusal:
        return None
    if one.must_recall(judgement, booking):
        return None
    act.conn.keep(acting_as(acting_of(one.caller.principal)))
    told = await _tell(act, one, found, booking, judgement)
    act.conn.keep(writing_of(act, told.book, 200, told.body), told.row)
    return told


async def _tell(
    act: Act, one: _Scan, found: Entry, booking: BookingFact | None, judgement: Judgement
) -> _Told:
    """The rows and events of the verdict are recorded; what is left to write with them."""
    request, door, read, caller = one.request, one.door, one.read, one.caller
    guest = booking.find_guest(read.guest_id) if booking else None
    inside = await _count(act, request, door, booking, judgement, guest)
    verdict = verdict_of(
        one.venue, door, request, act.facts, booking, judgement, inside, tonight=found.tonight,
        device_id=caller.principal.device or caller.principal.id, guest=guest,
    )  # fmt: skip
    body = msgspec.json.encode(verdict)
    new = NewScan(
        scanner=caller.principal.scanner,
        scan_id=request.scan_id,
        body_hash=caller.body_hash,
        night=found.night or found.tonight,
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
    return _Told(found.tonight or "venue", body, verdict_row(new), inside)


def _answered(one: _Scan, found: Entry, told: _Told, version: int) -> Answered:
    held = None if found.held is None else Held.of(found.held)
    shown = _beside(opened(one.vault, held), replayed=False)
    return Answered(200, spliced(numbered(told.body, version), shown), version)


_TOGETHER: Final[WeakKeyDictionary[Database, GroupCommit[_Scan, Answered]]] = WeakKeyDictionary()


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
