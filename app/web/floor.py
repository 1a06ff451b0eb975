"""Reading the floor: the venue, nights, the state now and then, the book."""

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
from app.web.moments import instant_asked
from app.web.operations import Call
from app.wire import Moment, NightAnswer
from floorplan.drawing import floor_svg
from floorplan.fold import apply
from floorplan.lines import line_of
from floorplan.nights import instant_text, night_of, parse_instant
from floorplan.projection import Document, project
from floorplan.state import empty_state
from floorplan.venue import Venue

EVENTS_PER_ANSWER: Final = 500
NIGHTS_BACK: Final = timedelta(days=1)  # last night may still be open at 06:05

Version = Annotated[int, Meta(ge=0, le=2**53)]


class StateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """The state at a version, or at an instant or local time of the night; without any, now."""

    version: Version | None = None
    at: Moment | None = None
    audience: Literal["manager", "door"] | None = None


class EventsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    after: Version = 0
    limit: Annotated[int, Meta(ge=1, le=EVENTS_PER_ANSWER)] = EVENTS_PER_ANSWER


class Nights(Struct, frozen=True):
    tonight: str | None
    now: str
    speed: float
    nights: list[NightAnswer]


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
        "offer_minutes": venue.rules.offer_minutes,
        "contact": msgspec.to_builtins(venue.contact),
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
    at = None
    if query.at is not None:
        at = parse_instant(instant_asked(query.at, night, parts.venue))
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


def hash_of(body: bytes) -> str:
    """Sixteen hexadecimal digits that change with the bytes."""
    return hashlib.sha256(body).hexdigest()[:16]


def date_of(night: str) -> date:
    """The business date of a night that the endpoint has checked."""
    return date.fromisoformat(night)


def night_not_found(night: str) -> NotFound:
    return NotFound("night_not_found", f"There is no night {night}. GET /v1/nights lists them.")
