"""Reading the floor: the venue, nights, what is free, the state now and then, the book."""

import hashlib
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from app.actions.nights import limits_of, shown_table
from app.db import book
from app.db.nights import NightRow, find_night, list_nights
from app.errors import NotAllowed, NotFound, NotValid
from app.web.answers import Answer, encoded
from app.web.operations import Call
from app.wire import Instant, NightAnswer, PartySize
from floorplan.allocation import (
    NoSetLargeEnough,
    Preferences,
    PreferenceUnknown,
    allocate,
    tables_as_offered,
)
from floorplan.drawing import floor_svg
from floorplan.fold import apply
from floorplan.lines import line_of
from floorplan.nights import instant_text, night_of, parse_instant
from floorplan.projection import Document, free_windows, project
from floorplan.state import NightState, empty_state
from floorplan.venue import Venue

EVENTS_PER_ANSWER: Final = 500
NIGHTS_BACK: Final = timedelta(days=1)  # last night may still be open at 06:05

Version = Annotated[int, Meta(ge=0, le=2**53)]


class AvailabilityQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Without `from` and `until` the slot is one seating, doors to close, as it is for a hold."""

    party: PartySize
    floor: Annotated[str, Meta(max_length=40)] | None = None
    zone: Annotated[str, Meta(max_length=40)] | None = None
    feature: tuple[Annotated[str, Meta(max_length=40)], ...] = ()
    slot_from: Instant | None = msgspec.field(default=None, name="from")
    slot_until: Instant | None = msgspec.field(default=None, name="until")


class StateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The state at a version or at an instant; without either, now."""

    version: Version | None = None
    at: Instant | None = None
    audience: Literal["manager", "door"] | None = None


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: Version = 0
    limit: Annotated[int, Meta(ge=1, le=EVENTS_PER_ANSWER)] = EVENTS_PER_ANSWER


class Nights(Struct, frozen=True):
    tonight: str | None
    now: str
    speed: float
    nights: list[NightAnswer]


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


class NoOffer(Struct, frozen=True):
    """Why there is no set, where there is none."""

    reason: str
    detail: str


class Availability(Struct, frozen=True, omit_defaults=True):
    night: str
    version: int
    sets: list[Offer]
    problem: NoOffer | None = None


class State(Struct, frozen=True):
    night: str
    epoch: str
    version: int
    at: str
    state: Document


class EventAnswer(Struct, frozen=True, omit_defaults=True):
    version: int
    type: str
    subject: str
    at: str
    actor: str
    correlation_id: str
    payload: msgspec.Raw
    line: dict[str, Any] | None = None


class Events(Struct, frozen=True):
    """`version` is the book's head: there is more while it is beyond the last event here."""

    night: str
    epoch: str
    version: int
    events: list[EventAnswer]


class VenueAnswer:
    """`GET /v1/floor`: the same bytes for as long as the worker runs, so encoded once."""

    def __init__(self, venue: Venue) -> None:
        self._body = msgspec.json.encode(venue_document(venue))

    async def __call__(self, call: Call) -> Answer:
        return tagged(call, self._body, f'"floor-{hash_of(self._body)}"')


def venue_document(venue: Venue) -> dict[str, Any]:
    """The venue as screens need it: names, places, prices, rules, and the drawings as SVG text."""
    return {
        "venue": venue.name,
        "time_zone": venue.time_zone,
        "grace_minutes": venue.rules.grace_minutes,
        "change_minutes": venue.rules.change_minutes,
        "hold_minutes": venue.rules.hold_minutes,
        "hold_extension_minutes": venue.rules.hold_extension_minutes,
        "floors": [msgspec.to_builtins(floor) | {"label": floor.title} for floor in venue.floors],
        "tables": [
            msgspec.to_builtins(table) | {"x_cm": table.place.x_cm, "y_cm": table.place.y_cm}
            for table in venue.tables
        ],
        "combinations": [msgspec.to_builtins(each) for each in venue.combinations],
        "doors": [
            {"id": door.id, "name": door.name, "floor": door.floor, "leaves": door.leaves}
            for door in venue.doors
        ],
        "limits": {
            "floors": venue.limits.floors,
            "house": venue.limits.house,
            **msgspec.to_builtins(venue.limits),
        },
        "drawings": {str(f.name): floor_svg(venue, str(f.name)) for f in venue.floors},
    }


async def get_nights(call: Call) -> Answer:
    """The night in progress and those to come."""
    parts = call.parts
    now = parts.live.clock.now()
    since = night_of(now, zone=parts.venue.zone, starts=parts.venue.night_starts) - NIGHTS_BACK
    async with parts.db.reading() as conn:
        rows = await list_nights(conn, since)
    return encoded(
        Nights(
            tonight=parts.live.tonight(),
            now=instant_text(now),
            speed=parts.live.clock.speed,
            nights=[night_answer(row) for row in rows],
        )
    )


async def get_night(call: Call) -> Answer:
    async with call.parts.db.reading() as conn:
        row = await find_night(conn, date_of(call.path["night"]))
    if row is None:
        raise night_not_found(call.path["night"])
    return encoded(night_answer(row))


def night_answer(row: NightRow) -> NightAnswer:
    return NightAnswer(
        night=row.night,
        name=row.name,
        status=row.status,
        doors_at=row.doors_at,
        last_entry_at=row.last_entry_at,
        closes_at=row.closes_at,
        ends_at=row.ends_at,
        limits=limits_of(row),
        tables=[shown_table(table) for table in row.tables],
        version=row.version,
    )


async def get_availability(call: Call) -> Answer:
    """The sets that fit, best first, from memory; 304 while nothing moved for the public."""
    parts, query = call.parts, call.query
    state = await parts.live.ensure(call.path["night"])
    now = instant_text(parts.live.clock.now())
    # Time alone changes one thing about the answer: that the slot is over.
    over = state.info is not None and (query.slot_until or state.info.closes_at) <= now
    wanted = hash_of(msgspec.json.encode((query, over)))
    tag = f'"{parts.live.epoch}-{state.changed["public"]}-{wanted}"'
    if matches(call.etag, tag):
        parts.metrics.count_availability("not_modified")
        return Answer(304, headers={"ETag": tag}, cache_control="no-cache")
    parts.metrics.count_availability("memory")
    offered = offers(state, parts.venue, query, over=over)
    return tagged(call, msgspec.json.encode(offered), tag)


def offers(
    state: NightState, venue: Venue, query: AvailabilityQuery, *, over: bool
) -> Availability:
    """What the night can offer the party. Raises NotValid: a wish that no table can meet."""
    nothing = Availability(night=state.night, version=state.version, sets=[])
    info = state.info
    if info is None or info.status != "open":
        closed = NoOffer("night_sealed", "This night is over. Choose another night.")
        return msgspec.structs.replace(nothing, problem=closed)
    if over:
        late = NoOffer("slot_over", "That time is over. Choose a later slot or another night.")
        return msgspec.structs.replace(nothing, problem=late)
    begin = query.slot_from or info.doors_at
    end = query.slot_until or info.closes_at
    if not info.doors_at <= begin < end <= info.closes_at:
        outside = NoOffer("slot_outside_night", "Choose a time between doors and close.")
        return msgspec.structs.replace(nothing, problem=outside)
    free = {
        number
        for number, table in state.tables.items()
        if any(since <= begin and end <= until for since, until in free_windows(state, table))
    }
    tables = tables_as_offered(venue.tables, state.tables.values())
    try:
        sets = allocate(
            tables,
            venue.combinations,
            free,
            query.party,
            Preferences(floor=query.floor, zone=query.zone, features=tuple(query.feature)),
        )
    except NoSetLargeEnough as error:
        too_large = NoOffer("party_too_large", sentence(error))
        return msgspec.structs.replace(nothing, problem=too_large)
    except PreferenceUnknown as error:
        raise NotValid("not_valid", sentence(error), place=f"?{error.kind}") from error
    if not sets:
        full = NoOffer("fully_booked", "Every table for this party is taken at that time.")
        return msgspec.structs.replace(nothing, problem=full)
    return msgspec.structs.replace(
        nothing,
        sets=[
            Offer(
                tables=list(one.tables),
                strategy=one.strategy,
                reasons=[OfferReason(r.word, r.sentence) for r in one.reasons],
                deposit_pence=one.deposit_pence,
                minimum_spend_pence=one.minimum_spend_pence,
            )
            for one in sets
        ],
    )


async def get_state(call: Call) -> Answer:
    """The floor now, from memory; or as it was, from the book. A version is the same bytes.

    The floor now carries an ETag: 304 while nothing moved.
    """
    parts, query, night = call.parts, call.query, call.path["night"]
    audience = query.audience or _audience_of(call)
    if not call.principal.may(f"live:{audience}"):
        raise NotAllowed("not_allowed", f"Your role does not see what the {audience} sees.")
    if query.version is not None and query.at is not None:
        raise NotValid("not_valid", "Give a version or an instant, not both.", place="?at")
    state = await parts.live.ensure(night)
    at = None if query.at is None else parse_instant(query.at)
    headers = {}
    if at is None and query.version is None:
        # A screen without a live connection asks again and again.
        headers["ETag"] = tag = f'"{parts.live.epoch}-{state.version}-{audience}"'
        if matches(call.etag, tag):
            return Answer(304, headers=headers)
    if at is not None or (query.version is not None and query.version != state.version):
        if query.version is not None:
            await _check_version(call, night, query.version)
        async with parts.db.reading() as conn:
            state = await book.read_state(conn, night, query.version, at)
    return encoded(
        State(night, parts.live.epoch, state.version, state.at, project(state, audience)),
        200,
        **headers,
    )


async def _check_version(call: Call, night: str, version: int) -> None:
    """Raises NotFound: the book has not come so far. Waits a moment for one just promised."""
    async with call.parts.db.reading() as conn:
        head = await book.read_head(conn, night)
    if version > head:
        raise NotFound(
            "version_not_found", f"The book of {night} has {head} versions so far.", version=head
        )


async def get_events(call: Call) -> Answer:
    """The book from a version on, each event with its activity line."""
    parts, night, query = call.parts, call.path["night"], call.query
    async with parts.db.reading() as conn:
        head = await book.read_head(conn, night)
        if head == 0:
            raise night_not_found(night)
        found = await book.list_events(conn, night, query.after, query.limit)
        before = empty_state(night)
        if found:
            before = await book.read_state(conn, night, query.after)
    answers = []
    for event in found:
        line = line_of(before, event)
        before = apply(before, event).state
        answers.append(
            EventAnswer(
                version=event.version,
                type=event.type,
                subject=event.subject,
                at=event.at,
                actor=event.actor,
                correlation_id=event.correlation_id,
                payload=msgspec.Raw(event.payload),
                line=line,
            )
        )
    return encoded(Events(night, parts.live.epoch, head, answers))


def _audience_of(call: Call) -> str:
    return "manager" if call.principal.may("live:manager") else "door"


def tagged(call: Call, body: bytes, tag: str) -> Answer:
    """The body under its ETag, or 304 when the caller has it already."""
    if matches(call.etag, tag):
        return Answer(304, headers={"ETag": tag}, cache_control="no-cache")
    return Answer(200, body, headers={"ETag": tag}, cache_control="no-cache")


def matches(seen: str | None, tag: str) -> bool:
    """Whether If-None-Match names the tag; compared weakly, since a proxy may weaken it."""
    if seen is None:
        return False
    return any(one.strip().removeprefix("W/") == tag for one in seen.split(","))


def sentence(error: Exception) -> str:
    """What the floor plan says against something, as a sentence for people."""
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."


def hash_of(body: bytes) -> str:
    """Sixteen hexadecimal digits that change with the bytes."""
    return hashlib.sha256(body).hexdigest()[:16]


def date_of(night: str) -> date:
    """The business date of a night that the endpoint has checked."""
    return date.fromisoformat(night)


def night_not_found(night: str) -> NotFound:
    return NotFound("night_not_found", f"There is no night {night}. GET /v1/nights lists them.")
