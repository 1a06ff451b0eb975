"""Signing in by password or by single-use link, and out again.

Whoever needs a second factor has a session of ten minutes that may do nothing but give it
(`app.actions.second_factor`). A browser on which an account was signed in is known for it
afterwards: guesses from elsewhere do not hold it up.
"""

import asyncio
import logging
import time
from datetime import timedelta
from typing import Final
from uuid import uuid4

import asyncpg
import msgspec
from msgspec import Struct

from app.actions.act import Caller
from app.actions.administration import STARTER, note, note_ended
from app.actions.guessing import PASSWORD, count_guess
from app.actions.hashing import Hashing
from app.actions.identity import limits_of
from app.db import guesses, sessions, staff
from app.db.pool import Database
from app.db.staff import StaffRow
from app.domain.passwords import DUMMY_HASH, needs_rehash, username_key
from app.domain.patience import password_subject
from app.domain.principals import Assurance, Principal
from app.domain.second_factor import PENDING_LASTS, missing_factor
from app.domain.tokens import new_token, token_hash
from app.errors import NotSignedIn, NotValid
from app.wire.staff import SignIn
from floorplan import administration as book
from floorplan.nights import instant_text

logger = logging.getLogger(__name__)

# A refusal comes at the next multiple of this. Names that exist cost a line of the book more, some
# milliseconds; a hash and that line are done within one step (30 to 60 ms).
REFUSAL_STEP_SECONDS: Final = 0.1

KNOWN_LASTS: Final = timedelta(days=90)  # a season; whoever comes once a month stays known


class Browser(Struct, frozen=True):
    """What a browser brings along: its session's cookie, the cookie by which it is known, and which
    one it says it is."""

    session: str | None = None
    known: str | None = None
    agent: str | None = None

    def __repr__(self) -> str:
        return f"Browser({self.agent!r})"


class SignedIn(Struct, frozen=True):
    """A session with a new token; `known` is the token by which the browser is known from now on.

    Both are known to the one who signed in, and to nobody else.
    """

    staff_id: str
    token: str
    known: str | None = None

    def __repr__(self) -> str:
        return f"SignedIn({self.staff_id!r})"


async def sign_in(
    db: Database, hashing: Hashing, caller: Caller, request: SignIn, browser: Browser
) -> SignedIn:
    """A new session by password or by link; the browser's previous one, if any, is over.

    Raises NotValid: neither or both were given. NotSignedIn `sign_in_refused`: the same for an
    unknown name, a wrong password and a disabled account; `link_refused`. TooMany
    `sign_in_throttled`, `account_locked`. NotReady `sign_in_busy`.
    """
    by_password = request.username is not None and request.password is not None
    if request.link is not None and request.username is None and request.password is None:
        return await _by_link(db, caller, request.link, browser)
    if by_password and request.link is None:
        assert request.username is not None
        assert request.password is not None
        name = username_key(request.username)
        return await _by_password(db, hashing, caller, name, request.password, browser)
    raise NotValid("not_valid", "Give username and password, or a link, and not both.", place="$")


async def sign_out(db: Database, caller: Caller, token: str) -> None:
    """The session is over; one that was over already stays so."""
    async with db.begun(db.auth) as conn:
        ended = await sessions.revoke_session(conn, token_hash(token))
        if ended is not None:
            logger.info("signed out", extra={"staff_id": ended.staff_id})
            await note(conn, caller, book.SignedOut(ended.staff_id), f"session:{ended.id}")


async def create_link(db: Database, staff_id: str, lasts: timedelta) -> str:
    """A token that signs the member of staff in once, within the time. Shown to nobody else.

    For the service itself; whoever administers staff makes links by `app.actions.staff`.
    """
    token = new_token()
    async with db.begun(db.auth) as conn:
        expires_at = await staff.insert_link(conn, token_hash(token), staff_id, lasts)
        payload = book.LinkMade("demo", instant_text(expires_at))
        await note(conn, Caller(STARTER, str(uuid4())), payload, f"staff:{staff_id}")
    return token


async def is_known(db: Database, token: str) -> bool:
    """Whether somebody has signed in on the browser with this cookie."""
    async with db.reading() as conn:
        return await sessions.is_known(conn, token_hash(token))


async def known_of(conn: asyncpg.Connection, staff_id: str, browser: Browser) -> bytes | None:
    """The hash by which the browser is known for this account; None: it is not."""
    if browser.known is None:
        return None
    hashed = token_hash(browser.known)
    return hashed if await sessions.is_known_of(conn, hashed, staff_id) else None


async def remember(conn: asyncpg.Connection, member: StaffRow, browser: Browser) -> str | None:
    """The browser is known for the account; the token of the cookie that says so.

    A browser keeps its token for everybody who signs in on it; a token that this service did not
    give out is never taken over. The accounts of a demo are known nowhere: they have links alone.
    """
    if member.demo:
        return None
    token = browser.known
    if token is None or not await sessions.is_known(conn, token_hash(token)):
        token = new_token()
    await sessions.remember_device(conn, token_hash(token), member.id, KNOWN_LASTS)
    return token


async def _by_link(db: Database, caller: Caller, token: str, browser: Browser) -> SignedIn:
    async with db.begun(db.auth) as conn:
        staff_id = await staff.use_link(conn, token_hash(token))
        member = None if staff_id is None else await staff.get_staff(conn, staff_id)
        if member is not None and not member.disabled:
            # Whoever made the link vouches for its bearer: what was guessed before is forgotten.
            await guesses.forget_all_of(conn, member.id)
            return await _begin(conn, caller, member, "link", browser)
    if member is not None:
        raise _refused()
    raise NotSignedIn("link_refused", "This link was used or is over. Ask for a new one.")


async def _by_password(
    db: Database, hashing: Hashing, caller: Caller, name: str, password: str, browser: Browser
) -> SignedIn:
    """The guess counts as failed before the password is looked at."""
    began = time.monotonic()
    async with db.begun(db.auth) as conn:
        member = await staff.find_staff(conn, name)
        known = None if member is None else await known_of(conn, member.id, browser)
        subject = password_subject(name, known)
        await count_guess(conn, subject, None if member is None else member.id, PASSWORD)
    stored = DUMMY_HASH if member is None else member.password_hash or DUMMY_HASH
    right = await hashing.verify(stored, password)
    if not right or member is None or member.disabled or member.password_hash is None:
        await _note_refused(db, caller, member)
        await asyncio.sleep(pause_seconds(time.monotonic() - began))
        raise _refused()
    signed_in: SignedIn | None = None
    async with db.begun(db.auth) as conn:
        # As it is now, and held: what ends the account's sessions must not miss this one.
        latest = await staff.lock_staff(conn, member.id)
        if latest and not latest.disabled and latest.password_hash == stored:
            await guesses.forget_failures(conn, subject)
            signed_in = await _begin(conn, caller, latest, "password", browser)
    if signed_in is None:
        raise _refused()
    if needs_rehash(stored):
        rehashed = await hashing.hash(password)
        async with db.begun(db.auth) as conn:
            await staff.renew_password_hash(conn, member.id, stored, rehashed)
    return signed_in


def pause_seconds(taken: float) -> float:
    """How long a refusal waits that took so long, so that its time tells nothing of the account."""
    return REFUSAL_STEP_SECONDS - taken % REFUSAL_STEP_SECONDS


async def _begin(
    conn: asyncpg.Connection,
    caller: Caller,
    member: StaffRow,
    began: Assurance,
    browser: Browser,
) -> SignedIn:
    """The session exists, complete or without its second factor; told in the book when complete.

    The session that the browser had is over.
    """
    missing = missing_factor(
        member.role,
        demo=member.demo,
        enrolled=member.totp_sealed is not None,
        assurance=began,
    )
    _, absolute = limits_of(member.role, began)
    token = new_token()
    session_id, _ = await sessions.insert_session(
        conn,
        token_hash(token),
        member.id,
        absolute if missing == "none" else PENDING_LASTS,
        began=began,
        assurance=began,
        origin=caller.origin,
        agent=browser.agent,
    )
    known = await remember(conn, member, browser) if missing == "none" else None
    previous = await end_previous(conn, browser)
    await note_ended(conn, acting(caller, member), previous, "signed_in_again")
    if missing != "none":
        return SignedIn(member.id, token)
    await note_signed_in(conn, caller, member, session_id, began)
    return SignedIn(member.id, token, known)


async def end_previous(conn: asyncpg.Connection, browser: Browser) -> list[sessions.Ended]:
    """The session that the browser had is over; it, if it was not before."""
    if browser.session is None:
        return []
    ended = await sessions.revoke_session(conn, token_hash(browser.session))
    return [] if ended is None else [ended]


async def note_signed_in(
    conn: asyncpg.Connection,
    caller: Caller,
    member: StaffRow,
    session_id: str,
    assurance: Assurance,
    device_id: str | None = None,
) -> None:
    """The book tells that a session began, by whoever's it is."""
    logger.info("signed in", extra={"staff_id": member.id, "role": member.role})
    payload = book.SignedIn(session_id, assurance, device_id)
    await note(conn, acting(caller, member), payload, f"staff:{member.id}")


def acting(caller: Caller, member: StaffRow) -> Caller:
    """The caller, who is known by now to be this member of staff."""
    principal = Principal("staff", member.id, member.role, member.display_name)
    return msgspec.structs.replace(caller, principal=principal)


async def _note_refused(db: Database, caller: Caller, member: StaffRow | None) -> None:
    """The book tells of guesses of accounts that exist: as many as their patience lets through."""
    logger.warning("sign-in refused", extra={"staff_id": member.id if member else None})
    if member is None:
        return
    async with db.begun(db.auth) as conn:
        payload = book.SignInRefused("sign_in_refused")
        await note(conn, caller, payload, f"staff:{member.id}")


def _refused() -> NotSignedIn:
    return NotSignedIn("sign_in_refused", "The user name or the password is wrong.")
