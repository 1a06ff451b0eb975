"""Which sets of tables a party is offered, in what order, and whether each reason is true."""

import re
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan.allocation import (
    NO_WISHES,
    NoSetLargeEnough,
    Preferences,
    PreferenceUnknown,
    TableSet,
    allocate,
    largest_party,
    tables_as_offered,
)
from floorplan.venue import Table, load_venue

VENUE = load_venue()
ALL = frozenset(range(1, 17))
BY_NUMBER = {table.number: table for table in VENUE.tables}
FEATURES = sorted({feature for table in VENUE.tables for feature in table.features})
ZONES = sorted({table.zone for table in VENUE.tables})

free_sets = st.frozensets(st.integers(1, 16))
parties = st.integers(1, 12)
wishes = st.builds(
    Preferences,
    floor=st.sampled_from([None, "upstairs", "downstairs"]),
    zone=st.sampled_from([None, *ZONES]),
    features=st.lists(st.sampled_from(FEATURES), max_size=6).map(tuple),
)


def offer(
    party: int, free: frozenset[int] = ALL, prefers: Preferences = NO_WISHES
) -> list[TableSet]:
    return allocate(VENUE.tables, VENUE.combinations, free, party, prefers)


def numbers(sets: list[TableSet]) -> list[tuple[int, ...]]:
    return [each.tables for each in sets]


@given(parties, free_sets, wishes)
def test_only_free_tables_that_take_the_party_are_offered(
    party: int, free: frozenset[int], prefers: Preferences
) -> None:
    for each in offer(party, free, prefers):
        assert free.issuperset(each.tables)
        capacities = [BY_NUMBER[number].capacity for number in each.tables]
        assert party <= sum(capacity.max for capacity in capacities)
        if each.strategy == "SINGLE":
            assert capacities[0].min <= party


@given(parties, free_sets, wishes)
def test_every_set_that_fits_is_offered_once_whatever_the_wishes(
    party: int, free: frozenset[int], prefers: Preferences
) -> None:
    fitting: set[tuple[int, ...]] = {
        (number,)
        for number in free
        if BY_NUMBER[number].capacity.min <= party <= BY_NUMBER[number].capacity.max
    }
    if {15, 16} <= free and 7 <= party <= 12:
        fitting.add((15, 16))
    offered = numbers(offer(party, free, prefers))
    assert set(offered) == fitting
    assert len(offered) == len(fitting)


@given(parties, free_sets, wishes, st.randoms(use_true_random=False))
def test_the_same_question_has_the_same_answer_in_any_order_of_the_tables(
    party: int, free: frozenset[int], prefers: Preferences, random: object
) -> None:
    shuffled = list(VENUE.tables)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = allocate(shuffled, VENUE.combinations, set(free), party, prefers)
    assert again == offer(party, free, prefers)


@given(parties, free_sets, wishes)
def test_scores_fall_and_singles_come_before_combinations(
    party: int, free: frozenset[int], prefers: Preferences
) -> None:
    sets = offer(party, free, prefers)
    scores = [each.score for each in sets]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1000 for score in scores)
    ranks = [
        2
        if each.strategy == "COMBINED_PREMIUM"
        else int({15, 16} <= free and each.tables[0] in (15, 16))
        for each in sets
    ]
    assert ranks == sorted(ranks)


def is_true(word: str, sentence: str, each: TableSet, party: int, free: frozenset[int]) -> bool:
    """Judge a reason by its sentence alone, without the code that wrote it."""
    tables = [BY_NUMBER[number] for number in each.tables]
    found = [int(digits) for digits in re.findall(r"\d+", sentence)]
    wish = sentence.removeprefix("not ").removesuffix(" as asked")
    has = {
        "floor": all(table.floor == wish for table in tables),
        "zone": all(table.zone == wish for table in tables),
        "feature": all(wish in table.features for table in tables),
    }
    capacity = tables[0].capacity
    match word.split("_", maxsplit=1)[0] if word.endswith("as_asked") else word:
        case "floor" | "zone" | "feature" as kind:
            return has[kind] is (not sentence.startswith("not ")) is ("_not_" not in word)
        case "fits_exactly":
            return found == [party] and capacity.max == party
        case "fits_best":
            return found == [party, capacity.max - party] and capacity.optimal == party
        case "fits":
            return found == [capacity.min, capacity.max, capacity.max - party]
        case "keeps_combination":
            return {15, 16} <= free and not {15, 16} & set(each.tables) and found == [15, 16]
        case "breaks_combination":
            return {15, 16} <= free and found == [each.tables[0], 15, 16, 7, 12]
        case "combined":
            return each.tables == (15, 16) and found == [15, 16, 7, 12] and {15, 16} <= free
    return False


@given(parties, free_sets, wishes)
def test_every_reason_is_true_and_every_wish_is_answered(
    party: int, free: frozenset[int], prefers: Preferences
) -> None:
    wished = (prefers.floor is not None) + (prefers.zone is not None) + len(set(prefers.features))
    for each in offer(party, free, prefers):
        for reason in each.reasons:
            assert is_true(reason.word, reason.sentence, each, party, free), reason
        answered = [reason for reason in each.reasons if reason.word.endswith("as_asked")]
        assert len(answered) == wished


def test_a_false_reason_would_be_noticed() -> None:
    best = offer(6)[0]
    assert is_true("fits_exactly", "fits 6 exactly", best, 6, ALL)
    assert not is_true("fits_exactly", "fits 6 exactly", best, 5, ALL)
    assert not is_true("keeps_combination", "keeps 15 + 16 ...", best, 6, ALL - {16})
    assert not is_true("floor_as_asked", "downstairs as asked", offer(1)[0], 1, ALL)


@pytest.mark.parametrize(("party", "offered"), [(6, False), (7, True), (12, True)])
def test_fifteen_and_sixteen_combine_for_seven_to_twelve(party: int, offered: bool) -> None:
    combined = [each for each in offer(party) if each.strategy == "COMBINED_PREMIUM"]
    assert [each.tables for each in combined] == ([(15, 16)] if offered else [])


def test_the_combination_adds_the_money_of_its_tables() -> None:
    combined = offer(12)[0]
    assert combined.deposit_pence == sum(BY_NUMBER[n].deposit_pence for n in (15, 16))
    assert combined.minimum_spend_pence == sum(BY_NUMBER[n].minimum_spend_pence for n in (15, 16))


def test_when_sixteen_is_taken_neither_it_nor_fifteen_is_offered_to_seven() -> None:
    assert (15, 16) in numbers(offer(7))
    without = numbers(offer(7, ALL - {16}))
    assert not {15, 16} & {number for tables in without for number in tables}


def test_a_single_table_that_fits_seven_comes_before_the_combination() -> None:
    sets = offer(7)
    assert sets[0].strategy == "SINGLE"
    assert sets[-1].tables == (15, 16)


def test_members_of_a_whole_combination_are_offered_last_and_no_longer_when_it_is_broken() -> None:
    assert {tables[0] for tables in numbers(offer(6))[-2:]} == {15, 16}
    broken = numbers(offer(6, ALL - {16}))
    assert broken[-1] != (15,)
    assert "breaks_combination" not in {
        reason.word for each in offer(6, ALL - {16}) for reason in each.reasons
    }


def test_two_people_are_not_given_a_large_table_while_a_small_one_is_free() -> None:
    sizes = [BY_NUMBER[tables[0]].capacity.max for tables in numbers(offer(2, ALL - {15, 16}))]
    assert sizes == sorted(sizes)
    assert sizes[0] == 4


def test_a_party_below_the_minimum_of_a_table_is_not_offered_it() -> None:
    assert (3,) in numbers(offer(4))
    assert (3,) not in numbers(offer(3))


def test_thirteen_people_are_told_the_largest_party_and_whom_to_ask() -> None:
    assert largest_party(VENUE.tables, VENUE.combinations) == 12
    with pytest.raises(NoSetLargeEnough, match=r"takes a party of 13; .* 12\. Ask the club") as no:
        offer(13)
    assert (no.value.party, no.value.largest) == (13, 12)


def test_a_taken_house_is_an_empty_answer_not_a_refusal() -> None:
    assert offer(12, frozenset()) == []


def test_a_combination_whose_table_is_not_offered_tonight_is_not_offered() -> None:
    tonight = [table for table in VENUE.tables if table.number != 16]
    with pytest.raises(NoSetLargeEnough, match="largest takes 8"):
        allocate(tonight, VENUE.combinations, ALL, 12)


@pytest.mark.parametrize("party", [0, -1])
def test_a_party_below_one_is_refused(party: int) -> None:
    with pytest.raises(ValueError, match="give 1 or more people"):
        offer(party)


def test_a_wish_for_a_floor_comes_before_spare_seats() -> None:
    asked = offer(2, prefers=Preferences(floor="downstairs"))
    assert BY_NUMBER[asked[0].tables[0]].floor == "downstairs"
    assert asked[0].reasons[1].sentence == "downstairs as asked"


@pytest.mark.parametrize(
    ("prefers", "kind"),
    [
        (Preferences(floor="roof"), "floor"),
        (Preferences(zone="garden"), "zone"),
        (Preferences(features=("pool",)), "feature"),
    ],
)
def test_a_wish_that_no_table_can_meet_is_refused_with_those_that_can(
    prefers: Preferences, kind: str
) -> None:
    with pytest.raises(PreferenceUnknown, match=f"no table has the {kind}") as unknown:
        offer(2, prefers=prefers)
    assert unknown.value.known


class TonightTable(NamedTuple):
    number: int
    capacity_min: int
    capacity_max: int
    capacity_optimal: int
    deposit_pence: int
    minimum_spend_pence: int


def test_a_night_offers_its_own_tables_capacities_and_prices() -> None:
    offered = tables_as_offered(VENUE.tables, [TonightTable(7, 1, 9, 5, 1, 2)])
    assert [table.number for table in offered] == [7]
    [only] = allocate(offered, VENUE.combinations, ALL, 9)
    assert (only.tables, only.deposit_pence, only.minimum_spend_pence) == ((7,), 1, 2)
    assert offered[0].features == BY_NUMBER[7].features


def test_equal_tables_are_offered_the_cheaper_first_then_by_number() -> None:
    dear, cheap = BY_NUMBER[7], BY_NUMBER[8]

    def priced(pence: int) -> list[Table]:
        return [dear, msgspec.structs.replace(cheap, minimum_spend_pence=pence)]

    both = frozenset({7, 8})
    assert numbers(allocate(priced(7_000), [], both, 3)) == [(8,), (7,)]
    assert numbers(allocate(priced(dear.minimum_spend_pence), [], both, 3)) == [(7,), (8,)]
