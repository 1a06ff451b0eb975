"""The door: codes are shown, people counted, and some sent away."""

from typing import Any, Final
from uuid import UUID

from app.demo import intentions as mean
from app.demo.evening import Booked, Evening, shown
from scanners.codes import base45

PREFIX: Final = "BR1:"
PARTY_BYTE: Final = 28  # where the code's body says how many the party are

REFUSALS: Final = {
    "already_in": "a code that was used already",
    "bad_signature": "a forged code",
    "unknown_code": "a reference that nobody has",
    "wrong_night": "a code of another night",
    "cancelled": "a code of a cancelled booking",
    "released": "a party whose table was given up",
    "too_early": "before the doors open",
}


async def arrive(evening: Evening, intention: mean.Arrive) -> None:
    """The code is read; the door counts who is there and reads it again with the number."""
    booked = evening.booked.get(intention.party)
    party = evening.party(intention.party)
    if booked is None or not await _has_code(evening, booked):
        return
    show: dict[str, Any] = (
        {"reference": booked.reference} if intention.typed else {"code": booked.code}
    )
    verdict = await _scan(evening, party.door, show)
    if verdict.get("reason") == "table_not_ready":
        show["to_bar"] = True
        verdict = await _scan(evening, party.door, show)
    if verdict.get("reason") == "how_many":
        people = min(intention.people, verdict["left_to_enter"])
        verdict = await _scan(evening, party.door, {**show, "people": people})
    match verdict.get("reason"):
        case "admitted":
            booked.admitted = verdict["admitted"]
            if verdict["left_to_enter"] == 0:
                evening.tell(f"The party of {shown(booked.tables)} is complete: {party.size} in")
        case "capacity_full":
            evening.tell_seldom(
                f"full {party.floor}", f"{_title(party.floor)} is full: guests wait"
            )
            evening.put_off(intention, 3)
        case "unpaid":
            evening.put_off(intention, 2)
        case _:
            pass  # somebody let them in, or ended their booking, meanwhile


async def go_out(evening: Evening, intention: mean.GoOut) -> None:
    await _pass(evening, intention, "out")


async def come_back(evening: Evening, intention: mean.ComeBack) -> None:
    """Back in, or waiting until there is room again."""
    if await _pass(evening, intention, "in") == "capacity_full":
        evening.put_off(intention, 3)


async def _pass(
    evening: Evening, intention: mean.GoOut | mean.ComeBack, direction: str
) -> str | None:
    booked = evening.booked.get(intention.party)
    if booked is None or not await _has_code(evening, booked):
        return None
    body = {
        "code": booked.code,
        "people": intention.people,
        "direction": direction,
        "to_bar": direction == "in",
    }
    verdict = await _scan(evening, evening.party(intention.party).door, body)
    reason: str | None = verdict.get("reason")
    return reason


async def try_code(evening: Evening, intention: mean.TryCode) -> None:
    """Somebody shows what will not do."""
    if intention.kind == "unknown":
        show = {"reference": intention.typed}
    else:
        booked = evening.booked.get(intention.party)
        if booked is None or not await _has_code(evening, booked):
            return
        show = {"code": forged(booked.code) if intention.kind == "forged" else booked.code}
    verdict = await _scan(evening, intention.door, show)
    if verdict.get("verdict") == "refuse":
        what = REFUSALS.get(verdict["reason"], verdict["reason"])
        evening.tell(f"Refused at the door: {what}")


async def click(evening: Evening, intention: mean.Click) -> None:
    """The clicker; at the legal limit only as many as may still enter."""
    answer = await _click(evening, intention, intention.change)
    if answer.get("reason") == "capacity_full":
        evening.tell_seldom(
            f"full {intention.floor}", f"{_title(intention.floor)} is full: the queue waits"
        )
        if answer["may_enter"] > 0:
            await _click(evening, intention, answer["may_enter"])
    elif answer.get("reason") == "nobody_inside" and answer.get("inside", 0) > 0:
        await _click(evening, intention, -answer["inside"])


async def _click(evening: Evening, intention: mean.Click, change: int) -> dict[str, Any]:
    body = {
        "night": evening.night,
        "door": intention.door,
        "floor": intention.floor,
        "change": change,
    }
    return (await evening.door("/v1/headcount", intention.door, body)).body


async def count_heads(evening: Evening, intention: mean.CountHeads) -> None:
    """Nobody is left on the floor, whatever the clicker says."""
    await evening.staff(
        "/v1/headcount",
        {"night": evening.night, "door": "main", "floor": intention.floor, "people": 0},
    )


async def _has_code(evening: Evening, booked: Booked) -> bool:
    """The party has its code, from the desk or, after a restart, printed again by the manager."""
    if not booked.code:
        document = await evening.look(f"/v1/bookings/{booked.booking_id}")
        booked.code = document.get("code") or ""
    return bool(booked.code)


async def _scan(evening: Evening, door: str, what: dict[str, Any]) -> dict[str, Any]:
    body = {"scan_id": str(UUID(int=evening.random.getrandbits(128))), "door": door, **what}
    return (await evening.door("/v1/scans", door, body)).body


def forged(code: str) -> str:
    """The code after a clumsy attempt to make the party larger: the signature no longer fits."""
    body = bytearray(base45.decode(code.removeprefix(PREFIX)))
    body[PARTY_BYTE] = (body[PARTY_BYTE] + 4) % 256
    return PREFIX + base45.encode(bytes(body))


def _title(floor: str) -> str:
    return "The Lounge" if floor == "upstairs" else "Room One"
