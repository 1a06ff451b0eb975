"""The floor: parties sit down and get up, tables are laid, a spill is mopped."""

from typing import Any, Final

from app.demo import intentions as mean
from app.demo.door import click
from app.demo.evening import Booked, Evening, shown
from app.demo.guests import email
from app.demo.interface import Answer
from app.demo.seating import DOORS

TAKEN: Final = ("table_not_available", "table_occupied", "table_not_ready", "table_blocked")


async def seat(evening: Evening, intention: mean.Seat) -> None:
    """The party sits; where its table is not ready it is laid, or another is found."""
    booked = evening.booked.get(intention.party)
    if booked is None:
        return
    path = f"/v1/bookings/{booked.booking_id}/seat"
    answer = await evening.staff(path)
    if answer.reason == "not_arrived":
        evening.put_off(intention, 4)
    elif answer.reason == "table_not_ready":
        for number in booked.tables:
            await _lay(evening, number)
        answer = await evening.staff(path)
    elif answer.reason in TAKEN:
        party = evening.party(intention.party)
        other = await _free_table(evening, party.size, party.floor)
        if other is not None:
            moved = await evening.staff(
                f"/v1/bookings/{booked.booking_id}/move", {"tables": [other]}
            )
            if moved.ok:
                booked.tables = moved.body["tables"]
                answer = await evening.staff(path)
    if answer.ok:
        booked.status = "seated"
        party = evening.party(intention.party)
        evening.tell(f"{shown(booked.tables).capitalize()}: seated, a party of {party.size}")


async def walk_in(evening: Evening, intention: mean.WalkIn) -> None:
    """A party without a booking sits down at its table, or at another that is free."""
    party = evening.party(intention.party)
    if party.id in evening.booked:
        return
    answer = await _walk_in(evening, party.name, party.size, party.tables[0], counted=party.counted)
    if answer.reason in TAKEN:
        other = await _free_table(evening, party.size, party.floor)
        if other is not None:
            answer = await _walk_in(evening, party.name, party.size, other, counted=party.counted)
    if answer.reason == "capacity_full":
        evening.put_off(intention, 4)
    if answer.ok:
        evening.booked[party.id] = Booked.of(answer.body)


async def _walk_in(evening: Evening, name: str, size: int, table: int, *, counted: bool) -> Answer:
    """By the door, or from the bar; whoever the clicker missed comes by the door."""
    body: dict[str, Any] = {
        "night": evening.night,
        "tables": [table],
        "party": size,
        "door": DOORS[evening.floors[table]],
        "contact": {"name": name, "email": email(name)},
        "counted": counted,
    }
    answer = await evening.staff("/v1/walk-ins", body)
    if answer.reason == "nobody_inside":
        answer = await evening.staff("/v1/walk-ins", {**body, "counted": False})
    if answer.ok:
        evening.tell(f"Table {table}: a party of {size} without a booking")
    return answer


async def leave(evening: Evening, intention: mean.Leave) -> None:
    """The party gets up and goes home, if it still sits."""
    booked = evening.booked.get(intention.party)
    if booked is None:
        return
    now = await evening.look(f"/v1/bookings/{booked.booking_id}")
    if now.get("status") != "seated":
        return
    answer = await evening.staff(f"/v1/tables/{now['tables'][0]}/vacate", {"night": evening.night})
    if not answer.ok:
        return
    booked.status = "completed"
    evening.tell(f"{shown(now['tables']).capitalize()}: the party leaves")
    party = evening.party(intention.party)
    inside = now["admitted"] - now["left"]
    if inside > 0:
        await click(evening, mean.Click(intention.at, party.door, party.floor, -inside))


async def reset(evening: Evening, intention: mean.Reset) -> None:
    await _lay(evening, intention.table)


async def block(evening: Evening, intention: mean.Block) -> None:
    """Nobody sits at the table; where somebody does already, another one is wet."""
    number = intention.table
    answer = await _block(evening, number)
    if answer.reason == "table_occupied":
        other = await _free_table(evening, 1, evening.floors[number])
        if other is not None:
            number, answer = other, await _block(evening, other)
    if answer.ok:
        evening.blocked[intention.table] = number
        evening.tell(f"Table {number}: out of service, something was spilt")


async def _block(evening: Evening, number: int) -> Answer:
    body = {"night": evening.night, "reason": "spill", "even_if_booked": True}
    return await evening.staff(f"/v1/tables/{number}/block", body)


async def unblock(evening: Evening, intention: mean.Unblock) -> None:
    number = evening.blocked.pop(intention.table, intention.table)
    answer = await evening.staff(f"/v1/tables/{number}/unblock", {"night": evening.night})
    if answer.ok:
        evening.tell(f"Table {number}: dry again, back in service")


async def fill_floor(evening: Evening, _intention: mean.FillFloor) -> None:
    """Parties from the bar sit down wherever nobody sits and nobody is expected."""
    tables = await evening.floor()
    for text, table in tables.items():
        number = int(text)
        if table["status"] == "resetting":
            await _lay(evening, number)
        elif table["status"] != "available":
            continue
        name, size = next(evening.more_names), table["capacity"]["optimal"]
        await _walk_in(evening, name, size, number, counted=True)
    taken = [table for table in tables.values() if table["status"] == "occupied"]
    if tables and len(taken) == len(tables):
        evening.tell("The floor is full: somebody sits at every table")


async def clear_floor(evening: Evening, intention: mean.ClearFloor) -> None:
    """The lights go on, and everybody gets up."""
    state = (await evening.look(f"/v1/nights/{evening.night}/state")).get("state", {})
    bookings = state.get("bookings", {})
    for table in state.get("tables", {}).values():
        party = bookings.pop(table["occupied_by"], None) if table["occupied_by"] else None
        if party is None:
            continue
        number = party["tables"][0]
        answer = await evening.staff(f"/v1/tables/{number}/vacate", {"night": evening.night})
        inside = party["admitted"] - party["left"]
        if answer.ok and inside > 0:
            floor = evening.floors[number]
            await click(evening, mean.Click(intention.at, DOORS[floor], floor, -inside))
    evening.tell("The lights go on")


async def lay_floor(evening: Evening, _intention: mean.LayFloor) -> None:
    for text, table in (await evening.floor()).items():
        if table["status"] == "resetting":
            await _lay(evening, int(text))


async def _lay(evening: Evening, number: int) -> None:
    await evening.staff(f"/v1/tables/{number}/reset", {"night": evening.night})


async def _free_table(evening: Evening, size: int, floor: str) -> int | None:
    """The smallest table that is free and takes the party, on its floor if there is one."""
    free = [
        (evening.floors[int(text)] != floor, table["capacity"]["max"], int(text))
        for text, table in (await evening.floor()).items()
        if table["status"] == "available" and table["capacity"]["max"] >= size
    ]
    return min(free)[2] if free else None
