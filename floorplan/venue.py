"""The venue as its one data file describes it: floors, sixteen tables, doors, hours, limits.

The file is `venue.toml` beside this module. It is read once at start; whatever is wrong with it is
told in one message that lists every problem with its place in the file and what to do about it.
Lengths are centimetres (x to the right, y down), money is pence, local times are the venue's own.
"""

import copy
import tomllib
from collections.abc import Callable, Iterator
from datetime import time
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from floorplan.footprint import Place, Point, inside, overlap
from floorplan.refunds import Refunds, refund_problems
from floorplan.shape import place_of, put_right

TABLE_NUMBERS: Final = range(1, 17)  # what the venue has; codes, screens and claims rely on it
FLOOR_NAMES: Final = ("upstairs", "downstairs")

FloorName = Literal["upstairs", "downstairs"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
TableKind = Literal["booth", "round", "high", "stage", "vip"]
FixtureKind = Literal["bar", "stage", "stairs", "dj", "toilets", "cloakroom", "dance_floor", "rope"]
Text = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]+$")]
Word = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z0-9][a-z0-9 -]*$")]
Identifier = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9-]*$")]
VenueNumber = Annotated[int, Meta(ge=0, le=65_535)]  # the codes carry it in 16 bits


class VenueInvalid(Exception):
    """The venue file cannot be used; `problems` has one line for each thing to mend."""

    def __init__(self, source: str, problems: tuple[str, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems

    def __str__(self) -> str:
        count = len(self.problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        return f"{self.source} has {count} problem{'s' if count > 1 else ''}:{lines}"


class Capacity(Struct, frozen=True, forbid_unknown_fields=True):
    """How many people a table takes; `optimal` is the party that sits best there."""

    min: int
    max: int
    optimal: int


class Table(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the sixteen places; prices are the default that a night may change."""

    number: int
    name: Text
    floor: FloorName
    kind: TableKind
    zone: Word
    capacity: Capacity
    deposit_pence: int
    minimum_spend_pence: int
    place: Place
    features: tuple[Word, ...] = ()


class Fixture(Struct, frozen=True, forbid_unknown_fields=True):
    """A thing of the room that does not move: bar, stage, stairs."""

    id: Identifier
    kind: FixtureKind
    label: str
    place: Place


class Floor(Struct, frozen=True, forbid_unknown_fields=True):
    """One storey: its outline (a closed polygon, points in cm) and what stands in it."""

    name: FloorName
    title: Text
    outline: tuple[Point, ...]
    fixtures: tuple[Fixture, ...] = ()


class Combination(Struct, frozen=True, forbid_unknown_fields=True):
    """Tables that are offered as one to parties of `party_min` to `party_max`."""

    tables: tuple[int, ...]
    strategy: Annotated[str, Meta(pattern=r"^[A-Z][A-Z_]*$", max_length=40)]
    party_min: int
    party_max: int


class Door(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a device stands; passing it inwards one arrives on `floor`.

    With `leaves` the door is inside the house: whoever passes it inwards leaves that floor, and
    the number of people in the house stays the same. With `own_floor_only` parties whose tables are
    on another floor are sent to that floor's door.
    """

    id: Identifier
    name: Text
    floor: FloorName
    place: Place
    leaves: FloorName | None = None
    own_floor_only: bool = False


class Hours(Struct, frozen=True, forbid_unknown_fields=True):
    """Local times of an ordinary night, and the weekdays that have one."""

    doors: time
    last_entry: time
    closes: time
    weekdays: tuple[Weekday, ...]


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """How long an unpaid hold lasts, how often it may be extended, how late a party may be.

    A party of which nobody came is overdue when its grace is over; `no_show_minutes` after its slot
    began it is a no-show by itself, 0: only when somebody says so. Guests change a booking
    themselves until `change_minutes` before it begins.
    `holds_per_address` unpaid holds may come from one address at a time. A party of the waitlist
    has `offer_minutes` to answer an offer, and `offers` before its place on the list ends.
    """

    hold_minutes: int
    hold_extensions: int
    hold_extension_minutes: int
    grace_minutes: int
    holds_per_address: int
    offer_minutes: int
    offers: int
    no_show_minutes: int = 0
    change_minutes: int = 120


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a customer asks for what the page cannot do, as a party beyond every set of tables."""

    phone: Annotated[str, Meta(pattern=r"^\+[0-9 ]{6,20}$")]
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class LegalLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """The most people that one paper allows inside, per floor and in the house."""

    floors: dict[FloorName, int]
    house: int


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What the licence and the fire risk assessment allow; of each pair the lower counts."""

    licence: LegalLimit
    fire: LegalLimit

    @property
    def floors(self) -> dict[FloorName, int]:
        """The limit of each floor that counts."""
        return {f: min(most, self.fire.floors[f]) for f, most in self.licence.floors.items()}

    @property
    def house(self) -> int:
        """The limit of the house that counts."""
        return min(self.licence.house, self.fire.house)


class Venue(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of the file; `to_confirm` maps paths of invented values to the question to ask."""

    name: Text
    id: VenueNumber
    time_zone: str
    night_starts: time
    hours: Hours
    rules: Rules
    refunds: Refunds
    limits: Limits
    contact: Contact
    floors: tuple[Floor, ...]
    tables: tuple[Table, ...]
    combinations: tuple[Combination, ...]
    doors: tuple[Door, ...]
    to_confirm: dict[str, str]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that decides which night an instant belongs to."""
        return ZoneInfo(self.time_zone)

    def get_floor(self, name: str) -> Floor:
        """Return the floor of that name. Raises KeyError: there is none."""
        return {str(floor.name): floor for floor in self.floors}[name]

    def get_table(self, number: int) -> Table:
        """Return the table of that number. Raises KeyError: there is none."""
        return {table.number: table for table in self.tables}[number]

    def get_door(self, door_id: str) -> Door:
        """Return the door of that id. Raises KeyError: there is none."""
        return {door.id: door for door in self.doors}[door_id]

    def tables_on(self, floor: str) -> tuple[Table, ...]:
        """Return the floor's tables by ascending number."""
        mine = (table for table in self.tables if table.floor == floor)
        return tuple(sorted(mine, key=lambda table: table.number))


def load_venue(path: Path | None = None) -> Venue:
    """Return the validated venue of a TOML file (default: the one shipped with the package).

    Raises VenueInvalid: the file is missing, is not TOML, or has problems (all are listed).
    """
    source = str(path) if path else "floorplan/venue.toml"
    try:
        data = (path or resources.files("floorplan").joinpath("venue.toml")).read_bytes()
        document = tomllib.loads(data.decode())
    except OSError as error:
        reason = error.strerror or str(error)
        raise VenueInvalid(source, (f"cannot be read: {reason}; give a file",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise VenueInvalid(source, (f"is not TOML: {error}; mend this first",)) from error
    return read_venue(document, source)


def read_venue(document: dict[str, Any], source: str = "the venue") -> Venue:
    """Return the validated venue of a parsed document. Raises VenueInvalid, like load_venue."""
    try:
        venue = msgspec.convert(document, Venue)
    except msgspec.ValidationError:
        document = copy.deepcopy(document)
        fields = {field.name: field.type for field in msgspec.structs.fields(Venue)}
        shape = put_right(document, _shipped(), fields, _LISTS)
        venue = msgspec.convert(document, Venue)
    else:
        shape = []
    mended = tuple(place_of(problem) for problem in shape)
    problems = [problem for rule in RULES for problem in rule(venue)]
    problems += _mark_problems(venue, document)
    # What was put right by the shipped file says nothing about this one.
    problems = shape + [one for one in problems if place_of(one) not in mended]
    if problems:
        raise VenueInvalid(source, tuple(problems))
    return venue


def _shipped() -> dict[str, Any]:
    return tomllib.loads(resources.files("floorplan").joinpath("venue.toml").read_text("utf-8"))


def values_at(document: Any, path: str) -> list[str]:
    """Return the exact paths of all values that a `to_confirm` path covers, none if it is stale."""
    return [leaf for leaf in leaf_paths(document) if _covers(path, leaf)]


def leaf_paths(document: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of every single value; elements of a list are counted from 0."""
    if isinstance(document, dict):
        steps = list(document.items())
    elif isinstance(document, list | tuple):
        steps = [(str(index), value) for index, value in enumerate(document)]
    else:
        yield prefix
        return
    for step, value in steps:
        yield from leaf_paths(value, f"{prefix}.{step}" if prefix else step)


def _covers(path: str, leaf: str) -> bool:
    wanted, steps = path.split("."), leaf.split(".")
    matches = zip(wanted, steps, strict=False)
    return len(wanted) <= len(steps) and all(want in ("*", step) for want, step in matches)


# ------------------------------------------------------------------------------ shape of the file
ListItem = type[Floor] | type[Table] | type[Combination] | type[Door]
_LISTS: Final[dict[str, ListItem]] = {
    "floors": Floor, "tables": Table, "combinations": Combination, "doors": Door,
}  # fmt: skip


# ---------------------------------------------------------------------------- rules of the contents
def _identity_problems(venue: Venue) -> Iterator[str]:
    try:
        ZoneInfo(venue.time_zone)
    except (KeyError, ValueError, OSError):
        yield f"time_zone: {venue.time_zone!r} is not known; write one like Europe/London"
    yield from _repeated("floors", "name", [floor.name for floor in venue.floors])
    yield from _repeated("doors", "id", [door.id for door in venue.doors])
    fixtures = [fixture.id for floor in venue.floors for fixture in floor.fixtures]
    yield from _repeated("floors.fixtures", "id", fixtures)
    for name in FLOOR_NAMES:
        if name not in [floor.name for floor in venue.floors]:
            yield f"floors: {name} is missing; add a [[floors]] with that name"
    if not venue.doors:
        yield "doors: there is none; add the one where guests come in"


def _number_problems(venue: Venue) -> Iterator[str]:
    numbers = [table.number for table in venue.tables]
    yield from _repeated("tables", "number", numbers)
    missing = [str(number) for number in TABLE_NUMBERS if number not in numbers]
    if missing:
        yield f"tables: {', '.join(missing)} missing; there are exactly 16 tables, 1 to 16"
    for place, table in _tables(venue):
        if table.number not in TABLE_NUMBERS:
            yield f"{place}: the number is outside 1 to 16; give it one of those"


def _money_and_capacity_problems(venue: Venue) -> Iterator[str]:
    for place, table in _tables(venue):
        low, high, best = table.capacity.min, table.capacity.max, table.capacity.optimal
        if not 1 <= low <= best <= high:
            yield (
                f"{place}: capacity min {low}, optimal {best}, max {high};"
                " make 1 <= min <= optimal <= max"
            )
        for field, pence in (
            ("deposit_pence", table.deposit_pence),
            ("minimum_spend_pence", table.minimum_spend_pence),
        ):
            if pence < 0:
                yield f"{place}: {field} is {pence}; write 0 or more"
        if 0 <= table.minimum_spend_pence < table.deposit_pence:
            yield (
                f"{place}: the deposit of {table.deposit_pence} is above the minimum spend of"
                f" {table.minimum_spend_pence}; lower the deposit (it counts towards the spend)"
            )


def _combination_problems(venue: Venue) -> Iterator[str]:
    known = {table.number: table for table in venue.tables}
    for index, combination in enumerate(venue.combinations):
        place = f"combinations[{index}]"
        yield from _repeated(place, "table", list(combination.tables))
        if len(combination.tables) < 2:
            yield f"{place}: has {len(combination.tables)} table; name two or more"
        for number in combination.tables:
            if number not in known:
                yield f"{place}: table {number} does not exist; name one of 1 to 16"
        members = [known[number] for number in combination.tables if number in known]
        if len({table.floor for table in members}) > 1:
            yield f"{place}: its tables are on different floors; combine tables of one floor"
        if not 1 <= combination.party_min <= combination.party_max:
            yield (
                f"{place}: party_min {combination.party_min}, party_max {combination.party_max};"
                " make 1 <= party_min <= party_max"
            )
        seats = sum(table.capacity.max for table in members)
        if len(members) == len(combination.tables) and combination.party_max > seats:
            yield (
                f"{place}: party_max {combination.party_max} is above the {seats} that its tables"
                " take together; lower it or raise their capacity"
            )


def _time_problems(venue: Venue) -> Iterator[str]:
    hours, rules = venue.hours, venue.rules
    doors, last_entry, closes = (
        _minutes_into_night(local, venue.night_starts)
        for local in (hours.doors, hours.last_entry, hours.closes)
    )
    if last_entry <= doors:
        yield f"hours: last entry {hours.last_entry} is not after doors {hours.doors}; mend one"
    if last_entry > closes:
        yield f"hours: last entry {hours.last_entry} is after close {hours.closes}; mend one"
    if closes <= doors:
        yield f"hours: close {hours.closes} is not after doors {hours.doors}; mend one"
    yield from _repeated("hours", "weekday", list(hours.weekdays))
    if not hours.weekdays:
        yield "hours: no weekday is open; name at least one"
    for field in ("hold_minutes", "hold_extension_minutes", "offer_minutes"):
        if not 1 <= getattr(rules, field) <= 120:
            yield f"rules: {field} is {getattr(rules, field)}; write 1 to 120"
    yield from refund_problems(venue.refunds)
    if not 0 <= rules.hold_extensions <= 5:
        yield f"rules: hold_extensions is {rules.hold_extensions}; write 0 to 5"
    for field in ("holds_per_address", "offers"):
        if not 1 <= getattr(rules, field) <= 20:
            yield f"rules: {field} is {getattr(rules, field)}; write 1 to 20"
    if not 0 <= rules.grace_minutes <= 240:
        yield f"rules: grace_minutes is {rules.grace_minutes}; write 0 to 240"
    if rules.no_show_minutes and not rules.grace_minutes <= rules.no_show_minutes <= 480:
        yield (
            f"rules: no_show_minutes is {rules.no_show_minutes};"
            " write 0 (never by itself), or from the grace's length to 480"
        )
    if not 0 <= rules.change_minutes <= 10_080:
        yield f"rules: change_minutes is {rules.change_minutes}; write 0 to 10080"


def _limit_problems(venue: Venue) -> Iterator[str]:
    for paper, limits in (("licence", venue.limits.licence), ("fire", venue.limits.fire)):
        place = f"limits.{paper}"
        for name in FLOOR_NAMES:
            if limits.floors.get(name, 0) < 1:
                yield f"{place}: {name} has no limit of 1 or more; add what it allows"
        total = sum(limits.floors.values())
        if limits.house < 1:
            yield f"{place}: house is {limits.house}; write what it allows"
        elif limits.house > total:
            yield (
                f"{place}: house {limits.house} is above the floors' sum {total}; lower it to that"
            )


def _place_problems(venue: Venue) -> Iterator[str]:
    for place, table in _tables(venue):
        if table.place.width_cm < 60 or table.place.depth_cm < 60:
            yield f"{place}: is smaller than 60 x 60 cm; give its size with the seats"
    for floor in venue.floors:
        if len(floor.outline) < 3:
            yield f"floor {floor.name}: the outline has fewer than 3 points; draw the room"
            continue
        on_floor = [(p, t) for p, t in _tables(venue) if t.floor == floor.name]
        things = [(p, table.place) for p, table in on_floor]
        fixed = [(f"fixture {fixture.id}", fixture.place) for fixture in floor.fixtures]
        for place, thing in things + fixed:
            if not inside(thing, floor.outline):
                yield f"{place}: stands outside the outline of {floor.name}; move it in"
        for index, (place, thing) in enumerate(things):
            for other_place, other in things[index + 1 :] + fixed:
                if overlap(thing, other):
                    yield f"{place}: overlaps {other_place}; move one of them"


def _door_problems(venue: Venue) -> Iterator[str]:
    outlines = {floor.name: floor.outline for floor in venue.floors}
    for index, door in enumerate(venue.doors):
        spot = Place(door.place.x_cm, door.place.y_cm, 1, 1)
        if len(outlines.get(door.floor, ())) > 2 and not inside(spot, outlines[door.floor]):
            yield f"doors[{index}] ({door.id}): its centre is outside {door.floor}; move it in"
        if door.leaves == door.floor:
            yield f"doors[{index}] ({door.id}): leaves the floor that it enters; name the other"
    if venue.doors and all(door.leaves for door in venue.doors):
        yield "doors: every door is inside the house; one must be without `leaves`"


RULES: Final[tuple[Callable[[Venue], Iterator[str]], ...]] = (
    _identity_problems,
    _number_problems,
    _money_and_capacity_problems,
    _combination_problems,
    _time_problems,
    _limit_problems,
    _place_problems,
    _door_problems,
)


def _mark_problems(venue: Venue, document: dict[str, Any]) -> list[str]:
    return [
        f'to_confirm: "{path}" names nothing in the file; remove the mark or mend its path'
        for path in venue.to_confirm
        if path.startswith("to_confirm") or not values_at(document, path)
    ]


Value = TypeVar("Value", int, str)


def _repeated(place: str, field: str, values: list[Value]) -> Iterator[str]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{place}: {field} {value} occurs {values.count(value)} times; keep one"


def _tables(venue: Venue) -> Iterator[tuple[str, Table]]:
    for index, table in enumerate(venue.tables):
        yield f"tables[{index}] (table {table.number})", table


def _minutes_into_night(local: time, starts: time) -> int:
    return ((local.hour - starts.hour) * 60 + local.minute - starts.minute) % (24 * 60)
