"""The lines behind a night's figures add up to its report, before the seal and beside it."""

from functools import reduce

from msgspec.structs import replace

from floorplan import events
from floorplan.events import Figures, Payload
from floorplan.report import ReportLine, added, reported
from floorplan.state import NightState, empty_state
from tests.unit.floorplan.test_fold import CONFIRMED, NIGHT, OPENED, line

FULL, EMPTY = {"upstairs": 4, "downstairs": 0}, {"upstairs": 0, "downstairs": 0}
IN = events.GuestCheckedIn("b", "t", 4, 4, 0, "upstairs", "main", FULL)
OUT = events.GuestCheckedOut("b", "t", 4, 4, "upstairs", "main", EMPTY)
EVENING = (
    OPENED,
    *CONFIRMED[:2],
    events.PaymentProcessed("b", "p", 5000, "cash", 5000),
    CONFIRMED[2],
    IN,
    events.PartySeated("b", [7]),
    OUT,
)


def told(*payloads: Payload) -> tuple[NightState, list[ReportLine]]:
    """The state after the lines, and those of the report."""
    state = empty_state(NIGHT)
    found = []
    for payload in payloads:
        state, told = reported(state, line(state, payload))
        found += [told] if told else []
    return state, found


def total(lines: list[ReportLine], *, after_seal: bool = False) -> Figures:
    return reduce(added, (one.change for one in lines if one.after_seal is after_seal), Figures())


def test_the_lines_add_up_to_the_figures_and_only_those_that_count_are_there() -> None:
    state, lines = told(*EVENING)
    assert total(lines) == state.figures
    assert total(lines, after_seal=True) == Figures()
    assert [one.event.type for one in lines] == [
        "PAYMENT_PROCESSED", "BOOKING_CONFIRMED", "GUEST_CHECKED_IN", "PARTY_SEATED",
        "GUEST_CHECKED_OUT",
    ]  # fmt: skip
    assert lines[2].change == Figures(people_admitted=4, people_peak=4)
    assert lines[4].change == Figures(people_left=4), "who goes lowers no peak"


def test_what_the_seal_itself_counts_is_a_line_too() -> None:
    before, _ = told(*EVENING)
    sealed = events.NightSealed(replace(before.figures, bookings_completed=1), ["b"])
    state, lines = told(*EVENING, sealed)
    assert lines[-1].change == Figures(bookings_completed=1)
    assert total(lines) == state.figures


def test_what_comes_after_the_seal_adds_up_beside_the_figures() -> None:
    before, _ = told(*EVENING)
    sealed = events.NightSealed(replace(before.figures, bookings_completed=1), ["b"])
    back = events.PaymentRefunded("b", "p", "r", 2000, "house", 3000, after_seal=True)
    late = replace(IN, people=2, inside=EMPTY, after_seal=True)
    state, lines = told(*EVENING, sealed, back, late)
    assert [(one.after_seal, one.event.version) for one in lines[-3:]] == [
        (False, 9), (True, 10), (True, 11),
    ]  # fmt: skip
    assert total(lines) == state.figures == sealed.figures
    assert total(lines, after_seal=True) == Figures(refunds_pence=2000, people_admitted=2)


def test_money_that_came_back_is_counted_below_nought() -> None:
    back = events.PaymentRefunded("b", "p", "r", 2000, "house", 3000)
    again = events.RefundReversed("b", "p", "r", 2000, 5000)
    _, lines = told(*EVENING, back, again)
    assert [one.change.refunds_pence for one in lines[-2:]] == [2000, -2000]
    assert total(lines).refunds_pence == 0


def test_a_line_without_a_meaning_counts_nothing() -> None:
    state, _ = told(*EVENING)
    wrong = line(state, b"[]", "GUEST_CHECKED_IN")
    after, told_of_it = reported(state, wrong)
    assert (after.version, told_of_it) == (wrong.version, None)
