"""Reading what the doors did: the log with its filters, and the people inside at any instant."""

from typing import Any, Final

import msgspec

from app.db import book
from app.db.door_log import NEWEST, DoorLine, list_door_lines, list_logged_doors
from app.domain.door_reasons import DOOR_REASONS
from app.errors import NotAllowed
from app.web.answers import Answer, encoded
from app.web.bodies import check_word
from app.web.floor import night_not_found
from app.web.moments import instant_asked
from app.web.operations import Call
from app.web.spreadsheets import spreadsheet
from app.wire import Room
from app.wire.door_log import (
    DoorLog,
    DoorLogLine,
    DoorLogQuery,
    Inside,
    InsideQuery,
    LedgerLine,
)
from floorplan.nights import instant_text, parse_instant

KINDS: Final = {
    "refused": "ENTRY_REFUSED",
    "overridden": "ENTRY_OVERRIDDEN",
    "undone": "CHECK_IN_UNDONE",
    "head_count": "HEADCOUNT_CHANGED",
    "incident": "INCIDENT_RECORDED",
}
KIND_OF: Final = {word: kind for kind, word in KINDS.items()}
LEDGER: Final = [
    "GUEST_CHECKED_IN", "GUEST_CHECKED_OUT", "HEADCOUNT_CHANGED", "ENTRY_OVERRIDDEN",
    "CHECK_IN_UNDONE",
]  # fmt: skip
COLUMNS: Final = (
    "version", "at", "kind", "door", "staff", "reasons", "why", "people", "booking_id", "scan_id",
)  # fmt: skip


async def get_door_log(call: Call) -> Answer:
    """The lines of the night, newest first; as CSV where that was asked for.

    A filter that no line can fit is refused: an empty list would be taken for an answer. A door
    that was renamed or is closed since has its lines.
    """
    query: DoorLogQuery = call.query
    night = call.path["night"]
    check_word(query.reason, sorted(DOOR_REASONS), "?reason")
    scope = call.principal.scope
    if not scope.allows(night=night, door=query.door):
        raise NotAllowed("out_of_scope", "Your rights are for another night or door.")
    door = query.door or scope.door
    async with call.parts.db.reading() as conn:
        head = await book.read_head(conn, night)
        if head == 0:
            raise night_not_found(night)
        doors = [one.id for one in call.parts.venue.doors]
        if query.door is not None and query.door not in doors:
            logged = await list_logged_doors(conn, night, list(KIND_OF))
            check_word(query.door, [*doors, *(one for one in logged if one not in doors)], "?door")
        found = await list_door_lines(
            conn,
            night,
            [KINDS[kind] for kind in query.kind or KINDS],
            before=query.before or NEWEST,
            door=door,
            reason=query.reason,
            actor=query.staff,
            begins_at=None if query.begins_at is None else parse_instant(query.begins_at),
            ends_at=None if query.ends_at is None else parse_instant(query.ends_at),
            limit=query.limit + 1,
        )
    lines = [log_line(row) for row in found[: query.limit]]
    if query.format == "csv":
        return spreadsheet(f"door-log-{night}", COLUMNS, log_rows(lines))
    older = found[query.limit - 1].version if len(found) > query.limit else None
    return encoded(DoorLog(night=night, version=head, lines=lines, older=older))


def log_line(row: DoorLine) -> DoorLogLine:
    """The line as managers read it."""
    said: dict[str, Any] = msgspec.json.decode(row.payload)
    kind = KIND_OF[row.type]
    reasons = said.get("rules") or [said.get("kind") or said.get("reason") or said.get("why")]
    why = said.get("outcome") if kind == "incident" else said.get("why")
    return DoorLogLine(
        version=row.version,
        at=row.at,
        kind=kind,
        door=said["door"],
        staff=row.actor,
        reasons=reasons,
        why=why,
        people=said.get("change") if kind == "head_count" else said.get("people"),
        booking_id=said.get("booking_id"),
        scan_id=said.get("scan_id"),
    )


def log_rows(lines: list[DoorLogLine]) -> list[list[object]]:
    """The lines for a spreadsheet, in the order of the columns."""
    found = []
    for line in lines:
        fields = msgspec.structs.asdict(line) | {"reasons": " ".join(line.reasons)}
        found.append([fields[name] for name in COLUMNS])
    return found


async def get_inside(call: Call) -> Answer:
    """ "How many were inside at 23:42": per floor and house, with the lines that led to it.

    Of a moment that has not come the answer is of now, and its `at` says so.
    """
    query: InsideQuery = call.query
    night = call.path["night"]
    parts = call.parts
    asked = instant_text(parts.live.clock.now())
    if query.at is not None:
        # Of the one form, so that texts compare as instants.
        asked = min(asked, instant_asked(query.at, night, parts.venue))
    async with parts.db.reading() as conn:
        if await book.read_head(conn, night) == 0:
            raise night_not_found(night)
        at = None if query.at is None else parse_instant(asked)
        state = await book.read_state(conn, night, None, at)
        found = await list_door_lines(
            conn, night, LEDGER, before=state.version + 1, limit=query.lines, steps=True
        )
    limits = state.info.limits if state.info else None
    most = {} if limits is None else limits.floors
    whole = sum(state.inside.values())
    house = 0 if limits is None else limits.house
    return encoded(
        Inside(
            night=night,
            at=asked,
            version=state.version,
            floors={f: room(people, most[f]) for f, people in state.inside.items()},
            house=room(whole, house),
            peak=state.figures.people_peak,
            lines=[ledger_line(row) for row in found],
        )
    )


def room(inside: int, limit: int) -> Room:
    return Room(inside, limit, max(0, limit - inside))


def ledger_line(row: DoorLine) -> LedgerLine:
    """What the line changed, signed: out, and taken back, are below nought."""
    said: dict[str, Any] = msgspec.json.decode(row.payload)
    change: int = said["change"] if row.type == "HEADCOUNT_CHANGED" else said["people"]
    if row.type == "GUEST_CHECKED_OUT":
        change = -change
    if row.type == "CHECK_IN_UNDONE":
        change = {"out": change, "moved": 0}.get(said["what"], -change)
    if said.get("why") == "stairs":
        change = 0
    return LedgerLine(
        version=row.version,
        at=row.at,
        type=row.type,
        staff=row.actor,
        door=said["door"],
        change=change,
        inside=said["inside"],
        why=said.get("why"),
    )
