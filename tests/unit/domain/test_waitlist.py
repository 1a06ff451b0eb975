"""The priority's arithmetic, the order of the list, and who is offered what."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.waitlist import (
    TakenFloor,
    TakenTable,
    Waiting,
    find_offer,
    in_order,
    priority_of,
    timing_of,
)
from floorplan.allocation import NO_WISHES, Preferences
from floorplan.nights import instant_text, parse_instant
from floorplan.venue import load_venue

VENUE = load_venue()
DOORS, LAST, CLOSES = (f"2026-11-2{day}T{time}:00.000Z" for day, time in (
    (1, "22:00"), (2, "03:00"), (2, "05:00")))  # fmt: skip


def floor(free: set[int], now: str = "2026-11-21T21:00:00.000Z") -> TakenFloor:
    """A night of which only these tables are free."""
    return TakenFloor(
        now=now,
        doors_at=DOORS,
        last_entry_at=LAST,
        closes_at=CLOSES,
        tables=tuple(
            TakenTable(
                number=t.number,
                capacity_min=t.capacity.min,
                capacity_max=t.capacity.max,
                capacity_optimal=t.capacity.optimal,
                deposit_pence=t.deposit_pence,
                minimum_spend_pence=t.minimum_spend_pence,
                taken=() if t.number in free else ((DOORS, CLOSES),),
            )
            for t in VENUE.tables
        ),
    )


def waiting(name: str, party: int = 4, priority: int = 0, **more: object) -> Waiting:
    entry = Waiting(name, party, DOORS, CLOSES, NO_WISHES, priority, 2, DOORS)
    return msgspec.structs.replace(entry, **more)


@pytest.mark.parametrize(
    ("visits", "timing", "occasion", "total"),
    [(3, 0, True, 130), (200, 0, False, 1000), (0, 0, False, 0), (99, 200, True, 1000)],
)
def test_the_priority_is_the_sum_of_its_parts_and_at_most_1000(
    visits: int, timing: int, occasion: bool, total: int
) -> None:
    made = priority_of(visits, timing, special_occasion=occasion)
    assert made.total == total
    assert made.total == min(1000, made.visit_points + made.timing + made.occasion)


@pytest.mark.parametrize(
    ("before_doors", "arrival", "points"),
    [
        (timedelta(days=7), DOORS, 200),
        (timedelta(days=30), DOORS, 200),
        (timedelta(days=3.5), DOORS, 150),
        (timedelta(0), DOORS, 100),
        (-timedelta(hours=1), DOORS, 100),
        (timedelta(0), LAST, 0),
        (timedelta(days=7), "2026-11-22T00:30:00.000Z", 150),
    ],
)
def test_the_timing_counts_an_early_request_and_an_early_arrival(
    before_doors: timedelta, arrival: str, points: int
) -> None:
    now = instant_text(parse_instant(DOORS) - before_doors)
    assert timing_of(floor(set(), now), arrival) == points


def test_the_order_is_offers_missed_then_priority_then_who_joined_first() -> None:
    early = "2026-11-20T10:00:00.000Z"
    entries = [
        waiting("missed one", priority=900, offers_left=1),
        waiting("low"),
        waiting("high, later", priority=50),
        waiting("high, first", priority=50, joined_at=early),
    ]
    assert [one.id for one in in_order(entries)] == [
        "high, first", "high, later", "low", "missed one",
    ]  # fmt: skip


def test_the_first_in_order_that_fits_is_offered_its_best_set() -> None:
    entries = [waiting("twelve", 12, 900), waiting("six", 6, 800), waiting("four", 4, 100)]
    found = find_offer(VENUE, floor({1, 15}), entries)
    assert found is not None
    assert (found.waiting.id, found.tables.tables) == ("six", (15,))
    both = find_offer(VENUE, floor({1, 15, 16}), entries)
    assert both is not None
    assert (both.waiting.id, both.tables.tables) == ("twelve", (15, 16))


def test_a_wish_chooses_among_what_is_free_and_refuses_nothing() -> None:
    entry = waiting("wishes", prefers=Preferences(floor="downstairs"))
    found = find_offer(VENUE, floor({1, 9}), [entry])
    assert found is not None
    assert found.tables.tables[0] > 8
    other = find_offer(VENUE, floor({1}), [entry])
    assert other is not None
    assert other.tables.tables == (1,)


@pytest.mark.parametrize(
    ("entry", "now"),
    [
        (waiting("beyond every set", 30), "2026-11-21T21:00:00.000Z"),
        (waiting("too late"), "2026-11-22T03:00:00.001Z"),
        (waiting("over", slot_until="2026-11-21T23:00:00.000Z"), "2026-11-21T23:00:00.000Z"),
    ],
)
def test_nobody_is_offered_what_they_cannot_use(entry: Waiting, now: str) -> None:
    assert find_offer(VENUE, floor(set(range(1, 17)), now), [entry]) is None


@given(
    st.sets(st.integers(1, 16)),
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 1000), st.integers(1, 2)), max_size=8),
)
def test_an_offer_is_free_fits_and_passes_over_nobody_whom_something_fits(
    free: set[int], parties: list[tuple[int, int, int]]
) -> None:
    entries = [
        waiting(str(place), party, priority, offers_left=left)
        for place, (party, priority, left) in enumerate(parties)
    ]
    found = find_offer(VENUE, floor(free), entries)
    alone = {one.id: find_offer(VENUE, floor(free), [one]) for one in entries}
    if found is None:
        assert not any(alone.values())
        return
    assert free.issuperset(found.tables.tables)
    before = in_order(entries)
    for one in before[: [e.id for e in before].index(found.waiting.id)]:
        assert alone[one.id] is None
    assert alone[found.waiting.id] == found
