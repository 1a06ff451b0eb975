"""What time does by itself: holds run out, parties are overdue, blocks begin and end, nights seal.

The sweeper only tidies. Nothing depends on its punctuality: whoever wants a table ends the expired
hold on it in the same transaction.
"""

from uuid import uuid4

from app.actions.act import Act, Caller, perform
from app.actions.deferred import Deferred
from app.actions.holds import booking_answer, expire
from app.actions.nights import seal_night
from app.actions.no_shows import sweep_absent
from app.actions.tables import judge_table, table_answer
from app.db import nights as night_rows
from app.db.no_shows import list_overdue
from app.db.pool import Database
from app.domain.bookings import judge_booking, judge_night
from app.domain.principals import SYSTEM
from app.errors import Conflict
from app.wire import BookingAnswer, TableAnswer
from floorplan import events
from floorplan.venue import Venue


async def sweep(db: Database, venue: Venue, deferred: Deferred | None = None) -> int:
    """Everything that is due at the venue's now is done; returns how many things were.

    At most 100 holds, 100 blocks and 100 parties at a time: what remains is due again at the next
    call. A row that cannot be worked on is `deferred`, and takes no place among the hundred.
    """
    deferred = deferred or Deferred()
    async with db.acting(SYSTEM, db.jobs) as conn:
        holds = await night_rows.list_holds_over(conn, deferred.ids("hold"))
        blocks = await night_rows.list_blocks_due(conn, deferred.ids("block"))
        over = await night_rows.list_nights_over(conn)
        rules = venue.rules
        absent = await list_overdue(
            conn, rules.grace_minutes, rules.no_show_minutes, deferred.ids("party")
        )
    done = 0
    for booking_id, night in holds:
        done += await deferred.attempt("hold", booking_id, _expire_hold(db, booking_id, night))
    for block_id, night, number, ends in blocks:
        work = _change_block(db, block_id, night, number, ends=ends)
        done += await deferred.attempt("block", block_id, work)
    for booking_id, night, given_up in absent:
        work = sweep_absent(db, venue, _system(), booking_id, night, given_up=given_up)
        done += await deferred.attempt("party", booking_id, work)
    later = set(deferred.ids("night"))
    for night in over:
        if night not in later:
            done += await deferred.attempt("night", night, _seal(db, night))
    return done


def _system() -> Caller:
    return Caller(principal=SYSTEM, correlation_id=str(uuid4()))


async def _expire_hold(db: Database, booking_id: str, night: str) -> None:
    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        judge_night(act.facts, night)
        if (
            booking.status != "pending"
            or booking.hold_expires_at is None
            or booking.hold_expires_at > act.facts.now
        ):
            raise Conflict("not_due", "The hold was paid, ended or extended meanwhile.")
        await expire(act, booking)
        return 200, booking_answer(booking, status="expired")

    await perform(
        db, _system(), "sweep_hold", work, night=night, bookings=[booking_id], pool=db.jobs
    )


async def _change_block(
    db: Database, block_id: str, night: str, number: int, *, ends: bool
) -> None:
    async def work(act: Act) -> tuple[int, TableAnswer]:
        judge_night(act.facts, night)
        table = judge_table(act, number)
        block = next((b for b in table.blocks if b.id == block_id), None)
        if block is None or (not ends and block.in_force):
            raise Conflict("not_due", "The block was lifted or has begun meanwhile.")
        subject = f"table:{number}"
        if ends:
            await night_rows.lift_blocks(act.conn, [block_id])
            act.record(events.TableUnblocked(block_id, number, "ended"), subject)
        else:
            await night_rows.begin_block(act.conn, block_id)
            act.record(
                events.TableBlocked(
                    block_id, number, block.blocked_from, block.blocked_until, block.reason, True
                ),
                subject,
            )
        return 200, table_answer(night, number, "unblocked" if ends else "maintenance")

    await perform(db, _system(), "sweep_block", work, night=night, tables=[number], pool=db.jobs)


async def _seal(db: Database, night: str) -> None:
    await seal_night(db, _system(), night)
