"""The shapes of the audit: lines of a book as whoever answers for the venue reads them."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from app.wire import Answer, Instant
from app.wire.forms import TEXT_FORM

LINES_PER_ANSWER: Final = 200
Version = Annotated[int, Meta(ge=0, le=2**62)]
Word = Annotated[str, Meta(min_length=1, max_length=120, pattern=TEXT_FORM)]


class AuditQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`GET /v1/audit`: newest lines first; every filter that is given must hold.

    `book` is `venue` or a night. `before` and `after` are versions: the cursor. `from` and `until`
    are instants, of which the second is outside. `type` may be given several times.
    """

    book: Word = "venue"
    actor: Word | None = None
    type: list[Word] = msgspec.field(default_factory=list)
    subject: Word | None = None
    begins_at: Instant | None = msgspec.field(default=None, name="from")
    ends_at: Instant | None = msgspec.field(default=None, name="until")
    after: Version = 0
    before: Annotated[int, Meta(ge=1, le=2**62)] | None = None
    limit: Annotated[int, Meta(ge=1, le=LINES_PER_ANSWER)] = 50


class AuditLine(Struct, frozen=True):
    """One line: who did what to whom, from where, and what the payload says of it.

    `origin` is a keyed digest of the address, None for what no request made; `made_by` is the
    action, or `hand:<role>`. What was changed stands in the payload, `before` and `after`.
    """

    version: int
    type: str
    subject: str
    at: str
    actor: str
    origin: str | None
    correlation_id: str
    made_by: str
    payload: msgspec.Raw


class Audit(Answer, frozen=True):
    """Lines of a book, newest first; `older` is the `before` that goes on, None at the end."""

    book: str
    version: int
    lines: list[AuditLine]
    older: int | None = None
