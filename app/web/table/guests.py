"""The operations of guests' own codes."""

from typing import Final

from app import wire
from app.web import guests
from app.web.operations import Operation
from app.wire.guests import (
    GuestCodeAnswer,
    GuestNumber,
    GuestPlaces,
    HandOutCode,
    PassAnswer,
)

BOOKING: Final = {"booking_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """What the booker does with the codes of a party's guests, and what a guest reads."""
    return (
        Operation(
            method="GET", path="/v1/bookings/{booking_id}/guests", handler=guests.get_places,
            parameters=BOOKING, permission="booking:guests", own="own:guests",
            answers={200: GuestPlaces}, tag="bookings",
            summary="The party's numbers, with the links of the guests who have a code.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/guests", handler=guests.hand_out,
            parameters=BOOKING, permission="booking:guests", own="own:guests", finds_own=True,
            request=HandOutCode, request_may_be_empty=True, answers={201: GuestCodeAnswer},
            tag="bookings", limits="write", idempotent=True,
            summary="Give one guest a code of their own; a number that has one gets a new one.",
        ),
        Operation(
            method="DELETE", path="/v1/bookings/{booking_id}/guests/{number}",
            handler=guests.take_back, parameters={**BOOKING, "number": GuestNumber},
            permission="booking:guests", own="own:guests", finds_own=True, request=wire.Nothing,
            request_may_be_empty=True, answers={200: GuestCodeAnswer}, tag="bookings",
            limits="write", idempotent=True, summary="Take one guest's code back.",
        ),
        Operation(
            method="GET", path="/v1/pass", handler=guests.get_pass, permission="pass:read",
            answers={200: PassAnswer}, tag="bookings",
            summary="What a guest's own link shows: number, party, night, tables and code.",
        ),
        Operation(
            method="GET", path="/v1/pass/code.svg", handler=guests.get_pass_svg,
            permission="pass:read", answers={200: bytes}, media="image/svg+xml", tag="bookings",
            summary="The guest's own QR code as a drawing.",
        ),
    )  # fmt: skip
