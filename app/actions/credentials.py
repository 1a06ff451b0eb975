"""What members of staff change of their own: the password, and the PIN for shared tablets."""

import logging

from app.actions.act import Caller
from app.actions.administration import note
from app.actions.guessing import PASSWORD, count_guess
from app.actions.hashing import Hashing
from app.actions.sign_in import Browser, known_of
from app.db import guesses, sessions, staff
from app.db.pool import Database
from app.domain.passwords import judge_password
from app.domain.patience import password_subject, pin_subject
from app.domain.pins import judge_pin, peppered
from app.domain.tokens import token_hash
from app.errors import NotAllowed, NotSignedIn, NotValid
from app.wire.staff import ChangePassword
from floorplan import administration as book

logger = logging.getLogger(__name__)


async def change_password(
    db: Database, hashing: Hashing, caller: Caller, request: ChangePassword, browser: Browser
) -> None:
    """The account has the new password; every other session, every other known device, and every
    link that was made before, is over.

    The present one is asked for unless the session began by a link, whose maker vouched for its
    bearer. Raises NotValid `password_refused`: too short, or easily guessed. NotAllowed
    `password_wrong`. TooMany. NotSignedIn: the session is over.
    """
    staff_id, session_id = caller.principal.id, caller.principal.session_id
    async with db.begun(db.auth) as conn:
        member = await staff.get_staff(conn, staff_id)
        sentence = judge_password(request.new, member.username)
        if sentence is not None:
            raise NotValid("password_refused", sentence, place="$.new")
        session = await sessions.lock_session(conn, session_id)
        if session is None:
            raise _over()
        stored = None if session.began == "link" else member.password_hash
        subject = password_subject(member.username, await known_of(conn, staff_id, browser))
        if stored is not None:
            await count_guess(conn, subject, staff_id, PASSWORD)
    if stored is not None and not await hashing.verify(stored, request.current or ""):
        raise NotAllowed("password_wrong", "The present password is wrong.")
    hashed = await hashing.hash(request.new)
    async with db.begun(db.auth) as conn:
        latest = await staff.lock_staff(conn, staff_id)
        if latest is None or latest.disabled or latest.password_hash != member.password_hash:
            raise _over()
        await staff.set_password_hash(conn, staff_id, hashed)
        # First: a sign-in that uses one at this moment has its session before these are ended.
        await staff.end_links(conn, staff_id)
        await sessions.revoke_all_of(conn, staff_id, but=session_id)
        kept = token_hash(browser.known) if browser.known is not None else b""
        await sessions.forget_devices_of(conn, staff_id, but=kept)
        await guesses.forget_failures(conn, subject)
        logger.info("password changed", extra={"staff_id": staff_id})
        await note(conn, caller, book.PasswordChanged(session_id), f"staff:{staff_id}")


async def hash_pin(hashing: Hashing, secret: str, staff_id: str, pin: str | None) -> str | None:
    """What is stored of the PIN. Raises NotValid `pin_not_taken`: no PIN, or easily guessed."""
    if pin is None:
        return None
    sentence = judge_pin(pin)
    if sentence is not None:
        raise NotValid("pin_not_taken", sentence, place="$.pin")
    return await hashing.hash(peppered(secret, staff_id, pin))


async def set_own_pin(
    db: Database, hashing: Hashing, secret: str, caller: Caller, pin: str | None
) -> None:
    """The caller has this PIN, or none. What was guessed of the one before is forgotten.

    A PIN that lets against the rule (`scan:override`) is set in an elevated session only. Raises
    NotAllowed `step_up_needed`, NotValid `pin_not_taken`.
    """
    if caller.principal.may("scan:override") and not caller.principal.is_elevated:
        raise step_up_needed("pin:set")
    staff_id = caller.principal.id
    hashed = await hash_pin(hashing, secret, staff_id, pin)
    async with db.begun(db.auth) as conn:
        await staff.set_pin_hash(conn, staff_id, hashed)
        await guesses.forget_failures(conn, pin_subject(staff_id))
        await note(conn, caller, book.PinSet(removed=pin is None), f"staff:{staff_id}")


def step_up_needed(permission: str) -> NotAllowed:
    """The refusal of what needs a fresh proof, and what to do about it."""
    return NotAllowed(
        "step_up_needed",
        "Confirm that it is you: POST /v1/session/elevate with a code of your app (in the demo: "
        "your PIN). Then send this again; it counts for five minutes.",
        permission=permission,
    )


def _over() -> NotSignedIn:
    return NotSignedIn("not_signed_in", "The session is over. Sign in again.")
