"""A device that holds a ticket is asked to give it back before somebody else acts on it."""

from typing import Literal

from msgspec import Struct

from app.actions.act import Act, Caller, finish, lock
from app.db import leases as rows
from app.db.pool import Database, retried
from floorplan import events

RecallWhy = Literal[
    "other_door", "cancel", "move", "reissue", "change", "reschedule", "swap", "split", "merge",
    "no_show", "ban", "manager",
]  # fmt: skip


class Recalled(Struct, frozen=True):
    """Tickets that devices hold; `doors` are where these stand. `version`: the book has the recall
    from there on; None: they were recalled before, and nobody needs to be waited for again."""

    night: str
    tickets: tuple[str, ...]
    doors: tuple[str, ...]
    version: int | None


async def recall_bookings(
    db: Database, caller: Caller, bookings: list[str], why: RecallWhy
) -> Recalled | None:
    """The devices that hold the tickets of these bookings, of one night, are asked for them; None:
    nobody holds one.

    It is a step before another action, so it keeps no answer under the caller's key.
    """

    async def attempt() -> Recalled | None:
        async with db.undecided(begin=False) as conn:
            keyless = Caller(caller.principal, caller.correlation_id, origin=caller.origin)
            act = await lock(
                conn, keyless, "recall_bookings", night=None, bookings=bookings, claims=False
            )
            if act.facts.night is None:
                return None
            return await recall(act, act.facts.night.date, bookings, why)

    return await retried(attempt)


async def recall(act: Act, night: str, bookings: list[str], why: RecallWhy) -> Recalled | None:
    """The devices that hold the bookings' tickets are asked for them, and this is committed.

    None: nobody holds one, and the transaction goes on.
    """
    held = await rows.recall_shares(act.conn, bookings)
    if not held:
        return None
    asked = [share for share in held if not share.recalled]
    for lease_id in sorted({share.lease_id for share in asked}):
        of_lease = [share for share in asked if share.lease_id == lease_id]
        act.record(
            events.LeaseRecalled(
                lease_id, of_lease[0].door, [share.ticket_id for share in of_lease], why
            ),
            f"device:{of_lease[0].device_id}",
        )
    version = await finish(act, night, 200, b"{}")
    return Recalled(
        night,
        tuple(share.ticket_id for share in held),
        tuple(sorted({share.door for share in held})),
        version if asked else None,
    )
