"""The shapes of the door's log, and of "how many were inside"."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.domain.door_reasons import DOOR_REASONS
from app.wire import Answer, Instant, Moment, Room
from app.wire.forms import SCANNER_FORM, WORD_FORM

DOOR_LINES_MOST = 1000
# A list that is made can be no Literal; `get_door_log` refuses what is not on it.
DoorReason = Annotated[
    str,
    Meta(max_length=40, pattern=WORD_FORM, extra_json_schema={"enum": sorted(DOOR_REASONS)}),
]
Kind = Literal["refused", "overridden", "undone", "head_count", "incident"]


class DoorLogQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Filters of the door's log; all of them must hold. `format=csv`: a file for a spreadsheet."""

    kind: tuple[Kind, ...] = ()
    door: Annotated[str, Meta(max_length=40)] | None = None
    reason: DoorReason | None = None
    staff: Annotated[str, Meta(pattern=SCANNER_FORM)] | None = None
    begins_at: Instant | None = msgspec.field(default=None, name="from")
    ends_at: Instant | None = msgspec.field(default=None, name="until")
    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    limit: Annotated[int, Meta(ge=1, le=DOOR_LINES_MOST)] = 100
    format: Literal["json", "csv"] = "json"


class DoorLogLine(Answer, frozen=True, kw_only=True):
    """What happened at a door: `reasons` are the refusal's, the broken rules, the incident's kind,
    or why it was undone. `staff` is the actor; no line says who the guest was."""

    version: int
    at: str
    kind: str
    door: str
    staff: str
    reasons: list[str]
    why: str | None = None
    people: int | None = None
    booking_id: str | None = None
    scan_id: str | None = None


class DoorLog(Answer, frozen=True):
    """A page, newest first; `older` is the `before` of the next one."""

    night: str
    version: int
    lines: list[DoorLogLine]
    older: int | None


class InsideQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How many were inside at the instant, or the local time of the night (00:42 is after
    midnight); without one, now. `lines`: how many led to it."""

    at: Moment | None = None
    lines: Annotated[int, Meta(ge=0, le=200)] = 20


class LedgerLine(Answer, frozen=True):
    """A line that changed the count: what, where, by how many, and the people inside after it."""

    version: int
    at: str
    type: str
    staff: str
    door: str
    change: int
    inside: dict[str, int]
    why: str | None


class Inside(Answer, frozen=True):
    """The people inside as of `version`, the last line at or before the instant; the limit of each
    floor is the lower of licence and fire, as the night had it then."""

    night: str
    at: str
    version: int
    floors: dict[str, Room]
    house: Room
    peak: int
    lines: list[LedgerLine]
