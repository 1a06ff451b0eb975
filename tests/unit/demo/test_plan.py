"""The plan of a demo night: repeatable, possible on the floor as it is, and rich.

Goal: whatever the seed and the Saturday, both nights when the clocks change included, the floor
would take every step as it is meant. Method: properties over seeds and dates, each plan walked
through with the floor's rules in small.
"""

from collections import Counter
from datetime import UTC, date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.demo import intentions as mean
from app.demo.crowd import FULLEST, share
from app.demo.plan import plan_night
from floorplan.venue import load_venue
from tests.unit.demo.rehearsal import Rehearsal

VENUE = load_venue()
SATURDAY = date(2026, 11, 21)
CLOCKS_CHANGE = (date(2027, 3, 27), date(2026, 10, 24))

saturdays = st.one_of(
    st.sampled_from(CLOCKS_CHANGE),
    st.integers(0, 200).map(lambda weeks: SATURDAY + timedelta(weeks=weeks)),
)
nights = st.tuples(st.integers(0, 999_999_999), saturdays)
few = settings(max_examples=12)


@few
@given(nights)
def test_the_same_seed_and_night_give_the_same_plan(night: tuple[int, date]) -> None:
    seed, day = night
    assert plan_night(seed, VENUE, day) == plan_night(seed, VENUE, day)


def test_another_seed_and_another_night_give_another_plan() -> None:
    one = plan_night(1, VENUE, SATURDAY)
    other = plan_night(2, VENUE, SATURDAY)
    later = plan_night(1, VENUE, SATURDAY + timedelta(weeks=1))
    assert one.intentions != other.intentions
    assert {p.name for p in one.parties.values()} != {p.name for p in later.parties.values()}


@few
@given(nights)
def test_the_floor_would_refuse_no_step_of_the_plan(night: tuple[int, date]) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    assert Rehearsal(VENUE, plan).until(plan.ends_at).problems == []


def test_the_rehearsal_finds_two_parties_at_one_table() -> None:
    plan = plan_night(1, VENUE, SATURDAY)
    wrong = next(p for p in plan.parties.values() if p.source == "walk_in")
    other = next(p for p in plan.parties.values() if p.source == "public" and p.night == plan.night)
    moved = msgspec.structs.replace(
        plan, parties=plan.parties | {wrong.id: msgspec.structs.replace(wrong, tables=other.tables)}
    )
    assert Rehearsal(VENUE, moved).until(plan.ends_at).problems != []


def test_the_rehearsal_finds_a_deposit_that_comes_too_late() -> None:
    plan = plan_night(1, VENUE, SATURDAY)
    late = tuple(
        msgspec.structs.replace(one, at=one.at + timedelta(minutes=30))
        if isinstance(one, mean.Pay)
        else one
        for one in plan.intentions
    )
    slow = msgspec.structs.replace(plan, intentions=tuple(sorted(late, key=lambda one: one.at)))
    assert Rehearsal(VENUE, slow).until(plan.ends_at).problems != []


@few
@given(nights)
def test_somebody_sits_at_every_table_at_midnight(night: tuple[int, date]) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    midnight = plan.doors_at + timedelta(hours=2)
    assert Rehearsal(VENUE, plan).until(midnight).seated() == set(range(1, 17))


@few
@given(nights)
def test_the_house_fills_until_midnight_and_is_empty_after_the_close(
    night: tuple[int, date],
) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    full = Rehearsal(VENUE, plan).until(plan.doors_at + timedelta(hours=2)).inside
    early = Rehearsal(VENUE, plan).until(plan.doors_at + timedelta(minutes=45)).inside
    for floor, limit in VENUE.limits.floors.items():
        assert 0.9 * limit <= full[floor] <= limit
        assert 0.1 * limit <= early[floor] <= 0.6 * limit
    closed = Rehearsal(VENUE, plan).until(plan.closes_at + timedelta(minutes=4)).inside
    assert all(-30 <= people <= 40 for people in closed.values()), closed


@few
@given(nights)
def test_people_are_there_to_be_counted_out_and_few_are_turned_away(
    night: tuple[int, date],
) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    house = Rehearsal(VENUE, plan)
    for one in plan.intentions:
        house.do(one)
        if one.at < plan.closes_at - timedelta(minutes=60):
            assert min(house.inside.values(), default=0) >= 0, one
    assert 0 < house.turned_away < 150


@few
@given(nights)
def test_every_party_fits_its_tables_and_arrives_whole(night: tuple[int, date]) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    people: Counter[str] = Counter()
    for one in plan.intentions:
        if isinstance(one, mean.Arrive):
            assert one.people >= 1
            people[one.party] += one.people
    assert all(people[who] == plan.parties[who].size for who in people)
    for party in plan.parties.values():
        if len(party.tables) > 1:
            joined = next(c for c in VENUE.combinations if set(c.tables) == set(party.tables))
            least, most = joined.party_min, joined.party_max
        else:
            capacity = VENUE.get_table(party.tables[0]).capacity
            least, most = (1 if party.source == "walk_in" else capacity.min), capacity.max
        assert least <= party.size <= most, party


@few
@given(nights)
def test_intentions_stand_in_order_within_the_night(night: tuple[int, date]) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    times = [one.at for one in plan.intentions]
    assert times == sorted(times)
    assert all(at.tzinfo is UTC for at in times)
    assert plan.evening_at <= times[0]
    assert times[-1] < plan.ends_at
    assert len({(p.night, p.name) for p in plan.parties.values()}) == len(plan.parties)


@few
@given(nights)
def test_everything_that_a_night_should_show_is_meant(night: tuple[int, date]) -> None:
    plan = plan_night(night[0], VENUE, night[1])
    kinds = Counter(type(one) for one in plan.intentions)
    for kind in mean.Intention.__args__:
        assert kinds[kind] >= 1, kind
    assert kinds[mean.NoShow] == 2
    held = {one.party for one in plan.intentions if isinstance(one, mean.Hold)}
    paid = {one.party for one in plan.intentions if isinstance(one, mean.Pay)}
    assert len(held - paid) >= 3, "holds that nobody pays"
    first: dict[str, mean.Arrive] = {}
    for one in plan.intentions:
        if isinstance(one, mean.Arrive):
            first.setdefault(one.party, one)
    grace = timedelta(minutes=VENUE.rules.grace_minutes)
    late = [w for w, one in first.items() if one.at > (plan.parties[w].due_at or one.at) + grace]
    assert len(late) >= 2
    tried = {one.expected for one in plan.intentions if isinstance(one, mean.TryCode)}
    assert tried == {
        "already_in", "bad_signature", "unknown_code", "wrong_night", "cancelled", "released",
        "too_early",
    }  # fmt: skip


@pytest.mark.parametrize("day", [SATURDAY, *CLOCKS_CHANGE])
def test_the_house_is_fullest_from_midnight_on_and_empty_at_both_ends(day: date) -> None:
    plan = plan_night(1, VENUE, day)
    assert share(plan, plan.doors_at) == 0
    assert share(plan, plan.doors_at + timedelta(minutes=130)) == FULLEST
    assert share(plan, plan.closes_at) == 0
    halves = [share(plan, plan.doors_at + timedelta(minutes=m)) for m in range(0, 125, 5)]
    assert halves == sorted(halves)
