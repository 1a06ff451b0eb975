"""How every action runs: lock and learn the facts, judge, write the rows, write the events, answer.

    BEGIN; lock_floor (person, key, locks, facts) · rules in Python · rows; finish_action; COMMIT

Two messages, whatever is written: the rows wait for the last one (app/db/batch.py). The events come
after them, because they lock the book, and that lock is held to the commit: nobody waits for this
process while the book is locked.
"""

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import asyncpg
import msgspec
from msgspec import Struct

from app.actions.scopes import judge_facts
from app.db.acting import acting_of
from app.db.batch import Batch, told
from app.db.literals import literal
from app.db.pool import Database, retried
from app.domain.facts import AnsweredFact, Facts
from app.domain.messages import Message, queued
from app.domain.principals import EVERYWHERE, Principal
from app.errors import NotReady, NotValid
from app.wire import Answer
from floorplan.administration import WORD_OF
from floorplan.events import TYPE_OF, Payload

_FACTS = msgspec.json.Decoder(Facts)
UNNUMBERED = -1  # the version in an answer until its events have theirs


class Caller(Struct, frozen=True):
    """Who asks, and how to know the same question again.

    `key` is the Idempotency-Key, scoped to the caller; None where the call has none (scans, jobs).
    `body_hash` is SHA-256 over method, path and body. `address` is the client's, for callers
    without a name of their own; `origin` is its keyed digest, which goes into the book.
    """

    principal: Principal
    correlation_id: str
    key: str | None = None
    body_hash: bytes = b""
    address: str = ""
    origin: str | None = None

    @property
    def scope(self) -> str:
        """Whose key it is; two strangers behind one address share no answers they can't guess."""
        scanner = self.principal.scanner
        return f"{scanner}@{self.address}" if self.principal.kind == "anonymous" else scanner


class Answered(Struct, frozen=True):
    """What goes back: the status, the JSON bytes, the book's version after it."""

    status: int
    body: bytes
    version: int | None = None
    replayed: bool = False


class Act:
    """One action under way, inside its transaction."""

    def __init__(self, conn: asyncpg.Connection | Batch, caller: Caller, facts: Facts) -> None:
        self.conn: asyncpg.Connection = conn  # or what keeps its writes back; asyncpg has no types
        self.caller = caller
        self.facts = facts
        self.events: list[tuple[str, str, Payload]] = []
        self.notes: list[tuple[str, str, Payload]] = []
        self.messages: list[Message] = []

    def record(self, payload: Payload, subject: str) -> None:
        """The event is written, in this order, when the action finishes.

        One of the administration goes into the venue's book, after those of the action's own.
        """
        word = WORD_OF.get(type(payload))
        if word is not None:
            self.notes.append((word, subject, payload))
        else:
            self.events.append((TYPE_OF[type(payload)], subject, payload))

    def send(self, message: Message) -> None:
        """The message is in the outbox when the action commits; once for its cause."""
        self.messages.append(message)

    async def write(self, sql: str, *arguments: object) -> None:
        """One statement that writes rows."""
        await self.conn.execute(sql, *arguments)


Work = Callable[[Act], Awaitable[tuple[int, Answer]]]


async def perform(
    db: Database,
    caller: Caller,
    action: str,
    work: Work,
    *,
    night: str | None = None,
    tables: Iterable[int] = (),
    bookings: Iterable[str] = (),
    people: bool = False,
    claims: bool = True,
    making: str | None = None,
    pool: asyncpg.Pool | None = None,
) -> Answered:
    """The action is committed whole or not at all, and its answer is kept under the caller's key.

    The same key with the same body gives the stored answer, `replayed`; with another body
    NotValid `key_reused`. Locks the named tables, those of the named bookings, the bookings, their
    tickets and, with `people`, the headcount. Without a night it is that of the first booking.
    Without `claims` the facts have no tables: the action does not look at them. `making` is the id
    of the booking that a hold is about to make. Raises the refusals of `work`, and NotAllowed
    `out_of_scope`: a locked table, or the night, is beyond the caller's rights.
    """

    async def attempt() -> Answered:
        async with db.undecided(pool, begin=False) as conn:
            act = await lock(
                conn,
                caller,
                action,
                night=night,
                tables=tables,
                bookings=bookings,
                people=people,
                claims=claims,
                making=making,
            )
            if act.facts.answered is not None:
                return replay(act.facts.answered)
            judge_facts(caller.principal, act.facts)
            status, answer = await work(act)
            body = msgspec.json.encode(answer)
            book = night or (act.facts.night.date if act.facts.night else None)
            assert book is not None, "a booking that exists has a night"
            version = await finish(act, book, status, body)
            return Answered(status, numbered(body, version), version)

    return await retried(attempt)


async def lock(
    conn: asyncpg.Connection,
    caller: Caller,
    action: str,
    *,
    night: str | None,
    tables: Iterable[int] = (),
    bookings: Iterable[str] = (),
    people: bool = False,
    claims: bool = True,
    making: str | None = None,
) -> Act:
    """A transaction has begun: the person is set, the key claimed, the rows locked in the one
    order, the facts known."""
    acting = acting_of(caller.principal, caller=caller.scope, booking=making)
    arguments = (
        acting.uid,
        acting.role,
        action,
        acting.caller,
        caller.key,
        caller.body_hash,
        night,
        sorted(set(tables)),
        sorted(set(bookings)),
        people,
        # Whose rights end at a floor is judged by the floors of the tables.
        claims or caller.principal.scope != EVERYWHERE,
        acting.booking or None,
    )
    given = ", ".join(map(literal, arguments))
    text = await told(conn, f"BEGIN; SELECT lock_floor({given})")
    return Act(Batch(conn), caller, _FACTS.decode(text))


async def finish(
    act: Act, book: str, status: int, body: bytes, *, scan: tuple[str, str] | None = None
) -> int:
    """The recorded events are in the book, the answer is kept, and the transaction is committed.

    `scan` is the scanner and the id of the scan whose verdict the answer is. Returns the book's
    version. Raises NotReady when the link broke: then nobody knows whether the commit arrived, and
    the same key finds it out.
    """
    caller = act.caller
    facts: dict[str, Any] = {
        "book": book,
        "events": act.events,
        "notes": act.notes,
        "actor": caller.principal.actor,
        "origin": caller.origin,
        "correlation": caller.correlation_id,
        "answer": body.decode(),
    }
    if act.messages:
        facts["messages"] = [queued(message) for message in act.messages]
    if scan is not None:
        facts["scanner"], facts["scan_id"] = scan
    else:
        facts |= {"caller": caller.scope, "key": caller.key, "status": status}
    writing = f"SELECT finish_action({literal(msgspec.json.encode(facts).decode())})"
    if isinstance(act.conn, Batch):
        return int(await act.conn.finish(writing, "COMMIT"))
    return int(await told(act.conn, f"{writing}; COMMIT"))


def numbered(body: bytes, version: int) -> bytes:
    """The answer with its version in place; the same replacement as in `finish_action`."""
    return body.replace(b'"version":-1', b'"version":%d' % version)


def spliced(body: bytes, extra: Mapping[str, Any]) -> bytes:
    """The JSON object with further fields in front: what is shown but never stored."""
    front = msgspec.json.encode(dict(extra))
    return front[:-1] + b"," + body[1:] if extra else body


def replay(answered: AnsweredFact) -> Answered:
    """The answer that the key has already. Raises NotValid `key_reused`: of another request."""
    if not answered.same:
        raise NotValid(
            "key_reused",
            "This Idempotency-Key was used for another request. Use a new key.",
        )
    if answered.status is None or answered.answer is None:
        raise NotReady("try_again", "The first request has not ended.", retry_after_seconds=1)
    return Answered(answered.status, base64.b64decode(answered.answer), replayed=True)
