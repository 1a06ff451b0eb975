"""The waitlist: a party waits, is offered what comes free, and accepts it or does not.

An offer is a hold: it claims its tables, counts down on every screen and runs out by itself. Nobody
is placed without a word and nothing is charged: whoever accepts has an ordinary hold to pay for.
"""

import logging
import secrets
from uuid import uuid4

import msgspec

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform, spliced
from app.actions.deferred import Deferred
from app.actions.holds import (
    booking_answer,
    expire,
    expired_among,
    judge_alive,
    later,
    owner_token,
)
from app.actions.links import manage_token
from app.actions.persons import sealed_contact
from app.db import bookings as booking_rows
from app.db import waitlist as rows
from app.db.pool import Database
from app.domain import messages
from app.domain.bookings import judge_booking, judge_free, judge_night, judge_slot
from app.domain.manage_links import link_key
from app.domain.principals import SYSTEM
from app.domain.references import make_reference
from app.domain.sealing import Vault
from app.domain.tokens import token_hash
from app.domain.waitlist import NextOffer, find_offer, priority_of, sets_for, timing_of
from app.errors import Conflict, NotFound, NotValid, Refusal
from app.wire import BookingAnswer
from app.wire.waitlist import (
    JoinWaitlist,
    PriorityParts,
    RankWaiting,
    WaitlistAnswer,
    WaitlistOffer,
)
from floorplan import events
from floorplan.allocation import NoSetLargeEnough, PreferenceUnknown, largest_party, preferences_of
from floorplan.venue import Venue

logger = logging.getLogger(__name__)

LEAVES_TRIED = 3  # an offer that is made or ends meanwhile is read again
OFFERS_AT_ONCE = 16  # tables of the house; what remains is offered half a second later


async def join_waitlist(
    db: Database, venue: Venue, vault: Vault, secret: str, caller: Caller, request: JoinWaitlist
) -> Answered:
    """The party waits; the answer carries its token, its priority and where that comes from.

    Raises NotFound, NotValid (`contact_not_valid`, `contact_unreachable`), Conflict
    (`tables_free`: something fits now; `already_waiting`, `too_many_waiting`, `waitlist_full`).
    """
    if request.contact.phone is None and request.contact.email is None:
        raise NotValid(
            "contact_unreachable",
            "Give a phone number or an e-mail address, so that the offer can reach you.",
        )
    person = sealed_contact(vault, request.contact)
    assert person is not None
    try:
        prefers = preferences_of(venue.tables, request.prefers)
    except PreferenceUnknown as error:
        raise NotValid("not_valid", f"{str(error).capitalize()}.", place="$.prefers") from error
    entry_id = str(uuid4())
    token = owner_token(secret, entry_id)
    staff = caller.principal.kind == "staff"

    async def work(act: Act) -> tuple[int, WaitlistAnswer]:
        night = judge_night(act.facts, request.night)
        slot = judge_slot(night, act.facts.now, request.slot_from, request.slot_until)
        if act.facts.now > night.last_entry_at:
            raise Conflict("too_late", "Last entry is over: no table will be offered any more.")
        floor = await rows.read_taken(act.conn, request.night)
        assert floor is not None, "the night was judged open"
        try:
            if sets_for(venue, floor, request.party, slot, prefers):
                raise Conflict(
                    "tables_free", "A table that fits is free. Hold it instead of waiting."
                )
        except NoSetLargeEnough:
            pass  # staff see it as an enquiry
        visits = await rows.judge_waiting(
            act.conn,
            request.night,
            person,
            caller.origin,
            None if staff else venue.rules.holds_per_address,
        )
        priority = priority_of(
            visits, timing_of(floor, slot[0]), special_occasion=request.special_occasion
        )
        new = rows.NewWaiting(
            id=entry_id,
            night=request.night,
            party=request.party,
            slot_from=slot[0],
            slot_until=slot[1],
            prefers=prefers,
            special_occasion=request.special_occasion,
            owner_hash=token_hash(token),
            joined_from=caller.origin,
            joined_at=act.facts.now,
            visits=visits,
            timing=priority.timing,
            priority=priority.total,
            offers_left=venue.rules.offers,
        )
        await rows.insert_waiting(act.conn, new, person)
        act.record(
            events.WaitlistJoined(entry_id, new.party, *slot, new.priority, venue.rules.offers),
            f"waitlist:{entry_id}",
        )
        return 201, WaitlistAnswer(
            waitlist_id=entry_id,
            night=new.night,
            status="waitlisted",
            party=new.party,
            slot_from=new.slot_from,
            slot_until=new.slot_until,
            special_occasion=new.special_occasion,
            priority=new.priority,
            parts=PriorityParts(**msgspec.structs.asdict(priority)),
            position=None,
            offers_left=new.offers_left,
            joined_at=new.joined_at,
            version=UNNUMBERED,
            beyond_every_set=is_beyond(venue, new.party),
        )

    answered = await perform(
        db, caller, "join_waitlist", work, night=request.night, making=entry_id
    )
    made = msgspec.json.decode(answered.body, type=WaitlistAnswer)
    body = spliced(answered.body, {"token": owner_token(secret, made.waitlist_id)})
    return msgspec.structs.replace(answered, body=body)


async def leave_waitlist(db: Database, venue: Venue, caller: Caller, entry_id: str) -> Answered:
    """The party waits no more; what it was offered is free again.

    Raises NotFound, Conflict (`not_waiting`, `try_again`).
    """
    entry = await find_entry(db, caller, entry_id)
    why = "staff" if caller.principal.kind == "staff" else "guest"
    offered = [entry.booking_id] if entry.status == "offered" and entry.booking_id else []

    async def work(act: Act) -> tuple[int, WaitlistAnswer]:
        judge_waiting(entry)
        if not await rows.end_waiting(act.conn, entry, "left", why):
            raise moved()
        act.record(events.WaitlistLeft(entry_id, why), f"waitlist:{entry_id}")
        for booking_id in offered:
            # After the row of the waitlist: the hold's end then finds no offer to count.
            await booking_rows.end_booking(act.conn, booking_id, "released")
            act.record(events.HoldReleased(booking_id), f"booking:{booking_id}")
        return 200, entry_answer(
            venue, entry, status="left", ended_why=why, position=None, offer=None
        )

    return await perform(db, caller, "leave_waitlist", work, night=entry.night, bookings=offered)


async def leave_all(db: Database, venue: Venue, caller: Caller, person_id: str) -> None:
    """The person waits nowhere any more: the step before an erasure, after which nobody could be
    told of an offer.

    Each place ends in a transaction of its own. One that moves on three times meanwhile is left: it
    keeps nobody's data once the person is erased, and its offer runs out.
    """
    keyless = Caller(caller.principal, caller.correlation_id, origin=caller.origin)
    async with db.acting(caller.principal) as conn:
        places = await rows.list_places_of(conn, person_id)
    for place in places:
        if place.status not in ("waitlisted", "offered"):
            continue
        for _ in range(LEAVES_TRIED):
            try:
                await leave_waitlist(db, venue, keyless, place.waitlist_id)
                break
            except Conflict as refusal:
                logger.info("a place could not be left: %s", refusal.reason)


async def accept_offer(
    db: Database, venue: Venue, secret: str, caller: Caller, entry_id: str
) -> Answered:
    """The offer is an ordinary hold now, with the whole time of one to pay; the answer is its
    booking, and carries its token when the customer asks. Who came by the offer's link, which is
    over with the hold, gets the manage link's: it ends, and can be revoked.

    Raises NotFound, Conflict (`no_offer`, `hold_expired`, `try_again`).
    """
    entry = await find_entry(db, caller, entry_id)
    booking_id = entry.booking_id
    if booking_id is None:
        raise no_offer(entry)

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        if entry.status != "offered":  # here, so that a reply that was lost is given again first
            raise no_offer(entry)
        judge_night(act.facts, entry.night)
        booking = judge_booking(act.facts, booking_id)
        judge_alive(act, booking)
        if not await rows.end_waiting(act.conn, entry, "accepted", "accepted"):
            raise moved()
        until = later(act.facts.now, venue.rules.hold_minutes)
        await rows.extend_offer(act.conn, booking_id, until)
        act.record(
            events.WaitlistLeft(entry_id, "accepted", booking_id, until), f"waitlist:{entry_id}"
        )
        return 200, booking_answer(booking, hold_expires_at=until)

    answered = await perform(
        db, caller, "accept_offer", work, night=entry.night, bookings=[booking_id]
    )
    if caller.principal.kind != "owner":
        return answered
    token = owner_token(secret, entry_id)
    if caller.principal.booking_id is not None:
        token = await manage_token(db, link_key(secret), caller.principal, booking_id)
    return msgspec.structs.replace(answered, body=spliced(answered.body, {"token": token}))


async def rank_waiting(
    db: Database, venue: Venue, caller: Caller, entry_id: str, request: RankWaiting
) -> Answered:
    """A manager's own priority for the party, or the party's again; the book says who set it.

    Raises NotFound, Conflict (`not_waiting`).
    """
    entry = await find_entry(db, caller, entry_id)

    async def work(act: Act) -> tuple[int, WaitlistAnswer]:
        judge_night(act.facts, entry.night)
        own = await rows.rank_waiting(act.conn, entry_id, request.priority)
        if own is None:
            raise not_waiting()
        effective = own if request.priority is None else request.priority
        act.record(events.WaitlistRanked(entry_id, effective), f"waitlist:{entry_id}")
        changed = msgspec.structs.replace(entry, by_hand=request.priority)
        return 200, entry_answer(venue, changed, position=None)

    return await perform(db, caller, "rank_waiting", work, night=entry.night)


async def offer_free_tables(db: Database, venue: Venue, deferred: Deferred | None = None) -> int:
    """Whoever is next is offered what is free, on every open night; returns how many were.

    It asks what is, and not what happened: so it does not matter how a table came free, nor that
    the service was down meanwhile. A table that is held for one party is not free for the next, so
    no set is offered twice. A night that cannot be looked at is `deferred`; the others go on.
    """
    async with db.acting(SYSTEM, db.jobs) as conn:
        nights = await rows.list_nights(conn)
    deferred = deferred or Deferred()
    later = set(deferred.ids("offer"))
    made = 0
    for night in nights:
        for _ in range(OFFERS_AT_ONCE if night not in later else 0):
            if not await deferred.attempt("offer", night, _offer_next(db, venue, night)):
                break
            made += 1
    return made


async def _offer_next(db: Database, venue: Venue, night: str) -> None:
    """The next party of the night is offered what is free.

    Raises Conflict: nobody waits for what is free, or somebody was faster: looked at again soon.
    """
    async with db.acting(SYSTEM, db.jobs) as conn:
        floor = await rows.read_taken(conn, night)
        waiting = await rows.list_waiting(conn, night)
    found = None if floor is None else find_offer(venue, floor, waiting)
    if found is None:
        raise Conflict("nothing_to_offer", "Nobody waits for what is free.")
    try:
        await _offer(db, venue, night, found)
    except Refusal as refusal:
        logger.info("an offer was not made: %s", refusal.reason)
        raise


async def _offer(db: Database, venue: Venue, night: str, found: NextOffer) -> None:
    caller = Caller(principal=SYSTEM, correlation_id=str(uuid4()))
    booking_id, tables, one = str(uuid4()), list(found.tables.tables), found.waiting

    async def work(act: Act) -> tuple[int, BookingAnswer]:
        facts = act.facts
        judge_night(facts, night)
        over = expired_among(act, tables)
        judge_free(facts.tables, tables, one.slot_from, one.slot_until, ended=[b.id for b in over])
        for booking in over:
            await expire(act, booking)
        deposit = sum(t.deposit_pence for t in facts.tables if t.number in tables)
        until = later(facts.now, venue.rules.offer_minutes)
        reference = make_reference(secrets.token_bytes(10))
        if not await rows.offer_tables(
            act.conn,
            one.id,
            booking_id,
            reference,
            tables,
            deposit,
            until,
            facts.now,
            venue.refunds,
        ):
            raise moved()
        person_id = await rows.find_person(act.conn, one.id)
        subject = f"booking:{booking_id}"
        act.record(
            events.BookingInitiated(booking_id, one.party, one.slot_from, one.slot_until, "public"),
            subject,
        )
        act.record(events.TablesSelected(booking_id, tables, deposit, until), subject)
        act.record(events.WaitlistOffered(one.id, booking_id), f"waitlist:{one.id}")
        assert person_id is not None
        act.send(
            messages.waitlist_offer(
                one.id, person_id, booking_id, night=night, party=one.party, tables=tables,
                expires_at=until, offers_left=one.offers_left,
            )
        )  # fmt: skip
        return 200, BookingAnswer(
            booking_id=booking_id,
            reference=reference,
            night=night,
            status="pending",
            party=one.party,
            tables=tables,
            slot_from=one.slot_from,
            slot_until=one.slot_until,
            source="public",
            deposit_pence=deposit,
            paid_pence=0,
            hold_expires_at=until,
            admitted=0,
            left=0,
            version=UNNUMBERED,
        )

    await perform(
        db, caller, "offer_tables", work, night=night, tables=tables, making=booking_id,
        pool=db.jobs,
    )  # fmt: skip


async def find_entry(db: Database, caller: Caller, entry_id: str) -> rows.EntryRow:
    """The place as the caller may see it. Raises NotFound."""
    async with db.acting(caller.principal) as conn:
        entry = await rows.find_entry(conn, entry_id)
    if entry is None:
        raise NotFound("waitlist_not_found", "There is no such place on the waitlist.")
    return entry


def judge_waiting(entry: rows.EntryRow) -> None:
    """Raises Conflict `not_waiting`: the place is over."""
    if entry.status not in ("waitlisted", "offered"):
        raise not_waiting()


def not_waiting() -> Conflict:
    return Conflict("not_waiting", "This party is not on the waitlist any more.")


def moved() -> Conflict:
    return Conflict("try_again", "The waitlist moved on just now. Look, and try again.")


def no_offer(entry: rows.EntryRow) -> Conflict:
    return Conflict(
        "no_offer",
        "There is no offer for this party now. A table that comes free is offered in order."
        if entry.status == "waitlisted"
        else "This party is not on the waitlist any more.",
        waitlist_status=entry.status,
    )


def is_beyond(venue: Venue, party: int) -> bool:
    """Whether no set of tables takes the party, free or not."""
    return party > largest_party(venue.tables, venue.combinations)


def parts_of(entry: rows.EntryRow) -> PriorityParts:
    """Where the priority comes from."""
    parts = priority_of(entry.visits, entry.timing, special_occasion=entry.special_occasion)
    return PriorityParts(**msgspec.structs.asdict(parts), by_hand=entry.by_hand)


def offer_of(entry: rows.EntryRow) -> WaitlistOffer | None:
    """What the party is offered now."""
    if entry.status != "offered" or entry.booking_id is None or entry.hold_expires_at is None:
        return None
    return WaitlistOffer(
        entry.booking_id, entry.tables, entry.deposit_pence or 0, entry.hold_expires_at
    )


def entry_answer(venue: Venue, entry: rows.EntryRow, **changed: object) -> WaitlistAnswer:
    """The place as the answer shows it, with what this action changed."""
    answer = WaitlistAnswer(
        waitlist_id=entry.waitlist_id,
        night=entry.night,
        status=entry.status,  # type: ignore[arg-type]  # the column's own check
        party=entry.party,
        slot_from=entry.slot_from,
        slot_until=entry.slot_until,
        special_occasion=entry.special_occasion,
        priority=entry.effective,
        parts=parts_of(entry),
        position=entry.place,
        offers_left=entry.offers_left,
        joined_at=entry.joined_at,
        version=entry.version if not changed else UNNUMBERED,
        offer=offer_of(entry),
        ended_why=entry.ended_why,
        beyond_every_set=is_beyond(venue, entry.party),
    )
    return msgspec.structs.replace(answer, **changed)
