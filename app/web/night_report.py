"""The night's report as a file: the lines that its figures come from, and their totals."""

from collections.abc import Iterable
from typing import Final

import msgspec

from app.actions.scopes import judge_scope
from app.db import book
from app.web.answers import Answer
from app.web.floor import night_not_found
from app.web.operations import Call
from app.web.spreadsheets import spreadsheet
from floorplan.events import EventUnreadable, Figures, payload_of
from floorplan.report import ReportLine, added, reported
from floorplan.state import empty_state

FIGURES: Final = Figures.__struct_fields__
COLUMNS: Final = ("part", "version", "at", "type", "actor", "door", "booking_id", *FIGURES)


async def get_report(call: Call) -> Answer:
    """Every line that counts, in order, with its step of each figure; the totals stand below.

    Read from the whole book, so that it adds up by itself and trusts no snapshot.
    """
    night = call.path["night"]
    judge_scope(call.principal, night=night)
    state, lines = empty_state(night), []
    async with call.parts.db.reading() as conn:
        head = await book.read_head(conn, night)
        if head == 0:
            raise night_not_found(night)
        while state.version < head:
            limit = min(book.EVENTS_PER_READ, head - state.version)
            for event in await book.list_events(conn, night, state.version, limit):
                state, line = reported(state, event)
                lines += [line] if line else []
    return spreadsheet(f"night-report-{night}", COLUMNS, report_rows(lines, head))


def report_rows(lines: Iterable[ReportLine], head: int) -> list[tuple[object, ...]]:
    """The rows of the file; `head` is the line of the book up to which the totals count."""
    rows: list[tuple[object, ...]] = []
    night, late = Figures(), Figures()
    for line in lines:
        if line.after_seal:
            late = added(late, line.change)
        else:
            night = added(night, line.change)
        rows.append(_row("after_seal" if line.after_seal else "night", line))
    rows.append(_total("total", head, night))
    if late != Figures():
        rows.append(_total("total_after_seal", head, late))
    return rows


def _row(part: str, line: ReportLine) -> tuple[object, ...]:
    event = line.event
    try:
        said = payload_of(event)
    except EventUnreadable:
        said = None
    where = (getattr(said, "door", None), getattr(said, "booking_id", None))
    change = msgspec.structs.astuple(line.change)
    return (part, event.version, event.at, event.type, event.actor, *where, *change)


def _total(part: str, head: int, figures: Figures) -> tuple[object, ...]:
    return (part, head, None, None, None, None, None, *msgspec.structs.astuple(figures))
