"""The second factor of staff: enrolling it, giving it at sign-in, and giving it again to step up.

A code counts once. Its step is compared and set in Postgres by the statement that decides, so that
of two sign-ins with one code exactly one gets in; a recovery code is used in the same manner. Every
step forward gives the session another token: what was seen before is worth nothing.
"""

import logging
from datetime import timedelta
from typing import Final

import asyncpg
from msgspec import Struct

from app.actions import sign_in
from app.actions.act import Caller
from app.actions.administration import note, note_ended
from app.actions.guessing import CODE, PIN, count_guess
from app.actions.hashing import Hashing
from app.actions.identity import limits_of
from app.actions.sign_in import Browser, SignedIn
from app.db import guesses, sessions, staff
from app.db.pool import Database
from app.db.sessions import LockedSession
from app.db.staff import StaffRow
from app.domain import second_factor as rules
from app.domain.passwords import DUMMY_HASH
from app.domain.patience import code_subject, pin_subject
from app.domain.pins import peppered
from app.domain.sealing import Unopened, Vault
from app.domain.tokens import new_token, token_hash
from app.errors import Conflict, NotAllowed, NotReady, NotSignedIn, NotValid
from app.wire.staff import Elevate, GiveCode
from floorplan import administration as book
from floorplan.nights import instant_text

logger = logging.getLogger(__name__)

_RECOVERY: Final = "recovery"
_TOTP: Final = "totp"


class Enrolment(Struct, frozen=True):
    """A seed that is the account's once a code of it was given."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment(...)"


class Strengthened(Struct, frozen=True):
    """A session that has its second factor; the recovery codes if this was the enrolment."""

    signed_in: SignedIn
    recovery_codes: list[str] | None = None

    def __repr__(self) -> str:
        return f"Strengthened({self.signed_in!r})"


async def propose(db: Database, vault: Vault, caller: Caller) -> Enrolment:
    """The session is shown a new seed. Raises Conflict `enrolled_already`, NotSignedIn.

    An account that has a second factor changes it in an elevated session: the old phone, or a
    recovery code, agrees to the new one.
    """
    session_id = caller.principal.session_id
    seed = rules.new_seed()
    async with db.begun(db.auth) as conn:
        member, session = await _lock(conn, caller)
        _judge_enrolment(member, session)
        sealed = vault.seal(_session_place(session_id), seed)
        await sessions.propose_seed(conn, session_id, sealed)
    return Enrolment(rules.seed_text(seed), rules.enrolment_uri(seed, member.username))


async def give(
    db: Database, vault: Vault, caller: Caller, request: GiveCode, browser: Browser
) -> Strengthened:
    """The session is complete, by a code or a recovery code, or by enrolling.

    Raises NotAllowed `code_refused`, `code_used`: wrong, or it counted before. NotValid: neither or
    both were given. Conflict `not_enrolled`: there is nothing to compare a code with. TooMany
    `code_throttled`, `code_locked`. NotSignedIn: the session is over.
    """
    _judge_one_proof(request.code, request.recovery_code)
    session_id = caller.principal.session_id
    async with db.begun(db.auth) as conn:
        member, session = await _lock(conn, caller)
        if session.totp_proposed is not None and request.code is not None:
            return await _enrol(conn, vault, caller, session, member, request.code, browser)
        if session.assurance == "totp":
            raise Conflict(
                "complete_already",
                "This session is complete. To step up: POST /v1/session/elevate.",
            )
        refusal = await _refusal_of(
            conn, vault, caller, session, member, request.code, request.recovery_code, browser
        )
        if refusal is None:
            _, absolute = limits_of(member.role, session.began)
            token = await _strengthen(conn, session_id, absolute)
            known = await sign_in.remember(conn, member, browser)
            if request.recovery_code is not None:
                await _note_recovery(conn, caller, member)
            await sign_in.note_signed_in(conn, caller, member, session_id, "totp")
            return Strengthened(SignedIn(member.id, token, known))
    raise refusal


async def elevate(
    db: Database,
    vault: Vault,
    hashing: Hashing,
    secret: str,
    caller: Caller,
    request: Elevate,
    browser: Browser,
) -> SignedIn:
    """The session may do what needs a fresh proof, for five minutes, under another token.

    Raises as `give`; and NotAllowed `pin_refused`, Conflict `no_second_factor`: a demo's account
    has none, and steps up with its PIN.
    """
    _judge_one_proof(request.code, request.recovery_code, request.pin)
    if request.pin is not None:
        return await _elevate_by_pin(db, hashing, secret, caller, request.pin)
    async with db.begun(db.auth) as conn:
        member, session = await _lock(conn, caller)
        refusal = await _refusal_of(
            conn, vault, caller, session, member, request.code, request.recovery_code, browser
        )
        if refusal is None:
            if request.recovery_code is not None:
                await _note_recovery(conn, caller, member)
            by = _TOTP if request.recovery_code is None else _RECOVERY
            return await _elevate(conn, caller, member, by)
    raise refusal


async def _elevate_by_pin(
    db: Database, hashing: Hashing, secret: str, caller: Caller, pin: str
) -> SignedIn:
    """The accounts of a demo have nothing else to step up with, and exist only in it."""
    subject = pin_subject(caller.principal.id)
    async with db.begun(db.auth) as conn:
        member, _ = await _lock(conn, caller)
        if not member.demo:
            raise NotAllowed("pin_refused", "A PIN is not enough here. Give a code of your app.")
        await count_guess(conn, subject, member.id, PIN)
    right = await hashing.verify(member.pin_hash or DUMMY_HASH, peppered(secret, member.id, pin))
    if not right or member.pin_hash is None:
        raise NotAllowed("pin_refused", "The PIN is wrong. The demo printed it beside the links.")
    async with db.begun(db.auth) as conn:
        await guesses.forget_failures(conn, subject)
        return await _elevate(conn, caller, member, "pin")


async def _elevate(conn: asyncpg.Connection, caller: Caller, member: StaffRow, by: str) -> SignedIn:
    session_id = caller.principal.session_id
    token = new_token()
    until = await sessions.elevate_session(
        conn, session_id, token_hash(token), rules.ELEVATION_LASTS
    )
    if until is None:
        raise _over()
    payload = book.Elevated(member.id, by, instant_text(until))
    await note(conn, caller, payload, f"session:{session_id}")
    return SignedIn(member.id, token)


async def _enrol(
    conn: asyncpg.Connection,
    vault: Vault,
    caller: Caller,
    session: LockedSession,
    member: StaffRow,
    code: str,
    browser: Browser,
) -> Strengthened:
    """The account has the seed that the session was shown, once a code of it is right.

    Nothing is guessed here: whoever gives the code was shown the seed.
    """
    assert session.totp_proposed is not None
    _judge_enrolment(member, session)
    session_id = caller.principal.session_id
    seed = _opened(vault, _session_place(session_id), session.totp_proposed)
    step = rules.find_step(seed, code, session.now)
    if step is None:
        raise NotAllowed(
            "code_refused",
            "This is not the code that the app shows now. Check the phone's clock, "
            "and type the six digits that it shows.",
        )
    sealed = vault.seal(staff_place(member.id), seed)
    if not await staff.enrol(conn, member.id, sealed, step, again=bool(session.elevated)):
        raise _enrolled_already()
    codes = [rules.new_recovery_code() for _ in range(rules.RECOVERY_CODES)]
    await staff.replace_recovery_codes(conn, member.id, [rules.recovery_hash(c) for c in codes])
    ended = await sessions.revoke_all_of(conn, member.id, but=session_id)
    _, absolute = limits_of(member.role, session.began)
    pending = session.assurance != "totp"
    token = await _strengthen(conn, session_id, absolute if pending else None)
    known = await sign_in.remember(conn, member, browser)
    logger.info("second factor enrolled", extra={"staff_id": member.id})
    who = sign_in.acting(caller, member)
    await note(conn, who, book.SecondFactorEnrolled(len(codes)), f"staff:{member.id}")
    await note_ended(conn, who, ended, "second_factor")
    if pending:
        await sign_in.note_signed_in(conn, caller, member, session_id, "totp")
    return Strengthened(SignedIn(member.id, token, known), codes)


async def _refusal_of(
    conn: asyncpg.Connection,
    vault: Vault,
    caller: Caller,
    session: LockedSession,
    member: StaffRow,
    code: str | None,
    recovery_code: str | None,
    browser: Browser,
) -> NotAllowed | None:
    """Why the proof does not count, to be raised once the failure is committed; None: it counts.

    It counts as used and right when the transaction commits. Raises Conflict, TooMany: it was not
    even looked at.
    """
    if member.totp_sealed is None:
        raise _not_enrolled(member)
    if recovery_code is not None:
        # 120 random bits: nobody guesses one, and it must work while codes are stopped.
        hashed = rules.recovery_hash(recovery_code)
        if await staff.use_recovery_code(conn, member.id, hashed):
            # Also those of this browser, or its codes would stay stopped for good.
            known = await sign_in.known_of(conn, member.id, browser)
            await guesses.forget_failures(conn, code_subject(member.id))
            await guesses.forget_failures(conn, code_subject(member.id, known))
            return None
        return await _refused(conn, caller, member, "recovery_code_refused", _NO_RECOVERY)
    assert code is not None
    subject = code_subject(member.id, await sign_in.known_of(conn, member.id, browser))
    await count_guess(conn, subject, member.id, CODE)
    seed = _opened(vault, staff_place(member.id), member.totp_sealed)
    step = rules.find_step(seed, code, session.now)
    if step is None:
        return await _refused(conn, caller, member, "code_refused", _WRONG)
    if not await staff.use_step(conn, member.id, step):
        return await _refused(conn, caller, member, "code_used", _USED)
    await guesses.forget_failures(conn, subject)
    return None


_WRONG: Final = "The code is wrong. Type the six digits that the app shows now."
_USED: Final = "This code was used already. Wait for the next one; it comes within 30 s."
_NO_RECOVERY: Final = "This recovery code is wrong or was used already. Try another one."


async def _refused(
    conn: asyncpg.Connection, caller: Caller, member: StaffRow, reason: str, sentence: str
) -> NotAllowed:
    logger.warning("second factor refused", extra={"staff_id": member.id})
    who = sign_in.acting(caller, member)
    await note(conn, who, book.SignInRefused(reason), f"staff:{member.id}")
    return NotAllowed(reason, sentence)


async def _note_recovery(conn: asyncpg.Connection, caller: Caller, member: StaffRow) -> None:
    left = await staff.count_recovery_codes(conn, member.id)
    who = sign_in.acting(caller, member)
    await note(conn, who, book.RecoveryCodeUsed(left), f"staff:{member.id}")


async def _strengthen(conn: asyncpg.Connection, session_id: str, lasts: timedelta | None) -> str:
    token = new_token()
    if await sessions.strengthen_session(conn, session_id, token_hash(token), lasts) is None:
        raise _over()
    return token


async def _lock(conn: asyncpg.Connection, caller: Caller) -> tuple[StaffRow, LockedSession]:
    """The account and its session, held in this order, as the administration holds them."""
    member = await staff.lock_staff(conn, caller.principal.id)
    session = await sessions.lock_session(conn, caller.principal.session_id)
    if member is None or member.disabled or session is None or session.staff_id != member.id:
        raise _over()
    return member, session


def _judge_enrolment(member: StaffRow, session: LockedSession) -> None:
    if member.demo:
        raise Conflict("demo_account", "The accounts of a demo have no second factor.")
    if member.totp_sealed is not None and not session.elevated:
        raise _enrolled_already()


def _judge_one_proof(*proofs: str | None) -> None:
    if sum(proof is not None for proof in proofs) != 1:
        raise NotValid("not_valid", "Give one proof: a code, or a recovery code.", place="$")


def _enrolled_already() -> Conflict:
    return Conflict(
        "enrolled_already",
        "This account has a second factor. To change it step up first: POST /v1/session/elevate "
        "with a code of the old app, or with a recovery code.",
    )


def _opened(vault: Vault, place: str, sealed: bytes) -> bytes:
    """The seed. Raises NotReady `keys_missing`: the service has not the key that sealed it."""
    try:
        return vault.open(place, sealed)
    except Unopened as error:
        logger.exception("a second factor cannot be read")
        raise NotReady(
            "keys_missing",
            "The second factor cannot be read with the keys that this service has. Use a recovery "
            "code, and tell whoever runs the service: PERSON_KEYS lacks a key.",
        ) from error


def _not_enrolled(member: StaffRow) -> Conflict:
    if member.demo:
        return Conflict(
            "no_second_factor",
            "The accounts of a demo step up with their PIN; the demo printed it beside the links.",
        )
    return Conflict(
        "not_enrolled",
        "This account has no second factor yet. Set one up: POST /v1/session/totp/enrolment.",
    )


def _over() -> NotSignedIn:
    return NotSignedIn("not_signed_in", "The session is over. Sign in again.")


def staff_place(staff_id: str) -> str:
    """Where an account's sealed seed belongs."""
    return f"staff|totp|{staff_id}"


def _session_place(session_id: str) -> str:
    return f"session|totp|{session_id}"
