"""What a move would break, said before it is made: pure, of one state of the floor.

The action judges again under its locks; this says why it would refuse, and what it would not refuse
and somebody should know.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from floorplan.allocation import combination_of
from floorplan.lines import pounds
from floorplan.state import BookingState, NightState, TableState
from floorplan.venue import Combination

# Each with whether the action refuses it.
FORBIDDING: Final = frozenset(
    {"occupied", "claimed", "blocked", "not_laid", "too_small", "unknown_table"}
)


class Broken(Struct, frozen=True):
    """One thing that the move breaks, in a word, a sentence, and where it is."""

    kind: str
    text: str
    table: int | None = None
    booking_id: str | None = None
    begins: str | None = None
    ends: str | None = None

    @property
    def forbids(self) -> bool:
        """Whether the move is refused for it."""
        return self.kind in FORBIDDING


class Preview(Struct, frozen=True):
    """Everything that the move breaks, what forbids it first, and what it changes in money."""

    breaks: tuple[Broken, ...]
    deposit_difference_pence: int
    minimum_spend_difference_pence: int

    @property
    def possible(self) -> bool:
        return not any(broken.forbids for broken in self.breaks)


def preview_move(
    state: NightState,
    booking: BookingState,
    numbers: Sequence[int],
    combinations: Sequence[Combination],
    now: str,
) -> Preview:
    """What becomes of the floor with the booking at these tables; at `now` old holds are over."""
    wanted = [state.tables[n] for n in sorted(set(numbers)) if n in state.tables]
    left = [state.tables[n] for n in booking.tables if n in state.tables]
    found = [
        Broken("unknown_table", f"There is no table {n}.", n)
        for n in numbers
        if n not in state.tables
    ]
    for table in wanted:
        found += _at_table(state, booking, table, now)
    found += _room(booking, wanted, combinations)
    found += _combinations(state, booking, wanted, left, combinations)
    deposit = sum(t.deposit_pence for t in wanted) - sum(t.deposit_pence for t in left)
    spend = sum(t.minimum_spend_pence for t in wanted) - sum(t.minimum_spend_pence for t in left)
    found += _money(deposit, spend)
    found += _people(booking, wanted, left)
    ordered = sorted(found, key=lambda broken: not broken.forbids)
    return Preview(tuple(ordered), deposit, spend)


def _at_table(
    state: NightState, booking: BookingState, table: TableState, now: str
) -> Iterator[Broken]:
    number, seated = table.number, booking.status == "seated"
    until = booking.slot_until
    if table.occupied_by not in (None, booking.id):
        other = state.bookings[table.occupied_by]
        # Whoever waits for a later slot may be booked behind a party that sits there now.
        if seated or (other.slot_from < until and booking.slot_from < other.slot_until):
            text = f"A party of {other.party} sits at table {number}"
            yield Broken(
                "occupied", f"{text}.", number, other.id, other.slot_from, other.slot_until
            )
    for claim_id in table.claims:
        claim = state.bookings[claim_id]
        if claim_id == booking.id or _is_over(claim, now):
            continue
        where = f"Table {number} is {'held' if claim.status == 'pending' else 'booked'}"
        if claim.slot_from < until and booking.slot_from < claim.slot_until:
            text = f"{where} for a party of {claim.party} in that time."
            yield Broken("claimed", text, number, claim_id, claim.slot_from, claim.slot_until)
        elif claim.slot_from >= until:
            text = f"{where} for a party of {claim.party} afterwards: this one must leave in time."
            yield Broken("booked_after", text, number, claim_id, claim.slot_from, claim.slot_until)
    for block in table.blocks:
        if block.in_force or (
            block.blocked_from < until and booking.slot_from < block.blocked_until
        ):
            yield Broken(
                "blocked", f"Table {number} is out of service: {block.reason}.", number,
                begins=block.blocked_from, ends=block.blocked_until,
            )  # fmt: skip
    if table.resetting_since is not None and table.occupied_by is None:
        text = f"Table {number} is not laid yet"
        yield Broken("not_laid" if seated else "to_be_laid", f"{text}.", number)


def _is_over(claim: BookingState, now: str) -> bool:
    return claim.hold_expires_at is not None and claim.hold_expires_at <= now


def _room(
    booking: BookingState, wanted: list[TableState], combinations: Sequence[Combination]
) -> Iterator[Broken]:
    seats = sum(table.capacity_max for table in wanted)
    joined = combination_of([table.number for table in wanted], combinations)
    most = max(seats, joined.party_max) if joined else seats
    least = joined.party_min if joined else min((t.capacity_min for t in wanted), default=1)
    if booking.party > most:
        yield Broken("too_small", f"There is room for {most}, and the party is {booking.party}.")
    elif booking.party < least:
        yield Broken("too_large", f"Meant for {least} or more, and the party is {booking.party}.")


def _combinations(
    state: NightState,
    booking: BookingState,
    wanted: list[TableState],
    left: list[TableState],
    combinations: Sequence[Combination],
) -> Iterator[Broken]:
    now_at, then_at = {t.number for t in left}, {t.number for t in wanted}
    for combination in combinations:
        tables = set(combination.tables)
        words = " + ".join(str(number) for number in combination.tables)
        if tables <= now_at and not tables <= then_at:
            yield Broken("combination_left", f"The party gives up {words} as one table.")
        halves = tables & then_at
        if (
            halves
            and not tables <= then_at
            and all(_is_free(state, number, booking) for number in tables - then_at)
        ):
            yield Broken(
                "combination_split",
                f"{words} can't be joined for {combination.party_min} to {combination.party_max}"
                " people any more.",
                min(halves),
            )


def _is_free(state: NightState, number: int, booking: BookingState) -> bool:
    table = state.tables.get(number)
    return (
        table is not None
        and table.occupied_by in (None, booking.id)
        and all(i == booking.id for i in table.claims)
    )


def _money(deposit: int, spend: int) -> Iterator[Broken]:
    if deposit:
        word = "more" if deposit > 0 else "less"
        yield Broken(
            "deposit", f"The deposit there is {pounds(abs(deposit))} {word}; it stays as agreed."
        )
    if spend:
        word = "more" if spend > 0 else "less"
        yield Broken("minimum_spend", f"The minimum spend there is {pounds(abs(spend))} {word}.")


def _people(
    booking: BookingState, wanted: list[TableState], left: list[TableState]
) -> Iterator[Broken]:
    inside = booking.admitted - booking.left
    before, after = {t.floor for t in left}, {t.floor for t in wanted}
    if len(after) > 1:
        yield Broken("two_floors", "The tables are on two floors.")
    if before and after and not before & after:
        text = f"The party goes {'down' if 'downstairs' in after else 'up'} the stairs"
        if inside:
            text += (
                f": {inside} of them are in, counted {_words(before)} until they pass the stairs"
            )
        yield Broken("floor_change", f"{text}.")
    if inside and booking.status == "confirmed":
        yield Broken("arrivals", f"{inside} of {booking.party} are in already: tell them where.")


def _words(floors: set[str]) -> str:
    return " and ".join(sorted(floors))
