"""What administration leaves in the venue's book: one line in the transaction of what it tells.

Every action of the administration is `audited`: it is committed whole, with its line and under its
Idempotency-Key, or not at all. What has no key of its own (signing in, a device that reports)
writes its line with `note`.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import uuid4

import asyncpg
import msgspec

from app.actions.act import Act, Answered, Caller, Work, finish, numbered, replay
from app.db.acting import acting_of
from app.db.book import lock_book
from app.db.connections import Connections
from app.db.pool import Database, retried
from app.db.sessions import Ended
from app.domain.facts import Facts
from app.domain.principals import Principal
from floorplan.administration import BOOK, WORD_OF, SessionRevoked, SettingsChanged
from floorplan.events import Payload

BEGIN_ADMINISTRATION = "SELECT begin_administration($1, $2, $3, $4, $5, $6, $7::text::uuid)"
NOTE_ADMINISTRATION = "SELECT note_administration($1, $2, $3::text::jsonb, $4, $5, $6, $7)"
# What the settings were is the sum of what they became; a venue changes them a few times a year.
LIST_SETTINGS = """
SELECT payload::text FROM event
 WHERE book = 'venue' AND type = 'SETTINGS_CHANGED' AND subject = 'settings'
 ORDER BY version
"""
# Who starts the service, whoever that is: its machine knows, and the service does not.
STARTER: Final = Principal(kind="system", id="start", role="SYSTEM")

_FACTS = msgspec.json.Decoder(Facts)


def at_the_terminal() -> Caller:
    """Who runs a command on the service's machine: nobody whom the service knows by name."""
    return Caller(Principal("system", "command", "SYSTEM"), str(uuid4()))


async def note(conn: asyncpg.Connection, caller: Caller, payload: Payload, subject: str) -> int:
    """The line is in the venue's book once the caller's transaction commits; its version.

    By any role. It locks the book to the commit, so it is the transaction's last statement but for
    further notes. The actor is the caller's principal: who signs in is known by then, and is given
    as the caller; a sign-in that is refused has the anonymous one.
    """
    word = WORD_OF[type(payload)]
    return int(
        await conn.fetchval(
            NOTE_ADMINISTRATION,
            word,
            subject,
            msgspec.json.encode(payload).decode(),
            caller.principal.actor,
            caller.correlation_id,
            caller.origin,
            word.lower(),
        )
    )


async def note_ended(
    conn: asyncpg.Connection, caller: Caller, ended: Iterable[Ended], why: str
) -> None:
    """The book tells of sessions that another deed ended, each by its own line."""
    for session in ended:
        payload = SessionRevoked(session.staff_id, why)
        await note(conn, caller, payload, f"session:{session.id}")


async def audited(
    db: Database,
    caller: Caller,
    action: str,
    work: Work,
    *,
    pool: Connections | None = None,
) -> Answered:
    """The action of the administration is committed whole or not at all, with what it recorded.

    As `app.actions.act.perform`, in the venue's book: nothing of a night is locked, and `work`
    locks the rows that it judges. The same key with the same body gives the stored answer,
    `replayed`; with another body NotValid `key_reused`. `pool` is that of the role which may write
    the rows (`db.auth` for staff and sessions). Raises the refusals of `work`.
    """

    acting = acting_of(caller.principal, caller=caller.scope)

    async def attempt() -> Answered:
        async with db.undecided(pool) as conn:
            text = await conn.fetchval(
                BEGIN_ADMINISTRATION,
                acting.uid,
                acting.role,
                action,
                acting.caller,
                caller.key,
                caller.body_hash,
                acting.booking or None,
            )
            act = Act(conn, caller, _FACTS.decode(text))
            if act.facts.answered is not None:
                return replay(act.facts.answered)
            status, answer = await work(act)
            body = msgspec.json.encode(answer)
            version = await finish(act, BOOK, status, body)
            return Answered(status, numbered(body, version), version)

    return await retried(attempt)


async def note_settings(owner_url: str, settings: Mapping[str, str]) -> int | None:
    """The settings that the service starts with are in the book; the line's version.

    None: they are as they were. Of several nodes that start with the same ones, one writes.
    """
    conn = await asyncpg.connect(owner_url)
    try:
        async with conn.transaction():
            await lock_book(conn, BOOK)
            before: dict[str, str] = {}
            for row in await conn.fetch(LIST_SETTINGS):
                before |= msgspec.json.decode(row["payload"], type=SettingsChanged).after
            moved = sorted(n for n in settings if before.get(n) != settings[n])
            if not moved:
                return None
            payload = SettingsChanged(
                {n: before[n] for n in moved if n in before}, {n: settings[n] for n in moved}
            )
            return await note(conn, Caller(STARTER, str(uuid4())), payload, "settings")
    finally:
        await conn.close()
