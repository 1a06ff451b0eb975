"""Changes of bookings with their arguments filled in, and what is asked after each."""

from typing import Any

import pytest

from app.actions import changes, no_shows, parties, reschedules
from app.domain.principals import Principal
from app.errors import Conflict
from app.verify import verify_book
from app.wire.changes import ChangeBooking, Merge, Reinstate, Reschedule, Split, Swap
from tests.integration.floor import MANAGER, House, read

SUNDAY = "2026-11-22"
Booking = dict[str, Any]


def owner_of(booking: Booking) -> Principal:
    return Principal("owner", "0" * 64, "OWNER", booking_id=booking["booking_id"])


async def change(house: House, booking: Booking, by: Principal = MANAGER, **what: Any) -> Booking:
    return read(
        await changes.change_booking(
            house.db, house.venue, house.vault, house.caller(by), booking["booking_id"],
            ChangeBooking(**what),
        )
    )  # fmt: skip


async def rescheduled(
    house: House, booking: Booking, by: Principal = MANAGER, **what: Any
) -> Booking:
    return read(
        await reschedules.reschedule(
            house.db, house.venue, house.vault, house.caller(by), booking["booking_id"],
            Reschedule(**what),
        )
    )  # fmt: skip


async def swapped(house: House, one: Booking, other: Booking, **what: Any) -> Booking:
    request = Swap(other["booking_id"], **what)
    return read(
        await parties.swap_parties(
            house.db, house.venue, house.caller(), one["booking_id"], request
        )
    )


async def outcome(work: Any) -> str:
    """`won`, or the reason of the refusal."""
    try:
        await work
    except Conflict as conflict:
        return conflict.reason
    return "won"


async def split(house: House, booking: Booking, party: int, tables: list[int], **what: Any) -> Any:
    return read(
        await parties.split_party(
            house.db, house.venue, house.vault, house.caller(), booking["booking_id"],
            Split(party, tables, **what),
        )
    )  # fmt: skip


async def merged(house: House, one: Booking, other: Booking, **what: Any) -> Any:
    request = Merge(other["booking_id"], **what)
    return read(
        await parties.merge_parties(
            house.db, house.venue, house.caller(), one["booking_id"], request
        )
    )


async def reinstated(house: House, booking: Booking, **what: Any) -> Booking:
    return read(
        await no_shows.reinstate(
            house.db, house.venue, house.vault, house.caller(), booking["booking_id"],
            Reinstate(**what),
        )
    )  # fmt: skip


async def refused(work: Any, kind: type[Exception] = Conflict) -> str:
    with pytest.raises(kind) as caught:
        await work
    return caught.value.reason  # type: ignore[attr-defined, no-any-return]


async def contradictions(house: House, *nights: str) -> list[str]:
    async with house.looking() as conn:
        return [p for night in nights for p in (await verify_book(conn, "", night)).problems]
