"""Against the rule, and by name: a supervisor lets people in, or takes a count back.

What the scan said stays as it was said. An override is a scan of its own, under an id that follows
from the one that it answers; an undone scan keeps its row, its answer and its line in the book.
"""

from uuid import NAMESPACE_OID, uuid5

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform, spliced
from app.actions.door import find_own_door, spread
from app.actions.scopes import judge_scope
from app.actions.verdict import verdict_of
from app.db import bookings as rows
from app.db.pool import Database
from app.db.scans import (
    NewScan,
    find_decided,
    find_tonight,
    has_come,
    insert_scan,
    undo_scan,
)
from app.domain.bookings import judge_booking
from app.domain.overrides import (
    Decided,
    Undoing,
    broken_by,
    judge_overridable,
    judge_override,
    judge_undo,
)
from app.domain.verdicts import Request
from app.errors import Conflict, NotAllowed, NotFound
from app.wire import OverrideScan, ScanRequest, UndoneAnswer, UndoScan, Verdict
from floorplan import events
from floorplan.venue import Door, Venue

OVERRIDDEN = uuid5(NAMESPACE_OID, "backroom:override")


async def override_scan(
    db: Database, venue: Venue, caller: Caller, scan_id: str, request: OverrideScan
) -> Answered:
    """The people are in, against the rules named; the answer is the verdict of the entry.

    `caller` is the supervisor at the device that scanned. Raises NotFound; and what
    `judge_overridable` and `judge_override` refuse. The legal limits hold as for every scan.
    """
    decided = await _find(db, caller, caller.principal.scanner, scan_id)
    door = find_own_door(venue, caller, decided.door)
    if door.leaves is not None:
        raise Conflict(
            "not_overridable", "On the stairs nobody needs an override: use the clicker."
        )
    async with db.acting(caller.principal) as conn:
        tonight = await find_tonight(conn)
    judge_scope(caller.principal, night=tonight)
    if decided.booking_id is None or decided.night is None:
        raise Conflict("not_overridable", "No booking stands behind this scan. Seat a walk-in.")
    booking_id, night = decided.booking_id, decided.night
    breaks = tuple(request.rules or [decided.reason])
    own_id = str(uuid5(OVERRIDDEN, f"{decided.scanner}:{scan_id}"))

    async def work(act: Act) -> tuple[int, Verdict]:
        facts = act.facts
        now = await find_decided(act.conn, decided.scanner, scan_id)
        assert now is not None, "a scan is never deleted"
        judge_overridable(now, breaks, facts.now)
        booking = judge_booking(facts, booking_id)
        judgement = judge_override(
            Request(
                direction="in",
                people=request.people,
                floor=door.floor,
                generation=now.generation,
                id_checked=now.reason != "banned_name",
                to_bar=True,
                own_floor_only=door.own_floor_only,
                guest=now.guest_id,
                broken=broken_by(breaks),
            ),
            booking,
            facts,
            tonight,
        )
        ticket = booking.ticket
        assert ticket is not None, "judged"
        assert judgement.admitted is not None, "judged"
        assert judgement.gone is not None, "judged"
        inside = dict(facts.inside)
        inside[door.floor] += request.people
        actor = caller.principal.actor
        await rows.count_admitted(
            act.conn, ticket.id, judgement.admitted, judgement.gone, facts.now, door.id, actor,
            extra=ticket.extra + judgement.extra,
        )  # fmt: skip
        if now.guest_id is not None:
            await rows.count_guest(act.conn, now.guest_id, inside=True, at=facts.now, door=door.id)
        await rows.set_headcount(act.conn, night, door.floor, inside[door.floor])
        act.record(
            events.EntryOverridden(
                own_id, scan_id, sorted(breaks), request.reason, booking_id, ticket.id,
                request.people, judgement.extra, judgement.admitted, judgement.gone, door.floor,
                door.id, inside,
            ),
            f"booking:{booking_id}",
        )  # fmt: skip
        asked = ScanRequest(own_id, door.id)
        verdict = verdict_of(
            venue, door, asked, facts, booking, judgement, inside,
            guest=booking.find_guest(now.guest_id), tonight=tonight,
        )  # fmt: skip
        against = " and ".join(rule.replace("_", " ") for rule in sorted(breaks))
        verdict = msgspec.structs.replace(
            verdict, instruction=f"Let in by a supervisor against {against}."
        )
        new = NewScan(
            scanner=now.scanner, scan_id=own_id, body_hash=caller.body_hash, night=night,
            at=facts.now, door=door.id, verdict=verdict.verdict, reason=verdict.reason,
            booking_id=booking_id, ticket_id=ticket.id, people=request.people,
            answer=msgspec.json.encode(verdict), generation=now.generation, guest_id=now.guest_id,
            admitted_change=judgement.admitted - ticket.admitted,
            gone_change=judgement.gone - ticket.gone, extra_change=judgement.extra,
            overrides=scan_id, rules=sorted(breaks),
        )  # fmt: skip
        if not await insert_scan(act.conn, new):
            raise Conflict("already_overridden", "A supervisor has let them in already.")
        act.scan = (now.scanner, own_id)
        return 200, verdict

    answered = await perform(
        db, caller, "override_scan", work, night=night, bookings=[booking_id], people=True
    )
    shown = {"replayed": answered.replayed, "name": None}
    return msgspec.structs.replace(answered, body=spliced(answered.body, shown))


async def undo(
    db: Database, venue: Venue, caller: Caller, scan_id: str, request: UndoScan
) -> Answered:
    """The scan's people are not counted any more, once; what it said stays.

    `caller` is the supervisor. A manager's own session names the scanner of another's scan. Raises
    NotFound; Conflict as `judge_undo`, and `nobody_inside`: the floor they went to is counted
    empty.
    """
    scanner = request.scanner or caller.principal.scanner
    if scanner != caller.principal.scanner and not caller.principal.may("scan:override"):
        raise NotAllowed("not_allowed", "Undo it on the device that scanned, or as a manager.")
    decided = await _find(db, caller, scanner, scan_id)
    door = next((d for d in venue.doors if d.id == decided.door), None)
    if decided.booking_id is None or decided.night is None or door is None:
        raise Conflict("nothing_to_undo", "This scan counted nobody.")
    judge_scope(caller.principal, door=door.id, floor=door.floor, night=decided.night)
    booking_id, night = decided.booking_id, decided.night

    async def work(act: Act) -> tuple[int, UndoneAnswer]:
        now = await find_decided(act.conn, scanner, scan_id)
        assert now is not None, "a scan is never deleted"
        booking = judge_booking(act.facts, booking_id)
        ticket = booking.ticket
        after = judge_undo(now, booking, act.facts)
        assert ticket is not None, "judged"
        inside, moved = _inside_before(now, door, dict(act.facts.inside))
        actor = caller.principal.actor
        await undo_scan(act.conn, scanner, scan_id, act.facts.now, actor, request.reason)
        await rows.count_admitted(
            act.conn, ticket.id, after.admitted, after.gone, act.facts.now, door.id, actor,
            extra=after.extra,
        )  # fmt: skip
        if now.guest_id is not None and now.reason != "moved":
            came = now.reason == "out" or await has_come(act.conn, now.guest_id)
            await rows.count_guest(
                act.conn, now.guest_id, inside=now.reason == "out", at=act.facts.now,
                door=door.id, came=came,
            )  # fmt: skip
        for floor, people in moved.items():
            await rows.set_headcount(act.conn, night, floor, people)
        act.record(
            events.CheckInUndone(
                scan_id, now.reason, request.reason, booking_id, ticket.id, now.people,
                after.admitted, after.gone, door.id, inside,
            ),
            f"booking:{booking_id}",
        )  # fmt: skip
        return 200, _undone(now, after, act.facts.now, request, inside)

    return await perform(
        db, caller, "undo_scan", work, night=night, bookings=[booking_id], people=True
    )


async def _find(db: Database, caller: Caller, scanner: str, scan_id: str) -> Decided:
    async with db.acting(caller.principal) as conn:
        decided = await find_decided(conn, scanner, scan_id)
    if decided is None:
        raise NotFound("scan_not_found", "No scan with this id reached the service.")
    return decided


def _inside_before(
    decided: Decided, door: Door, inside: dict[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """The people by floor without the scan, and those of the floors that change."""
    people = decided.people
    moved: dict[str, int]
    if decided.reason == "moved" and door.leaves is not None:
        step = people if decided.direction == "in" else -people
        moved = {door.floor: inside[door.floor] - step, door.leaves: inside[door.leaves] + step}
        if min(moved.values()) < 0:
            raise Conflict("nobody_inside", "They left that floor since. Correct the head count.")
    elif decided.reason == "out":
        # They never left: the count follows the people, also beyond a limit, and then it warns.
        moved = {door.floor: inside[door.floor] + people}
    else:
        moved = spread(inside, door.floor, -people)
    return {**inside, **moved}, moved


def _undone(
    decided: Decided, after: Undoing, at: str, request: UndoScan, inside: dict[str, int]
) -> UndoneAnswer:
    return UndoneAnswer(
        scan_id=decided.scan_id,
        undone_at=at,
        reason=request.reason,
        people=decided.people,
        admitted=after.admitted,
        gone=after.gone,
        inside=inside,
        version=UNNUMBERED,
    )
