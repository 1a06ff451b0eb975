"""The operations of manage links."""

from typing import Final

from app import wire
from app.web import links
from app.web.operations import Operation
from app.wire.links import LinkAnswer, LinksRevoked

BOOKING: Final = {"booking_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """Every operation on a booking's manage links."""
    return (
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/link", handler=links.post_link,
            parameters=BOOKING, permission="booking:link", own="own:link",
            request=wire.Nothing, request_may_be_empty=True, answers={201: LinkAnswer},
            tag="bookings", limits="write", idempotent=True,
            summary="A link by which the customer reaches this booking, without a password.",
        ),
        Operation(
            method="POST", path="/v1/bookings/{booking_id}/link/revoke",
            handler=links.revoke_links, parameters=BOOKING, permission="booking:link",
            own="own:link", request=wire.Nothing, request_may_be_empty=True,
            answers={200: LinksRevoked}, tag="bookings", limits="write", idempotent=True,
            summary="End every link of this booking.",
        ),
    )  # fmt: skip
