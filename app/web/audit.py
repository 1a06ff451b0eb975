"""The audit over HTTP: the lines of the venue's book, or of a night's, with filters.

Nothing of a person is in a line, so nothing is masked here; who the ids are is asked elsewhere, by
whoever may.
"""

from typing import Final

import msgspec

from app.db import audit
from app.db.book import read_head
from app.domain.principals import Principal
from app.errors import NotAllowed, NotFound, NotValid
from app.web.answers import Answer, encoded
from app.web.endpoint import check_date
from app.web.operations import Call
from app.wire.audit import Audit, AuditLine, AuditQuery
from floorplan.administration import ADMINISTRATION, BOOK
from floorplan.events import CATALOGUE
from floorplan.nights import parse_instant

TYPES: Final = {BOOK: ADMINISTRATION.keys(), "night": CATALOGUE.keys()}


async def get_audit(call: Call) -> Answer:
    """A page of lines, newest first."""
    query: AuditQuery = call.query
    judge_query(query, call.principal)
    async with call.parts.db.reading() as conn:
        head = await read_head(conn, query.book)
        rows = await audit.list_lines(
            conn,
            query.book,
            after=query.after,
            before=audit.NEWEST if query.before is None else query.before,
            actor=query.actor,
            types=query.type,
            subject=query.subject,
            begins_at=None if query.begins_at is None else parse_instant(query.begins_at),
            ends_at=None if query.ends_at is None else parse_instant(query.ends_at),
            limit=query.limit + 1,
        )
    if head == 0 and query.book != BOOK:
        raise NotFound(
            "night_not_found", f"There is no night {query.book}. GET /v1/nights lists them."
        )
    shown = rows[: query.limit]
    return encoded(
        Audit(
            book=query.book,
            version=head,
            lines=[
                AuditLine(
                    version=row.version,
                    type=row.type,
                    subject=row.subject,
                    at=row.at,
                    actor=row.actor,
                    origin=row.origin,
                    correlation_id=row.correlation_id,
                    made_by=row.made_by,
                    payload=msgspec.Raw(row.payload.encode()),
                )
                for row in shown
            ],
            older=shown[-1].version if len(rows) > query.limit else None,
        )
    )


def judge_query(query: AuditQuery, principal: Principal) -> None:
    """Raises NotValid: no such book or type. NotAllowed `out_of_scope`: a night of others."""
    if query.book != BOOK:
        check_date(query.book, "?book")
        if not principal.scope.allows(night=query.book):
            raise NotAllowed("out_of_scope", "Your rights are for another night.")
    known = TYPES[BOOK if query.book == BOOK else "night"]
    for name in query.type:
        if name not in known:
            raise NotValid(
                "not_valid",
                f"There is no event type {name[:40]!r} in this book. docs/events.md lists them.",
                place="?type",
            )
