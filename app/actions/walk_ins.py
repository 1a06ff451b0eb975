"""Walk-ins: a party without a booking is let in, counted and seated in one step."""

import secrets
from uuid import uuid4

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.bans import judge_welcome
from app.actions.door import find_own_door
from app.actions.holds import expire, expired_among
from app.actions.persons import sealed_contact
from app.actions.tickets import issue_for
from app.db import bookings as rows
from app.db.nights import find_key
from app.db.pool import Database
from app.db.tickets import PartyKey
from app.domain.bookings import (
    judge_free,
    judge_night,
    judge_room,
    judge_seatable,
    judge_set,
)
from app.domain.facts import Facts
from app.domain.references import make_reference
from app.domain.sealing import Vault
from app.errors import Conflict, NotFound
from app.wire import BookingAnswer, WalkIn
from floorplan import events
from floorplan.venue import Venue


async def seat_walk_in(
    db: Database, venue: Venue, vault: Vault, caller: Caller, request: WalkIn
) -> Answered:
    """The party is inside, counted at its door's floor, and sits at the tables until it leaves.

    With `counted` the clicker had counted these people: the clicker's count goes down by them, so
    that nobody is counted twice. Its slot ends where the next claim begins. Raises Conflict
    `capacity_full`, `table_not_available`, `table_occupied`, `too_early`, `too_late`, `banned`,
    `banned_name`.
    """
    door = find_own_door(venue, caller, request.door)
    async with db.reading() as conn:
        key = await find_key(conn, request.night)
    if key is None:
        raise NotFound("night_not_found", f"No night {request.night} is open.")
    person = sealed_contact(vault, request.contact)
    issued = await issue_for(
        venue,
        vault,
        PartyKey(party=request.party, night=request.night, key_id=key.key_id, private=key.private),
    )
    booking_id = str(uuid4())
    numbers = sorted(request.tables)

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        facts = act.facts
        night = judge_night(facts, request.night)
        if facts.now < night.doors_at:
            raise Conflict("too_early", "The doors are not open yet.", doors_at=night.doors_at)
        if facts.now >= night.closes_at:
            raise Conflict("too_late", "The night is over.", closes_at=night.closes_at)
        if facts.now > night.last_entry_at and not request.counted:
            raise Conflict(
                "too_late",
                "Last entry is over: only people who are inside already can be seated.",
                last_entry_at=night.last_entry_at,
            )
        if person is not None:
            await judge_welcome(act, person, id_checked=request.id_checked)
        judge_set(facts.tables, numbers, request.party, venue.combinations, by_staff=True)
        judge_seatable(facts.tables, numbers, None)
        over = expired_among(act, numbers)
        ended = [b.id for b in over]
        end = min(_next_claim(facts, numbers, ended) or night.closes_at, night.closes_at)
        judge_free(facts.tables, numbers, facts.now, max(end, facts.now), ended=ended)
        if end <= facts.now:
            raise Conflict("table_not_available", "A booking is due at this table now.")
        inside = dict(facts.inside)
        if request.counted:
            if inside[door.floor] < request.party:
                raise Conflict(
                    "nobody_inside",
                    f"Only {inside[door.floor]} people are counted on {door.floor}.",
                    inside=inside[door.floor],
                )
        else:
            judge_room(facts, night, door.floor, request.party)
        for booking in over:
            await expire(act, booking)
        new = rows.NewBooking(
            id=booking_id,
            reference=make_reference(secrets.token_bytes(10)),
            night=request.night,
            status="confirmed",
            party=request.party,
            slot_from=facts.now,
            slot_until=end,
            source="walk_in",
            owner_hash=None,
            deposit_pence=0,
            hold_expires_at=None,
            created_at=facts.now,
            refund_policy=venue.refunds,
        )
        await rows.insert_booking(act.conn, new, numbers, person)
        await rows.confirm_booking(
            act.conn,
            booking_id,
            issued.ticket_id,
            issued.generation,
            admitted=request.party,
            status="seated",
        )
        subject = f"booking:{booking_id}"
        floor = door.floor
        act.record(
            events.BookingInitiated(booking_id, request.party, facts.now, end, "walk_in"), subject
        )
        act.record(events.TablesSelected(booking_id, numbers, 0, None), subject)
        confirmed = events.BookingConfirmed(booking_id, issued.ticket_id, issued.generation)
        act.record(confirmed, subject)
        if request.counted:
            inside[floor] -= request.party
            act.record(
                events.HeadcountChanged(floor, door.id, -request.party, dict(inside), "walk_in"),
                f"floor:{floor}",
            )
        inside[floor] += request.party
        act.record(
            events.GuestCheckedIn(
                booking_id,
                issued.ticket_id,
                request.party,
                request.party,
                0,
                floor,
                door.id,
                dict(inside),
            ),
            subject,
        )
        act.record(events.PartySeated(booking_id, numbers), subject)
        await rows.set_headcount(act.conn, request.night, floor, inside[floor])
        return 201, BookingAnswer(
            booking_id=booking_id,
            reference=new.reference,
            night=request.night,
            status="seated",
            party=request.party,
            tables=numbers,
            slot_from=facts.now,
            slot_until=end,
            source="walk_in",
            deposit_pence=0,
            paid_pence=0,
            hold_expires_at=None,
            admitted=request.party,
            left=0,
            version=UNNUMBERED,
        )

    return await perform(
        db,
        caller,
        "seat_walk_in",
        work,
        night=request.night,
        tables=numbers,
        people=True,
    )


def _next_claim(facts: Facts, numbers: list[int], ended: list[str]) -> str | None:
    """When the next party or block is due at one of the tables."""
    starts = [
        claim.slot_from
        for table in facts.tables
        for claim in table.claims
        if table.number in numbers
        and claim.booking_id not in ended
        and claim.slot_until > facts.now
    ]
    starts += [
        block.blocked_from
        for table in facts.tables
        for block in table.blocks
        if table.number in numbers and block.blocked_until > facts.now
    ]
    return min(starts, default=None)
