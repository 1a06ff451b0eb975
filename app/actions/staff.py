"""Who works here: accounts are added, changed and disabled; links, PINs and second factors given.

Accounts are never deleted: the books name them. Each action stands in the venue's book, in the
transaction of what it tells.
"""

import logging
from datetime import timedelta
from typing import Final
from uuid import uuid4

import msgspec
from msgspec import UNSET

from app.actions.act import Act, Answered, Caller
from app.actions.administration import audited
from app.actions.credentials import hash_pin
from app.actions.hashing import Hashing
from app.db import guesses, sessions, staff
from app.db.pool import Database
from app.db.staff import StaffRow
from app.domain.passwords import username_key
from app.domain.patience import pin_subject
from app.domain.tokens import derived_token, token_hash
from app.errors import Conflict, NotAllowed, NotFound
from app.wire.staff import AddStaff, ChangeStaff, LinkAnswer, StaffAnswer
from floorplan import administration as book
from floorplan.administration import Standing
from floorplan.nights import instant_text
from floorplan.venue import Venue

logger = logging.getLogger(__name__)

INVITATION_LASTS: Final = timedelta(hours=24)  # for the next shift
_LINK: Final = "sign-in link"  # what a link's token is derived for


async def list_staff(db: Database) -> list[StaffAnswer]:
    """Everybody, those who may act first."""
    async with db.reading(db.auth) as conn:
        return [answer_of(row) for row in await staff.list_staff(conn)]


async def add_staff(
    db: Database, venue: Venue, secret: str, caller: Caller, request: AddStaff
) -> Answered:
    """The account exists; the link in the answer signs it in once, to choose its own proofs.

    Raises Conflict `username_taken`, NotFound `door_not_found`.
    """
    _judge_door(venue, request.door)

    async def work(act: Act) -> tuple[int, StaffAnswer]:
        staff_id = await staff.insert_staff(
            act.conn,
            username_key(request.username),
            request.display_name,
            request.role,
            None,
            floor=request.floor,
            door=request.door,
            night=request.night,
        )
        if staff_id is None:
            raise Conflict("username_taken", "Somebody has this user name. Choose another.")
        member = await staff.get_staff(act.conn, staff_id)
        act.record(book.StaffAdded(_standing(member)), f"staff:{staff_id}")
        made = await _make_link(act, secret, staff_id, "invitation")
        return 201, msgspec.structs.replace(
            answer_of(member), link_id=made.link_id, link_expires_at=made.link_expires_at
        )

    return _with_link(
        await audited(db, caller, "add_staff", work, pool=db.auth), StaffAnswer, secret
    )


async def change_staff(
    db: Database, venue: Venue, caller: Caller, staff_id: str, request: ChangeStaff
) -> Answered:
    """The account is so from its next request on; another role, or disabling, ends its sessions.

    Raises NotFound `staff_not_found`, `door_not_found`. Conflict `edition_old`: it was changed
    meanwhile; `last_administrator`: nobody could administer the staff any more. NotAllowed
    `own_account`: one's own role, and disabling oneself, is for somebody else to do.
    """
    if isinstance(request.door, str):
        _judge_door(venue, request.door)

    async def work(act: Act) -> tuple[int, StaffAnswer]:
        administrators = await staff.lock_administrators(act.conn)
        member = await _lock_staff(act, staff_id)
        if member.edition != request.edition:
            raise Conflict(
                "edition_old", "Somebody changed this account meanwhile. Read it again, then send "
                "your change with its new edition.", edition=member.edition,
            )  # fmt: skip
        wanted = _changed(member, request)
        _judge_change(caller, member, wanted, administrators)
        await staff.change_staff(
            act.conn, staff_id, wanted.display_name, wanted.role, wanted.floor, wanted.door,
            wanted.night, disabled=wanted.disabled,
        )  # fmt: skip
        await _tell_change(act, member, wanted)
        return 200, answer_of(await staff.get_staff(act.conn, staff_id))

    return await audited(db, caller, "change_staff", work, pool=db.auth)


async def make_link(db: Database, secret: str, caller: Caller, staff_id: str) -> Answered:
    """A link that signs the account in once, within a day. Raises NotFound, Conflict `disabled`."""

    async def work(act: Act) -> tuple[int, LinkAnswer]:
        member = await _lock_staff(act, staff_id)
        if member.disabled:
            raise Conflict("disabled", "This account is disabled. Enable it first.")
        return 201, await _make_link(act, secret, staff_id, "sign_in")

    return _with_link(
        await audited(db, caller, "make_link", work, pool=db.auth), LinkAnswer, secret
    )


async def set_pin(
    db: Database, hashing: Hashing, secret: str, caller: Caller, staff_id: str, pin: str | None
) -> Answered:
    """The account has this PIN, or none. Raises NotFound, NotValid `pin_not_taken`."""
    hashed = await hash_pin(hashing, secret, staff_id, pin)

    async def work(act: Act) -> tuple[int, StaffAnswer]:
        await _lock_staff(act, staff_id)
        await staff.set_pin_hash(act.conn, staff_id, hashed)
        await guesses.forget_failures(act.conn, pin_subject(staff_id))
        act.record(book.PinSet(removed=pin is None), f"staff:{staff_id}")
        return 200, answer_of(await staff.get_staff(act.conn, staff_id))

    return await audited(db, caller, "set_pin", work, pool=db.auth)


async def reset_second_factor(db: Database, caller: Caller, staff_id: str) -> Answered:
    """The account has no second factor, no recovery codes and no session; it enrols anew.

    Links that were made before are over: whoever has one would enrol in the account's place.

    Raises NotFound. NotAllowed `own_account`: one's own is changed by enrolling again.
    """

    async def work(act: Act) -> tuple[int, StaffAnswer]:
        if staff_id == caller.principal.id:
            raise NotAllowed(
                "own_account", "Change your own second factor by enrolling again, elevated."
            )
        await _lock_staff(act, staff_id)
        await staff.forget_seed(act.conn, staff_id)
        await staff.end_links(act.conn, staff_id)
        await guesses.forget_all_of(act.conn, staff_id)
        ended = await sessions.revoke_all_of(act.conn, staff_id)
        act.record(book.SecondFactorReset(), f"staff:{staff_id}")
        if ended:
            act.record(book.SessionRevoked(staff_id, "second_factor"), f"staff:{staff_id}")
        return 200, answer_of(await staff.get_staff(act.conn, staff_id))

    return await audited(db, caller, "reset_second_factor", work, pool=db.auth)


def answer_of(member: StaffRow) -> StaffAnswer:
    """The account as the administration sees it."""
    return StaffAnswer(
        staff_id=member.id,
        username=member.username,
        name=member.display_name,
        role=member.role,
        floor=member.floor,
        door=member.door,
        night=member.night,
        disabled=member.disabled,
        demo=member.demo,
        edition=member.edition,
        created_at=instant_text(member.created_at),
        has_password=member.password_hash is not None,
        has_totp=member.totp_sealed is not None,
        has_pin=member.pin_hash is not None,
        seen_at=None if member.seen_at is None else instant_text(member.seen_at),
    )


def _changed(member: StaffRow, request: ChangeStaff) -> StaffRow:
    """The account as it is wanted: what was left out stays."""
    wanted = {
        name: value
        for name in ("display_name", "role", "floor", "door", "night", "disabled")
        if (value := getattr(request, name)) is not UNSET
    }
    return msgspec.structs.replace(member, **wanted)


def _judge_change(
    caller: Caller, member: StaffRow, wanted: StaffRow, administrators: list[str]
) -> None:
    if member.id == caller.principal.id and _rights(wanted) != _rights(member):
        raise NotAllowed(
            "own_account",
            "Nobody changes their own role, or how far it reaches. Ask another administrator.",
        )
    stays = wanted.role == "SUPER_ADMIN" and not wanted.disabled
    if member.id in administrators and len(administrators) == 1 and not stays:
        raise Conflict(
            "last_administrator", "This is the last one who may administer the staff. "
            "Make somebody else SUPER_ADMIN first.",
        )  # fmt: skip


def _rights(member: StaffRow) -> tuple[object, ...]:
    return member.role, member.disabled, member.floor, member.door, member.night


async def _tell_change(act: Act, member: StaffRow, wanted: StaffRow) -> None:
    """Sessions end where rights do; the book tells what was and what is."""
    subject = f"staff:{member.id}"
    before, after = _standing(member), _standing(wanted)
    renamed = wanted.display_name != member.display_name
    ended = 0
    if wanted.role != member.role or wanted.disabled:
        ended = len(await sessions.revoke_all_of(act.conn, member.id))
    if wanted.disabled:
        await staff.end_links(act.conn, member.id)
    if before != after or renamed:
        act.record(book.StaffChanged(before, after, renamed), subject)
    if wanted.disabled and not member.disabled:
        act.record(book.StaffDisabled(ended), subject)
    elif member.disabled and not wanted.disabled:
        act.record(book.StaffEnabled(), subject)
    elif ended:
        act.record(book.SessionRevoked(member.id, "role"), subject)
    logger.info("staff changed", extra={"staff_id": member.id, "role": wanted.role})


def _standing(member: StaffRow) -> Standing:
    return Standing(member.role, member.floor, member.door, member.night)


async def _lock_staff(act: Act, staff_id: str) -> StaffRow:
    member = await staff.lock_staff(act.conn, staff_id)
    if member is None:
        raise NotFound("staff_not_found", "There is no such member of staff.")
    return member


async def _make_link(act: Act, secret: str, staff_id: str, purpose: str) -> LinkAnswer:
    """The link exists. Its token is derived from its id, so that no stored answer holds it."""
    link_id = str(uuid4())
    token = derived_token(secret, _LINK, link_id)
    expires_at = await staff.insert_link(act.conn, token_hash(token), staff_id, INVITATION_LASTS)
    until = instant_text(expires_at)
    act.record(book.LinkMade(purpose, until), f"staff:{staff_id}")
    return LinkAnswer(staff_id=staff_id, link_id=link_id, link_expires_at=until)


def _with_link(
    answered: Answered, shape: type[StaffAnswer] | type[LinkAnswer], secret: str
) -> Answered:
    """The answer with the link's token in it, which is shown and never stored."""
    made = msgspec.json.decode(answered.body, type=shape)
    assert made.link_id is not None
    shown = msgspec.structs.replace(made, link=derived_token(secret, _LINK, made.link_id))
    return msgspec.structs.replace(answered, body=msgspec.json.encode(shown))


def _judge_door(venue: Venue, door: str | None) -> None:
    known = [one.id for one in venue.doors]
    if door is not None and door not in known:
        raise NotFound("door_not_found", f"There is no such door. Use {', '.join(known)}.")
