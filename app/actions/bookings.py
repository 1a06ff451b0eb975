"""What happens to a booking after its hold: cancelled, moved, seated, or over."""

from app.actions.act import Act, Answered, Caller, perform
from app.actions.holds import booking_answer, expire, expired_among, judge_alive
from app.actions.refunds import refund_by_policy
from app.db import bookings as rows
from app.db.changes import change_bookings
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import (
    TABLES_AT_MOST,
    judge_booking,
    judge_free,
    judge_night,
    judge_seatable,
    judge_set,
    judge_status,
)
from app.domain.changes import judge_edition
from app.domain.facts import BookingFact, Facts
from app.errors import Conflict, NotValid
from app.wire import BookingAnswer, MoveTables
from floorplan import events
from floorplan.venue import Venue


async def cancel_booking(db: Database, caller: Caller, booking_id: str) -> Answered:
    """The booking ends and its tables are free; its ticket is void, and what its policy gives back
    of the deposit is on its way.

    Raises Conflict `party_inside`: somebody of the party came in already.
    """

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_edition(booking, act.caller.edition)
        judge_cancel(act.facts, booking)
        refund = await cancel(act, booking)
        if booking.status == "confirmed":
            by = canceller(act)
            act.send(messages.cancelled(booking_id, by=by, refund_pence=refund))
        return 200, booking_answer(
            booking, status="cancelled", hold_expires_at=None, refund_pence=refund
        )

    return await perform(db, caller, "cancel_booking", work, bookings=[booking_id], claims=False)


def judge_cancel(facts: Facts, booking: BookingFact) -> None:
    """The booking of this night can be cancelled. Raises Conflict, `party_inside` among others."""
    judge_night(facts, booking.night)
    judge_status(booking, "pending", "confirmed")
    if booking.ticket is not None and (booking.ticket.admitted or booking.ticket.owed):
        raise Conflict(
            "party_inside",
            "Somebody of this party is in already. Seat the party, or complete the booking.",
            admitted=booking.ticket.admitted + booking.ticket.owed,
        )


async def cancel(act: Act, booking: BookingFact, *, book: str | None = None) -> int:
    """Rows and event of a cancellation that was judged; the pence that go back by its policy.

    `book` is the night's, where it is not the action's own.
    """
    refund = await refund_by_policy(act, booking)
    await rows.end_booking(act.conn, booking.id, "cancelled", revoke=True)
    told = events.BookingCancelled(booking.id, canceller(act))
    act.record(told, f"booking:{booking.id}", book=book)
    return refund


def canceller(act: Act) -> str:
    """Who cancels, in the book's word: `staff` or `guest`."""
    return "staff" if act.caller.principal.kind == "staff" else "guest"


async def move_tables(
    db: Database, venue: Venue, caller: Caller, booking_id: str, request: MoveTables
) -> Answered:
    """The party's claim, or the party itself when it sits, goes to the other tables.

    Tables that a seated party leaves wait to be reset. Raises Conflict as a hold does, and
    `edition_stale`: somebody changed the booking meanwhile.
    """

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        facts = act.facts
        booking = judge_booking(facts, booking_id)
        judge_edition(booking, act.caller.edition, request.edition)
        judge_night(facts, booking.night)
        judge_status(booking, "pending", "confirmed", "seated")
        if booking.status == "pending":
            judge_alive(act, booking)
        wanted = sorted(request.tables)
        if wanted == list(booking.tables):
            raise NotValid("same_tables", "The party has these tables already.")
        judge_set(facts.tables, wanted, booking.party, venue.combinations, by_staff=True)
        over = [b for b in expired_among(act, wanted) if b.id != booking_id]
        judge_free(
            facts.tables,
            wanted,
            booking.slot_from,
            booking.slot_until,
            mine=booking_id,
            ended=[b.id for b in over],
        )
        if booking.status == "seated":
            judge_seatable(facts.tables, wanted, booking_id)
        for expired in over:
            await expire(act, expired)
        await change_bookings(act.conn, [{"booking": booking_id, "tables": wanted}])
        if booking.status == "seated":
            behind = [number for number in booking.tables if number not in wanted]
            await rows.set_resetting(act.conn, booking.night, behind, True)
        edition = booking.edition + 1
        act.record(
            events.TablesMoved(booking_id, list(booking.tables), wanted, edition),
            f"booking:{booking_id}",
        )
        if booking.status == "confirmed":
            act.send(messages.changed(booking_id, str(edition)))
        return 200, booking_answer(booking, tables=wanted, edition=edition)

    if len(request.tables) > TABLES_AT_MOST:
        raise NotValid("too_many_tables", f"Join at most {TABLES_AT_MOST} tables.")
    return await perform(
        db,
        caller,
        "move_tables",
        work,
        tables=request.tables,
        bookings=[booking_id],
    )


async def seat_party(db: Database, caller: Caller, booking_id: str) -> Answered:
    """The party sits at its tables.

    Raises Conflict `not_arrived` (nobody of it was checked in), `table_occupied`,
    `table_not_ready`, `table_blocked`.
    """

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_edition(booking, act.caller.edition)
        judge_night(act.facts, booking.night)
        judge_status(booking, "confirmed")
        if booking.ticket is None or not booking.ticket.admitted:
            raise Conflict("not_arrived", "Nobody of this party is in yet. Check them in first.")
        judge_seatable(act.facts.tables, booking.tables, booking_id)
        await rows.seat_booking(act.conn, booking_id)
        act.record(events.PartySeated(booking_id, list(booking.tables)), f"booking:{booking_id}")
        return 200, booking_answer(booking, status="seated")

    return await perform(db, caller, "seat_party", work, bookings=[booking_id], together=True)


async def complete_booking(db: Database, caller: Caller, booking_id: str) -> Answered:
    """The party is done: a seated one leaves its tables to be reset, another gives them up."""

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_edition(booking, act.caller.edition)
        judge_night(act.facts, booking.night)
        judge_status(booking, "confirmed", "seated")
        if booking.ticket is None or not booking.ticket.admitted:
            raise Conflict(
                "not_arrived", "Nobody of this party came. Cancel it, or mark it a no-show."
            )
        await complete(act, booking)
        return 200, booking_answer(booking, status="completed")

    return await perform(db, caller, "complete_booking", work, bookings=[booking_id], together=True)


async def complete(act: Act, booking: BookingFact) -> None:
    """Rows and events of a party that is done. Its ticket stays: its people may go out and in."""
    subject = f"booking:{booking.id}"
    await rows.end_booking(act.conn, booking.id, "completed")
    if booking.status == "seated":
        await rows.set_resetting(act.conn, booking.night, list(booking.tables), True)
        act.record(events.TableVacated(booking.id, list(booking.tables)), subject)
    act.record(events.BookingCompleted(booking.id), subject)
