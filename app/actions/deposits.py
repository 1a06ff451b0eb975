"""Deposits that are paid online: begun by the owner, settled by what is seen at Stripe.

`settle_intent` is the one way in which online money reaches a booking. It is called with the object
as Stripe has it now, as often as anybody has a reason to look; under the booking's lock it applies
what is new and nothing twice.
"""

from uuid import uuid4

from app.actions.act import Act, Answered, Caller, perform
from app.actions.holds import booking_answer, expire, expired_among, judge_alive, later
from app.actions.refunds import apply_refunds, note_difference, set_aside
from app.actions.tickets import Issued, issue_ticket
from app.db import bookings as booking_rows
from app.db import payments as rows
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import judge_booking, judge_free, judge_night, judge_status
from app.domain.facts import BookingFact
from app.domain.payments import (
    CURRENCY,
    HARMLESS_DISPUTES,
    Arrival,
    SeenDispute,
    SeenIntent,
    dispute_moves,
    judge_arrival,
    judge_difference,
    word_of,
)
from app.domain.principals import STRIPE
from app.domain.sealing import Vault
from app.errors import Conflict
from app.wire import BookingAnswer
from floorplan import events
from floorplan.venue import Venue

PAID = ("confirmed", "seated", "completed", "no_show")


async def begin_deposit(db: Database, venue: Venue, caller: Caller, booking_id: str) -> Answered:
    """The hold lasts for the payment, once, and a try to pay what is owed is noted with its key.

    Nothing is asked of Stripe yet. A booking that is paid already is answered as it is. Raises
    Conflict `hold_expired`.
    """

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        if booking.status in PAID:
            return 200, booking_answer(booking)
        judge_night(act.facts, booking.night)
        judge_alive(act, booking)
        until = booking.hold_expires_at
        assert until is not None
        owed = booking.deposit_pence - booking.paid_pence
        if owed > 0:
            await _note_try(act, booking, owed)
        if not booking.extended:
            until = later(until, venue.rules.hold_extension_minutes)
            await booking_rows.extend_hold(act.conn, booking_id, until)
            act.record(events.HoldExtended(booking_id, until), f"booking:{booking_id}")
        return 200, booking_answer(booking, hold_expires_at=until)

    return await perform(db, caller, "begin_deposit", work, bookings=[booking_id])


async def _note_try(act: Act, booking: BookingFact, owed: int) -> None:
    """There is one live intent over what is owed: the last one, or a new one in its place."""
    last = await rows.find_latest_intent(act.conn, booking.id)
    if last is not None and last.is_live and last.amount_pence == owed:
        return
    if last is not None and last.is_live:
        await rows.supersede_intents(act.conn, booking.id)
    attempt = 1 if last is None else last.attempt + 1
    new = rows.Intent(
        id=str(uuid4()),
        booking_id=booking.id,
        attempt=attempt,
        amount_pence=owed,
        key=f"deposit:{booking.id}:{attempt}",
        stripe_id=None,
        status="creating",
        failed_charge=None,
    )
    await rows.insert_intent(act.conn, new, act.facts.now)


async def confirm_free(db: Database, venue: Venue, vault: Vault, booking_id: str) -> None:
    """A hold that owes nothing is confirmed; whoever asks has been known as its owner."""
    issued = await issue_ticket(db, venue, vault, STRIPE, booking_id, pool=db.jobs)

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        booking = judge_booking(act.facts, booking_id)
        if booking.status not in PAID:
            judge_night(act.facts, booking.night)
            judge_status(booking, "pending")
            judge_alive(act, booking)
            await _confirmed(act, booking, issued, list(booking.tables))
        return 200, booking_answer(booking)

    await perform(db, _stripe(), "confirm_free", work, bookings=[booking_id], pool=db.jobs)


async def settle_intent(db: Database, venue: Venue, vault: Vault, seen: SeenIntent) -> str:
    """What is new about the intent is in the rows and the book; returns what that was.

    `unknown`: it is of no booking of ours. Another amount or currency than was asked for is
    recorded as it came, and stands on the managers' list until one of them has seen it.
    """
    async with db.acting(STRIPE, db.jobs) as conn:
        intent = await rows.find_intent(conn, seen.stripe_id, seen.intent_id)
        booking_id = seen.booking_id if intent is None else intent.booking_id
        place = None if booking_id is None else await rows.find_place(conn, booking_id)
    if place is None:
        return "unknown"
    issued = None
    paid = seen.status == "succeeded"
    if paid and place.status in ("pending", "expired"):
        issued = await issue_ticket(db, venue, vault, STRIPE, place.booking_id, pool=db.jobs)
    found: list[str] = []

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        found.clear()  # a deadlock runs it again
        booking = judge_booking(act.facts, place.booking_id)
        known = await _known_intent(act, booking, seen)
        payment = await rows.find_payment_of_intent(act.conn, known.id)
        if paid and payment is None:
            found.append(await _arrive(act, booking, known, seen, issued, place.tables))
            payment = await rows.find_payment_of_intent(act.conn, known.id)
        elif seen.status == "failed":
            found.extend(await _fail(act, booking, known, seen))
        elif seen.status == "canceled" and known.status not in ("canceled", "succeeded"):
            await rows.set_intent(act.conn, known, "canceled", stripe_id=seen.stripe_id)
            found.append("canceled")
        if payment is not None:
            found.extend(await apply_refunds(act, booking, payment, seen.refunds))
        return 200, booking_answer(booking)

    # The tables that a hold had are locked too: it may get them back.
    held = place.tables if place.status in ("pending", "expired") else []
    await perform(
        db,
        _stripe(),
        "settle_payment",
        work,
        tables=held,
        bookings=[place.booking_id],
        pool=db.jobs,
    )
    return ", ".join(found) or "nothing new"


async def _known_intent(act: Act, booking: BookingFact, seen: SeenIntent) -> rows.Intent:
    """The row of the intent; one that no row names is adopted, for its money may be real."""
    intent = await rows.find_intent(act.conn, seen.stripe_id, seen.intent_id)
    if intent is not None and intent.stripe_id in (None, seen.stripe_id):
        return intent
    # What it was to bring is ours to say: what the try that it names asked for, or the deposit.
    asked = booking.deposit_pence if intent is None else intent.amount_pence
    await rows.adopt_intent(
        act.conn, str(uuid4()), booking.id, asked or seen.amount_pence, seen.stripe_id
    )
    adopted = await rows.find_intent(act.conn, seen.stripe_id)
    assert adopted is not None, "it was adopted"
    return adopted


async def _arrive(
    act: Act,
    booking: BookingFact,
    intent: rows.Intent,
    seen: SeenIntent,
    issued: Issued | None,
    tables: list[int],
) -> str:
    """Money is there that was not before: rows and events of what it does."""
    amount, asked = seen.received_pence, intent.amount_pence
    if amount <= 0:
        return "nothing received"
    differs = judge_difference(seen, asked, booking.id)
    if differs == "currency":
        return await _arrive_in_other_currency(act, booking, intent, seen)
    arrival = judge_arrival(booking, act.facts.night, act.facts.now, min(amount, asked))
    over = expired_among(act, tables)
    if arrival == "restore" and not _tables_are_free(act, booking, tables, over):
        arrival = "refund_late"
    payment_id = str(uuid4())
    await rows.set_intent(act.conn, intent, "succeeded", stripe_id=seen.stripe_id)
    await rows.insert_online(
        act.conn, payment_id, intent, amount, act.facts.now, currency=CURRENCY, differs=differs
    )
    if arrival == "restore":
        for other in over:
            await expire(act, other)
        act.record(_restored(act, booking, tables), f"booking:{booking.id}")
    if arrival in ("confirm", "restore"):
        assert issued is not None, "a hold was seen, and its ticket made"
        await rows.confirm_paid(act.conn, booking.id, issued.ticket_id, issued.generation, tables)
    paid, _ = await rows.count_money(act.conn, booking.id, failed=False)
    act.record(
        events.PaymentProcessed(
            booking.id, payment_id, amount, "online", paid, after_seal=is_sealed(act)
        ),
        f"booking:{booking.id}",
    )
    if differs is not None:
        note_difference(act, booking.id, payment_id, differs, asked, amount, CURRENCY)
    if arrival in ("confirm", "restore"):
        assert issued is not None
        await _tell_confirmed(act, booking, issued)
    await _give_back_if_unwanted(act, booking, payment_id, amount, arrival)
    if amount > asked and arrival not in ("refund_late", "refund_twice"):
        await set_aside(act, payment_id, amount - asked, "excess", by=STRIPE.actor)
    return arrival if differs is None else f"{arrival}, {differs}"


async def _arrive_in_other_currency(
    act: Act, booking: BookingFact, intent: rows.Intent, seen: SeenIntent
) -> str:
    """Money that pays nothing here: recorded as it came, beside the pence, and all of it goes back.

    The hold stays as it is, and its owner may begin another payment.
    """
    payment_id, amount = str(uuid4()), seen.received_pence
    await rows.set_intent(act.conn, intent, "succeeded", stripe_id=seen.stripe_id)
    await rows.insert_online(
        act.conn, payment_id, intent, amount, act.facts.now,
        currency=seen.currency, differs="currency",
    )  # fmt: skip
    note_difference(
        act, booking.id, payment_id, "currency", intent.amount_pence, amount, seen.currency
    )
    await set_aside(act, payment_id, amount, "currency", by=STRIPE.actor)
    return "currency"


async def _give_back_if_unwanted(
    act: Act, booking: BookingFact, payment_id: str, amount: int, arrival: Arrival
) -> None:
    if arrival in ("refund_late", "refund_twice"):
        why = arrival.removeprefix("refund_")
        await set_aside(act, payment_id, amount, why, by=STRIPE.actor)
        if why == "late":
            act.send(messages.late_payment_refunded(booking.id, payment_id, amount))


async def _confirmed(act: Act, booking: BookingFact, issued: Issued, tables: list[int]) -> None:
    await rows.confirm_paid(act.conn, booking.id, issued.ticket_id, issued.generation, tables)
    await _tell_confirmed(act, booking, issued)


async def _tell_confirmed(act: Act, booking: BookingFact, issued: Issued) -> None:
    act.record(events.BookingConfirmed(booking.id, issued.ticket_id), f"booking:{booking.id}")
    act.send(messages.confirmation(booking.id))


def _tables_are_free(
    act: Act, booking: BookingFact, tables: list[int], over: list[BookingFact]
) -> bool:
    """Whether the tables that the hold had are nobody's during its slot."""
    if not tables or {t.number for t in act.facts.tables} < set(tables):
        return False
    try:
        judge_free(
            act.facts.tables, tables, booking.slot_from, booking.slot_until,
            mine=booking.id, ended=[other.id for other in over],
        )  # fmt: skip
    except Conflict:
        return False
    return True


def _restored(act: Act, booking: BookingFact, tables: list[int]) -> events.HoldRestored:
    return events.HoldRestored(
        booking_id=booking.id,
        party=booking.party,
        slot_from=booking.slot_from,
        slot_until=booking.slot_until,
        source=booking.source,
        tables=sorted(tables),
        deposit_pence=booking.deposit_pence,
        hold_expires_at=act.facts.now,
        edition=booking.edition,
    )


async def _fail(act: Act, booking: BookingFact, intent: rows.Intent, seen: SeenIntent) -> list[str]:
    """The bank said no to one more charge of a hold that somebody still wants to pay."""
    if not intent.is_live or seen.failed_charge in (None, intent.failed_charge):
        return []
    if booking.status != "pending":
        return []
    await rows.set_intent(
        act.conn, intent, "failed", failed_charge=seen.failed_charge, stripe_id=seen.stripe_id
    )
    await rows.count_money(act.conn, booking.id, failed=True)
    act.record(
        events.PaymentFailed(booking.id, intent.id, word_of(seen.failure, "failed")),
        f"booking:{booking.id}",
    )
    return ["failed"]


async def settle_dispute(db: Database, dispute: SeenDispute) -> str:
    """How far the dispute has come is in rows and book; `unknown`: of no payment of ours."""
    async with db.acting(STRIPE, db.jobs) as conn:
        intent = None if dispute.intent is None else await rows.find_intent(conn, dispute.intent)
        payment = None if intent is None else await rows.find_payment_of_intent(conn, intent.id)
    if payment is None:
        return "unknown"
    found: list[str] = []

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        found.clear()
        booking = judge_booking(act.facts, payment.booking_id)
        now = await rows.find_payment(act.conn, payment.id)
        assert now is not None, "payments stay"
        if now.dispute_id in (None, dispute.stripe_id) and dispute_moves(
            now.dispute_status, dispute.status
        ):
            await rows.set_dispute(
                act.conn, now.id, dispute.stripe_id, dispute.status, dispute.amount_pence
            )
            _, contested = await rows.count_money(act.conn, booking.id)
            act.record(
                events.PaymentDisputed(
                    booking.id,
                    now.id,
                    dispute.amount_pence,
                    word_of(dispute.status, "unknown"),
                    contested,
                    after_seal=is_sealed(act),
                ),
                f"booking:{booking.id}",
            )
            over = dispute.status in HARMLESS_DISPUTES
            found.append("dispute over" if over else "disputed")
        return 200, booking_answer(booking)

    await perform(
        db, _stripe(), "settle_dispute", work, bookings=[payment.booking_id], pool=db.jobs
    )
    return ", ".join(found) or "nothing new"


def is_sealed(act: Act) -> bool:
    """Whether the night's figures stand, so that money is reported beside them."""
    return act.facts.night is not None and act.facts.night.status == "sealed"


def _stripe() -> Caller:
    return Caller(principal=STRIPE, correlation_id=str(uuid4()))
