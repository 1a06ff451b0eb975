"""The sessions of all staff: who is signed in where, and ending what should not be."""

import logging

from app.actions.act import Act, Answered, Caller
from app.actions.administration import audited
from app.actions.identity import limits_of
from app.db import sessions, staff
from app.db.pool import Database
from app.db.sessions import ListedSession
from app.domain.principals import Principal
from app.errors import NotAllowed, NotFound
from app.wire.staff import SessionListed, SessionsEnded
from floorplan import administration as book
from floorplan.nights import instant_text

logger = logging.getLogger(__name__)


async def list_sessions(db: Database, caller: Principal) -> list[SessionListed]:
    """The sessions that count and that the caller may end: their own, and those of lower ranks."""
    async with db.reading(db.auth) as conn:
        rows = await sessions.list_sessions(conn)
    return [
        _listed(row, caller)
        for row in rows
        if row.now < row.seen_at + limits_of(row.role, row.began)[0]
        and (row.staff_id == caller.id or caller.outranks(row.role))
    ]


async def revoke_session(db: Database, caller: Caller, session_id: str) -> Answered:
    """The session is over. Raises NotFound, NotAllowed `not_allowed`: its owner's rank."""

    async def work(act: Act) -> tuple[int, SessionsEnded]:
        staff_id = await sessions.find_owner(act.conn, session_id)
        if staff_id is None:
            raise NotFound("session_not_found", "There is no such session.")
        await _judge_rank(act, caller, staff_id)
        ended = await sessions.revoke_by_id(act.conn, session_id)
        if ended is not None:
            act.record(book.SessionRevoked(staff_id, "by_hand"), f"session:{session_id}")
            logger.info("session revoked", extra={"staff_id": staff_id})
        return 200, SessionsEnded(staff_id=staff_id, ended=int(ended is not None))

    return await audited(db, caller, "revoke_session", work, pool=db.auth)


async def revoke_sessions_of(db: Database, caller: Caller, staff_id: str) -> Answered:
    """Every session of the account is over. Raises NotFound, NotAllowed."""

    async def work(act: Act) -> tuple[int, SessionsEnded]:
        await _judge_rank(act, caller, staff_id)
        ended = await sessions.revoke_all_of(act.conn, staff_id)
        if ended:
            act.record(book.SessionRevoked(staff_id, "by_hand"), f"staff:{staff_id}")
            logger.info("sessions revoked", extra={"staff_id": staff_id})
        return 200, SessionsEnded(staff_id=staff_id, ended=len(ended))

    return await audited(db, caller, "revoke_sessions", work, pool=db.auth)


async def _judge_rank(act: Act, caller: Caller, staff_id: str) -> None:
    member = await staff.lock_staff(act.conn, staff_id)
    if member is None:
        raise NotFound("staff_not_found", "There is no such member of staff.")
    if staff_id != caller.principal.id and not caller.principal.outranks(member.role):
        raise NotAllowed(
            "not_allowed",
            "You may end your own sessions and those of door staff. Ask an administrator.",
            permission="session:revoke",
        )


def _listed(row: ListedSession, caller: Principal) -> SessionListed:
    return SessionListed(
        session_id=row.session_id,
        staff_id=row.staff_id,
        name=row.name,
        role=row.role,
        began=row.began,
        assurance=row.assurance,
        created_at=instant_text(row.created_at),
        seen_at=instant_text(row.seen_at),
        expires_at=instant_text(row.expires_at),
        origin=row.origin,
        agent=row.agent,
        device_id=row.device_id,
        own=row.session_id == caller.session_id,
    )
