"""The door: people are counted in and out, by the clicker and by a head count."""

from app.actions.act import (
    UNNUMBERED,
    Act,
    Answered,
    Caller,
    perform,
)
from app.actions.scopes import judge_scope
from app.actions.verdict import warnings_of
from app.db import bookings as rows
from app.db.pool import Database
from app.domain.bookings import judge_night, judge_room
from app.domain.capacity import fill_of
from app.errors import Conflict, NotAllowed, NotFound, NotValid
from app.wire import HeadcountAnswer, HeadcountRequest
from floorplan import events
from floorplan.venue import Door, Venue


async def change_headcount(
    db: Database, venue: Venue, caller: Caller, request: HeadcountRequest
) -> Answered:
    """The clicker counted people in or out, or a head count put the number right.

    At a door inside the house the people change floors. Raises Conflict `capacity_full`,
    `nobody_inside`; NotAllowed: correcting needs `headcount:correct`, a device is at another door,
    `out_of_scope`.
    """
    door = find_own_door(venue, caller, request.door)
    # The door says where they stand, and the floor whose number it is: both may be beyond them.
    judge_scope(caller.principal, floor=request.floor)
    if (request.change is None) == (request.people is None) or request.change == 0:
        raise NotValid(
            "change_missing", "Send either a change other than 0, or the people counted."
        )
    if request.people is not None and not caller.principal.may("headcount:correct"):
        raise NotAllowed("not_allowed", "A head count is corrected by a manager.")

    async def work(act: Act) -> tuple[int, HeadcountAnswer]:
        facts = act.facts
        night = judge_night(facts, request.night)
        inside = dict(facts.inside)
        if request.floor not in inside:
            raise NotFound("floor_not_found", f"There is no floor {request.floor}.")
        if request.people is not None:
            change, why = request.people - inside[request.floor], "head_count"
            inside[request.floor] = request.people
        else:
            assert request.change is not None
            change, why = request.change, "clicker"
            other = door.leaves if door.floor == request.floor else door.floor
            if door.leaves is not None and other is not None:
                why = "stairs"
                if inside[other] - change < 0:
                    raise Conflict("nobody_inside", f"Nobody is counted on {other}.")
                # The house holds as many as before; the floor that they go to must have room.
                target = request.floor if change > 0 else other
                limits = {h.floor: h.people_limit for h in facts.headcount}
                if inside[target] + abs(change) > limits[target]:
                    judge_room(facts, night, target, abs(change))
                inside[other] -= change
                await rows.set_headcount(act.conn, request.night, other, inside[other])
            elif change > 0:
                judge_room(facts, night, request.floor, change)
            inside[request.floor] += change
            if inside[request.floor] < 0:
                raise Conflict(
                    "nobody_inside",
                    f"Only {facts.inside[request.floor]} people are counted on {request.floor}.",
                    inside=facts.inside[request.floor],
                )
        await rows.set_headcount(act.conn, request.night, request.floor, inside[request.floor])
        act.record(
            events.HeadcountChanged(request.floor, request.door, change, inside, why),
            f"floor:{request.floor}",
        )
        limits = {h.floor: h.people_limit for h in facts.headcount}
        return 200, HeadcountAnswer(
            night=request.night,
            inside=inside,
            limits={**limits, "house": night.house_limit},
            version=UNNUMBERED,
            warnings=warnings_of(venue, request.floor, fill_of(facts, night, inside)),
        )

    return await perform(db, caller, "change_headcount", work, night=request.night, people=True)


def find_door(venue: Venue, door_id: str) -> Door:
    """The door of the venue. Raises NotFound naming the doors there are."""
    try:
        return venue.get_door(door_id)
    except KeyError:
        known = ", ".join(door.id for door in venue.doors)
        raise NotFound("door_not_found", f"There is no such door; the doors are {known}.") from None


def find_own_door(venue: Venue, caller: Caller, door_id: str) -> Door:
    """As `find_door`; a device acts at the door where it stands, and nobody beyond their scope.

    Raises NotAllowed `other_door`, `out_of_scope`.
    """
    door = find_door(venue, door_id)
    judge_scope(caller.principal, door=door_id, floor=door.floor)
    at = caller.principal.door
    if at is not None and at != door_id:
        raise NotAllowed("other_door", f"This device stands at {at}. Pair it again to move it.")
    return door


def spread(inside: dict[str, int], door_floor: str, step: int) -> dict[str, int]:
    """The counts that change when `step` people pass a street door of the floor.

    A party may leave by another floor's door than it came in by, and from both floors at once; and
    a head count may have missed it. Whoever leaves is taken from the door's floor first, then from
    the others, and no floor falls below nobody.
    """
    if step >= 0:
        return {door_floor: inside[door_floor] + step}
    changed: dict[str, int] = {}
    leaving = -step
    for floor in sorted(inside, key=lambda name: (name != door_floor, name)):
        taken = min(leaving, inside[floor])
        if taken:
            changed[floor] = inside[floor] - taken
        leaving -= taken
    return changed
