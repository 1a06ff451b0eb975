"""Parties that did not come: told when their grace is over, given up by a rule or by people, and
taken back when they come after all."""

from app.actions.act import Act, Answered, Caller, perform
from app.actions.holds import booking_answer, expire, expired_among, later, with_code
from app.db import bookings as rows
from app.db.changes import change_bookings
from app.db.listings import find_booking
from app.db.no_shows import mark_overdue
from app.db.pool import Database
from app.domain.bookings import judge_booking, judge_free, judge_night, judge_set, judge_status
from app.domain.changes import judge_edition
from app.domain.facts import BookingFact
from app.domain.sealing import Vault
from app.errors import Conflict, NotFound
from app.wire import BookingAnswer
from app.wire.changes import Reinstate
from floorplan import events
from floorplan.venue import Venue


async def mark_no_show(db: Database, venue: Venue, caller: Caller, booking_id: str) -> Answered:
    """The party never came; its tables are free and its ticket is void.

    Raises Conflict `too_soon` within the grace after the slot began, `party_inside`.
    """

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_edition(booking, act.caller.edition)
        judge_night(act.facts, booking.night)
        judge_status(booking, "confirmed")
        judge_absent(act, venue, booking)
        return 200, await give_up(act, booking)

    return await perform(db, caller, "mark_no_show", work, bookings=[booking_id])


async def reinstate(
    db: Database, venue: Venue, vault: Vault, caller: Caller, booking_id: str, request: Reinstate
) -> Answered:
    """The party came after it was given up: its booking stands again, with the code that it has.

    At its own tables while they are free, else at those named. Raises Conflict as a hold does.
    """
    async with db.acting(caller.principal) as conn:
        row = await find_booking(conn, booking_id)
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    wanted = sorted(set(request.tables or row.tables))

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        facts = act.facts
        booking = judge_booking(facts, booking_id)
        judge_edition(booking, act.caller.edition, request.edition)
        judge_night(facts, booking.night)
        judge_status(booking, "no_show")
        judge_set(facts.tables, wanted, booking.party, venue.combinations, by_staff=True)
        over = expired_among(act, wanted)
        judge_free(
            facts.tables, wanted, booking.slot_from, booking.slot_until,
            ended=[b.id for b in over],
        )  # fmt: skip
        for expired in over:
            await expire(act, expired)
        ticket = booking.ticket
        assert ticket is not None, "a no-show was confirmed"
        await change_bookings(
            act.conn, [{"booking": booking_id, "tables": wanted, "status": "confirmed"}]
        )
        edition = booking.edition + 1
        carried = events.Carried(
            status="confirmed", party=booking.party, source=booking.source,
            deposit_pence=booking.deposit_pence, paid_pence=booking.paid_pence,
            extended=booking.extended, ticket_id=ticket.id, generation=ticket.generation,
            disputed=booking.disputed,
        )  # fmt: skip
        act.record(
            events.BookingReinstated(
                booking_id, edition, booking.slot_from, booking.slot_until, wanted, carried
            ),
            f"booking:{booking_id}",
        )
        return 200, booking_answer(booking, status="confirmed", tables=wanted, edition=edition)

    answered = await perform(
        db, caller, "reinstate", work, night=row.night, tables=wanted, bookings=[booking_id]
    )
    return await with_code(db, venue, vault, caller.principal, answered)


async def sweep_absent(
    db: Database, venue: Venue, caller: Caller, booking_id: str, night: str, *, given_up: bool
) -> None:
    """The sweeper's: the booking is told to be overdue, or given up where the rule says so."""

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, night)
        judge_status(booking, "confirmed")
        judge_absent(act, venue, booking)
        if given_up:
            return 200, await give_up(act, booking)
        await mark_overdue(act.conn, booking_id)
        act.record(events.BookingOverdue(booking_id), f"booking:{booking_id}")
        return 200, booking_answer(booking, overdue=True)

    await perform(
        db, caller, "sweep_absent", work, night=night, bookings=[booking_id], pool=db.jobs
    )


def judge_absent(act: Act, venue: Venue, booking: BookingFact) -> None:
    """Nobody of the party is in, and its grace is over."""
    if booking.ticket is not None and (booking.ticket.admitted or booking.ticket.owed):
        raise Conflict(
            "party_inside", "Somebody of this party is in.", admitted=booking.ticket.admitted
        )
    grace_ends = later(booking.slot_from, venue.rules.grace_minutes)
    if act.facts.now < grace_ends:
        raise Conflict(
            "too_soon",
            "The party may still come: wait for the end of its grace.",
            grace_ends_at=grace_ends,
        )


async def give_up(act: Act, booking: BookingFact) -> BookingAnswer:
    """Rows and event of a party that did not come."""
    await rows.end_booking(act.conn, booking.id, "no_show", revoke=True)
    act.record(events.NoShowMarked(booking.id), f"booking:{booking.id}")
    return booking_answer(booking, status="no_show")
