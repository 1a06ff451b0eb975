"""Offline rights: a device takes a lease on tickets, keeps it up, and gives it back.

At any instant one party alone may admit a ticket (app/domain/leases.py). Every change of that is
made under the lock of the ticket's row, which each scan takes as well.
"""

from typing import Literal
from uuid import uuid4

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.door import find_own_door
from app.db import leases as rows
from app.db.pool import Database
from app.domain.bookings import judge_night, room_left
from app.domain.leases import (
    LEASE_SECONDS,
    TICKETS_MOST,
    Share,
    judge_counter,
    judge_grant,
    stated_by,
)
from app.domain.principals import Principal
from app.errors import Conflict, NotAllowed, NotFound, NotValid
from app.wire.leases import (
    LeaseAnswer,
    LeasedTicketAnswer,
    ReleaseLease,
    RenewLease,
    ReturnLease,
    TakeLease,
)
from floorplan import events
from floorplan.nights import parse_instant
from floorplan.venue import Venue


def device_of(principal: Principal) -> str:
    """The device that acts, whoever holds it. Raises NotAllowed `not_a_device`."""
    device_id = principal.device or (principal.id if principal.kind == "device" else None)
    if device_id is None:
        raise NotAllowed("not_a_device", "Only a paired tablet can hold tickets.")
    return device_id


async def take_lease(
    db: Database, venue: Venue, caller: Caller, request: TakeLease, speed: float
) -> Answered:
    """The device alone may admit the tickets of the answer, connected or not.

    Tickets that another device holds, and those for whose people the licence has no room, are not
    among them. Raises Conflict `lease_not_returned` (the device has one of this night),
    `nothing_to_lease`, NotValid `not_a_street_door`.
    """
    device_id = device_of(caller.principal)
    door = find_own_door(venue, caller, request.door)
    if door.leaves is not None:
        raise NotValid("not_a_street_door", "Only a street door can admit offline.")
    async with db.acting(caller.principal) as conn:
        bookings = await rows.list_leasable(conn, request.night, request.tables, TICKETS_MOST)

    async def work(act: Act) -> tuple[int, LeaseAnswer]:
        facts = act.facts
        night = judge_night(facts, request.night)
        if await rows.find_unreturned(act.conn, device_id, request.night) is not None:
            raise Conflict(
                "lease_not_returned",
                "This tablet holds tickets that it has not given back. Give them back on it, or"
                " have a manager release them.",
            )
        known = {
            b.ticket.id: b
            for b in facts.bookings
            if b.id in bookings and b.ticket is not None and b.ticket.status == "valid"
            and b.status in ("confirmed", "seated") and b.ban is None
        }  # fmt: skip
        expected = sorted(known.values(), key=lambda b: (b.slot_from, b.id))
        granted = judge_grant(
            [b.ticket.candidate for b in expected if b.ticket is not None],
            room_left(facts, night, door.floor),
        )
        if not granted:
            raise Conflict("nothing_to_lease", "No party is left that this door could admit.")
        lease_id = str(uuid4())
        shares = [(ticket, known[ticket].id, places) for ticket, places in granted.items()]
        await rows.insert_lease(
            act.conn, lease_id, device_id, request.night, door.id, door.floor, shares
        )
        act.record(
            events.LeaseGranted(
                lease_id, device_id, door.id, door.floor,
                [events.LeasedTicket(*share) for share in shares],
            ),
            f"device:{device_id}",
        )  # fmt: skip
        tickets = []
        for ticket_id, places in granted.items():
            booking = known[ticket_id]
            assert booking.ticket is not None, "candidates have one"
            tickets.append(
                LeasedTicketAnswer(
                    ticket_id, booking.id, booking.reference, booking.ticket.generation,
                    booking.party, places, list(booking.tables),
                )
            )  # fmt: skip
        return 201, LeaseAnswer(
            lease_id=lease_id, status="live", counter=1, night=request.night, door=door.id,
            floor=door.floor, lasts_seconds=LEASE_SECONDS, tickets=tuple(tickets),
            opens_in_ms=_until(night.doors_at, facts.now, speed),
            closes_in_ms=_until(night.last_entry_at, facts.now, speed), version=UNNUMBERED,
        )  # fmt: skip

    return await perform(
        db, caller, "take_lease", work, night=request.night, bookings=bookings, people=True
    )


async def renew_lease(
    db: Database, caller: Caller, lease_id: str, request: RenewLease, speed: float
) -> Answered:
    """The lease lasts on, from the sending of this request; the answer has the next counter, and
    what the device has to give back, parties that were banned since among it.

    A counter that is not the last one given makes the lease void: `status` says so. Raises NotFound
    `lease_not_found`.
    """
    device_id = device_of(caller.principal)
    known = await _find_own(db, caller, lease_id, device_id)

    async def work(act: Act) -> tuple[int, LeaseAnswer]:
        lease = await _lock(act, lease_id)
        status = await _judge(act, lease, request.counter)
        step = 1 if status == "live" else 0
        if status == "live":
            await _recall_banned(act, lease)
        await rows.step_lease(act.conn, lease_id, status, step=step, **_end_of(act, lease, status))
        return 200, await _answer(act, lease, status, lease.counter + step, speed)

    return await perform(db, caller, "renew_lease", work, night=known.night)


async def return_lease(
    db: Database, caller: Caller, lease_id: str, request: ReturnLease, speed: float
) -> Answered:
    """The tickets are the server's again; whom the device let in stays reserved until its scans
    have told of them one by one.

    Raises NotFound `lease_not_found`.
    """
    device_id = device_of(caller.principal)
    known = await _find_own(db, caller, lease_id, device_id)
    stated = {ticket.ticket_id: ticket.admitted for ticket in request.tickets}

    async def work(act: Act) -> tuple[int, LeaseAnswer]:
        lease = await _lock(act, lease_id)
        status = await _judge(act, lease, request.counter)
        if status == "live":
            held = {s.ticket_id: s for s in await rows.list_shares(act.conn, lease_id)
                    if s.stated is None and not s.released}  # fmt: skip
            back = []
            for ticket_id in sorted(stated.keys() & held.keys()):
                share = held.pop(ticket_id)
                admitted = stated_by(_share(share), stated[ticket_id])
                await rows.state_share(act.conn, lease_id, ticket_id, admitted)
                back.append(events.ReturnedTicket(ticket_id, share.booking_id, admitted))
            ends = not held
            if back:
                act.record(
                    events.LeaseReturned(lease_id, lease.door, back, "returned", ends),
                    f"device:{device_id}",
                )
            status = "returned" if ends else "live"
        await rows.step_lease(act.conn, lease_id, status, step=1, **_end_of(act, lease, status))
        return 200, await _answer(act, lease, status, lease.counter + 1, speed)

    return await perform(
        db, caller, "return_lease", work, night=known.night, bookings=known.bookings, people=True
    )


async def recall_lease(db: Database, caller: Caller, lease_id: str) -> Answered:
    """The device is asked to give back everything that it holds; it does when it is in contact.

    Unlike a release nothing is taken from it, so no ticket is ever anybody's twice. Raises NotFound
    `lease_not_found`, Conflict `lease_over`.
    """
    known = await _find(db, caller, lease_id)

    async def work(act: Act) -> tuple[int, LeaseAnswer]:
        lease = await _lock(act, lease_id)
        if lease.status != "live":
            raise Conflict("lease_over", f"This lease is {lease.status} already.")
        held = await rows.recall_shares(act.conn, lease.bookings)
        asked = [s.ticket_id for s in held if s.lease_id == lease_id and not s.recalled]
        if asked:
            act.record(
                events.LeaseRecalled(lease_id, lease.door, asked, "manager"),
                f"device:{lease.device_id}",
            )
        return 200, await _answer(act, lease, "live", lease.counter, 1.0)

    return await perform(
        db, caller, "recall_lease", work, night=known.night, bookings=known.bookings
    )


async def release_lease(
    db: Database, caller: Caller, lease_id: str, request: ReleaseLease
) -> Answered:
    """A manager takes back what the device has not returned: an override, with its reason.

    Raises NotFound `lease_not_found`, Conflict `lease_over`.
    """
    known = await _find(db, caller, lease_id)

    async def work(act: Act) -> tuple[int, LeaseAnswer]:
        lease = await _lock(act, lease_id)
        if lease.status not in ("live", "voided"):
            raise Conflict("lease_over", f"This lease is {lease.status} already.")
        shares = await rows.list_shares(act.conn, lease_id)
        back = [
            events.ReturnedTicket(s.ticket_id, s.booking_id, s.admitted)
            for s in shares
            if s.stated is None and not s.released
        ]
        await rows.release_shares(act.conn, lease_id)
        await rows.step_lease(
            act.conn, lease_id, "released", ended_by=caller.principal.actor, reason=request.reason
        )
        act.record(
            events.LeaseReturned(lease_id, lease.door, back, "released", True),
            f"device:{lease.device_id}",
        )
        return 200, await _answer(act, lease, "released", lease.counter, 1.0)

    return await perform(
        db, caller, "release_lease", work, night=known.night, bookings=known.bookings, people=True
    )


async def _recall_banned(act: Act, lease: rows.LeaseRow) -> None:
    """Whoever was banned after the lease was granted goes back to the server, which knows it."""
    banned = [one.booking_id for one in await rows.list_held_banned(act.conn, lease.id)]
    if not banned:
        return
    asked = [s.ticket_id for s in await rows.recall_shares(act.conn, banned) if not s.recalled]
    if asked:
        act.record(
            events.LeaseRecalled(lease.id, lease.door, asked, "ban"), f"device:{lease.device_id}"
        )


async def _find(db: Database, caller: Caller, lease_id: str) -> rows.LeaseRow:
    """The lease. Raises NotFound `lease_not_found`."""
    async with db.acting(caller.principal) as conn:
        known = await rows.find_lease(conn, lease_id)
    if known is None:
        raise _no_lease()
    return known


async def _find_own(db: Database, caller: Caller, lease_id: str, device_id: str) -> rows.LeaseRow:
    """The device's lease. Raises NotFound `lease_not_found`."""
    known = await _find(db, caller, lease_id)
    if known.device_id != device_id:
        raise _no_lease()
    return known


async def _lock(act: Act, lease_id: str) -> rows.LeaseRow:
    lease = await rows.lock_lease(act.conn, lease_id)
    assert lease is not None, "a lease is never deleted"
    return lease


async def _judge(
    act: Act, lease: rows.LeaseRow, shown: int
) -> Literal["live", "returned", "voided", "released"]:
    """The lease's status once its device showed this counter; a void one leaves a task."""
    status = judge_counter(_status(lease), lease.counter, shown)
    if status == "voided" and lease.status == "live":
        act.record(events.LeaseVoided(lease.id, lease.door), f"device:{lease.device_id}")
        await rows.insert_task(
            act.conn, str(uuid4()), lease.night, "lease", "copied", act.facts.now,
            device_id=lease.device_id, door=lease.door, floor=lease.floor, lease_id=lease.id,
        )  # fmt: skip
    return status


def _status(lease: rows.LeaseRow) -> Literal["live", "returned", "voided", "released"]:
    assert lease.status in ("live", "returned", "voided", "released")
    return lease.status  # type: ignore[return-value]  # the constraint lease_status


def _end_of(act: Act, lease: rows.LeaseRow, status: str) -> dict[str, str]:
    """Who ended it, where this request did."""
    if status == "returned" and lease.status == "live":
        return {"ended_by": act.caller.principal.actor}
    return {}


async def _answer(
    act: Act, lease: rows.LeaseRow, status: str, counter: int, speed: float
) -> LeaseAnswer:
    shares = await rows.list_shares(act.conn, lease.id)
    night = act.facts.night
    assert night is not None, "a lease has a night"
    return LeaseAnswer(
        lease_id=lease.id,
        status=status,
        counter=counter,
        night=lease.night,
        door=lease.door,
        floor=lease.floor,
        lasts_seconds=LEASE_SECONDS,
        recalled=tuple(
            s.ticket_id
            for s in shares
            if s.recalled and s.stated is None and not s.released and status == "live"
        ),
        version=UNNUMBERED,
        opens_in_ms=_until(night.doors_at, act.facts.now, speed),
        closes_in_ms=_until(night.last_entry_at, act.facts.now, speed),
    )


def _until(instant: str, now: str, speed: float) -> int:
    """Milliseconds until the instant, as a tablet's own clock will count them."""
    return int((parse_instant(instant) - parse_instant(now)).total_seconds() * 1000 / speed)


def _share(row: rows.ShareRow) -> Share:
    return Share(
        row.lease_id, row.device_id, row.door, row.floor, row.places, row.admitted, row.stated,
        row.released, row.recalled,
    )  # fmt: skip


def share_of(row: rows.ShareRow | None) -> Share | None:
    """The row as the rules know it."""
    return None if row is None else _share(row)


def _no_lease() -> NotFound:
    return NotFound("lease_not_found", "This tablet has no such lease.")
