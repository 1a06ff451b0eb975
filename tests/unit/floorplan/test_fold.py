"""The fold: what events mean, and that nothing in a book can stop it."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorplan import events
from floorplan.events import CATALOGUE, TYPE_OF, Event, Payload, catalogue_table
from floorplan.fold import apply, fold, is_readable
from floorplan.lines import line_of, pounds
from floorplan.projection import merge, project
from floorplan.state import AUDIENCES, NightState, empty_state, table_status

NIGHT = "2026-11-21"
DOORS, CLOSE = "2026-11-21T22:00:00.000Z", "2026-11-22T05:00:00.000Z"
AT = "2026-11-21T23:00:00.000Z"
LIMITS = events.Limits({"upstairs": 200, "downstairs": 150}, 350)
TABLES = [
    events.NightTable(n, "upstairs" if n <= 8 else "downstairs", 2, 6, 4, 5000, 20000)
    for n in range(1, 17)
]
OPENED = events.NightOpened("Saturday", DOORS, CLOSE, CLOSE, LIMITS, TABLES)


def line(state: NightState, payload: Payload | bytes, kind: str | None = None) -> Event:
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    name = kind or TYPE_OF[type(payload)]  # type: ignore[index]
    return Event(NIGHT, state.version + 1, name, "x", AT, "staff:1", "c", body)


def after(*payloads: Payload) -> NightState:
    state = empty_state(NIGHT)
    for payload in (OPENED, *payloads):
        state = apply(state, line(state, payload)).state
    return state


HELD = (
    events.BookingInitiated("b", 4, DOORS, CLOSE, "public"),
    events.TablesSelected("b", [7], 5000, "2026-11-21T23:10:00.000Z"),
)
CONFIRMED = (*HELD, events.BookingConfirmed("b", "t"))
SEATED = (*CONFIRMED, events.PartySeated("b", [7]))


def status(state: NightState, number: int = 7) -> str:
    return table_status(state.tables[number], state.bookings)


def test_a_table_goes_through_its_states() -> None:
    assert status(after()) == "available"
    assert status(after(*HELD)) == "held"
    assert status(after(*CONFIRMED)) == "reserved"
    assert status(after(*SEATED)) == "occupied"
    left = (*SEATED, events.TableVacated("b", [7]), events.BookingCompleted("b"))
    assert status(after(*left)) == "resetting"
    assert after(*left).bookings == {}
    assert status(after(*left, events.TableReset(7))) == "available"


def test_maintenance_hides_every_other_status_while_it_is_in_force() -> None:
    block = events.TableBlocked("k", 7, DOORS, CLOSE, "spill", in_force=True)
    assert status(after(*SEATED, block)) == "maintenance"
    later = events.TableBlocked("k", 7, DOORS, CLOSE, "spill", in_force=False)
    assert status(after(later)) == "available"
    assert status(after(later, block)) == "maintenance"
    assert len(after(later, block).tables[7].blocks) == 1
    assert status(after(block, events.TableUnblocked("k", 7, "lifted"))) == "available"


def test_the_earliest_unfinished_claim_tells_held_from_reserved() -> None:
    one = "2026-11-22T01:00:00.000Z"
    state = after(
        events.BookingInitiated("late", 4, one, CLOSE, "public"),
        events.TablesSelected("late", [7], 0, one),
        events.BookingInitiated("early", 4, DOORS, one, "public"),
        events.TablesSelected("early", [7], 0, one),
        events.BookingConfirmed("early", "t"),
    )
    assert state.tables[7].claims == ("early", "late")
    assert status(state) == "reserved"


@pytest.mark.parametrize(
    "end",
    [events.HoldReleased("b"), events.HoldExpired("b"), events.BookingCancelled("b", "guest")],
)
def test_what_ends_a_hold_frees_its_table(end: Payload) -> None:
    state = after(*HELD, end)
    assert (status(state), state.bookings) == ("available", {})


def test_a_seated_party_that_moves_leaves_tables_to_be_reset() -> None:
    state = after(*SEATED, events.TablesMoved("b", [7], [8]))
    assert (status(state, 7), status(state, 8)) == ("resetting", "occupied")


def test_a_claim_that_moves_leaves_nothing_behind() -> None:
    state = after(*CONFIRMED, events.TablesMoved("b", [7], [15, 16]))
    assert [status(state, n) for n in (7, 15, 16)] == ["available", "reserved", "reserved"]


def test_people_are_counted_and_the_peak_is_kept() -> None:
    state = after(
        *CONFIRMED,
        events.GuestCheckedIn("b", "t", 3, 3, 0, "upstairs", "main", {"upstairs": 3}),
        events.GuestCheckedOut("b", "t", 1, 1, "upstairs", "main", {"upstairs": 2}),
        events.HeadcountChanged("upstairs", "main", 5, {"upstairs": 7}, "clicker"),
        events.HeadcountChanged("upstairs", "main", -2, {"upstairs": 5}, "clicker"),
        events.HeadcountChanged("upstairs", "main", 9, {"upstairs": 14}, "head_count"),
        events.EntryRefused("s", "already_in", "main", "b"),
    )
    figures = state.figures
    assert state.inside == {"upstairs": 14}
    assert (figures.people_admitted, figures.people_left, figures.people_peak) == (8, 3, 14)
    assert figures.entries_refused == 1
    assert (state.bookings["b"].admitted, state.bookings["b"].left) == (3, 1)


def test_the_seal_completes_who_still_sits_and_fixes_the_figures() -> None:
    figures = events.Figures(bookings_completed=1)
    state = after(*SEATED, events.NightSealed(figures, ["b"]))
    assert state.info is not None
    assert (state.info.status, state.bookings, state.figures) == ("sealed", {}, figures)
    refused = apply(state, line(state, events.EntryRefused("s", "too_late", "main"))).state
    assert refused.figures == figures


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("NO_SUCH_TYPE", b"{}"),
        ("TABLE_RESET", b"{}"),
        ("TABLE_RESET", b'{"table": "seven"}'),
        ("TABLE_RESET", b'{"table": 99}'),
        ("TABLE_RESET", b'{"table": 7, "name": "Ada"}'),
        ("TABLE_RESET", b"not json"),
        ("PARTY_SEATED", b'{"booking_id": "nobody", "tables": [7]}'),
        ("TABLES_MOVED", b'{"booking_id": "b", "tables_before": [7], "tables": [77]}'),
        ("NIGHT_CHANGED", b"[]"),
    ],
)
def test_a_line_without_meaning_moves_the_version_and_nothing_else(kind: str, body: bytes) -> None:
    state = after(*SEATED)
    bad = line(state, body, kind)
    assert not is_readable(state, bad)
    step = apply(state, bad)
    assert step.changes == {}
    assert msgspec.structs.replace(step.state, version=state.version) == state
    assert apply(step.state, line(step.state, events.TableReset(7))).state.version == 7


def test_an_event_out_of_turn_is_refused() -> None:
    state = after()
    with pytest.raises(ValueError, match="cannot follow"):
        apply(state, msgspec.structs.replace(line(state, events.TableReset(7)), version=9))
    with pytest.raises(ValueError, match="cannot follow"):
        apply(state, msgspec.structs.replace(line(state, events.TableReset(7)), book="venue"))


NUMBERS = st.integers(1, 16)
SETS = st.lists(NUMBERS, min_size=1, max_size=2, unique=True)
IDS = st.sampled_from(["a", "b", "c"])
ANY_PAYLOAD = st.one_of(
    st.builds(events.BookingInitiated, IDS, st.integers(1, 9), st.just(DOORS), st.just(CLOSE),
              st.sampled_from(["public", "desk", "walk_in"])),
    st.builds(events.TablesSelected, IDS, SETS,
              st.integers(0, 9000), st.sampled_from([None, AT])),
    st.builds(events.BookingConfirmed, IDS, st.just("t")),
    st.builds(events.PartySeated, IDS, SETS),
    st.builds(events.TablesMoved, IDS, st.just([7]), SETS),
    st.builds(events.TableVacated, IDS, st.lists(NUMBERS, min_size=1, max_size=2)),
    st.builds(events.BookingCompleted, IDS),
    st.builds(events.HoldExpired, IDS),
    st.builds(events.TableReset, NUMBERS),
    st.builds(events.TableBlocked, st.just("k"), NUMBERS, st.just(DOORS), st.just(CLOSE),
              st.just("spill"), st.booleans()),
    st.builds(events.TableUnblocked, st.just("k"), NUMBERS, st.just("lifted")),
    st.builds(events.HeadcountChanged, st.just("upstairs"), st.just("main"), st.integers(-3, 9),
              st.fixed_dictionaries({"upstairs": st.integers(0, 9)}), st.just("clicker")),
)  # fmt: skip


@given(st.lists(ANY_PAYLOAD, max_size=30))
def test_for_every_audience_a_stale_document_and_the_changes_are_a_fresh_one(
    history: list[Payload],
) -> None:
    state = after()
    documents: dict[str, Any] = {name: project(state, name) for name in AUDIENCES}
    for payload in history:
        step = apply(state, line(state, payload))
        for name in AUDIENCES:
            documents[name] = merge(documents[name], step.changes.get(name, {}))
            assert documents[name] == project(step.state, name)
            moved = step.state.changed[name] == step.state.version
            assert moved == (name in step.changes)
        state = step.state


@given(st.lists(ANY_PAYLOAD, max_size=20))
def test_a_state_survives_being_stored(history: list[Payload]) -> None:
    state = after()
    for payload in history:
        state = apply(state, line(state, payload)).state
    stored = msgspec.json.encode(state)
    assert msgspec.json.decode(stored, type=NightState, strict=False) == state


def test_folding_a_list_is_folding_its_events_one_by_one() -> None:
    first = empty_state(NIGHT)
    opened = line(first, OPENED)
    second = apply(first, opened).state
    assert fold(first, [opened, line(second, events.TableReset(7))]).version == 2


def test_the_public_sees_no_booking_and_only_whether_a_table_can_be_had() -> None:
    document = project(after(*SEATED), "public")
    assert document["bookings"] == {}
    assert document["counts"] == {}
    assert document["tables"]["7"] == {"bookable": False, "free": []}
    assert document["tables"]["8"] == {"bookable": True, "free": [[DOORS, CLOSE]]}
    assert "b" not in msgspec.json.encode(document["tables"]).decode().replace("bookable", "")


def test_every_line_reads_like_speech() -> None:
    state = after(*CONFIRMED)
    seated = line(state, events.PartySeated("b", [7]))
    found = line_of(state, seated)
    assert found is not None
    assert (found["text"], found["at"], found["booking_id"], found["tables"]) == (
        "T7 seated, party of 4", AT, "b", [7],
    )  # fmt: skip
    assert pounds(1999) == "£19.99"
    assert pounds(15000) == "£150"


def test_every_type_of_the_catalogue_has_a_meaning_a_page_and_an_emitter() -> None:
    """A type that nobody writes, or that is not explained, does not belong in the catalogue."""
    root = Path(__file__).parents[3]
    page = (root / "docs" / "events.md").read_text("utf-8")
    sources = "".join(
        path.read_text("utf-8")
        for folder in ("app/actions", "app/db/migrations", "app/db/functions")
        for path in (root / folder).glob("*")
        if path.suffix in (".py", ".sql")
    )
    assert catalogue_table() in page, "docs/events.md: paste floorplan.events.catalogue_table()"
    for name, shape in CATALOGUE.items():
        assert re.search(rf"events\.{shape.__name__}\(|'{name}'", sources), f"{name}: no emitter"
        state = empty_state(NIGHT)
        readable = is_readable(state, line(state, b"{}", name))
        assert not readable, name


def test_what_is_told_after_the_seal_is_a_line_and_changes_nothing() -> None:
    sealed = after(*SEATED, events.NightSealed(events.Figures(people_admitted=3), ["b"]))
    late = events.GuestCheckedIn("b", "t", 2, 5, 0, "upstairs", "main", dict(sealed.inside), True)
    out = events.GuestCheckedOut("b", "t", 1, 1, "upstairs", "main", dict(sealed.inside), True)
    state = sealed
    for payload in (late, out):
        said = line_of(state, line(state, payload))
        assert said is not None
        assert said["text"].endswith("told after the seal")
        state = apply(state, line(state, payload)).state
    assert (state.figures, state.inside, state.bookings) == (
        sealed.figures, sealed.inside, sealed.bookings,
    )  # fmt: skip
    # An ordinary line is spelled as ever: the hashes of the books before it stand.
    usual = msgspec.structs.replace(late, after_seal=False)
    assert b"after_seal" in msgspec.json.encode(late)
    assert b"after_seal" not in msgspec.json.encode(usual)
