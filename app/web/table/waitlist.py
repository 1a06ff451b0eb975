"""The operations of the waitlist."""

from typing import Final

from app import wire
from app.web import waitlist
from app.web.operations import Operation
from app.wire.waitlist import JoinWaitlist, RankWaiting, Waitlist, WaitlistAnswer

ENTRY: Final = {"waitlist_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST", path="/v1/waitlist", handler=waitlist.join, permission="waitlist:join",
            request=JoinWaitlist, answers={201: WaitlistAnswer}, tag="waitlist", limits="write",
            idempotent=True, summary="Wait for a table on a night that has none free that fits.",
        ),
        Operation(
            method="GET", path="/v1/waitlist/{waitlist_id}", handler=waitlist.get_entry,
            parameters=ENTRY, permission="waitlist:list", own="own:waitlist", tag="waitlist",
            answers={200: WaitlistAnswer},
            summary="One place: its priority, where that comes from, and what it is offered.",
        ),
        Operation(
            method="PATCH", path="/v1/waitlist/{waitlist_id}", handler=waitlist.rank,
            parameters=ENTRY, permission="waitlist:manage", request=RankWaiting,
            answers={200: WaitlistAnswer}, tag="waitlist", limits="write", idempotent=True,
            summary="Give a waiting party another priority by hand, or its own again.",
        ),
        Operation(
            method="DELETE", path="/v1/waitlist/{waitlist_id}", handler=waitlist.leave,
            parameters=ENTRY, permission="waitlist:manage", own="own:waitlist",
            request=wire.Nothing, request_may_be_empty=True, answers={200: WaitlistAnswer},
            tag="waitlist", limits="write", idempotent=True,
            summary="Wait no more; what was offered is free again.",
        ),
        Operation(
            method="POST", path="/v1/waitlist/{waitlist_id}/accept", handler=waitlist.accept,
            parameters=ENTRY, permission="waitlist:manage", own="own:waitlist",
            request=wire.Nothing, request_may_be_empty=True, answers={200: wire.BookingAnswer},
            tag="waitlist", limits="write", idempotent=True,
            summary="Take the offer: the tables are held as any are, to be paid for.",
        ),
        Operation(
            method="GET", path="/v1/nights/{night}/waitlist", handler=waitlist.get_waitlist,
            parameters={"night": wire.NightDate}, permission="waitlist:list", tag="waitlist",
            answers={200: Waitlist}, summary="The night's waiting parties, the next one first.",
        ),
    )  # fmt: skip
