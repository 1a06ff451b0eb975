"""A ticket's code is issued again: whoever has an earlier one stays outside."""

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.tickets import reissue
from app.db.listings import find_booking
from app.db.pool import Database
from app.db.tickets import reissue_ticket
from app.domain.bookings import judge_booking, judge_night, judge_status
from app.domain.messages import code_reissued
from app.domain.sealing import Vault
from app.errors import Conflict, NotFound
from app.wire import ReissueCode, ReissuedAnswer
from floorplan import events
from floorplan.venue import Venue


async def reissue_code(
    db: Database, venue: Venue, vault: Vault, caller: Caller, booking_id: str, request: ReissueCode
) -> Answered:
    """The booking has a new code, and every earlier one is `replaced` from the commit on.

    Its customer is told, and the guests' own codes end with it. The line goes to every door in
    contact with the new generation; `may_still_admit` names the doors whose device holds a lease of
    the ticket, and so may admit the old code until it hears of it. Raises
    NotFound; Conflict `illegal_transition`, `codes_used_up`.
    """
    async with db.acting(caller.principal) as conn:
        row = await find_booking(conn, booking_id)
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    issued = await reissue(db, venue, vault, caller.principal, booking_id, row.night)

    async def work(act: Act) -> tuple[int, ReissuedAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, booking.night)
        judge_status(booking, "confirmed", "seated")
        ticket = booking.ticket
        if ticket is None or not await reissue_ticket(act.conn, booking_id, issued.generation):
            raise Conflict("try_again", "The code was issued again meanwhile. Look, and try again.")
        act.record(
            events.CodeReissued(booking_id, ticket.id, issued.generation, request.reason),
            f"booking:{booking_id}",
        )
        act.send(code_reissued(booking_id, issued.generation))
        return 200, ReissuedAnswer(
            booking_id=booking_id,
            generation=issued.generation,
            may_still_admit=[ticket.lease.door] if ticket.lease else [],
            version=UNNUMBERED,
        )

    return await perform(db, caller, "reissue_code", work, bookings=[booking_id], claims=False)
