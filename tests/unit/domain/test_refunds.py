"""What comes back of a deposit, and what moving a booking does not change of it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.refunds import Kept, Part, divided, kept_terms, percent_due, refund_due
from floorplan.nights import instant_text, parse_instant
from floorplan.refunds import Refunds, RefundStep

POLICY = Refunds((RefundStep(48, 100), RefundStep(24, 50)))
SLOT = "2026-11-21T22:00:00.000Z"


def before(hours: float, slot: str = SLOT) -> str:
    return instant_text(parse_instant(slot) - timedelta(hours=hours))


@pytest.mark.parametrize(
    ("hours", "percent"), [(500, 100), (48, 100), (47.9, 50), (24, 50), (23.9, 0), (0, 0), (-1, 0)]
)
def test_the_first_step_that_is_still_ahead_counts(hours: float, percent: int) -> None:
    assert percent_due(POLICY, SLOT, before(hours)) == percent


def test_part_of_a_penny_is_the_guests() -> None:
    assert refund_due(POLICY, 1999, SLOT, before(30)) == 1000
    assert refund_due(POLICY, 0, SLOT, before(30)) == 0


def test_a_booking_that_goes_to_another_time_keeps_what_it_lost() -> None:
    later = before(-24 * 30)
    for hours, most in ((100, 100), (30, 50), (10, 0)):
        terms = kept_terms(POLICY, SLOT, before(hours))
        assert percent_due(terms, later, before(hours)) == most
    assert kept_terms(POLICY, SLOT, before(100)) == POLICY


HOURS = st.floats(0, 200).map(lambda h: round(h, 3))


@given(st.lists(st.tuples(HOURS, st.floats(-100, 800)), max_size=5))
def test_no_way_of_moving_a_booking_gives_more_back_than_cancelling_it_did(
    moves: list[tuple[float, float]],
) -> None:
    """At each instant what comes back is at most what would have come back before."""
    terms, slot, now = POLICY, SLOT, before(200)
    most = percent_due(terms, slot, now)
    for waits, shift in moves:
        now = instant_text(parse_instant(now) + timedelta(hours=waits))
        most = min(most, percent_due(terms, slot, now))
        terms = kept_terms(terms, slot, now)
        slot = instant_text(parse_instant(slot) + timedelta(hours=shift))
        assert percent_due(terms, slot, now) <= most


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.booleans()), max_size=5),
    st.integers(1, 20000),
)
def test_an_amount_is_divided_without_a_penny_more_or_less(
    payments: list[tuple[int, bool]], amount: int
) -> None:
    kept = [Kept(str(n), pence, online) for n, (pence, online) in enumerate(payments)]
    if amount > sum(pence for pence, _ in payments):
        with pytest.raises(ValueError, match="more than are kept"):
            divided(kept, amount)
        return
    parts = divided(kept, amount)
    assert sum(part.amount_pence for part in parts) == amount
    by_id = {one.payment_id: one for one in kept}
    assert all(0 < p.amount_pence <= by_id[p.payment_id].kept_pence for p in parts)
    # Cash is given back only for what cards don't cover.
    cash = sum(p.amount_pence for p in parts if not by_id[p.payment_id].online)
    online = sum(one.kept_pence for one in kept if one.online)
    assert cash == max(0, amount - online)


def test_nothing_divided_is_nothing() -> None:
    assert divided([Kept("1", 0, True)], 0) == []
    assert divided([Kept("1", 5, False), Kept("2", 5, True)], 6) == [Part("2", 5), Part("1", 1)]
