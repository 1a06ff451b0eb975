"""How much of a deposit comes back: the policy that was in force when the booking was made."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

import msgspec
from msgspec import Struct

from floorplan.nights import instant_text, parse_instant
from floorplan.refunds import Refunds

HUNDRED: Final = 100


class Kept(Struct, frozen=True):
    """What is kept of one payment, and whether Stripe can give it back."""

    payment_id: str
    kept_pence: int
    online: bool


class Part(Struct, frozen=True):
    """So much of one payment goes back."""

    payment_id: str
    amount_pence: int


def refund_due(policy: Refunds, kept_pence: int, slot_from: str, now: str) -> int:
    """What the policy gives back of `kept_pence` to who cancels now.

    Part of a penny is rounded up: in doubt for the guest.
    """
    return -(-kept_pence * percent_due(policy, slot_from, now) // HUNDRED)


def percent_due(policy: Refunds, slot_from: str, now: str) -> int:
    """The percentage of the first step that is still ahead; 0 after the last."""
    for step in policy.steps:
        if now <= deadline_of(slot_from, step.hours_before):
            return step.percent
    return 0


def kept_terms(policy: Refunds, slot_from: str, now: str) -> Refunds:
    """The policy of a booking that its guest takes to another time now: what was lost stays lost.

    No step gives back more than cancelling would at this moment, so that nobody moves a booking
    away in order to cancel it there.
    """
    most = percent_due(policy, slot_from, now)
    return Refunds(
        tuple(msgspec.structs.replace(s, percent=min(s.percent, most)) for s in policy.steps)
    )


def deadline_of(slot_from: str, hours_before: int) -> str:
    """Until when somebody has to cancel for a step, counted in hours that pass."""
    return instant_text(parse_instant(slot_from) - timedelta(hours=hours_before))


def divided(kept: Iterable[Kept], amount_pence: int) -> list[Part]:
    """The amount over the payments: those that Stripe can give back come first, and at the desk
    money is given back only for the rest.

    Raises ValueError: less than that is kept.
    """
    parts = []
    left = amount_pence
    for one in sorted(kept, key=lambda k: not k.online):
        taken = min(left, one.kept_pence)
        if taken > 0:
            parts.append(Part(one.payment_id, taken))
            left -= taken
    if left:
        raise ValueError(f"{left} pence more than are kept")
    return parts
