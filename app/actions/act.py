"""How every action runs: lock and learn the facts, judge, write the rows, write the events, answer.

    BEGIN; lock_floor (person, key, locks, facts) · rules in Python · rows; finish_action; COMMIT

Two messages, whatever is written: the rows wait for the last one (app/db/batch.py). The events come
after them, because they lock the book, and that lock is held to the commit: nobody waits for this
process while the book is locked.

In a rush several actions share the two messages and the commit (app/db/group_commit.py): each with
facts, rows, events and answer of its own.
"""

import base64
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import asyncpg
import msgspec
from msgspec import Struct

from app.actions.scopes import judge_facts
from app.db.acting import Acting, acting_as, acting_of
from app.db.batch import Batch, Statement, all_told, told
from app.db.connections import Connections
from app.db.group_commit import GroupCommit
from app.db.literals import literal
from app.db.pool import Database, retried
from app.domain.facts import AnsweredFact, Entry, Facts
from app.domain.messages import Message, queued
from app.domain.principals import EVERYWHERE, Principal
from app.errors import NotReady, NotValid, Refusal
from app.wire import Answer
from floorplan.administration import WORD_OF
from floorplan.events import TYPE_OF, Payload

_FACTS = msgspec.json.Decoder(Facts)
_ENTRY = msgspec.json.Decoder(Entry)
NOTHING: Final[Mapping[str, Iterable[int]]] = {}
NO_BOOKINGS: Final[Mapping[str, Iterable[str]]] = {}
UNNUMBERED = -1  # the version in an answer until its events have theirs


class Caller(Struct, frozen=True):
    """Who asks, and how to know the same question again.

    `key` is the Idempotency-Key, scoped to the caller; None where the call has none (scans, jobs).
    `body_hash` is SHA-256 over method, path and body. `address` is the client's, for callers
    without a name of their own; `origin` is its keyed digest, which goes into the book. `edition`
    is that of the booking as the caller saw it (If-Match); None: any.
    """

    principal: Principal
    correlation_id: str
    key: str | None = None
    body_hash: bytes = b""
    address: str = ""
    origin: str | None = None
    edition: int | None = None

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
        self.events: list[tuple[str, str, Payload, str | None]] = []
        self.notes: list[tuple[str, str, Payload]] = []
        self.messages: list[Message] = []
        # Whose version the answer carries, where it is another night's.
        self.book: str | None = None
        self.scan: tuple[str, str] | None = None  # whose verdict the answer is, besides the key's

    def record(self, payload: Payload, subject: str, *, book: str | None = None) -> None:
        """The event is written, in this order, when the action finishes.

        `book` is another night's where the event is not of the action's own; books are written by
        date. One of the administration goes into the venue's book, after all of these.
        """
        word = WORD_OF.get(type(payload))
        if word is not None:
            self.notes.append((word, subject, payload))
        else:
            self.events.append((TYPE_OF[type(payload)], subject, payload, book))

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
    others: Mapping[str, Iterable[int]] = NOTHING,
    further: Mapping[str, Iterable[str]] = NO_BOOKINGS,
    pool: Connections | None = None,
    together: bool = False,
) -> Answered:
    """The action is committed whole or not at all, and its answer is kept under the caller's key.

    The same key with the same body gives the stored answer, `replayed`; with another body
    NotValid `key_reused`. Locks the named tables, those of the named bookings, the bookings, their
    tickets and, with `people`, the headcount. Without a night it is that of the first booking.
    Without `claims` the facts have no tables: the action does not look at them. `making` is the id
    of the booking that a hold is about to make; `others` are the tables that are locked on further
    nights, by night, and `further` the bookings there. `together`: in a rush it may share a
    transaction with others of its kind, on other tables and bookings. Raises the refusals of
    `work`, and NotAllowed `out_of_scope`: a locked table, or the night, is beyond the caller's
    rights.
    """
    asked = _Asked(
        db, pool, caller, action, work, night, tuple(sorted(set(tables))),
        tuple(sorted(set(bookings))), people, claims, making, others, further,
    )  # fmt: skip
    if not together:
        return await _alone(asked)
    beyond = people or others or further or pool
    assert not beyond, "a group is of one night, without the headcount"
    return await _TOGETHER.setdefault(db, GroupCommit(_alone, _together)).run(asked.keys, asked)


class _Asked(Struct, frozen=True, eq=False):
    """An action that was asked for, as `perform` was told."""

    db: Database
    pool: Connections | None
    caller: Caller
    action: str
    work: Work
    night: str | None
    tables: tuple[int, ...]
    bookings: tuple[str, ...]
    people: bool
    claims: bool
    making: str | None
    others: Mapping[str, Iterable[int]]
    further: Mapping[str, Iterable[str]]

    @property
    def acting(self) -> Acting:
        return acting_of(self.caller.principal, caller=self.caller.scope, booking=self.making)

    @property
    def lock_call(self) -> str:
        """The call of lock_floor for its own night."""
        return _lock_call(
            self.caller, self.action, self.night, self.tables, self.bookings,
            people=self.people, claims=self.claims, making=self.making,
        )  # fmt: skip

    @property
    def keys(self) -> frozenset[Hashable]:
        """What no other action of one transaction may touch, nor be asked by."""
        return frozenset(
            [
                (self.caller.scope, self.caller.key),
                *((self.night, number) for number in self.tables),
                *self.bookings,
            ]
        )


async def _alone(asked: _Asked) -> Answered:
    """The action in a transaction of its own."""

    async def attempt() -> Answered:
        async with asked.db.undecided(asked.pool, begin=False) as conn:
            act = await lock(
                conn,
                asked.caller,
                asked.action,
                night=asked.night,
                tables=asked.tables,
                bookings=asked.bookings,
                people=asked.people,
                claims=asked.claims,
                making=asked.making,
                others=asked.others,
                further=asked.further,
            )
            if act.facts.answered is not None:
                return replay(act.facts.answered)
            book, status, body = await _done(act, asked)
            version = await finish(act, book, status, body)
            return Answered(status, numbered(body, version), version)

    return await retried(attempt)


async def _done(act: Act, asked: _Asked) -> tuple[str, int, bytes]:
    """The action is judged and its rows and events recorded: its book, status and body."""
    for facts in (act.facts, *act.facts.others):
        judge_facts(asked.caller.principal, facts)
    status, answer = await asked.work(act)
    body = msgspec.json.encode(answer)
    book = act.book or asked.night or (act.facts.night.date if act.facts.night else None)
    assert book is not None, "a booking that exists has a night"
    return book, status, body


async def _together(all_asked: Sequence[_Asked]) -> Sequence[Answered | Refusal | None]:
    """Actions on different tables and bookings of one night, in one transaction.

    All know the facts of its begin, as if each were the first. One that is refused leaves nothing:
    what it has kept back is dropped, and its key is free again.
    """
    numbers = [(one.night, number) for one in all_asked for number in one.tables]
    bookings = sorted({one for asked in all_asked for one in asked.bookings})
    calls = [  # all tables in one order, before the first booking is locked
        _call("lock_tables", bookings, [pair[0] for pair in numbers], [p[1] for p in numbers]),
        *(one.lock_call for one in all_asked),
    ]
    done: list[tuple[int, bytes] | Refusal | None] = []
    async with all_asked[0].db.undecided(begin=False) as conn:
        texts = await all_told(conn, "; ".join(("BEGIN", *calls)))
        batch = Batch(conn)
        acts = [
            Act(batch, asked.caller, _FACTS.decode(text))
            for asked, text in zip(all_asked, texts, strict=True)
        ]
        # Books are locked by date, so what is of another night is not for here.
        night = next((act.facts.night.date for act in acts if act.facts.night), None)
        for asked, act in zip(all_asked, acts, strict=True):
            if act.facts.answered is not None:
                done.append(None)
                continue
            batch.keep(acting_as(asked.acting, asked.action))
            mark = batch.mark()
            one = await _in_group(act, asked, night)
            if not isinstance(one, tuple):
                batch.drop(mark)
                if asked.caller.key is not None:
                    batch.keep(_call("forget_key", asked.caller.scope, asked.caller.key))
            done.append(one)
        versions = map(int, await batch.finish("COMMIT"))
    return [
        Answered(one[0], numbered(one[1], version := next(versions)), version)
        if isinstance(one, tuple)
        else one
        for one in done
    ]


async def _in_group(
    act: Act, asked: _Asked, night: str | None
) -> tuple[int, bytes] | Refusal | None:
    """Status and body of the action, whose writes are kept; None: it is of another book."""
    if night is None or act.facts.night is None or act.facts.night.date != night:
        return None
    try:
        book, status, body = await _done(act, asked)
    except Refusal as refusal:
        return refusal
    if book != night or act.notes:
        return None
    act.conn.keep(writing_of(act, book, status, body))
    return status, body


_TOGETHER: Final[WeakKeyDictionary[Database, GroupCommit[_Asked, Answered]]] = WeakKeyDictionary()


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
    others: Mapping[str, Iterable[int]] = NOTHING,
    further: Mapping[str, Iterable[str]] = NO_BOOKINGS,
) -> Act:
    """A transaction has begun: the person is set, the key claimed, the rows locked in the one
    order, the facts known."""
    wanted, own = sorted(set(tables)), sorted(set(bookings))
    elsewhere = sorted({*others, *further})
    calls = [
        _lock_call(
            caller, action, night, wanted, own, people=people, claims=claims, making=making
        ),
        *(
            _lock_call(
                msgspec.structs.replace(caller, key=None), action, other,
                sorted(set(others.get(other, ()))), sorted(set(further.get(other, ()))),
                making=making,
            )
            for other in elsewhere
        ),
    ]  # fmt: skip
    if elsewhere:
        # All tables of all nights in one order, before the first booking is locked.
        pairs = [(night, number) for number in wanted if night is not None]
        pairs += [(other, number) for other, numbers in others.items() for number in set(numbers)]
        nights, numbers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        every = sorted({*own, *(one for there in further.values() for one in there)})
        calls.insert(0, _call("lock_tables", every, nights, numbers))
    texts = await all_told(conn, "; ".join(("BEGIN", *calls)))
    facts, *there = map(_FACTS.decode, texts)
    if there:
        facts = msgspec.structs.replace(facts, others=tuple(there))
    return Act(Batch(conn), caller, facts)


class Looked(Struct, frozen=True):
    """One read that is looked up: who shows it, under which id, and what it states."""

    caller: Caller
    scan_id: str
    ticket_id: str | None
    reference: str | None


async def lock_scans(
    conn: asyncpg.Connection, looked: Sequence[Looked]
) -> tuple[Facts, list[Entry]]:
    """As `lock`, of the bookings that the tickets or references are of, all in the one order; and
    what is known of each besides. A scan that has its answer already locks nothing."""
    calls = []
    for one in looked:
        acting = acting_of(one.caller.principal)
        who = (acting.uid, acting.role, acting.caller)
        calls.append(_call("find_scanned", *who, one.scan_id, one.ticket_id, one.reference))
    texts = await all_told(conn, "; ".join(("BEGIN", *calls, "SELECT lock_scanned()")))
    entries = [_ENTRY.decode(text) for text in texts[: len(looked)]]
    return _FACTS.decode(texts[-1]) if len(texts) > len(looked) else Facts(), entries


def _lock_call(
    caller: Caller,
    action: str,
    night: str | None,
    tables: Sequence[int],
    bookings: Sequence[str],
    *,
    people: bool = False,
    claims: bool = True,
    making: str | None = None,
) -> str:
    acting = acting_of(caller.principal, caller=caller.scope, booking=making)
    # Whose rights end at a floor is judged by the floors of the tables.
    told_of_tables = claims or caller.principal.scope != EVERYWHERE
    return _call(
        "lock_floor", acting.uid, acting.role, action, acting.caller, caller.key,
        None if caller.key is None else caller.body_hash, night, tables, bookings, people,
        told_of_tables, acting.booking or None,
    )  # fmt: skip


def _call(function: str, *arguments: object) -> str:
    return f"SELECT {function}({', '.join(map(literal, arguments))})"


async def finish(
    act: Act, book: str, status: int, body: bytes, *, last: Statement | None = None
) -> int:
    """The recorded events are in the book, the answer is kept, and the transaction is committed.

    `last` is a statement that needs the version, which is then the setting `app.version`. Returns
    the book's version. Raises NotReady when the link broke: then nobody knows whether the commit
    arrived, and the same key finds it out.
    """
    writing = writing_of(act, book, status, body)
    if isinstance(act.conn, Batch):
        ending = (writing, "COMMIT") if last is None else (writing, last, "COMMIT")
        (version,) = await act.conn.finish(*ending)
        return int(version)
    assert last is None, "only an action with a batch has a last statement"
    return int(await told(act.conn, f"{writing}; COMMIT"))


def writing_of(act: Act, book: str, status: int, body: bytes) -> str:
    """The statement that writes what the action recorded, and tells the book's version."""
    caller = act.caller
    facts: dict[str, Any] = {
        "book": book,
        "events": sorted(act.events, key=lambda event: event[3] or book),
        "notes": act.notes,
        "actor": caller.principal.actor,
        "origin": caller.origin,
        "correlation": caller.correlation_id,
        "answer": body.decode(),
    }
    if act.messages:
        facts["messages"] = [queued(message) for message in act.messages]
    if act.scan is not None:
        facts["scanner"], facts["scan_id"] = act.scan
    if caller.key is not None:
        facts |= {"caller": caller.scope, "key": caller.key, "status": status}
    return _call("finish_action", msgspec.json.encode(facts).decode())


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
