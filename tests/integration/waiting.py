"""A full house, and those who wait for a table of it."""

import hashlib
from typing import Any

import msgspec

from app.actions import bookings, waitlist
from app.actions.sweeper import sweep
from app.domain.principals import ANONYMOUS, Principal
from app.errors import Conflict
from app.wire import Contact
from app.wire.waitlist import JoinWaitlist
from floorplan.venue import load_venue
from tests.integration.floor import NIGHT, House, read

FOUR = [t.number for t in load_venue().tables if t.capacity.min <= 4 <= t.capacity.max]


def guest(number: int, name: str = "Grace Hopper") -> Contact:
    return Contact(name, phone=f"+44 113 496 1{number:03d}")


async def join(
    house: House, number: int, party: int = 4, by: Principal = ANONYMOUS, **more: Any
) -> dict[str, Any]:
    """A customer's place; each comes from an address of its own."""
    request = JoinWaitlist(NIGHT, party, more.pop("contact", guest(number)), **more)
    caller = msgspec.structs.replace(house.caller(by, None, request), origin=f"{number:016x}")
    return read(
        await waitlist.join_waitlist(
            house.db, house.venue, house.vault, house.settings.secret, caller, request
        )
    )


def owner_of(entry: dict[str, Any]) -> Principal:
    return Principal("owner", hashlib.sha256(entry["token"].encode()).hexdigest(), "OWNER")


async def look(house: House, entry: dict[str, Any]) -> dict[str, Any]:
    """The place as its owner sees it."""
    row = await waitlist.find_entry(house.db, house.caller(owner_of(entry)), entry["waitlist_id"])
    return msgspec.to_builtins(waitlist.entry_answer(house.venue, row))  # type: ignore[no-any-return]


async def accept(house: House, entry: dict[str, Any]) -> dict[str, Any]:
    return read(
        await waitlist.accept_offer(
            house.db, house.venue, house.settings.secret, house.caller(owner_of(entry)),
            entry["waitlist_id"],
        )
    )  # fmt: skip


async def leave(house: House, entry: dict[str, Any], by: Principal | None = None) -> dict[str, Any]:
    return read(
        await waitlist.leave_waitlist(
            house.db, house.venue, house.caller(by or owner_of(entry)), entry["waitlist_id"]
        )
    )


async def offered(house: House) -> int:
    """What is due is done, as the background does it; how many offers were made."""
    await sweep(house.db, house.venue)
    return await waitlist.offer_free_tables(house.db, house.venue)


async def reason(work: Any) -> str:
    try:
        await work
    except Conflict as refused:
        return refused.reason
    return "won"


async def cancel(house: House, number: int) -> None:
    booking_id = getattr(house, f"on_{number}")
    await bookings.cancel_booking(house.db, house.caller(), booking_id)


async def filled(house: House) -> House:
    """A night on which no party of four finds a table: all of these are out of service."""
    for number in FOUR:
        if number not in (7, 9):
            await house.block(number)
    for number in (7, 9):
        booking = await house.booked([number])
        setattr(house, f"on_{number}", booking["booking_id"])
    return house
