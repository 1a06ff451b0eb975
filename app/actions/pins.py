"""A tablet that somebody takes by PIN: what it does from then on is theirs.

The PIN's session counts beside the tablet's own token alone, and may no more than door staff may
(`Principal.permissions`), but for the override of somebody who has that right.
"""

import logging

from app.actions.act import Caller
from app.actions.administration import note, note_ended
from app.actions.guessing import PIN, PIN_ON_DEVICE, count_guess
from app.actions.hashing import Hashing
from app.actions.sign_in import Browser, SignedIn, acting, end_previous, note_signed_in
from app.db import guesses, sessions, staff
from app.db.pool import Database
from app.db.staff import StaffRow
from app.domain.passwords import DUMMY_HASH
from app.domain.patience import pin_subject
from app.domain.pins import PIN_LIMITS, peppered
from app.domain.principals import ROLES, Principal, Scope
from app.domain.tokens import new_token, token_hash
from app.errors import NotAllowed
from app.wire.staff import PinHolder, SignInByPin
from floorplan import administration as book

logger = logging.getLogger(__name__)


async def list_pins(db: Database, tablet: Principal) -> list[PinHolder]:
    """Who may take the tablet by PIN: who has one, and may act at its door."""
    async with db.reading(db.auth) as conn:
        rows = await staff.list_pins(conn)
    here = [row for row in rows if Scope(door=row.door).allows(door=tablet.door)]
    return [
        PinHolder(
            staff_id=row.staff_id, name=row.name, supervisor="scan:override" in ROLES[row.role]
        )
        for row in here
    ]


async def take_tablet(
    db: Database,
    hashing: Hashing,
    secret: str,
    caller: Caller,
    request: SignInByPin,
    browser: Browser,
) -> SignedIn:
    """The caller, a tablet, is in the hands of whoever's PIN it is; of nobody else any more.

    Raises NotAllowed `pin_refused`: the same for somebody unknown, without a PIN, disabled or of
    another door. TooMany `pin_throttled`, `pin_locked`: counted for the account on this tablet, and
    for the account on all. NotReady `sign_in_busy`.
    """
    tablet = caller.principal
    subject, on_tablet = pin_subject(request.staff_id), pin_subject(request.staff_id, tablet.id)
    async with db.begun(db.auth) as conn:
        member = await staff.find_by_id(conn, request.staff_id)
        if member is not None:  # ids that nobody has would only fill the table
            await count_guess(conn, subject, member.id, PIN)
            await count_guess(conn, on_tablet, member.id, PIN_ON_DEVICE)
    stored = DUMMY_HASH if member is None else member.pin_hash or DUMMY_HASH
    right = await hashing.verify(stored, peppered(secret, request.staff_id, request.pin))
    if not right or member is None or not _may_take(member, tablet):
        await _note_refused(db, caller, member, tablet)
        raise _refused()
    token = new_token()
    async with db.begun(db.auth) as conn:
        latest = await staff.lock_staff(conn, member.id)
        taken = latest is not None and latest.pin_hash == stored and _may_take(latest, tablet)
        if taken:
            ended = await end_previous(conn, browser)
            ended += await sessions.revoke_all_on(conn, tablet.id)
            await guesses.forget_failures(conn, subject)
            await guesses.forget_failures(conn, on_tablet)
            _, absolute = PIN_LIMITS
            session_id, _ = await sessions.insert_session(
                conn,
                token_hash(token),
                member.id,
                absolute,
                began="pin",
                assurance="pin",
                device_id=tablet.id,
                origin=caller.origin,
                agent=browser.agent,
            )
            await note_ended(conn, acting(caller, member), ended, "signed_in_again")
            await note_signed_in(conn, caller, member, session_id, "pin", tablet.id)
    if not taken:
        raise _refused()
    return SignedIn(member.id, token)


def _may_take(member: StaffRow, tablet: Principal) -> bool:
    scope = Scope(member.floor, member.door, member.night)
    return member.pin_hash is not None and not member.disabled and scope.allows(door=tablet.door)


async def _note_refused(
    db: Database, caller: Caller, member: StaffRow | None, tablet: Principal
) -> None:
    logger.warning("PIN refused", extra={"staff_id": member.id if member else None})
    if member is not None:
        async with db.begun(db.auth) as conn:
            payload = book.SignInRefused("pin_refused", tablet.id)
            await note(conn, caller, payload, f"staff:{member.id}")


def _refused() -> NotAllowed:
    return NotAllowed("pin_refused", "The PIN is wrong. Try again, or sign in with your name.")
