"""Bookings that recur: all dates that were agreed in one transaction, or none; and their end."""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.bookings import cancel, canceller, judge_cancel
from app.actions.holds import booking_answer, confirm, expire, expired_in, later, owner_token
from app.actions.persons import sealed_contact
from app.actions.tickets import Issued, issue_for
from app.db import bookings as rows
from app.db.listings import list_series
from app.db.nights import find_key
from app.db.pool import Database
from app.db.tickets import PartyKey
from app.domain import messages
from app.domain.bookings import judge_booking, judge_free, judge_night, judge_set, judge_slot
from app.domain.changes import deposit_of, due_of
from app.domain.contacts import SealedPerson
from app.domain.facts import BookingFact, Facts
from app.domain.references import make_reference
from app.domain.sealing import Vault
from app.domain.tokens import token_hash
from app.errors import Conflict, NotFound, NotValid, Refusal
from app.wire import BookingAnswer, ConfirmHold
from app.wire.series import BookSeries, CancelSeries, KeptDate, Series, WantedDate
from floorplan import events
from floorplan.venue import Venue


class DatedBooking(Struct, frozen=True):
    """One date to be booked, with what was made for it before any lock; no key: no such night."""

    wanted: WantedDate
    booking_id: str
    person: SealedPerson | None
    issued: Issued | None


async def book_series(
    db: Database, venue: Venue, vault: Vault, secret: str, caller: Caller, request: BookSeries
) -> Answered:
    """Every date is a confirmed booking of its own, with its own ticket, reference and person.

    The deposits are taken now, or stay due. Raises NotValid `night_twice`; Conflict
    `series_not_free`: `dates` names each that can't be booked and why, and nothing was written.
    """
    dates = sorted(request.dates, key=lambda date: date.night)
    nights = [date.night for date in dates]
    if len(set(nights)) != len(nights):
        raise NotValid("night_twice", "Name each night once.")
    async with db.reading() as conn:
        keys = {night: await find_key(conn, night) for night in nights}
    dated = []
    for date in dates:
        issued = None
        if (key := keys[date.night]) is not None:
            of = PartyKey(
                party=request.party, night=date.night, key_id=key.key_id, private=key.private
            )
            issued = await issue_for(venue, vault, of)
        person = sealed_contact(vault, request.contact)
        dated.append(DatedBooking(date, str(uuid4()), person, issued))
    series_id = str(uuid4())

    async def work(act: Act) -> tuple[int, Series]:
        problems: list[dict[str, Any]] = []
        judged = []
        for one, facts in zip(dated, (act.facts, *act.facts.others), strict=True):
            with _told(problems, one.wanted):
                judged.append((one, facts, *_judged(venue, one, facts, request.party)))
        if problems:
            raise _not_free(problems, len(dated))
        made = []
        for one, facts, begin, end, over in judged:
            book = one.wanted.night
            for expired in over:
                await expire(act, expired, book=book)
            booking = await _insert(
                act, venue, secret, one, facts, request.party, (begin, end), series_id
            )
            assert one.issued is not None, "a night that stands has its key"
            amount = booking.deposit_pence if request.paid else 0
            paid = ConfirmHold(request.paid or "cash", amount)
            answer = await confirm(act, booking, paid, one.issued, book=book)
            due = due_of(booking.deposit_pence, answer.paid_pence)
            made.append(replace(answer, due_pence=due, series_id=series_id))
        act.send(messages.series_booked(series_id, [one.booking_id for one in made]))
        return 201, Series(series_id=series_id, bookings=made, version=UNNUMBERED)

    first, *rest = dated
    return await perform(
        db, caller, "book_series", work, night=first.wanted.night, tables=first.wanted.tables,
        others={one.wanted.night: one.wanted.tables for one in rest},
    )  # fmt: skip


async def cancel_series(
    db: Database, caller: Caller, series_id: str, request: CancelSeries
) -> Answered:
    """Every date of the series from `since` on that can be cancelled is, in one transaction.

    What stays is told with its reason: somebody is in, or it is over. Raises NotFound; Conflict
    `nothing_to_cancel`.
    """
    async with db.acting(caller.principal) as conn:
        known = await list_series(conn, series_id)
    if not known:
        raise NotFound("series_not_found", "There is no such series of bookings.")
    by_night: dict[str, list[str]] = defaultdict(list)
    for row in known:
        if row.night >= (request.since or "") and row.status in ("pending", "confirmed"):
            by_night[row.night].append(row.booking_id)
    if not by_night:
        raise Conflict("nothing_to_cancel", "No date of this series is still to come.")
    first, *rest = sorted(by_night)

    async def work(act: Act) -> tuple[int, Series]:
        kept: list[KeptDate] = []
        ended: list[BookingAnswer] = []
        for facts in (act.facts, *act.facts.others):
            for booking in facts.bookings:
                book = booking.night
                try:
                    judge_cancel(facts, judge_booking(facts, booking.id))
                except Refusal as no:
                    kept.append(KeptDate(booking.id, book, no.reason, no.detail))
                    continue
                refund = await cancel(act, booking, book=book)
                ended.append(
                    booking_answer(
                        booking, status="cancelled", hold_expires_at=None, refund_pence=refund,
                        series_id=series_id,
                    )
                )  # fmt: skip
        if not ended:
            raise Conflict(
                "nothing_to_cancel", "No date of this series can be cancelled any more.",
                kept=[{"night": one.night, "reason": one.reason} for one in kept],
            )  # fmt: skip
        act.send(
            messages.series_cancelled(
                series_id, [one.booking_id for one in ended], act.caller.correlation_id,
                by=canceller(act), refund_pence=sum(one.refund_pence or 0 for one in ended),
            )
        )  # fmt: skip
        return 200, Series(series_id=series_id, bookings=ended, version=UNNUMBERED, kept=kept)

    return await perform(
        db, caller, "cancel_series", work, night=first, bookings=by_night[first], claims=False,
        further={night: by_night[night] for night in rest},
    )  # fmt: skip


def _judged(
    venue: Venue, one: DatedBooking, facts: Facts, party: int
) -> tuple[str, str, list[BookingFact]]:
    """The date's slot, and the holds past their time that end for it; raises what refuses it."""
    wanted = one.wanted
    night = judge_night(facts, wanted.night)
    if one.issued is None:
        raise Conflict("night_just_opened", "This night was opened a moment ago. Try again.")
    begin, end = judge_slot(night, facts.now, wanted.slot_from, wanted.slot_until)
    judge_set(facts.tables, wanted.tables, party, venue.combinations, by_staff=True)
    over = expired_in(facts, wanted.tables)
    judge_free(facts.tables, wanted.tables, begin, end, ended=[one.id for one in over])
    return begin, end, over


async def _insert(
    act: Act,
    venue: Venue,
    secret: str,
    one: DatedBooking,
    facts: Facts,
    party: int,
    slot: tuple[str, str],
    series_id: str,
) -> BookingFact:
    """Rows and events of the date as a hold, which is confirmed in the same transaction."""
    booking_id, tables = one.booking_id, sorted(one.wanted.tables)
    book, (begin, end) = one.wanted.night, slot
    deposit = deposit_of(facts.tables, tables)
    until = later(facts.now, venue.rules.hold_minutes)
    new = rows.NewBooking(
        id=booking_id,
        reference=make_reference(secrets.token_bytes(10)),
        night=book,
        status="pending",
        party=party,
        slot_from=begin,
        slot_until=end,
        source="desk",
        owner_hash=token_hash(owner_token(secret, booking_id)),
        deposit_pence=deposit,
        hold_expires_at=until,
        created_at=facts.now,
        refund_policy=venue.refunds,
        series=series_id,
    )
    await rows.insert_booking(act.conn, new, tables, one.person)
    subject = f"booking:{booking_id}"
    asked = events.BookingInitiated(booking_id, party, begin, end, "desk", series_id)
    act.record(asked, subject, book=book)
    act.record(events.TablesSelected(booking_id, tables, deposit, until), subject, book=book)
    return BookingFact(
        id=booking_id, reference=new.reference, night=book, status="pending", party=party,
        slot_from=begin, slot_until=end, source="desk", deposit_pence=deposit, paid_pence=0,
        hold_expires_at=until, extended=False, tables=tuple(tables), ticket=None,
    )  # fmt: skip


@contextmanager
def _told(problems: list[dict[str, Any]], wanted: WantedDate) -> Iterator[None]:
    """What refuses the date is kept, so that all dates are judged before anything is said."""
    try:
        yield
    except Refusal as no:
        said = {"night": wanted.night, "tables": list(wanted.tables), "reason": no.reason}
        problems.append({**said, "detail": no.detail})


def _not_free(problems: list[dict[str, Any]], dates: int) -> Conflict:
    count = f"{len(problems)} of {dates} dates" if dates > 1 else "This date"
    return Conflict(
        "series_not_free",
        f"{count} can't be booked as agreed, so none was. Choose other tables for them, or leave "
        "them out.",
        dates=problems,
    )
