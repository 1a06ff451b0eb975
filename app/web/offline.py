"""Offline rights over HTTP, and the wait for a device that was asked for a ticket."""

import asyncio
import contextlib
from base64 import b64encode

from msgspec import Struct

from app.actions import bookings, leases, no_shows, observed, recalls, reissues, scans, tasks
from app.actions.act import Answered
from app.actions.persons import opened
from app.db import leases as rows
from app.db.listings import list_expected
from app.domain.leases import RECALL_SECONDS, TICKETS_MOST
from app.domain.names import masked
from app.errors import NotFound
from app.web.answers import Answer, encoded
from app.web.doing import doing
from app.web.operations import Call
from app.wire.leases import (
    DoorAnswer,
    DoorTicket,
    LeaseShown,
    NightKeyAnswer,
    TaskAnswer,
)
from floorplan.nights import instant_text


class Leases(Struct, frozen=True):
    leases: list[LeaseShown]


class Tasks(Struct, frozen=True):
    tasks: list[TaskAnswer]


def speed_of(call: Call) -> float:
    """How fast the venue's clock runs beside a tablet's own."""
    return call.parts.live.clock.speed


take_lease = doing(
    lambda c: leases.take_lease(c.parts.db, c.parts.venue, c.caller, c.body, speed_of(c))
)
renew_lease = doing(
    lambda c: leases.renew_lease(c.parts.db, c.caller, c.path["lease_id"], c.body, speed_of(c))
)
return_lease = doing(
    lambda c: leases.return_lease(c.parts.db, c.caller, c.path["lease_id"], c.body, speed_of(c))
)
recall_lease = doing(lambda c: leases.recall_lease(c.parts.db, c.caller, c.path["lease_id"]))
release_lease = doing(
    lambda c: leases.release_lease(c.parts.db, c.caller, c.path["lease_id"], c.body)
)
resolve_task = doing(lambda c: tasks.resolve_task(c.parts.db, c.caller, c.path["task_id"], c.body))


async def get_leases(call: Call) -> Answer:
    """Those in force first, at most 200."""
    async with call.parts.db.acting(call.principal) as conn:
        found = await rows.list_leases(conn, call.query.night)
    return encoded(Leases([LeaseShown(**dict(row)) for row in found]))


async def get_tasks(call: Call) -> Answer:
    """The newest first, at most 500."""
    found = await tasks.list_tasks(
        call.parts.db,
        call.caller,
        night=call.query.night,
        waiting=call.query.state == "waiting",
    )
    return encoded(Tasks(found))


async def get_door(call: Call) -> Answer:
    """What a device keeps: public keys a day ahead, and the next night's list with masked names."""
    parts = call.parts
    async with parts.db.acting(call.principal) as conn:
        nights = await rows.list_night_keys(conn, call.principal.scope.night)
        night = nights[0].night if nights else None
        listed = await rows.list_door(conn, night, TICKETS_MOST) if night else []
        expected = await list_expected(conn, night) if night else []
    names = {one.booking_id: opened(parts.vault, one.held) for one in expected}
    keys = [
        NightKeyAnswer(
            n.night, n.name, n.doors_at, n.last_entry_at, n.closes_at, n.key_id,
            b64encode(n.public).decode(),
        )
        for n in nights
    ]  # fmt: skip
    tickets = []
    for row in listed:
        guest = names.get(row.booking_id)
        tickets.append(
            DoorTicket(
                row.ticket_id, row.booking_id, row.reference, row.generation, row.party,
                row.admitted, row.gone, row.status, row.slot_from, row.tables,
                masked(guest.name) if guest else None,
            )
        )  # fmt: skip
    now = instant_text(parts.live.clock.now())
    return encoded(
        DoorAnswer(
            now=now,
            speed=speed_of(call),
            venue=parts.venue.id,
            night=night,
            nights=keys,
            tickets=tickets,
        )
    )


async def _scan(call: Call) -> Answered:
    """A scan of a ticket that a device holds waits for that device's answer, once."""
    parts = call.parts
    if call.body.observed is not None:
        return await observed.record_observed(parts.db, parts.venue, call.caller, call.body)
    try:
        return await scans.scan(
            parts.db, parts.venue, parts.vault, call.caller, call.body, ask=True
        )
    except scans.HolderAsked as asked:
        await wait_for(call, asked.recalled)
    return await scans.scan(parts.db, parts.venue, parts.vault, call.caller, call.body)


async def _cancel(call: Call) -> Answered:
    await ask_back(call, "cancel")
    return await bookings.cancel_booking(call.parts.db, call.caller, call.path["booking_id"])


async def _reissue(call: Call) -> Answered:
    await ask_back(call, "reissue")
    parts = call.parts
    return await reissues.reissue_code(
        parts.db, parts.venue, parts.vault, call.caller, call.path["booking_id"], call.body
    )


async def _move(call: Call) -> Answered:
    await ask_back(call, "move")
    return await bookings.move_tables(
        call.parts.db, call.parts.venue, call.caller, call.path["booking_id"], call.body
    )


async def _mark_no_show(call: Call) -> Answered:
    await ask_back(call, "no_show")
    return await no_shows.mark_no_show(
        call.parts.db, call.parts.venue, call.caller, call.path["booking_id"]
    )


scan = doing(_scan)
mark_no_show = doing(_mark_no_show)
reissue_code = doing(_reissue)
cancel_booking = doing(_cancel)
move_tables = doing(_move)


async def ask_back(call: Call, why: recalls.RecallWhy, *booking_ids: str) -> None:
    """The tickets of the bookings (the path's, unless any is given) are the server's again, or a
    device did not answer within 1.5 s: then the action goes through, and its answer says which door
    may still admit."""
    asked_for = sorted(set(booking_ids or [call.path["booking_id"]]))
    with contextlib.suppress(NotFound):  # the action itself says so
        asked = await recalls.recall_bookings(call.parts.db, call.caller, asked_for, why)
        if asked is not None:
            await wait_for(call, asked)


async def ask_back_banned(call: Call) -> list[str]:
    """What devices hold of parties that are banned by now, by this ban or one before, is asked for;
    the doors that did not answer, and may still admit them until their next renewal."""
    db = call.parts.db
    async with db.acting(call.principal) as conn:
        held = await rows.list_held_banned(conn)
    if not held:
        return []
    for night in sorted({one.night for one in held}):
        booking_ids = sorted(one.booking_id for one in held if one.night == night)
        asked = await recalls.recall_bookings(db, call.caller, booking_ids, "ban")
        if asked is not None:
            await wait_for(call, asked)
    async with db.acting(call.principal) as conn:
        return sorted({one.door for one in await rows.list_held_banned(conn)})


async def wait_for(call: Call, asked: recalls.Recalled) -> None:
    """Until the tickets were given back; 1.5 s at the longest, and not at all where they had been
    asked for before."""
    if asked.version is None:
        return
    hub = call.parts.live.hub
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RECALL_SECONDS):
            room = await call.parts.live.room(asked.night, asked.version)
            while any(
                ticket in lease.held
                for lease in room.state.leases.values()
                for ticket in asked.tickets
            ):
                await hub.reached(room, room.version + 1)
