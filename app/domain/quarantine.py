"""What accepting a scan counts that came after its device's token had ended. Pure.

A manager accepts what the door did: the people are in, or out. So neither the clock nor the last
entry is asked again; what no manager can make true is more people than the party has, than the
licence allows, or than came in.
"""

from typing import Literal

from msgspec import Struct

from app.domain.bookings import judge_room
from app.domain.facts import BookingFact, Facts
from app.errors import Conflict, NotValid

COUNTED: tuple[str, ...] = ("confirmed", "seated", "completed")


class Held(Struct, frozen=True, kw_only=True):
    """A scan in quarantine; instants are texts. `booking_id` and what follows are those of the
    ticket or the reference that was read, None where it led to nothing."""

    id: str
    device_id: str
    device: str
    scan_id: str
    body_hash: bytes
    received_at: str
    at: str
    door: str
    direction: Literal["in", "out"]
    people: int | None
    ticket_id: str | None
    generation: int | None
    refused: str | None
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None
    reason: str | None
    counted: int
    booking_id: str | None
    reference: str | None
    night: str | None
    party: int | None
    decided: bool


class Counting(Struct, frozen=True):
    """The ticket's numbers after the people were counted, as they are in its row.

    `after_seal`: the night's figures stand, and the house is empty since.
    """

    people: int
    admitted: int
    gone: int
    after_seal: bool


def judge_held(held: Held) -> str:
    """The booking that the scan is of.

    Raises Conflict `already_resolved`, `already_decided`, `nothing_to_count`.
    """
    if held.resolved_at is not None:
        raise Conflict(
            "already_resolved",
            f"This scan was resolved already ({held.resolution}).",
            resolution=held.resolution,
        )
    if held.decided:
        raise Conflict(
            "already_decided", "The same scan was sent again and has its verdict. Dismiss this one."
        )
    if held.refused is not None or held.booking_id is None:
        raise Conflict(
            "nothing_to_count", "This scan leads to no booking. Dismiss it, and count by hand."
        )
    return held.booking_id


def judge_accept(
    held: Held, said: int | None, booking: BookingFact, facts: Facts, floor: str
) -> Counting:
    """What a street door's scan counts; `said` is the manager's number of people, `floor` where
    the door leads.

    Raises Conflict `nothing_to_count`, `party_full`, `nobody_inside`, `capacity_full`; NotValid
    `people_missing`.
    """
    ticket = booking.ticket
    if booking.status not in COUNTED or ticket is None or ticket.status != "valid":
        raise Conflict(
            "nothing_to_count",
            f"The booking is {booking.status}: nobody is counted on it. Dismiss the scan, and count"
            " by hand.",
        )
    guest = booking.find_guest(held.ticket_id)
    if guest is not None and guest.status != "valid":
        raise Conflict("nothing_to_count", "The guest's code was taken back. Dismiss the scan.")
    if held.generation not in (None, (guest or ticket).generation):
        raise Conflict("nothing_to_count", "A newer code was issued. Dismiss the scan.")
    going_in = held.direction == "in"
    places = booking.party - ticket.admitted + ticket.gone
    inside = ticket.admitted - ticket.gone
    if guest is not None:
        inside = min(inside, guest.admitted - guest.gone)
        places = min(places, 1 - inside)
    most = places if going_in else inside
    people = said or held.people or (1 if most <= 1 else None)
    if people is None:
        raise NotValid("people_missing", f"Say how many people it was; at most {most}.", most=most)
    if people > most:
        reason = "party_full" if going_in else "nobody_inside"
        raise Conflict(reason, f"At most {most} of this party can be counted.", most=most)
    after_seal = facts.night is not None and facts.night.status == "sealed"
    if not going_in:
        return Counting(people, ticket.admitted, ticket.gone + people, after_seal)
    if not after_seal:
        assert facts.night is not None, "the night of a booking exists"
        judge_room(facts, facts.night, floor, people)
    new = min(people, booking.party - ticket.admitted)
    return Counting(people, ticket.admitted + new, ticket.gone - (people - new), after_seal)
