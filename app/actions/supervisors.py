"""Whoever stands by an act against the rule: role, PIN and reason, at that moment.

A tablet is in many hands and a session stays open, so the PIN is asked for each time, also of the
manager whose session it is. From then on the act is the supervisor's: the book names them.
"""

import logging

from msgspec.structs import replace

from app.actions.act import Caller
from app.actions.administration import note
from app.actions.guessing import PIN, PIN_ON_DEVICE, count_guess
from app.actions.hashing import Hashing
from app.db import guesses, staff
from app.db.pool import Database
from app.domain.passwords import DUMMY_HASH
from app.domain.patience import pin_subject
from app.domain.pins import peppered
from app.domain.principals import ROLES, Principal, Scope
from app.errors import NotAllowed
from app.wire import Supervisor
from floorplan import administration as book

logger = logging.getLogger(__name__)


async def supervised(
    db: Database, hashing: Hashing, secret: str, caller: Caller, supervisor: Supervisor
) -> Caller:
    """The same call, made by the supervisor whose PIN it is, at the caller's device and door.

    Raises NotAllowed `pin_refused`: the same for somebody unknown, without a PIN, disabled, of
    another scope or without the right to override. TooMany `pin_throttled`, `pin_locked`.
    """
    principal = caller.principal
    staff_id = supervisor.staff_id or principal.id
    subject, here = pin_subject(staff_id), pin_subject(staff_id, principal.device or principal.id)
    async with db.begun(db.auth) as conn:
        member = await staff.find_by_id(conn, staff_id)
        if member is not None:  # ids that nobody has would only fill the table
            await count_guess(conn, subject, member.id, PIN)
            await count_guess(conn, here, member.id, PIN_ON_DEVICE)
    stored = DUMMY_HASH if member is None else member.pin_hash or DUMMY_HASH
    right = await hashing.verify(stored, peppered(secret, staff_id, supervisor.pin))
    scope = Scope() if member is None else Scope(member.floor, member.door, member.night)
    if (
        not right
        or member is None
        or member.pin_hash is None
        or member.disabled
        or "scan:override" not in ROLES[member.role]
        or not scope.allows(door=principal.door)
    ):
        await _note_refused(db, caller, None if member is None else member.id)
        raise NotAllowed(
            "pin_refused", "The PIN is wrong, or its owner is no supervisor here. Try again."
        )
    async with db.begun(db.auth) as conn:
        await guesses.forget_failures(conn, subject)
        await guesses.forget_failures(conn, here)
    if principal.kind == "staff" and principal.id == member.id:
        return caller
    device = principal.device or (principal.id if principal.kind == "device" else None)
    person = Principal(
        "staff", member.id, member.role, member.display_name, door=principal.door, scope=scope,
        assurance="pin", device=device,
    )  # fmt: skip
    return replace(caller, principal=person)


async def _note_refused(db: Database, caller: Caller, staff_id: str | None) -> None:
    logger.warning("a supervisor's PIN was refused", extra={"staff_id": staff_id})
    if staff_id is not None:
        principal = caller.principal
        tablet = principal.device or (principal.id if principal.kind == "device" else None)
        async with db.begun(db.auth) as conn:
            payload = book.SignInRefused("pin_refused", tablet)
            await note(conn, caller, payload, f"staff:{staff_id}")
