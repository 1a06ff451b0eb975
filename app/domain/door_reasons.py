"""The words by which the door's log can be asked for a reason: no line of it has another."""

from typing import Final, get_args

from app.domain.incidents import IncidentKind
from app.domain.overrides import OverrideWhy, UndoWhy
from app.domain.sayings import SAYINGS

# Why somebody was refused, which rule was broken and why, why a scan was taken back, a head count,
# and what an incident was. A verdict that only lets wait writes no line.
DOOR_REASONS: Final = frozenset(
    {word for word, saying in SAYINGS.items() if saying.verdict == "refuse" or saying.may_override}
    | {*get_args(OverrideWhy), *get_args(UndoWhy), *get_args(IncidentKind), "head_count"}
)
