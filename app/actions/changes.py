"""A booking as it stands is edited: how many people come, and what they wish."""

from typing import Any

from app.actions.act import Act, Answered, Caller, perform
from app.actions.holds import booking_answer, judge_alive, later
from app.actions.wishes import changed_wishes, sealed_wishes, wishes_of
from app.db.changes import change_bookings
from app.db.listings import find_booking
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import judge_booking, judge_night, judge_status
from app.domain.changes import (
    UNFINISHED,
    due_of,
    judge_edition,
    judge_own_time,
    judge_party,
    seats_of,
)
from app.domain.facts import BookingFact
from app.domain.sealing import Vault
from app.errors import Conflict, NotAllowed, NotValid
from app.wire import BookingAnswer
from app.wire.changes import ChangeBooking
from floorplan import events
from floorplan.venue import Venue


async def change_booking(
    db: Database,
    venue: Venue,
    vault: Vault,
    caller: Caller,
    booking_id: str,
    request: ChangeBooking,
) -> Answered:
    """The party's size and its wishes become what the request names; the rest stays.

    A code that was sent already stays good: the ticket's party is in the database, not in it.
    Raises Conflict `edition_stale`, `party_inside`, `party_does_not_fit`, `too_late_to_change`,
    `guest_missing`; NotValid `nothing_to_change`; NotAllowed: a guest writes no staff's notes.
    """
    by_guest = caller.principal.kind == "owner"
    if by_guest and request.notes is not None:
        raise NotAllowed("not_allowed", "Notes are the staff's. Write a request.")

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        facts = act.facts
        booking = judge_booking(facts, booking_id)
        judge_edition(booking, caller.edition, request.edition)
        judge_night(facts, booking.night)
        judge_status(booking, *UNFINISHED)
        if booking.status == "pending":
            judge_alive(act, booking)
        change: dict[str, Any] = {"booking": booking_id}
        changed: list[str] = []
        party = booking.party
        if request.party is not None and request.party != booking.party:
            if by_guest:
                judge_own_time(booking, own_latest(venue, booking), facts.now)
            most = seats_of(facts.tables, booking.tables, venue.combinations)
            judge_party(booking, request.party, most)
            party = change["party"] = request.party
            changed.append("party")
        sealed, wished = await _wishes(act, vault, booking, request)
        if wished:
            change["wishes"] = sealed.hex()
            changed += wished
        if not changed:
            raise NotValid("nothing_to_change", "The booking is like this already.")
        await change_bookings(act.conn, [change])
        edition = booking.edition + 1
        act.record(
            events.BookingChanged(
                booking_id, edition, changed, party if "party" in changed else None
            ),
            f"booking:{booking_id}",
        )
        if "party" in changed and booking.status == "confirmed":
            act.send(messages.changed(booking_id, str(edition)))
        return 200, booking_answer(
            booking,
            party=party,
            edition=edition,
            due_pence=due_of(booking.deposit_pence, booking.paid_pence),
        )

    return await perform(db, caller, "change_booking", work, bookings=[booking_id])


async def _wishes(
    act: Act, vault: Vault, booking: BookingFact, request: ChangeBooking
) -> tuple[bytes, list[str]]:
    """The wishes as they are kept, and which of them changed."""
    if (request.requests, request.occasion, request.notes) == (None, None, None):
        return b"", []
    row = await find_booking(act.conn, booking.id)
    held = None if row is None else row.held
    if row is None or held is None:
        raise Conflict(
            "guest_missing", "Nobody's name is on this booking, so there is nobody to note it for."
        )
    before = wishes_of(vault, held, booking.id, row.wishes)
    after, changed = changed_wishes(before, request)
    return sealed_wishes(vault, held, booking.id, after), changed


def own_latest(venue: Venue, booking: BookingFact) -> str:
    """Until when a guest changes the booking without the club."""
    return later(booking.slot_from, -venue.rules.change_minutes)
