"""The night's report, line by line: which lines of the book its figures come from.

A figure is a running total, so a line's part in it is the step that the fold makes. Summed, the
steps are the figures again, the seal's own among them; nothing is counted by a second rule. After
the seal the figures stand: what a line would have counted is reported beside them.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from floorplan.events import Event, Figures
from floorplan.fold import apply
from floorplan.state import NightState

_NAMES: Final = Figures.__struct_fields__


class ReportLine(Struct, frozen=True):
    """A line that counts: by how much each figure grew, or would have without the seal."""

    event: Event
    change: Figures
    after_seal: bool


def reported(before: NightState, event: Event) -> tuple[NightState, ReportLine | None]:
    """The state after the line, and what it counted; None where it counted nothing.

    Raises ValueError: the event is not the next one of this book.
    """
    after = apply(before, event).state
    change = _less(after.figures, before.figures)
    info, after_seal = before.info, False
    if info is not None and info.status == "sealed":
        after_seal = True
        open_still = replace(before, info=replace(info, status="open"))
        change = _less(apply(open_still, event).state.figures, before.figures)
    return after, None if change == Figures() else ReportLine(event, change, after_seal)


def added(one: Figures, other: Figures) -> Figures:
    """Both together, figure by figure."""
    return Figures(**{name: getattr(one, name) + getattr(other, name) for name in _NAMES})


def _less(after: Figures, before: Figures) -> Figures:
    if after is before:  # most lines count nothing
        return Figures()
    return Figures(**{name: getattr(after, name) - getattr(before, name) for name in _NAMES})
