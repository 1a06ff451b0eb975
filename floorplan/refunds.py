"""What comes back of a deposit: the venue's policy, and what may be wrong with it."""

from collections.abc import Iterator

from msgspec import Struct


class RefundStep(Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever cancels at least so many hours before their slot gets so much of the deposit back."""

    hours_before: int
    percent: int


class Refunds(Struct, frozen=True, forbid_unknown_fields=True):
    """What comes back of a deposit: the first step that is still ahead counts, then nothing."""

    steps: tuple[RefundStep, ...]


def refund_problems(refunds: Refunds) -> Iterator[str]:
    """What to mend in the policy, a sentence each."""
    if len(refunds.steps) > 6:
        yield f"refunds: there are {len(refunds.steps)} steps; write 6 at most"
    before: RefundStep | None = None
    for number, step in enumerate(refunds.steps, 1):
        place = f"refunds: step {number}"
        if not 0 <= step.hours_before <= 2000:
            yield f"{place}: hours_before is {step.hours_before}; write 0 to 2000"
        if not 0 <= step.percent <= 100:
            yield f"{place}: percent is {step.percent}; write 0 to 100"
        if before is not None and (
            step.hours_before >= before.hours_before or step.percent > before.percent
        ):
            yield f"{place}: who cancels later gets less back; put the steps in order"
        before = step
