"""Whose session a cookie is, and what it may do at this instant.

Sessions are rows, not signed tokens, so that taking one away, or a right away from its owner, works
at the next request. A token is 256 random bits in somebody's hands and its SHA-256 in Postgres. All
of it lives on real time.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from app.db import guesses, sessions, staff
from app.db.pool import Database
from app.db.sessions import SessionRow
from app.domain.passwords import SESSION_LIMITS
from app.domain.pins import PIN_LIMITS
from app.domain.principals import Principal, Scope
from app.domain.second_factor import missing_factor
from app.domain.tokens import token_hash

TOUCH_AFTER: Final = timedelta(minutes=1)  # a session is not written on every request


class Session(Struct, frozen=True, kw_only=True):
    """A session that counts: who it makes its owner, and what the owner should know of it."""

    principal: Principal
    expires_at: datetime
    began: str
    demo: bool
    has_password: bool
    has_totp: bool
    has_pin: bool


async def find_session(db: Database, token: str) -> Session | None:
    """The session of the cookie; None: it is nobody's, or over.

    Its idle time begins anew, written at most once a minute.
    """
    async with db.reading() as conn:
        row = await sessions.find_session(conn, token_hash(token))
        if row is None or is_over(row):
            return None
        if row.now >= row.seen_at + TOUCH_AFTER:
            await sessions.touch_session(conn, row.id)
    return session_of(row)


async def find_session_by_id(db: Database, session_id: str) -> Session | None:
    """As `find_session`, by the public id, whatever the cookie is by now.

    For sockets, which live longer than a cookie: a screen that is open is in use.
    """
    async with db.reading() as conn:
        row = await sessions.find_session_by_id(conn, session_id)
        if row is None or is_over(row):
            return None
        if row.now >= row.seen_at + TOUCH_AFTER:
            await sessions.touch_session(conn, row.id)
    return session_of(row)


def is_over(row: SessionRow) -> bool:
    """Whether the session has ended by itself: idle for too long, or at its limit."""
    idle, _ = limits_of(row.role, row.began)
    return row.now >= row.expires_at or row.now >= row.seen_at + idle


def limits_of(role: str, began: str) -> tuple[timedelta, timedelta]:
    """How long a session of the role may be idle, and how long it may last."""
    return PIN_LIMITS if began == "pin" else SESSION_LIMITS[role]


def session_of(row: SessionRow) -> Session:
    """The session that the row is. The role, the scope and what is missing are those of now."""
    principal = Principal(
        "staff",
        row.staff_id,
        row.role,
        row.display_name,
        scope=Scope(row.floor, row.door, row.night),
        elevated_until=row.elevated_until,
        assurance=row.assurance,
        second_factor=missing_factor(
            row.role, demo=row.demo, enrolled=row.has_totp, assurance=row.assurance
        ),
        device=row.device_id,
        session_id=row.id,
    )
    return Session(
        principal=principal,
        expires_at=row.expires_at,
        began=row.began,
        demo=row.demo,
        has_password=row.has_password,
        has_totp=row.has_totp,
        has_pin=row.has_pin,
    )


async def forget_old(db: Database) -> None:
    """What nobody needs any more of sessions, links and failed attempts is gone."""
    async with db.begun(db.auth) as conn:
        await sessions.forget_sessions(conn)
        await staff.forget_links(conn)
        await guesses.forget_strangers(conn)
