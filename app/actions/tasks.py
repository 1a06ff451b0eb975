"""What waits for a person after a device was away: looked at, and decided once, with a reason."""

from typing import Final

from app.actions.act import UNNUMBERED, Act, Answered, Caller, perform
from app.actions.door import spread
from app.actions.scopes import judge_scope
from app.db import bookings as rows
from app.db import leases
from app.db.pool import Database
from app.errors import Conflict, NotFound
from app.wire.leases import ResolveTask, TaskAnswer
from floorplan import events

# Why it waits: what a manager reads, and what they can do.
WORDS: Final[dict[str, tuple[str, str]]] = {
    "no_lease": (
        "Let in without the right",
        "The tablet let them in on a ticket that it did not hold. See who is inside.",
    ),
    "cancelled_meanwhile": (
        "Let in after the cancellation",
        "The booking ended meanwhile. Talk to the party, and count them if they stay.",
    ),
    "party_full": (
        "More people than the party",
        "Others of the party came in elsewhere meanwhile. Count them if they stay.",
    ),
    "more_than_stated": (
        "More than the tablet said",
        "The tablet gave the ticket back with fewer people than it now tells of.",
    ),
    "more_than_leased": (
        "More than the tablet had",
        "The tablet let in more people than it had places. Count them if they stay.",
    ),
    "copied": (
        "Two tablets, one lease",
        "A copy of this tablet was used. Take both out of service, then release its tickets.",
    ),
}


async def list_tasks(
    db: Database, caller: Caller, *, night: str | None, waiting: bool
) -> list[TaskAnswer]:
    """What waits for a manager, or everything; the newest first, at most 500."""
    async with db.acting(caller.principal) as conn:
        found = await leases.list_tasks(conn, night=night, waiting=waiting)
    return [shown(row) for row in found]


async def resolve_task(
    db: Database, caller: Caller, task_id: str, request: ResolveTask
) -> Answered:
    """The task is decided; `count` puts its people into the head count of the door's floor.

    They are counted as the clicker counts, without a ticket: the ticket could not take them. After
    the seal the figures stand. Raises NotFound `task_not_found`, Conflict `already_resolved`,
    `nothing_to_count`, NotAllowed `out_of_scope`.
    """
    async with db.acting(caller.principal) as conn:
        task = await leases.find_task(conn, task_id)
    if task is None:
        raise NotFound("task_not_found", "There is no such task.")
    judge_scope(caller.principal, door=task.door, floor=task.floor, night=task.night)

    async def work(act: Act) -> tuple[int, TaskAnswer]:
        by = caller.principal.actor
        if not await leases.resolve_task(act.conn, task_id, by, request.decision, request.reason):
            raise Conflict("already_resolved", "Somebody has decided this already.")
        sealed = act.facts.night is not None and act.facts.night.status == "sealed"
        if request.decision == "count":
            if task.people == 0:
                raise Conflict("nothing_to_count", "Nobody came in by this. Dismiss it.")
            if sealed:
                raise Conflict("night_sealed", "The night is sealed: its figures stand.")
            inside = dict(act.facts.inside)
            for floor, count in spread(inside, task.floor, task.people).items():
                inside[floor] = count
                await rows.set_headcount(act.conn, task.night, floor, count)
            act.record(
                events.HeadcountChanged(task.floor, task.door, task.people, inside, "clicker"),
                f"floor:{task.floor}",
            )
        now = await leases.find_task(act.conn, task_id)
        assert now is not None, "a task is never deleted"
        return 200, shown(now, UNNUMBERED)

    return await perform(db, caller, "resolve_task", work, night=task.night, people=True)


def shown(row: leases.TaskRow, version: int | None = None) -> TaskAnswer:
    """The task with the words for it."""
    title, instruction = WORDS[row.why]
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return TaskAnswer(**fields, title=title, instruction=instruction, version=version)
