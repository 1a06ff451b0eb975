"""A booking gets another time, or another night: then both books tell it, in one transaction."""

from typing import Any

from msgspec.structs import replace

from app.actions.act import Act, Answered, Caller, perform
from app.actions.changes import own_latest
from app.actions.holds import booking_answer, expire, expired_in, with_code
from app.actions.tickets import Issued, reissue
from app.db import bookings as rows
from app.db.changes import change_bookings
from app.db.listings import find_booking
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import (
    judge_booking,
    judge_free,
    judge_night,
    judge_seatable,
    judge_set,
    judge_slot,
    judge_status,
)
from app.domain.changes import deposit_of, due_of, judge_edition, judge_own_time, shown, slot_there
from app.domain.facts import BookingFact, Facts
from app.domain.refunds import kept_terms
from app.domain.sealing import Vault
from app.errors import Conflict, NotFound, NotValid
from app.wire import BookingAnswer
from app.wire.changes import Reschedule
from floorplan import events
from floorplan.venue import Venue


async def reschedule(
    db: Database, venue: Venue, vault: Vault, caller: Caller, booking_id: str, request: Reschedule
) -> Answered:
    """The booking is for the slot and the tables asked for, its reference and its money with it.

    On another night its ticket has a code of that night, and the one sent before is replaced. What
    the tables there take more than was paid is due; what was paid beyond it counts towards the
    evening. Where the guest does it, their terms of refund get no better by it. Raises Conflict as
    a hold does, and `edition_stale`, `party_inside` (another night, and somebody is in already),
    `too_late_to_change`.
    """
    async with db.acting(caller.principal) as conn:
        row = await find_booking(conn, booking_id)
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    night = request.night or row.night
    away = night != row.night
    wanted = sorted(set(request.tables or row.tables))
    issued = None
    if away and row.status == "confirmed":
        issued = await reissue(db, venue, vault, caller.principal, booking_id, night)

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_edition(booking, caller.edition, request.edition)
        judge_night(act.facts, booking.night)
        judge_status(booking, "confirmed") if away else judge_status(booking, "confirmed", "seated")
        if booking.night != row.night:
            raise Conflict(
                "edition_stale", "The booking was rescheduled meanwhile.", booking=shown(booking)
            )
        there = act.facts.others[0] if away else act.facts
        return 200, await _rescheduled(act, venue, booking, there, night, wanted, request, issued)

    answered = await perform(
        db,
        caller,
        "reschedule",
        work,
        tables=[] if away else wanted,
        bookings=[booking_id],
        others={night: wanted} if away else {},
    )
    if caller.principal.may("own:code") or caller.principal.may("booking:code"):
        return await with_code(db, venue, vault, caller.principal, answered)
    return answered


async def _rescheduled(
    act: Act,
    venue: Venue,
    booking: BookingFact,
    there: Facts,
    night: str,
    wanted: list[int],
    request: Reschedule,
    issued: Issued | None,
) -> BookingAnswer:
    """Rows and events of a booking that may go `there`; judges that it may."""
    away, now, ticket = night != booking.night, act.facts.now, booking.ticket
    by_guest = act.caller.principal.kind == "owner"
    if by_guest:
        judge_own_time(booking, own_latest(venue, booking), now)
    if away and ticket is not None and ticket.admitted + ticket.owed:
        raise Conflict(
            "party_inside",
            "Somebody of this party is in: it can't go to another night.",
            admitted=ticket.admitted + ticket.owed,
        )
    hours = judge_night(there, night)
    begin, end = judge_slot(
        hours, now, *slot_there(booking, hours, request.slot_from, request.slot_until)
    )
    same_tables = wanted == list(booking.tables)
    if not away and same_tables and (begin, end) == (booking.slot_from, booking.slot_until):
        raise NotValid("nothing_to_change", "The booking is for this time already.")
    if away or not same_tables:
        judge_set(there.tables, wanted, booking.party, venue.combinations, by_staff=not by_guest)
    over = [b for b in expired_in(there, wanted) if b.id != booking.id]
    judge_free(there.tables, wanted, begin, end, mine=booking.id, ended=[b.id for b in over])
    if booking.status == "seated":
        judge_seatable(there.tables, wanted, booking.id)
    deposit = booking.deposit_pence
    if away or not same_tables:
        deposit = deposit_of(there.tables, wanted)
    for expired in over:
        await expire(act, expired, book=night)
    change: dict[str, Any] = {
        "booking": booking.id, "from": begin, "until": end, "tables": wanted,
        "deposit_pence": deposit,
    }  # fmt: skip
    if by_guest and booking.refund_policy is not None:
        change["refund_policy"] = kept_terms(booking.refund_policy, booking.slot_from, now)
    carried = None
    if away:
        assert issued is not None, "it was made for another night"
        assert ticket is not None, "a confirmed booking has its ticket"
        if ticket.generation >= issued.generation:
            raise Conflict(
                "edition_stale", "The code was replaced meanwhile.", booking=shown(booking)
            )
        change |= {"night": night, "generation": issued.generation}
        carried = events.Carried(
            status=booking.status, party=booking.party, source=booking.source,
            deposit_pence=deposit, paid_pence=booking.paid_pence, extended=booking.extended,
            ticket_id=ticket.id, generation=issued.generation, disputed=booking.disputed,
        )  # fmt: skip
    await change_bookings(act.conn, [change])
    if booking.status == "seated":
        behind = [number for number in booking.tables if number not in wanted]
        await rows.set_resetting(act.conn, night, behind, True)
    edition = booking.edition + 1
    told = events.BookingRescheduled(
        booking.id, edition, booking.night, night, begin, end, list(booking.tables), wanted,
        deposit, slot_from_before=booking.slot_from, slot_until_before=booking.slot_until,
    )  # fmt: skip
    act.record(told, f"booking:{booking.id}", book=booking.night)
    act.send(messages.changed(booking.id, str(edition)))
    if carried is not None:
        act.record(replace(told, booking=carried), f"booking:{booking.id}", book=night)
        act.book = night
    return booking_answer(
        booking, night=night, tables=wanted, slot_from=begin, slot_until=end,
        deposit_pence=deposit, edition=edition, due_pence=due_of(deposit, booking.paid_pence),
    )  # fmt: skip
