"""Two parties: they change places, one becomes two, or two become one."""

import secrets
from uuid import uuid4

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform, spliced
from app.actions.holds import booking_answer, expire, expired_among
from app.actions.tickets import code_of, issue_ticket
from app.actions.wishes import resealed_wishes
from app.db import bookings as rows
from app.db.changes import change_bookings, split_booking
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import (
    judge_booking,
    judge_free,
    judge_night,
    judge_seatable,
    judge_set,
    judge_status,
)
from app.domain.changes import due_of, judge_edition, judge_split
from app.domain.facts import BookingFact
from app.domain.references import make_reference
from app.domain.sealing import Vault
from app.errors import Conflict, NotValid
from app.wire.changes import Merge, Split, Swap, TwoBookings
from floorplan import events
from floorplan.venue import Venue


async def swap_parties(
    db: Database, venue: Venue, caller: Caller, booking_id: str, request: Swap
) -> Answered:
    """Each party has the tables of the other, whether it waits or sits.

    A table that a seated party leaves for one that is still to come waits to be laid. Raises
    Conflict `party_does_not_fit`, `table_not_available` (somebody else is booked there in the
    other's time), `edition_stale`.
    """

    async def work(act: Act) -> tuple[int, TwoBookings]:
        one, other = _both(act, caller, booking_id, request.other_id, request)
        for party, target in ((one, other), (other, one)):
            tables = list(target.tables)
            judge_set(act.facts.tables, tables, party.party, venue.combinations, by_staff=True)
            judge_free(
                act.facts.tables, tables, party.slot_from, party.slot_until,
                mine=party.id, ended=[target.id],
            )  # fmt: skip
            if party.status == "seated" and target.status != "seated":
                judge_seatable(act.facts.tables, tables, party.id)
        await change_bookings(
            act.conn,
            [
                {"booking": one.id, "tables": list(other.tables)},
                {"booking": other.id, "tables": list(one.tables)},
            ],
        )
        await _leave(act, one.night, [one, other], [(one, other.tables), (other, one.tables)])
        act.record(
            events.TablesSwapped(
                one.id, list(one.tables), list(other.tables), one.edition + 1,
                other.id, other.edition + 1,
            ),
            f"booking:{one.id}",
        )  # fmt: skip
        for booking in (one, other):
            if booking.status == "confirmed":
                act.send(messages.changed(booking.id, str(booking.edition + 1)))
        return 200, TwoBookings(
            booking=booking_answer(one, tables=list(other.tables), edition=one.edition + 1),
            other=booking_answer(other, tables=list(one.tables), edition=other.edition + 1),
            version=UNNUMBERED,
        )

    _judge_two(booking_id, request.other_id)
    return await perform(
        db, caller, "swap_parties", work, bookings=[booking_id, request.other_id]
    )  # fmt: skip


async def split_party(
    db: Database, venue: Venue, vault: Vault, caller: Caller, booking_id: str, request: Split
) -> Answered:
    """A part of the party is a booking of its own, with its own ticket; the answer has its code.

    What was paid stays with the first; what the guest wishes and what was noted of them is of both.
    Raises Conflict as a move does, and `party_inside`: more people are in than the parts as named
    have places for.
    """
    issued = await issue_ticket(db, venue, vault, caller.principal, booking_id)
    other_id, reference = str(uuid4()), make_reference(secrets.token_bytes(10))
    wanted = sorted(set(request.tables))

    async def work(act: Act) -> tuple[int, TwoBookings]:
        facts = act.facts
        booking = judge_booking(facts, booking_id)
        judge_edition(booking, caller.edition, request.edition)
        judge_night(facts, booking.night)
        judge_status(booking, "confirmed", "seated")
        kept = [number for number in booking.tables if number not in wanted]
        if not kept:
            raise NotValid("no_table_left", "Leave the others a table, or move the party.")
        people = judge_split(booking, request.party, request.people)
        left = booking.party - request.party
        for tables, size in ((kept, left), (wanted, request.party)):
            judge_set(facts.tables, tables, size, venue.combinations, by_staff=True)
        over = [b for b in expired_among(act, wanted) if b.id != booking.id]
        judge_free(
            facts.tables, wanted, booking.slot_from, booking.slot_until,
            mine=booking.id, ended=[b.id for b in over],
        )  # fmt: skip
        status = "seated" if booking.status == "seated" and people else "confirmed"
        if status == "seated":
            judge_seatable(facts.tables, wanted, booking.id)
        for expired in over:
            await expire(act, expired)
        ticket = booking.ticket
        assert ticket is not None, "a confirmed booking has its ticket"
        wishes = await resealed_wishes(act, vault, booking.id, other_id)
        await change_bookings(
            act.conn,
            [
                {
                    "booking": booking.id, "party": left, "tables": kept,
                    "admitted": ticket.admitted - people, "unscanned": -people,
                }
            ],
        )  # fmt: skip
        await split_booking(
            act.conn,
            {
                "booking": booking.id, "into": other_id, "reference": reference,
                "party": request.party, "tables": wanted, "status": status,
                "ticket": issued.ticket_id, "generation": issued.generation, "admitted": people,
                "at": facts.now, "wishes": None if wishes is None else wishes.hex(),
            },
        )  # fmt: skip
        if booking.status == "seated":
            stay = wanted if status == "seated" else []
            behind = [n for n in booking.tables if n not in (*kept, *stay)]
            await rows.set_resetting(act.conn, booking.night, behind, True)
        edition = booking.edition + 1
        act.record(
            events.BookingSplit(
                booking.id, edition, left, kept, other_id, request.party, wanted, status, people,
                issued.ticket_id, issued.generation,
            ),
            f"booking:{booking.id}",
        )  # fmt: skip
        due = due_of(booking.deposit_pence, booking.paid_pence)
        first = booking_answer(
            booking, party=left, tables=kept, admitted=ticket.admitted - people, edition=edition,
            due_pence=due,
        )  # fmt: skip
        second = booking_answer(
            booking, booking_id=other_id, reference=reference, status=status, party=request.party,
            tables=wanted, deposit_pence=0, paid_pence=0, admitted=people, left=0, edition=0,
            may_still_admit=None,
        )  # fmt: skip
        return 201, TwoBookings(booking=first, other=second, version=UNNUMBERED)

    answered = await perform(db, caller, "split_party", work, tables=wanted, bookings=[booking_id])
    made = msgspec.json.decode(answered.body, type=TwoBookings)
    code = await code_of(db, venue, vault, caller.principal, made.other.booking_id)
    return msgspec.structs.replace(answered, body=spliced(answered.body, {"code": code}))


async def merge_parties(
    db: Database, venue: Venue, caller: Caller, booking_id: str, request: Merge
) -> Answered:
    """The other party is of this one: one booking, one ticket, all their people.

    The other booking ends; what was paid for it stays in its account, and its code is answered at
    the door with whom to look for. Of a party that sits and one that waits the one that sits goes
    on. Raises Conflict as a move does.
    """
    kept_tables = request.tables

    async def work(act: Act) -> tuple[int, TwoBookings]:
        facts = act.facts
        one, other = _both(act, caller, booking_id, request.other_id, request)
        if other.status == "seated" and one.status != "seated":
            raise Conflict(
                "other_sits", "That party sits already: join this one to it, not it to this one."
            )
        wanted = sorted(set(kept_tables or (*one.tables, *other.tables)))
        party = one.party + other.party
        judge_set(facts.tables, wanted, party, venue.combinations, by_staff=True)
        over = [b for b in expired_among(act, wanted) if b.id not in (one.id, other.id)]
        judge_free(
            facts.tables, wanted, one.slot_from, one.slot_until,
            mine=one.id, ended=[other.id, *(b.id for b in over)],
        )  # fmt: skip
        if one.status == "seated":
            new = [n for n in wanted if n not in (*one.tables, *other.tables)]
            new += [n for n in other.tables if n in wanted and other.status != "seated"]
            judge_seatable(facts.tables, new, one.id)
        for expired in over:
            await expire(act, expired)
        mine, theirs = one.ticket, other.ticket
        assert mine is not None, "a confirmed booking has its ticket"
        assert theirs is not None, "a confirmed booking has its ticket"
        if theirs.owed:
            raise Conflict(
                "scans_on_their_way",
                "A tablet let people of that party in and is still telling of them. Try again in a"
                " moment.",
                people=theirs.owed,
            )
        admitted, gone = mine.admitted + theirs.admitted, mine.gone + theirs.gone
        inside = theirs.admitted - theirs.gone
        await change_bookings(
            act.conn,
            [
                {
                    "booking": other.id, "tables": [], "status": "merged", "admitted": 0,
                    "gone": 0, "unscanned": -inside, "extra": -theirs.extra,
                },
                {
                    "booking": one.id, "party": party, "tables": wanted, "admitted": admitted,
                    "gone": gone, "unscanned": inside, "extra": theirs.extra,
                },
            ],
        )  # fmt: skip
        await _leave(act, one.night, [one, other], [(one, tuple(wanted))])
        edition = one.edition + 1
        act.record(
            events.BookingsMerged(
                one.id, edition, party, wanted, other.id, inside, admitted, gone
            ),
            f"booking:{one.id}",
        )  # fmt: skip
        return 200, TwoBookings(
            booking=booking_answer(
                one, party=party, tables=wanted, admitted=admitted, left=gone, edition=edition
            ),
            other=booking_answer(
                other, status="merged", admitted=0, left=0, edition=other.edition + 1
            ),
            version=UNNUMBERED,
        )

    _judge_two(booking_id, request.other_id)
    return await perform(
        db,
        caller,
        "merge_parties",
        work,
        tables=kept_tables or [],
        bookings=[booking_id, request.other_id],
    )


def _judge_two(booking_id: str, other_id: str) -> None:
    if booking_id == other_id:
        raise NotValid("same_booking", "Name two different bookings.")


def _both(
    act: Act, caller: Caller, booking_id: str, other_id: str, request: Swap | Merge
) -> tuple[BookingFact, BookingFact]:
    """The two locked bookings, of one night, confirmed or seated, as the caller saw them."""
    one, other = judge_booking(act.facts, booking_id), judge_booking(act.facts, other_id)
    judge_edition(one, caller.edition, request.edition)
    judge_edition(other, request.other_edition)
    judge_night(act.facts, one.night)
    if one.night != other.night:
        raise Conflict("other_night", "The two bookings are of different nights.")
    for booking in (one, other):
        judge_status(booking, "confirmed", "seated")
    return one, other


async def _leave(
    act: Act,
    night: str,
    before: list[BookingFact],
    after: list[tuple[BookingFact, tuple[int, ...]]],
) -> None:
    """The tables that seated parties left wait to be laid, but those where another sat down."""
    left = {n for booking in before if booking.status == "seated" for n in booking.tables}
    taken = {n for booking, tables in after if booking.status == "seated" for n in tables}
    await rows.set_resetting(act.conn, night, sorted(left - taken), True)
