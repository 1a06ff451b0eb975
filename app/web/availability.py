"""What is free: answered from the live night in memory, and kept for as long as it stays true.

An answer is a function of the question and of what the public sees of the night, so it is kept
under both, and thrown away with the version that made it: never by a time. What it says is also
what the loser of a race is told beside the refusal.
"""

from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from app.domain.bookings import LAST_ENTRY_OVER
from app.errors import Conflict, NotValid
from app.web.answers import Answer
from app.web.floor import hash_of, matches
from app.web.operations import Call
from app.web.parts import Parts
from app.wire import HoldTables, Instant, PartySize
from floorplan.allocation import (
    NoSetLargeEnough,
    Preferences,
    PreferenceUnknown,
    preferences_of,
    rank,
    tables_as_offered,
    whole_among,
)
from floorplan.nights import instant_text
from floorplan.projection import free_windows
from floorplan.state import NightState
from floorplan.venue import Contact, Venue

ALTERNATIVES_MOST: Final = 5  # the loser of a race reads these on a phone
QUESTIONS_KEPT: Final = 1024  # about one night at one version; some 1 KB each
NIGHTS_KEPT: Final = 16

Wish = Annotated[str, Meta(max_length=40)]
How = Literal["not_modified", "kept", "reused", "computed"]


class AvailabilityQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Without `from` and `until` the slot is one seating, doors to close, as it is for a hold.

    `prefers` are words for what the party would like, with commas or repeated: a floor, a zone or
    a feature, in the order of their weight. `floor`, `zone` and `feature` say which is meant.
    """

    party: PartySize
    prefers: tuple[Annotated[str, Meta(max_length=400)], ...] = ()
    floor: Wish | None = None
    zone: Wish | None = None
    feature: tuple[Wish, ...] = ()
    slot_from: Instant | None = msgspec.field(default=None, name="from")
    slot_until: Instant | None = msgspec.field(default=None, name="until")


class OfferReason(Struct, frozen=True):
    reason: str
    text: str


class Offer(Struct, frozen=True):
    """A set of tables that one booking may take."""

    tables: list[int]
    strategy: str
    reasons: list[OfferReason]
    deposit_pence: int
    minimum_spend_pence: int


class NoOffer(Struct, frozen=True, omit_defaults=True):
    """Why there is no set, where there is none, and what can be done.

    `waitlist`: the party may join it (`POST /v1/waitlist`). `contact`: whom to ask.
    """

    reason: str
    detail: str
    waitlist: bool = False
    largest_party: int | None = None
    contact: Contact | None = None


class Availability(Struct, frozen=True, omit_defaults=True):
    """`version` is that of the last event which changed what the public sees."""

    night: str
    version: int
    sets: list[Offer]
    problem: NoOffer | None = None


SEALED: Final = NoOffer("night_sealed", "This night is over. Choose another night.")
SLOT_OVER: Final = NoOffer("slot_over", "That time is over. Choose a later slot or another night.")
TOO_LATE: Final = NoOffer("too_late", LAST_ENTRY_OVER)


class Kept(Struct, frozen=True):
    """An answer with its ETag, and the sets in it."""

    tag: str
    body: bytes
    offered: Availability


class Rankings:
    """What `rank` said before of the same question, whichever of its tables were free.

    A hold that comes or goes leaves the order of the others as it was: what is free only picks from
    it. So another ranking is due for another party, wish, price or capacity, and when a combination
    is broken or whole again, and for nothing else that happens in a night.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[object, list[Offer]] = OrderedDict()
        self.asked = 0
        self.made = 0

    def of(self, question: object, make: Callable[[], list[Offer]]) -> list[Offer]:
        """The ranking for the question; made when it was not asked of late. Raises as `make`."""
        self.asked += 1
        known = self._known.get(question)
        if known is None:
            self.made += 1
            known = make()
            self._known[question] = known
            if len(self._known) > QUESTIONS_KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(question)
        return known


class Answers:
    """The answers of one worker: by night, of one version each, and by question."""

    def __init__(self) -> None:
        self.rankings = Rankings()
        self._nights: OrderedDict[str, tuple[tuple[str, int], dict[object, Kept]]] = OrderedDict()

    def find(self, night: str, version: tuple[str, int], question: object) -> Kept | None:
        """The answer to the question about the night as it is at the version."""
        known = self._nights.get(night)
        return known[1].get(question) if known is not None and known[0] == version else None

    def keep(self, night: str, version: tuple[str, int], question: object, kept: Kept) -> None:
        """The answer is known until the night has another version; a full memory starts over."""
        known = self._nights.get(night)
        if known is None or known[0] != version or len(known[1]) >= QUESTIONS_KEPT:
            known = (version, {})
            self._nights[night] = known
        self._nights.move_to_end(night)
        if len(self._nights) > NIGHTS_KEPT:
            self._nights.popitem(last=False)
        known[1][question] = kept


async def get_availability(call: Call) -> Answer:
    """The sets that fit, best first, from memory; 304 while nothing moved for the public."""
    parts = call.parts
    state = await parts.live.ensure(call.path["night"])
    is_guest = call.principal.kind != "staff"
    kept, how = answer_of(parts, state, call.query, call.etag, is_guest=is_guest)
    parts.metrics.count_availability(how)
    headers = {"ETag": kept.tag}
    if how == "not_modified":
        return Answer(304, headers=headers, cache_control="no-cache")
    return Answer(200, kept.body, headers=headers, cache_control="no-cache")


def answer_of(
    parts: Parts,
    state: NightState,
    query: AvailabilityQuery,
    etag: str | None = None,
    *,
    is_guest: bool = False,
) -> tuple[Kept, How]:
    """The answer to the question, and whether it had to be made."""
    late = lateness(parts, state, query, is_guest=is_guest)
    version, question = (parts.live.epoch, state.changed["public"]), (query, late)
    kept = parts.availability.find(state.night, version, question)
    if kept is not None:
        return kept, "not_modified" if matches(etag, kept.tag) else "kept"
    tag = f'"{version[0]}-{version[1]}-{hash_of(msgspec.json.encode(question))}"'
    if matches(etag, tag):
        return Kept(tag, b"", Availability(state.night, version[1], [])), "not_modified"
    rankings = parts.availability.rankings
    before = (rankings.asked, rankings.made)
    offered = offers(state, parts.venue, query, late=late, known=rankings)
    reused = rankings.asked > before[0] and rankings.made == before[1]
    kept = Kept(tag, msgspec.json.encode(offered), offered)
    parts.availability.keep(state.night, version, question, kept)
    return kept, "reused" if reused else "computed"


def lateness(
    parts: Parts, state: NightState, query: AvailabilityQuery, *, is_guest: bool
) -> NoOffer | None:
    """Why it is too late for the slot: it has ended, or no guest is let in any more. It is all
    about an answer that time alone changes."""
    if state.info is None:
        return None
    now = instant_text(parts.live.clock.now())
    if (query.slot_until or state.info.closes_at) <= now:
        return SLOT_OVER
    return TOO_LATE if is_guest and now > state.info.last_entry_at else None


def offers(
    state: NightState,
    venue: Venue,
    query: AvailabilityQuery,
    *,
    late: NoOffer | None,
    known: Rankings,
) -> Availability:
    """What the night can offer the party; of what is `known`, where that is the same.

    Raises NotValid: a wish that no table can meet.
    """
    nothing = Availability(night=state.night, version=state.changed["public"], sets=[])
    info = state.info
    if info is None or info.status != "open":
        return msgspec.structs.replace(nothing, problem=SEALED)
    if late is not None:
        return msgspec.structs.replace(nothing, problem=late)
    begin = query.slot_from or info.doors_at
    end = query.slot_until or info.closes_at
    if not info.doors_at <= begin < end <= info.closes_at:
        outside = NoOffer("slot_outside_night", "Choose a time between doors and close.")
        return msgspec.structs.replace(nothing, problem=outside)
    free = free_tables(state, begin, end)
    wishes = query.prefers, query.floor, query.zone, query.feature
    facts = tuple(
        (t.number, t.capacity_min, t.capacity_max, t.capacity_optimal, t.deposit_pence,
         t.minimum_spend_pence)
        for t in state.tables.values()
    )  # fmt: skip
    try:
        whole = whole_among(venue.combinations, free)
        ranking = known.of(
            (whole, query.party, wishes, facts), lambda: ranked(state, venue, query, whole)
        )
    except NoSetLargeEnough as error:
        too_large = NoOffer(
            "party_too_large",
            sentence(error),
            waitlist=True,
            largest_party=error.largest,
            contact=venue.contact,
        )
        return msgspec.structs.replace(nothing, problem=too_large)
    except PreferenceUnknown as error:
        asked = {"floor": query.floor, "zone": query.zone, "feature": query.feature}
        place = error.kind if asked.get(error.kind) else "prefers"
        raise NotValid("not_valid", sentence(error), place=f"?{place}") from error
    sets = [one for one in ranking if free.issuperset(one.tables)]
    if not sets:
        full = NoOffer(
            "fully_booked",
            "Every table for this party is taken at that time. Join the waitlist: a table that "
            "comes free is offered to you.",
            waitlist=True,
        )
        return msgspec.structs.replace(nothing, problem=full)
    return msgspec.structs.replace(nothing, sets=sets)


def ranked(
    state: NightState, venue: Venue, query: AvailabilityQuery, whole: AbstractSet[tuple[int, ...]]
) -> list[Offer]:
    """The party's sets, best first, as they are shown when they are free. Raises as `rank`."""
    tables = tables_as_offered(venue.tables, state.tables.values())
    sets = rank(tables, venue.combinations, whole, query.party, wishes_of(venue, query))
    return [
        Offer(
            tables=list(one.tables),
            strategy=one.strategy,
            reasons=[OfferReason(r.word, r.sentence) for r in one.reasons],
            deposit_pence=one.deposit_pence,
            minimum_spend_pence=one.minimum_spend_pence,
        )
        for one in sets
    ]


def free_tables(state: NightState, begin: str, end: str) -> set[int]:
    """The tables that nobody claims during the slot, and that are in service."""
    return {
        number
        for number, table in state.tables.items()
        if any(since <= begin and end <= until for since, until in free_windows(state, table))
    }


def wishes_of(venue: Venue, query: AvailabilityQuery) -> Preferences:
    """What the party would like. Raises PreferenceUnknown: a word that no table has."""
    words = [word.strip() for text in query.prefers for word in text.split(",") if word.strip()]
    said = preferences_of(venue.tables, words)
    return Preferences(
        floor=query.floor or said.floor,
        zone=query.zone or said.zone,
        features=(*query.feature, *said.features),
    )


async def with_alternatives(parts: Parts, refusal: Conflict, wanted: HoldTables) -> Conflict:
    """The refusal of a hold that came too late, with what is free instead, best first.

    The floor in memory may be a moment behind the transaction that refused, so a set with the table
    that was just lost is left out. `waitlist` is the body to join it with, where the party may: no
    set is left and last entry is not over. Whose it is comes along.
    """
    state = await parts.live.ensure(wanted.night)
    query = AvailabilityQuery(
        party=wanted.party, slot_from=wanted.slot_from, slot_until=wanted.slot_until
    )
    kept, _ = answer_of(parts, state, query)
    lost = refusal.fields.get("table")
    lost = {lost} if lost is not None else set(wanted.tables)
    sets = [one for one in kept.offered.sets if not lost & set(one.tables)]
    fields = {**refusal.fields, "alternatives": msgspec.to_builtins(sets[:ALTERNATIVES_MOST])}
    problem = kept.offered.problem
    # For staff, too: they book after last entry, and nobody is offered a table then.
    late = lateness(parts, state, query, is_guest=True)
    if not sets and late is None and (problem is None or problem.waitlist):
        slot = {"from": wanted.slot_from, "until": wanted.slot_until}
        fields["waitlist"] = {
            "night": wanted.night,
            "party": wanted.party,
            **{name: at for name, at in slot.items() if at is not None},
        }
    return Conflict(refusal.reason, refusal.detail, **fields)


def sentence(error: Exception) -> str:
    """What the floor plan says against something, as a sentence for people."""
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."
