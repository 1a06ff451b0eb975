"""An incident at a door is in the night's book."""

from uuid import uuid4

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.door import find_own_door
from app.db.pool import Database
from app.domain.bookings import judge_night
from app.wire import IncidentAnswer, RecordIncident
from floorplan import events
from floorplan.venue import Venue


async def record_incident(
    db: Database, venue: Venue, caller: Caller, request: RecordIncident
) -> Answered:
    """The line stands, with door and staff. Nobody is counted: the clicker and exits do that.

    Raises NotFound, NotAllowed `other_door`, `out_of_scope`; Conflict `night_sealed`.
    """
    door = find_own_door(venue, caller, request.door)
    incident_id = str(uuid4())

    async def work(act: Act) -> tuple[int, IncidentAnswer]:
        judge_night(act.facts, request.night)
        act.record(
            events.IncidentRecorded(
                incident_id, request.kind, door.id, request.people, request.outcome,
                request.booking_id,
            ),
            f"door:{door.id}",
        )  # fmt: skip
        return 201, IncidentAnswer(incident_id=incident_id, at=act.facts.now, version=UNNUMBERED)

    return await perform(db, caller, "record_incident", work, night=request.night)
