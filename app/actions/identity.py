"""Who may act: signing in and out, single-use links.

Sessions are rows, not signed tokens, so that taking one away works at once. A token is 256 random
bits in somebody's hands and its SHA-256 in Postgres. All of it lives on real time.
"""

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from app.actions.hashing import Hashing
from app.db import sessions, staff
from app.db.pool import Database
from app.domain.passwords import (
    DUMMY_HASH,
    FAILURES_MAX,
    SESSION_LIMITS,
    delay_seconds,
    needs_rehash,
    username_key,
)
from app.domain.principals import Principal
from app.errors import NotSignedIn, NotValid, TooMany
from app.wire import SignIn

logger = logging.getLogger(__name__)

TOUCH_AFTER: Final = timedelta(minutes=1)  # a session is not written on every request


class SignedIn(Struct, frozen=True):
    """A new session; `token` is known to the one who signed in, and to nobody else."""

    token: str
    principal: Principal
    expires_at: datetime

    def __repr__(self) -> str:
        return f"SignedIn({self.principal!r})"


async def sign_in(
    db: Database, hashing: Hashing, request: SignIn, *, previous: str | None = None
) -> SignedIn:
    """A new session by password or by link; the `previous` one, if any, is over.

    Raises NotValid: neither or both were given. NotSignedIn `sign_in_refused`: the same for an
    unknown name, a wrong password and a disabled account. TooMany `sign_in_throttled`,
    `account_locked`. NotReady `sign_in_busy`.
    """
    by_password = request.username is not None and request.password is not None
    if request.link is not None and request.username is None and request.password is None:
        staff_id = await _by_link(db, request.link)
    elif by_password and request.link is None:
        assert request.username is not None
        assert request.password is not None
        staff_id = await _by_password(db, hashing, request.username, request.password)
    else:
        raise NotValid(
            "not_valid", "Give username and password, or a link, and not both.", place="$"
        )
    token = secrets.token_urlsafe(32)
    async with db.begun(db.auth) as conn:
        member = await staff.get_staff(conn, staff_id)
        if member.disabled:
            raise _refused()
        if previous is not None:
            await sessions.revoke_session(conn, token_hash(previous))
        await staff.forget_failures(conn, member.username)
        _, absolute = SESSION_LIMITS[member.role]
        expires_at = await sessions.insert_session(conn, token_hash(token), member.id, absolute)
    logger.info("signed in", extra={"staff_id": member.id, "role": member.role})
    principal = Principal("staff", member.id, member.role, member.display_name)
    return SignedIn(token, principal, expires_at)


async def sign_out(db: Database, token: str) -> None:
    """The session is over; one that was over already stays so."""
    async with db.begun(db.auth) as conn:
        staff_id = await sessions.revoke_session(conn, token_hash(token))
    if staff_id is not None:
        logger.info("signed out", extra={"staff_id": staff_id})


async def find_session(db: Database, token: str) -> tuple[Principal, datetime] | None:
    """Who the cookie's session is of, and when it ends at the latest; None: nobody's, or over.

    Its idle time begins anew, written at most once a minute.
    """
    async with db.reading() as conn:
        session = await sessions.find_session(conn, token_hash(token))
        if session is None:
            return None
        idle, _ = SESSION_LIMITS[session.role]
        if session.now >= session.expires_at or session.now >= session.seen_at + idle:
            return None
        if session.now >= session.seen_at + TOUCH_AFTER:
            await sessions.touch_session(conn, token_hash(token))
    principal = Principal("staff", session.staff_id, session.role, session.display_name)
    return principal, session.expires_at


async def create_link(db: Database, staff_id: str, lasts: timedelta) -> str:
    """A token that signs the member of staff in once, within the time. Shown to nobody else."""
    token = secrets.token_urlsafe(32)
    async with db.begun(db.auth) as conn:
        await staff.insert_link(conn, token_hash(token), staff_id, lasts)
    return token


async def forget_old(db: Database) -> None:
    """What nobody needs any more of sessions, links and failed attempts is gone."""
    async with db.begun(db.auth) as conn:
        await sessions.forget_sessions(conn)
        await staff.forget_old(conn)


def token_hash(token: str) -> bytes:
    """SHA-256: enough for 256 random bits, which nobody can guess from their hash."""
    return hashlib.sha256(token.encode()).digest()


async def _by_link(db: Database, token: str) -> str:
    async with db.begun(db.auth) as conn:
        staff_id = await staff.use_link(conn, token_hash(token))
    if staff_id is None:
        raise NotSignedIn("link_refused", "This link was used or is over. Ask for a new one.")
    return staff_id


async def _by_password(db: Database, hashing: Hashing, username: str, password: str) -> str:
    """The id of whose name and password these are.

    The attempt counts as failed before the password is looked at, and the count is taken back on
    success: any number of guesses at the same time are as many failures.
    """
    name = username_key(username)
    async with db.begun(db.auth) as conn:
        past = await staff.lock_failures(conn, name)
        judge_patience(past)
        await staff.count_failure(conn, name)
        member = await staff.find_staff(conn, name)
    stored = DUMMY_HASH if member is None else member.password_hash or DUMMY_HASH
    right = await hashing.verify(stored, password)
    if not right or member is None or member.disabled or member.password_hash is None:
        logger.warning("sign-in refused", extra={"staff_id": member.id if member else None})
        raise _refused()
    if needs_rehash(stored):
        rehashed = await hashing.hash(password)
        async with db.begun(db.auth) as conn:
            await staff.set_password_hash(conn, member.id, rehashed)
    return member.id


def judge_patience(past: staff.Failures) -> None:
    """Raises TooMany: the name has failed too often for another try at this instant."""
    if past.failures >= FAILURES_MAX:
        raise TooMany(
            "account_locked",
            "Too many wrong passwords. Ask a manager for a sign-in link.",
            retry_after_seconds=24 * 3600,
        )
    wait = past.failed_at + timedelta(seconds=delay_seconds(past.failures)) - past.now
    if past.failures and wait > timedelta(0):
        seconds = int(wait.total_seconds()) + 1
        raise TooMany(
            "sign_in_throttled",
            f"Too many wrong passwords. Try again in {seconds} s.",
            retry_after_seconds=seconds,
        )


def _refused() -> NotSignedIn:
    return NotSignedIn("sign_in_refused", "The user name or the password is wrong.")
