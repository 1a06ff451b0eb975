"""The rules of changing a booking: which one was seen, by whom, how many people, what it costs."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from app.domain.facts import BookingFact, NightFact, TableFact
from app.errors import Conflict, NotValid
from floorplan.allocation import combination_of
from floorplan.venue import Combination

UNFINISHED: Final = ("pending", "confirmed", "seated")


def judge_edition(booking: BookingFact, *seen: int | None) -> None:
    """Whoever says which edition they saw changes no other.

    Raises Conflict `edition_stale`, with the booking as it is now.
    """
    for edition in seen:
        if edition is not None and edition != booking.edition:
            raise Conflict(
                "edition_stale",
                "Somebody changed the booking meanwhile. Look at it as it is now, then decide.",
                edition=booking.edition,
                booking=shown(booking),
            )


def shown(booking: BookingFact) -> dict[str, Any]:
    """The booking as a refusal shows it."""
    return {
        "booking_id": booking.id,
        "night": booking.night,
        "status": booking.status,
        "party": booking.party,
        "tables": list(booking.tables),
        "from": booking.slot_from,
        "until": booking.slot_until,
        "deposit_pence": booking.deposit_pence,
        "paid_pence": booking.paid_pence,
        "admitted": booking.ticket.admitted if booking.ticket else 0,
        "edition": booking.edition,
    }


def judge_own_time(booking: BookingFact, latest: str, now: str) -> None:
    """A guest changes a booking until so long before it begins; then the club does it for them.

    `latest` is the last instant. Raises Conflict `too_late_to_change`.
    """
    if now > latest:
        raise Conflict(
            "too_late_to_change",
            "It is too late to change this booking here. Call the club, or ask at the door.",
            latest_at=latest,
            begins_at=booking.slot_from,
        )


def judge_party(booking: BookingFact, party: int, most: int) -> None:
    """The tables, which take `most`, have room for the party, and nobody who is in is left out.

    A party may become as small as it likes: it keeps its tables, and their price.
    Raises Conflict `party_inside`, `party_does_not_fit`.
    """
    ticket = booking.ticket
    admitted = ticket.admitted + ticket.owed - ticket.extra if ticket else 0
    if party < admitted:
        raise Conflict(
            "party_inside",
            f"{admitted} of this party are in already: it cannot be smaller.",
            admitted=admitted,
        )
    if party > max(most, booking.party):
        raise Conflict(
            "party_does_not_fit",
            f"These tables take at most {most} people, not {party}. Move the party first.",
            least=1,
            most=most,
        )


def deposit_of(tables: tuple[TableFact, ...], numbers: list[int]) -> int:
    """What a night takes for these tables."""
    return sum(table.deposit_pence for table in tables if table.number in numbers)


def due_of(deposit_pence: int, paid_pence: int) -> int:
    """What of a deposit is still to be paid. What was paid beyond it counts towards the evening."""
    return max(0, deposit_pence - paid_pence)


def slot_there(
    booking: BookingFact, night: NightFact, begin: str | None, end: str | None
) -> tuple[str | None, str | None]:
    """The slot that is asked for: on its own night what is not named stays."""
    if night.date == booking.night:
        return begin or booking.slot_from, end or booking.slot_until
    return begin, end


def seats_of(
    tables: tuple[TableFact, ...], numbers: Iterable[int], combinations: Sequence[Combination]
) -> int:
    """The most people at these tables together."""
    wanted = set(numbers)
    seats = sum(table.capacity_max for table in tables if table.number in wanted)
    joined = combination_of(wanted, combinations)
    return max(seats, joined.party_max) if joined is not None else seats


def judge_split(booking: BookingFact, party: int, people: int | None) -> int:
    """How many of those who are in go with the part of the party that becomes its own.

    Raises NotValid `split_not_valid`: nobody would go, or nobody stay. Conflict `party_inside`.
    """
    left = booking.party - party
    if left < 1:
        raise NotValid(
            "split_not_valid",
            f"The party has {booking.party} people: split off fewer of them.",
            party=booking.party,
        )
    ticket = booking.ticket
    # Those whom a tablet let in and is still telling of stay with the first: their scans name it.
    admitted = ticket.admitted + ticket.owed if ticket else 0
    inside = ticket.admitted - ticket.gone if ticket else 0
    least, most = max(0, admitted - left), min(party, inside)
    if people is None:
        people = most if booking.status == "seated" else least
    if not least <= people <= most:
        raise Conflict(
            "party_inside",
            f"{admitted} of this party came in, {inside} are inside: between {least} and {most} of"
            " them can go with the new booking.",
            admitted=admitted,
            least=least,
            most=most,
        )
    return people
