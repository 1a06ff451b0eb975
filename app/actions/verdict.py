"""The answer to a scan, in the shape that devices read: the judgement with its numbers and words.

It is stored as it is made, so nothing in it is personal and nothing in it depends on who asks.
"""

from datetime import date

from app.actions.act import UNNUMBERED
from app.domain.capacity import Fill, Room, fill_of
from app.domain.facts import BookingFact, Facts, GuestFact, TicketFact
from app.domain.leases import Share
from app.domain.verdicts import Judgement
from app.wire import CapacityFigures, Caution, HeldBy, ScanRequest, Seen, Verdict
from app.wire import Room as RoomAnswer
from floorplan.nights import parse_instant
from floorplan.venue import Door, Venue

# Where the last scan of the ticket explains the answer.
SEEN_BY: frozenset[str] = frozenset({"already_in", "party_full", "finished", "nobody_inside"})


def verdict_of(
    venue: Venue,
    door: Door,
    request: ScanRequest,
    facts: Facts,
    booking: BookingFact | None,
    judgement: Judgement,
    inside: dict[str, int],
    *,
    guest: GuestFact | None = None,
    tonight: str | None,
    device_id: str | None = None,
) -> Verdict:
    """The verdict as it is stored; `inside` are the people by floor with those it counts, and
    `device_id` is who asks."""
    saying, ticket = judgement.saying, booking.ticket if booking else None
    fill = fill_of(facts, facts.night, inside) if facts.night and inside else None
    seen = _seen(judgement, facts, guest or ticket, ticket)
    send_to = _send_to(venue, facts, booking, judgement)
    held = ticket.lease if ticket and judgement.reason == "held_by_other_door" else None
    return Verdict(
        scan_id=request.scan_id,
        verdict=saying.verdict,
        reason=judgement.reason,
        title=saying.title,
        instruction=_instruction(
            venue, door, facts, judgement, booking, fill, send_to, held, device_id
        ),
        at=facts.now,
        door=door.id,
        people=judgement.people,
        booking_id=booking.id if booking else None,
        party=booking.party if booking else None,
        admitted=judgement.admitted
        if judgement.admitted is not None
        else (ticket.admitted if ticket else None),
        left_to_enter=judgement.left_to_enter,
        tables=list(booking.tables) if booking else [],
        floor=door.floor,
        version=UNNUMBERED if tonight else None,
        direction=request.direction,
        tell=saying.tell,
        steps=[step for step in saying.steps if step != "override" or _is_entry(door, request)],
        gone=judgement.gone if judgement.gone is not None else (ticket.gone if ticket else None),
        guest_number=guest.number if guest else None,
        seen=seen,
        capacity=_figures(door, fill) if fill else None,
        warnings=warnings_of(venue, door.floor, fill) if fill else [],
        held_by=HeldBy(held.door, held.silent_seconds) if held else None,
        send_to=send_to,
    )


def warnings_of(venue: Venue, floor: str, fill: Fill) -> list[Caution]:
    """What is nearly full: nine tenths of a limit, or more."""
    said = []
    here = fill.floors[floor]
    if here.nearly_full:
        title = venue.get_floor(floor).title
        said.append(Caution("floor_nearly_full", f"{title}: {here.inside} of {here.limit}."))
    if fill.house.nearly_full:
        text = f"The house: {fill.house.inside} of {fill.house.limit}."
        said.append(Caution("house_nearly_full", text))
    return said


def _is_entry(door: Door, request: ScanRequest) -> bool:
    """Nobody needs leave to go out, or up the stairs: only an entry can be overridden."""
    return request.direction == "in" and door.leaves is None


def _figures(door: Door, fill: Fill) -> CapacityFigures:
    return CapacityFigures(
        floor=door.floor,
        here=_room(fill.floors[door.floor]),
        house=_room(fill.house),
        elsewhere={name: _room(r) for name, r in fill.floors.items() if name != door.floor},
        may_enter=fill.may_enter(door.floor),
    )


def _room(room: Room) -> RoomAnswer:
    return RoomAnswer(room.inside, room.limit, room.free)


def _seen(
    judgement: Judgement,
    facts: Facts,
    scanned: TicketFact | GuestFact | None,
    ticket: TicketFact | None,
) -> Seen | None:
    if judgement.reason not in SEEN_BY or scanned is None or scanned.last_scan_at is None:
        return None
    assert scanned.last_scan_door is not None, "written with the instant"
    return Seen(
        at=scanned.last_scan_at,
        door=scanned.last_scan_door,
        by=ticket.last_scan_by if ticket else None,
        seconds=_seconds(scanned.last_scan_at, facts.now) or 0,
    )


def _seconds(since: str | None, now: str) -> int | None:
    if since is None:
        return None
    return max(0, int((parse_instant(now) - parse_instant(since)).total_seconds()))


def _send_to(
    venue: Venue, facts: Facts, booking: BookingFact | None, judgement: Judgement
) -> str | None:
    """The street door where they belong: that of their table's floor, or of the lease."""
    if booking is None:
        return None
    if judgement.reason == "held_by_other_door" and booking.ticket and booking.ticket.lease:
        return booking.ticket.lease.door
    if judgement.reason != "wrong_floor":
        return None
    floors = {t.floor for t in facts.tables if t.number in booking.tables}
    return next((d.id for d in venue.doors if not d.leaves and d.floor in floors), None)


def _instruction(
    venue: Venue,
    door: Door,
    facts: Facts,
    judgement: Judgement,
    booking: BookingFact | None,
    fill: Fill | None,
    send_to: str | None,
    held: Share | None,
    device_id: str | None,
) -> str:
    """The reason's sentence, with the numbers and places of this scan. The scan before stands in
    `seen` alone."""
    said, reason = judgement.saying.instruction, judgement.reason
    if reason == "wrong_night" and booking:
        day = date.fromisoformat(booking.night)
        return (
            f"The booking is for {day:%A} {day.day} {day:%B}. The desk may take them as a walk-in."
        )
    if reason == "too_early" and facts.night:
        return f"Doors open at {_clock(venue, facts.night.doors_at)}. Let them wait outside."
    if reason == "too_late" and facts.night:
        return (
            f"Last entry was at {_clock(venue, facts.night.last_entry_at)}. Nobody new comes in,"
            " unless a supervisor lets them."
        )
    if reason == "capacity_full" and fill:
        most = judgement.left_to_enter
        may = f"{most} of them may enter." if most else "Nobody enters until people leave."
        return f"{_full(venue, door, fill)} {may}"
    if reason == "party_full":
        may = f"{judgement.left_to_enter} may pass" if judgement.left_to_enter else "None may pass"
        return f"More people than the booking has places left: {may}, others as walk-ins."
    if held is not None:
        where = _door_name(venue, held.door)
        if held.device_id == device_id:
            return (
                "This tablet holds the code and no longer knows whom it let in. Give its tickets"
                " back, or call a supervisor."
            )
        return (
            f"Held by {where}, out of contact {held.silent_seconds}\u00a0s. Send them there, or"
            " call a supervisor."
        )
    if send_to is not None:
        return f"Send them to: {_door_name(venue, send_to)}."
    return said


def _clock(venue: Venue, instant: str) -> str:
    """The hour and minute that the clock on the wall shows then."""
    return f"{parse_instant(instant).astimezone(venue.zone):%H:%M}"


def _full(venue: Venue, door: Door, fill: Fill) -> str:
    here = fill.floors[door.floor]
    title = venue.get_floor(door.floor).title
    said = f"{title} {here.inside} of {here.limit}."
    if fill.house.free <= here.free:
        return f"The house {fill.house.inside} of {fill.house.limit}."
    free = [(name, room.free) for name, room in fill.floors.items() if name != door.floor]
    return said + "".join(
        f" {venue.get_floor(name).title} has {min(count, fill.house.free)} free."
        for name, count in free
        if count
    )


def _door_name(venue: Venue, door_id: str) -> str:
    return next((door.name for door in venue.doors if door.id == door_id), door_id)
