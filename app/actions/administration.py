"""What administration leaves in the venue's book: one line in the transaction of what it tells.

Every action of the administration is `audited`: it is committed whole, with its line and under its
Idempotency-Key, or not at all. What has no key of its own (signing in, a device that reports)
writes its line with `note`.
"""

import asyncpg
import msgspec

from app.actions.act import Act, Answered, Caller, Work, finish, numbered, replay
from app.db.acting import acting_of
from app.db.pool import Database, retried
from app.domain.facts import Facts
from floorplan.administration import BOOK, WORD_OF
from floorplan.events import Payload

BEGIN_ADMINISTRATION = "SELECT begin_administration($1, $2, $3, $4, $5, $6, $7::text::uuid)"
NOTE_ADMINISTRATION = "SELECT note_administration($1, $2, $3::text::jsonb, $4, $5, $6, $7)"

_FACTS = msgspec.json.Decoder(Facts)


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


async def audited(
    db: Database,
    caller: Caller,
    action: str,
    work: Work,
    *,
    pool: asyncpg.Pool | None = None,
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
