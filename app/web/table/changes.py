"""The operations that change a booking, and those that say what a change breaks or did."""

from typing import Final

from app import wire
from app.web import changes
from app.web.operations import Operation
from app.wire import changes as shapes

BOOKING: Final = {"booking_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """Every operation on a booking's place, time, size and wishes."""
    return (
        Operation(
            method="PATCH", path="/v1/bookings/{booking_id}", handler=changes.change_booking,
            parameters=BOOKING, permission="booking:change", own="own:change",
            request=shapes.ChangeBooking, answers={200: wire.BookingAnswer}, tag="bookings",
            limits="write", idempotent=True, summary="Change the party's size, requests or notes.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/reschedule", handler=changes.reschedule,
            parameters=BOOKING, permission="booking:reschedule", own="own:reschedule",
            request=shapes.Reschedule, answers={200: wire.BookingAnswer}, tag="bookings",
            limits="write", idempotent=True, summary="Another time, or another night.",
        ),
        Operation(
            method="GET", path="/v1/bookings/{booking_id}/move", handler=changes.preview,
            parameters=BOOKING, query=shapes.MoveQuery, permission="booking:move", tag="bookings",
            answers={200: shapes.MovePreview}, summary="What a move would break.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/swap", handler=changes.swap_parties,
            parameters=BOOKING, permission="booking:move", request=shapes.Swap,
            answers={200: shapes.TwoBookings}, tag="bookings", limits="write", idempotent=True,
            summary="Two parties change places.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/split", handler=changes.split_party,
            parameters=BOOKING, permission="booking:split", request=shapes.Split,
            answers={201: shapes.TwoBookings}, tag="bookings", limits="write", idempotent=True,
            summary="A part of a party becomes a booking of its own.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/merge", handler=changes.merge_parties,
            parameters=BOOKING, permission="booking:split", request=shapes.Merge,
            answers={200: shapes.TwoBookings}, tag="bookings", limits="write", idempotent=True,
            summary="Another party joins this one.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/reinstate", handler=changes.reinstate,
            parameters=BOOKING, permission="booking:no_show", request=shapes.Reinstate,
            answers={200: wire.BookingAnswer}, tag="bookings", limits="write", idempotent=True,
            summary="A party that was marked a no-show came after all.",
        ),
        Operation(
            method="GET", path="/v1/bookings/{booking_id}/history", handler=changes.get_history,
            parameters=BOOKING, permission="book:read", own="own:read", tag="bookings",
            answers={200: shapes.History}, summary="Everything that happened to a booking.",
        ),
    )  # fmt: skip
