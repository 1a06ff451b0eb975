"""Which tables to offer a party: pure, deterministic, and each answer explains itself.

Order of an answer, best first: single tables that fit; then single tables whose use would break a
combination that is still whole; then combinations. Within each of these a wish that is met counts
more than spare seats, and spare seats more than the distance from the table's best party.

Of the tables that are taken only one thing matters to a set of free ones: which combinations are
still whole. So a party's ranking is made once for these, and what is free picks from it.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from floorplan.venue import Capacity, Combination, Table

SINGLE: Final = "SINGLE"

# Points off 1000. Each step outweighs all that follow it together: 300 > 90 + 75 + 60 + 63 + 9,
# and a wish for a floor (90) or a zone (75) outweighs the most spare seats that count (63).
BREAKS_POINTS: Final = 300
COMBINED_POINTS: Final = 600
FLOOR_POINTS: Final = 90
ZONE_POINTS: Final = 75
FEATURE_POINTS: Final = 15
FEATURES_COUNTED_MAX: Final = 4
SPARE_SEAT_POINTS: Final = 7
DISTANCE_POINTS: Final = 1
SEATS_COUNTED_MAX: Final = 9


class NoSetLargeEnough(Exception):
    """No set of tables takes the party, free or not; `largest` is the most that one takes."""

    def __init__(self, party: int, largest: int) -> None:
        super().__init__(party, largest)
        self.party = party
        self.largest = largest

    def __str__(self) -> str:
        return (
            f"no table or combination takes a party of {self.party}; the largest takes"
            f" {self.largest}. Ask the club to arrange it, or book two parties"
        )


class PreferenceUnknown(ValueError):
    """The wish names a floor, zone or feature that no table has."""

    def __init__(self, kind: str, value: str, known: tuple[str, ...]) -> None:
        super().__init__(kind, value, known)
        self.kind = kind
        self.value = value
        self.known = known

    def __str__(self) -> str:
        return f"no table has the {self.kind} {self.value[:40]!r}; use {', '.join(self.known)}"


class Preferences(Struct, frozen=True, forbid_unknown_fields=True):
    """What a party would like; a wish orders the answer and never empties it."""

    floor: str | None = None
    zone: str | None = None
    features: tuple[str, ...] = ()


NO_WISHES: Final = Preferences()


class Reason(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a set stands where it does: a stable word, and a sentence for people."""

    word: str
    sentence: str


class TableSet(Struct, frozen=True, forbid_unknown_fields=True):
    """Tables that one booking may take together, by ascending number; money is their sum."""

    tables: tuple[int, ...]
    strategy: str
    reasons: tuple[Reason, ...]
    deposit_pence: int
    minimum_spend_pence: int
    score: int


class Offer(Protocol):
    """A table as one night offers it: capacity and prices may differ from the venue's."""

    @property
    def number(self) -> int: ...
    @property
    def capacity_min(self) -> int: ...
    @property
    def capacity_max(self) -> int: ...
    @property
    def capacity_optimal(self) -> int: ...
    @property
    def deposit_pence(self) -> int: ...
    @property
    def minimum_spend_pence(self) -> int: ...


def tables_as_offered(tables: Iterable[Table], offers: Iterable[Offer]) -> tuple[Table, ...]:
    """Return the tables that a night offers, with that night's capacities and prices."""
    by_number = {offer.number: offer for offer in offers}
    return tuple(
        msgspec.structs.replace(
            table,
            capacity=Capacity(
                min=offer.capacity_min, max=offer.capacity_max, optimal=offer.capacity_optimal
            ),
            deposit_pence=offer.deposit_pence,
            minimum_spend_pence=offer.minimum_spend_pence,
        )
        for table in tables
        if (offer := by_number.get(table.number)) is not None
    )


def allocate(
    tables: Sequence[Table],
    combinations: Sequence[Combination],
    free: AbstractSet[int],
    party: int,
    prefers: Preferences = NO_WISHES,
) -> list[TableSet]:
    """Return every set of free tables that takes the party, best first; empty when all are taken.

    `free` holds the numbers that may be booked for the slot in question. The answer depends on
    the arguments alone, not on their order. Raises as `rank`.
    """
    ranking = rank(tables, combinations, whole_among(combinations, free), party, prefers)
    return [one for one in ranking if free >= set(one.tables)]


def whole_among(
    combinations: Iterable[Combination], free: AbstractSet[int]
) -> frozenset[tuple[int, ...]]:
    """The tables of each combination that is free as a whole."""
    return frozenset(one.tables for one in combinations if free >= set(one.tables))


def rank(
    tables: Sequence[Table],
    combinations: Sequence[Combination],
    whole: AbstractSet[tuple[int, ...]],
    party: int,
    prefers: Preferences = NO_WISHES,
) -> list[TableSet]:
    """Return every set that takes the party while the combinations in `whole` are free, best first.

    Single tables are there whether they are free or not; of the combinations only those in `whole`.
    Raises NoSetLargeEnough: the party is beyond every set. PreferenceUnknown: a wish that no table
    can meet. ValueError: a party below 1.
    """
    if party < 1:
        raise ValueError(f"a party of {party} cannot be seated; give 1 or more people")
    _check_preferences(tables, prefers)
    by_number = {table.number: table for table in tables}
    possible = [c for c in combinations if all(number in by_number for number in c.tables)]
    largest = largest_party(tables, possible)
    if party > largest:
        raise NoSetLargeEnough(party, largest)
    kept = sorted(
        (c for c in possible if c.tables in whole), key=lambda combination: combination.tables
    )
    sets = [
        _single(table, kept, party, prefers)
        for table in tables
        if table.capacity.min <= party <= table.capacity.max
    ]
    sets += [
        _combined(combination, by_number, party, prefers)
        for combination in kept
        if combination.party_min <= party <= combination.party_max
    ]
    return sorted(sets, key=lambda s: (-s.score, s.minimum_spend_pence, s.tables))


def preferences_of(tables: Sequence[Table], words: Iterable[str]) -> Preferences:
    """The wish that the words name: each is a floor, a zone or a feature of some table.

    Two floors, or two zones, are no wish for either. Raises PreferenceUnknown: no table has it.
    """
    floors = {str(table.floor) for table in tables}
    zones = {table.zone for table in tables}
    features = {feature for table in tables for feature in table.features}
    wished = list(dict.fromkeys(words))
    for word in wished:
        if word not in floors | zones | features:
            raise PreferenceUnknown(
                "floor, zone or feature", word, tuple(sorted(floors | zones | features))
            )
    wished_floors = [word for word in wished if word in floors]
    wished_zones = [word for word in wished if word in zones - floors]
    return Preferences(
        floor=wished_floors[0] if len(wished_floors) == 1 else None,
        zone=wished_zones[0] if len(wished_zones) == 1 else None,
        features=tuple(word for word in wished if word in features - zones - floors),
    )


def combination_of(
    tables: Iterable[int], combinations: Iterable[Combination]
) -> Combination | None:
    """The one that joins exactly these tables; None: the venue offers no such one."""
    wanted = set(tables)
    return next((one for one in combinations if set(one.tables) == wanted), None)


def largest_party(tables: Iterable[Table], combinations: Iterable[Combination]) -> int:
    """Return the most people that one booking of these can have, whatever is free; 0 of none."""
    sizes = [table.capacity.max for table in tables]
    return max(sizes + [combination.party_max for combination in combinations], default=0)


def _single(table: Table, whole: list[Combination], party: int, prefers: Preferences) -> TableSet:
    spare, distance = table.capacity.max - party, abs(table.capacity.optimal - party)
    wishes, missed_points = _wishes([table], prefers)
    reasons = [_fit(table, party), *wishes]
    broken = [combination for combination in whole if table.number in combination.tables]
    reasons += [
        Reason("breaks_combination", f"takes {table.number} out of {_sum(c)}, kept for {_range(c)}")
        for c in broken
    ]
    if not broken:
        reasons += [
            Reason("keeps_combination", f"keeps {_sum(c)} for a large party") for c in whole
        ]
    return TableSet(
        tables=(table.number,),
        strategy=SINGLE,
        reasons=tuple(reasons),
        deposit_pence=table.deposit_pence,
        minimum_spend_pence=table.minimum_spend_pence,
        score=_score(BREAKS_POINTS if broken else 0, missed_points, spare, distance),
    )


def _combined(
    combination: Combination, by_number: dict[int, Table], party: int, prefers: Preferences
) -> TableSet:
    members = [by_number[number] for number in sorted(combination.tables)]
    wishes, missed_points = _wishes(members, prefers)
    together = Reason("combined", f"{_sum(combination)} together take {_range(combination)}")
    return TableSet(
        tables=tuple(table.number for table in members),
        strategy=combination.strategy,
        reasons=(together, *wishes),
        deposit_pence=sum(table.deposit_pence for table in members),
        minimum_spend_pence=sum(table.minimum_spend_pence for table in members),
        score=_score(COMBINED_POINTS, missed_points, combination.party_max - party, 0),
    )


def _score(class_points: int, missed_points: int, spare: int, distance: int) -> int:
    counted = min(spare, SEATS_COUNTED_MAX), min(distance, SEATS_COUNTED_MAX)
    return (
        1000
        - class_points
        - missed_points
        - counted[0] * SPARE_SEAT_POINTS
        - counted[1] * DISTANCE_POINTS
    )


def _fit(table: Table, party: int) -> Reason:
    spare = table.capacity.max - party
    if spare == 0:
        return Reason("fits_exactly", f"fits {party} exactly")
    room = f"room for {spare} more"
    if party == table.capacity.optimal:
        return Reason("fits_best", f"at its best with {party}, {room}")
    return Reason("fits", f"takes {table.capacity.min} to {table.capacity.max}, {room}")


def _wishes(members: Sequence[Table], prefers: Preferences) -> tuple[list[Reason], int]:
    """Judge each wish; a set meets one when all of its tables do."""
    judged: list[tuple[str, str, bool, int]] = []
    if prefers.floor is not None:
        met = all(table.floor == prefers.floor for table in members)
        judged.append(("floor", prefers.floor, met, FLOOR_POINTS))
    if prefers.zone is not None:
        met = all(table.zone == prefers.zone for table in members)
        judged.append(("zone", prefers.zone, met, ZONE_POINTS))
    for place, feature in enumerate(dict.fromkeys(prefers.features)):
        met = all(feature in table.features for table in members)
        judged.append(
            ("feature", feature, met, FEATURE_POINTS if place < FEATURES_COUNTED_MAX else 0)
        )
    reasons = [
        Reason(f"{kind}_as_asked", f"{value} as asked")
        if met
        else Reason(f"{kind}_not_as_asked", f"not {value} as asked")
        for kind, value, met, _ in judged
    ]
    return reasons, sum(points for _, _, met, points in judged if not met)


def _check_preferences(tables: Sequence[Table], prefers: Preferences) -> None:
    floors = {str(table.floor) for table in tables}
    zones = {table.zone for table in tables}
    features = {feature for table in tables for feature in table.features}
    wishes = [("floor", prefers.floor, floors), ("zone", prefers.zone, zones)]
    wishes += [("feature", feature, features) for feature in prefers.features]
    for kind, value, known in wishes:
        if value is not None and value not in known:
            raise PreferenceUnknown(kind, value, tuple(sorted(known)))


def _sum(combination: Combination) -> str:
    return " + ".join(str(number) for number in sorted(combination.tables))


def _range(combination: Combination) -> str:
    return f"{combination.party_min} to {combination.party_max}"
