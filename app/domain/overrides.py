"""What a supervisor may do against a verdict: let in what it kept out, and take back a count. Pure.

An override breaks the rules that it names, one by one, and no other: the scan is judged afresh
without them. It never breaks a limit of the law, a code that does not stand, a booking that is
over or unpaid, another night, the close or a ban (`Saying.may_override`). People beyond the party
are counted as such on the ticket (`extra`), so that its constraint keeps its meaning.
"""

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from app.domain.facts import BookingFact, Facts
from app.domain.sayings import SAYINGS
from app.domain.verdicts import Judgement, Request, judge_scan
from app.errors import Conflict, NotValid
from floorplan.nights import parse_instant

OverrideWhy = Literal[
    "known_guest", "guest_of_the_house", "booker_vouches", "counted_wrong", "device_at_fault",
    "other",
]  # fmt: skip
UndoWhy = Literal[
    "wrong_guest", "wrong_number", "scanned_twice", "did_not_enter", "device_at_fault", "other"
]

# Who stood at the door ten minutes ago does not stand there any more: scan again.
OVERRIDE_SECONDS_MAX: Final = 600
# More than these are a party of their own, and seated as people without a booking.
EXTRA_MOST: Final = 10
COUNTED: Final = ("admitted", "overridden", "out", "moved")


class Decided(Struct, frozen=True):
    """A stored scan: what it said, and what it changed. Instants are texts."""

    scanner: str
    scan_id: str
    night: str | None
    at: str
    door: str
    direction: Literal["in", "out"]
    verdict: str
    reason: str
    booking_id: str | None
    ticket_id: str | None
    guest_id: str | None
    generation: int | None
    people: int
    admitted_change: int
    gone_change: int
    extra_change: int
    undone_at: str | None
    undone_reason: str | None
    overridden_by: str | None


class Undoing(Struct, frozen=True):
    """The ticket's numbers after the count is taken back."""

    admitted: int
    gone: int
    extra: int


def judge_overridable(decided: Decided, breaks: tuple[str, ...], now: str) -> None:
    """Raises Conflict `not_overridable`, `already_overridden`, `scan_too_old`; NotValid
    `rule_not_broken`: the scan's own reason is not among the rules to break."""
    for reason in (decided.reason, *breaks):
        if reason not in SAYINGS or not SAYINGS[reason].may_override or decided.direction == "out":
            raise Conflict(
                "not_overridable",
                f"Nobody may override {reason}. {SAYINGS[decided.reason].instruction}",
                rule=reason,
            )
    if decided.reason not in breaks:
        raise NotValid("rule_not_broken", f"Name {decided.reason} among the rules to break.")
    if decided.overridden_by is not None:
        raise Conflict("already_overridden", "A supervisor has let them in on this scan already.")
    age = (parse_instant(now) - parse_instant(decided.at)).total_seconds()
    if age > OVERRIDE_SECONDS_MAX:
        raise Conflict("scan_too_old", "This scan is too old. Scan the code again.")


def broken_by(breaks: tuple[str, ...]) -> frozenset[str]:
    """The rules not asked: one more than everybody is one more than the places left, too."""
    return frozenset(breaks) | ({"party_full"} if "already_in" in breaks else frozenset())


def judge_override(
    request: Request, booking: BookingFact, facts: Facts, tonight: str | None
) -> Judgement:
    """The entry against the rules in `request.broken`, if nothing else stands against it.

    Raises Conflict `still_refused` with the rule that does, and whether it may be broken too;
    `extra_too_many`.
    """
    found = judge_scan(request, booking, facts, tonight)
    if found.reason != "admitted":
        saying = found.saying
        raise Conflict(
            "still_refused",
            f"{saying.title}: {saying.instruction}",
            rule=found.reason,
            may_override=saying.may_override,
            left_to_enter=found.left_to_enter,
        )
    assert booking.ticket is not None, "judged"
    if booking.ticket.extra + found.extra > EXTRA_MOST:
        raise Conflict(
            "extra_too_many",
            f"At most {EXTRA_MOST} people beyond the party. Seat the others as a walk-in.",
            most=EXTRA_MOST - booking.ticket.extra,
        )
    return replace(found, reason="overridden")


def judge_undo(decided: Decided, booking: BookingFact, facts: Facts) -> Undoing:
    """The ticket as it was before, with what came since.

    Raises Conflict `nothing_to_undo`, `already_undone`, `night_sealed`, `scan_followed`: later
    scans rely on the people, and have to be undone first.
    """
    ticket = booking.ticket
    if decided.reason not in COUNTED or decided.people == 0 or ticket is None:
        raise Conflict("nothing_to_undo", "This scan counted nobody.")
    if decided.undone_at is not None:
        raise Conflict("already_undone", "This scan was undone already.")
    if facts.night is None or facts.night.status != "open":
        raise Conflict("night_sealed", "The night is sealed: its counts stand.")
    admitted = ticket.admitted - decided.admitted_change
    gone = ticket.gone - decided.gone_change
    extra = ticket.extra - decided.extra_change
    if not 0 <= gone <= admitted <= ticket.party + extra:
        raise Conflict(
            "scan_followed",
            "Later scans count the same people: undo the latest first.",
            admitted=ticket.admitted,
            gone=ticket.gone,
        )
    return Undoing(admitted, gone, extra)
