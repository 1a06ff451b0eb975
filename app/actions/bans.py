"""Bans: who is not welcome. What the door is told of them is judged in `app.domain.verdicts`."""

from uuid import uuid4

from app.actions.act import UNNUMBERED, Act, Answered, Caller
from app.actions.administration import audited
from app.actions.person_seals import sealed_by
from app.actions.persons import (
    note_place,
    opened,
    opened_note,
    shown_email,
    shown_phone,
    tidied_contact,
)
from app.db import bans as rows
from app.db import persons
from app.db.persons import Held
from app.db.pool import Database
from app.domain.contacts import SealedPerson, seal_person
from app.domain.principals import Principal
from app.domain.sayings import SAYINGS
from app.domain.sealing import Vault
from app.errors import Conflict, NotFound, NotValid
from app.wire.persons import AddBan, BanAnswer, Bans, LiftBan, ListedBan
from floorplan.administration import BanAdded, BanLifted


async def list_bans(db: Database, vault: Vault, principal: Principal) -> Bans:
    """Every ban, those in force first; telephones and addresses masked."""
    async with db.acting(principal) as conn:
        found = await rows.list_bans(conn)
    return Bans(bans=[_listed(vault, ban) for ban in found])


async def add_ban(db: Database, vault: Vault, caller: Caller, request: AddBan) -> Answered:
    """The person is not welcome from now on, at any door.

    Raises NotValid `one_of_two`, `ban_is_over`, `contact_not_valid`; NotFound `booking_not_found`,
    `person_erased`; Conflict `no_contact`.
    """
    if (request.booking_id is None) == (request.name is None) or (
        request.name is None and (request.phone or request.email)
    ):
        raise NotValid(
            "one_of_two", "Send the booking, or the name with what else is known of the person."
        )
    data = None
    if request.name is not None:
        data = tidied_contact(request.name, request.phone, request.email)
    ban_id, new = str(uuid4()), None if data is None else seal_person(vault, data)

    async def work(act: Act) -> tuple[int, BanAnswer]:
        now = act.facts.now
        if request.until is not None and request.until <= now:
            raise NotValid("ban_is_over", "That time is over. Choose a later end.", place="$.until")
        held = await _banned_person(act, request, new)
        note = None if request.note is None else sealed_note(vault, held, ban_id, request.note)
        by = act.caller.principal.actor
        if not await rows.insert_ban(
            act.conn, ban_id, held.person_id, request.booking_id, request.reason, note,
            request.until, by, now,
        ):  # fmt: skip
            raise _erased()
        act.record(
            BanAdded(held.person_id, request.reason, request.until, request.booking_id),
            f"ban:{ban_id}",
        )
        return 201, BanAnswer(
            ban_id=ban_id,
            person_id=held.person_id,
            booking_id=request.booking_id,
            reason=request.reason,
            until=request.until,
            added_by=by,
            added_at=now,
            lifted_by=None,
            lifted_at=None,
            edition=0,
            version=UNNUMBERED,
        )

    return await audited(db, caller, "add_ban", work)


async def lift_ban(db: Database, caller: Caller, ban_id: str, request: LiftBan) -> Answered:
    """The person is welcome again. Raises NotFound `ban_not_found`, Conflict `ban_lifted`,
    `edition_differs`."""

    async def work(act: Act) -> tuple[int, BanAnswer]:
        ban = await rows.lock_ban(act.conn, ban_id)
        if ban is None:
            raise NotFound("ban_not_found", "There is no such ban.")
        if ban.lifted_at is not None:
            raise Conflict("ban_lifted", "This ban was lifted already.", lifted_at=ban.lifted_at)
        if request.edition not in (None, ban.edition):
            raise Conflict("edition_differs", "Somebody changed the ban meanwhile. Look again.")
        by = act.caller.principal.actor
        await rows.lift_ban(act.conn, ban_id, by, act.facts.now)
        act.record(BanLifted(ban.person_id), f"ban:{ban_id}")
        return 200, BanAnswer(
            ban_id=ban_id,
            person_id=ban.person_id,
            booking_id=ban.booking_id,
            reason=ban.reason,
            until=ban.until,
            added_by=ban.added_by,
            added_at=ban.added_at,
            lifted_by=by,
            lifted_at=act.facts.now,
            edition=ban.edition + 1,
            version=UNNUMBERED,
        )

    return await audited(db, caller, "lift_ban", work)


async def judge_welcome(act: Act, person: SealedPerson, *, id_checked: bool) -> None:
    """Refuse who is banned, as a scan would. Raises Conflict `banned`, `banned_name`."""
    found = await rows.find_ban(act.conn, *person.indexes)
    if found is not None and not (found == "banned_name" and id_checked):
        raise Conflict(found, SAYINGS[found].instruction)


def sealed_note(vault: Vault, held: Held, ban_id: str, note: str) -> bytes:
    """The note under the person's key. Raises NotReady `key_missing`."""
    return sealed_by(vault, held, note_place(ban_id), note.encode())


async def _banned_person(act: Act, request: AddBan, new: SealedPerson | None) -> Held:
    """Whom the ban means; somebody named only by it exists from now on."""
    if new is not None:
        await persons.insert_person(act.conn, new)
        return Held(new.id, new.sealed, new.wrapped)
    assert request.booking_id is not None
    booking = await persons.find_booking_person(act.conn, request.booking_id)
    if booking is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    if booking[0] is None:
        raise Conflict("no_contact", "Nobody's name is kept with this booking. Ban by the name.")
    row = await persons.find_person(act.conn, booking[0])
    if row is None or row.held is None:
        raise _erased()
    return row.held


def _erased() -> NotFound:
    return NotFound("person_erased", "This person's data was erased. Ban by the name.")


def _listed(vault: Vault, ban: rows.BanRow) -> ListedBan:
    held = None
    if ban.sealed is not None and ban.wrapped is not None:
        held = Held(ban.person_id, ban.sealed, ban.wrapped)
    person = opened(vault, held)
    return ListedBan(
        ban_id=ban.ban_id,
        person_id=ban.person_id,
        booking_id=ban.booking_id,
        name=person.name if person else None,
        phone=shown_phone(person),
        email=shown_email(person),
        reason=ban.reason,
        note=opened_note(vault, held, ban.ban_id, ban.note),
        until=ban.until,
        in_force=ban.in_force,
        added_by=ban.added_by,
        added_at=ban.added_at,
        lifted_by=ban.lifted_by,
        lifted_at=ban.lifted_at,
        edition=ban.edition,
    )
