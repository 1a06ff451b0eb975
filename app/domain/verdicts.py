# ruff: noqa: E501 - the table of reasons is read as a table, one reason a line
"""The door's verdict: one pure function, with one published order of precedence.

The reasons below stand in the order in which they are looked for; the first that applies is the
answer. `admit` is green, `wait` amber (the guest steps aside, somebody decides), `refuse` red.
"""

from typing import Final, Literal, NamedTuple

from msgspec import Struct

from app.domain.bookings import room_left
from app.domain.facts import BookingFact, Facts, NightFact

Word = Literal["admit", "wait", "refuse"]


class Saying(NamedTuple):
    """What a reason looks like: the verdict, the word from two metres, and what staff do."""

    verdict: Word
    title: str
    instruction: str


SAYINGS: Final[dict[str, Saying]] = {
    "not_our_code": Saying("refuse", "Not our code", "Ask for the Backroom code or the reference."),
    "wrong_venue": Saying("refuse", "Other venue", "The code is for another venue."),
    "unknown_key": Saying("refuse", "Unknown code", "The code is not of this night. Ask for the reference."),
    "bad_signature": Saying("refuse", "Forged code", "The code was changed. Keep the guest, call the manager."),
    "unknown_code": Saying("refuse", "Unknown", "No such booking. Check the reference, or send them to the desk."),
    "replaced": Saying("refuse", "Replaced", "A newer code was issued. Ask the booker for it."),
    "cancelled": Saying("refuse", "Cancelled", "The booking was cancelled. Send them to the desk."),
    "released": Saying("refuse", "Released", "The party was marked as not come, and its table given up."),
    "unpaid": Saying("wait", "Not paid", "The booking is not confirmed. Send them to the desk."),
    "hold_expired": Saying("refuse", "Expired", "The hold ran out unpaid. Send them to the desk."),
    "wrong_night": Saying("refuse", "Wrong night", "The code is for another night."),
    "not_in_yet": Saying("wait", "Not in yet", "They must come in by a street door first."),
    "nobody_inside": Saying("wait", "Nobody inside", "Nobody of this party is in. Count them out by hand."),
    "out": Saying("admit", "Out", "Counted out. They may come back."),
    "moved": Saying("admit", "Other floor", "Counted to the other floor."),
    "banned": Saying("refuse", "Not welcome", "This guest is banned. Do not let them in; call the manager."),
    "banned_name": Saying("wait", "Check the ID", "A person of this name is banned. Look at the ID: call the manager if it is them."),
    "too_early": Saying("wait", "Too early", "The doors are not open yet."),
    "too_late": Saying("refuse", "Too late", "Last entry is over."),
    "finished": Saying("refuse", "Finished", "The party has left its table. Send them to the desk."),
    "already_in": Saying("refuse", "Already in", "The whole party is in. See when and where it was scanned."),
    "how_many": Saying("wait", "How many?", "Count who is here, and enter the number."),
    "party_full": Saying("refuse", "Too many", "More people than the booking has places left."),
    "capacity_full": Saying("wait", "Full", "The legal limit is reached. Wait until people leave."),
    "admitted": Saying("admit", "Come in", "Let them in."),
}  # fmt: skip


class Request(Struct, frozen=True):
    """What the judge must know of the scan beside the facts.

    `refused` is the reason for which the code itself does not stand. `floor` is where the door
    leads, `leaves` the floor that it leaves when it is inside the house. `id_checked`: the door has
    looked at the ID, and the guest is not the banned person of that name.
    """

    direction: Literal["in", "out"]
    people: int | None
    floor: str
    leaves: str | None = None
    refused: str | None = None
    generation: int | None = None
    id_checked: bool = False


class Judgement(Struct, frozen=True):
    """The verdict's reason, how many people it counts, and the numbers that staff are told."""

    reason: str
    people: int = 0
    left_to_enter: int | None = None
    admitted: int | None = None
    gone: int | None = None

    @property
    def saying(self) -> Saying:
        return SAYINGS[self.reason]


def judge_scan(
    request: Request, booking: BookingFact | None, facts: Facts, tonight: str | None
) -> Judgement:
    """The verdict on one read, from locked facts. Counts are those after an admission."""
    if request.refused is not None:
        return Judgement(request.refused)
    if booking is None:
        return Judgement("unknown_code")
    ticket = booking.ticket
    if booking.status == "cancelled":
        return Judgement("cancelled")
    if booking.status == "no_show":
        return Judgement("released")
    if booking.status in ("expired", "released"):
        return Judgement("hold_expired")
    if ticket is not None and request.generation not in (None, ticket.generation):
        return Judgement("replaced")
    if booking.status == "pending" or ticket is None:
        return Judgement("unpaid")
    if ticket.status != "valid":
        return Judgement("cancelled")
    if booking.night != tonight or facts.night is None or facts.night.status != "open":
        return Judgement("wrong_night")

    inside = ticket.admitted - ticket.gone
    if request.leaves is not None:
        return _judge_stairs(request, facts, inside)
    if request.direction == "out":
        return _judge_out(request, inside, ticket.admitted, ticket.gone)
    return _judge_in(request, booking, facts, facts.night)


def _judge_stairs(request: Request, facts: Facts, inside: int) -> Judgement:
    if inside == 0:
        return Judgement("not_in_yet")
    if request.people is None and inside > 1:
        return Judgement("how_many", left_to_enter=inside)
    people = request.people or 1
    source, target = request.leaves, request.floor
    if request.direction == "out":
        source, target = target, source
    here = facts.inside
    counts = {h.floor: h for h in facts.headcount}
    if people > inside or people > here.get(source or "", 0):
        return Judgement("party_full", left_to_enter=min(inside, here.get(source or "", 0)))
    if people > counts[target or ""].people_limit - counts[target or ""].people:
        return Judgement("capacity_full", left_to_enter=inside)
    return Judgement("moved", people=people)


def _judge_out(request: Request, inside: int, admitted: int, gone: int) -> Judgement:
    if inside == 0:
        return Judgement("nobody_inside")
    if request.people is None and inside > 1:
        return Judgement("how_many", left_to_enter=inside)
    people = request.people or 1
    if people > inside:
        return Judgement("party_full", left_to_enter=inside)
    return Judgement("out", people=people, admitted=admitted, gone=gone + people)


def _judge_in(request: Request, booking: BookingFact, facts: Facts, night: NightFact) -> Judgement:
    ticket = booking.ticket
    assert ticket is not None, "judged before"
    # Whoever went out may come back until the close and after the party's end; newcomers only
    # until the last entry and while the party has its tables.
    closed_to_newcomers = facts.now > night.last_entry_at or booking.status == "completed"
    newcomers = 0 if closed_to_newcomers else booking.party - ticket.admitted
    places = newcomers + ticket.gone
    if booking.ban == "banned":
        return Judgement("banned")
    if booking.ban == "banned_name" and not request.id_checked:
        return Judgement("banned_name", left_to_enter=places)
    if facts.now < night.doors_at:
        return Judgement("too_early", left_to_enter=places)
    if facts.now >= night.closes_at or (facts.now > night.last_entry_at and not ticket.gone):
        return Judgement("too_late")
    if booking.status == "completed" and not ticket.gone:
        return Judgement("finished")
    if places == 0:
        return Judgement("already_in", left_to_enter=0, admitted=ticket.admitted, gone=ticket.gone)
    if request.people is None and places > 1:
        return Judgement("how_many", left_to_enter=places)
    people = request.people or 1
    if people > places:
        return Judgement("party_full", left_to_enter=places)
    if people > room_left(facts, night, request.floor):
        return Judgement("capacity_full", left_to_enter=room_left(facts, night, request.floor))
    new = min(people, newcomers)
    return Judgement(
        "admitted",
        people=people,
        left_to_enter=places - people,
        admitted=ticket.admitted + new,
        gone=ticket.gone - (people - new),
    )
