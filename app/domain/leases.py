"""The rules of offline rights: at any instant exactly one party may admit a ticket.

The server admits, unless a device holds a lease: then that device alone does, until it has said,
ticket by ticket, how many it let in. What a lease holds of a ticket is a share. Pure: the actions
and the simulation in `tests/simulation` judge by the same functions.

Time is asked nowhere here, on purpose. The lease's end stops the device (`scanners/offline.py`) and
gives nothing back, so no clock of a server can hand one ticket to two doors.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct

LEASE_SECONDS: Final = 30 * 60  # from the sending of the last renewal that was acknowledged
RECALL_SECONDS: Final = 1.5  # how long a recall waits for the device's answer
TICKETS_MOST: Final = 400  # of one lease; a night has some hundred bookings

Status = Literal["live", "returned", "voided", "released"]


class Share(Struct, frozen=True):
    """What a lease holds of one ticket.

    The device may let `places` people in; `admitted` of them are in the book already. `stated` is
    what it said when it gave the ticket back, None until then: its scans may come later than its
    word. `released`: a manager took the ticket back without an answer. `silent_seconds` is how long
    nothing was heard of the device.
    """

    lease_id: str
    device_id: str
    door: str
    floor: str
    places: int
    admitted: int = 0
    stated: int | None = None
    released: bool = False
    recalled: bool = False
    silent_seconds: int = 0

    @property
    def is_held(self) -> bool:
        """Whether the device alone may admit the ticket."""
        return self.stated is None and not self.released

    @property
    def reserve(self) -> int:
        """People who may be inside by this share, or may still come in, and are in no count yet."""
        if self.released:
            return 0
        most = self.places if self.stated is None else self.stated
        return max(0, most - self.admitted)


class Candidate(Struct, frozen=True):
    """A ticket that a device asks for. `gone` people of the party are out again."""

    ticket_id: str
    party: int
    admitted: int
    gone: int
    shares: tuple[Share, ...] = ()


def holder_of(shares: Iterable[Share]) -> Share | None:
    """The share by which a device alone may admit the ticket; None: the server may."""
    return next((share for share in shares if share.is_held), None)


def owed_by(shares: Iterable[Share]) -> int:
    """People whom devices said they let in, and whose scans are still to come."""
    return sum(share.reserve for share in shares if not share.is_held)


def places_of(candidate: Candidate) -> int:
    """How many people may still come in by a ticket, wherever."""
    inside = candidate.admitted - candidate.gone
    return candidate.party - inside - owed_by(candidate.shares)


def judge_grant(candidates: Sequence[Candidate], room: int) -> dict[str, int]:
    """The tickets that the device gets, with the places of each, in the order given.

    A ticket that somebody else holds is left out, and so is one whose party the licence has no room
    for: the people of a lease are reserved before any of them has come.
    """
    granted: dict[str, int] = {}
    for candidate in candidates:
        places = places_of(candidate)
        if holder_of(candidate.shares) is not None or not 0 < places <= room:
            continue
        if len(granted) == TICKETS_MOST:
            break
        granted[candidate.ticket_id] = places
        room -= places
    return granted


def judge_counter(status: Status, counter: int, shown: int) -> Status:
    """What the lease is once a new request showed the counter that its device had.

    Each answer has the next counter, and a device has one request on its way, so whoever shows an
    old one under a new key is a copy of the device: nobody knows what the other one lets in.
    """
    if status == "live" and shown != counter:
        return "voided"
    return status


def stated_by(share: Share, admitted: int) -> int:
    """What a device's word counts for: never more than the places that it had."""
    return min(max(0, admitted), share.places)


class Observed(Struct, frozen=True):
    """What becomes of an admission that a device showed: counted, or a task with its reason."""

    counted: int
    task: str | None = None


def judge_observed(
    share: Share | None, ticket: Candidate | None, people: int, *, is_valid: bool
) -> Observed:
    """The people are in. They count where the device had the right and the party has the places;
    otherwise a person decides. `share` is that of the lease which the device names.
    """
    if ticket is None or share is None:
        return Observed(0, "no_lease")
    if not is_valid:
        return Observed(0, "cancelled_meanwhile")
    inside = ticket.admitted - ticket.gone
    others = sum(one.reserve for one in ticket.shares if one.lease_id != share.lease_id)
    if people > ticket.party - inside - others:
        return Observed(0, "party_full")
    if share.released:
        return Observed(people)
    if people > share.reserve:
        return Observed(0, "more_than_stated" if share.stated is not None else "more_than_leased")
    return Observed(people)
