"""The waitlist over HTTP: the customer's place, and the night's list for staff."""

from app.actions import waitlist
from app.actions.persons import opened, shown_email, shown_phone
from app.db.nights import find_night
from app.db.waitlist import EntryRow, list_entries
from app.domain.principals import Principal
from app.web.answers import Answer, encoded
from app.web.bookings import shown_name
from app.web.doing import doing
from app.web.floor import date_of, hash_of, night_not_found, tagged
from app.web.operations import Call
from app.wire.waitlist import ListedWaiting, Waitlist

join = doing(
    lambda c: waitlist.join_waitlist(
        c.parts.db, c.parts.venue, c.parts.vault, c.parts.settings.secret, c.caller, c.body
    )
)
leave = doing(
    lambda c: waitlist.leave_waitlist(c.parts.db, c.parts.venue, c.caller, c.path["waitlist_id"])
)
accept = doing(
    lambda c: waitlist.accept_offer(
        c.parts.db, c.parts.venue, c.parts.settings.secret, c.caller, c.path["waitlist_id"]
    )
)
rank = doing(
    lambda c: waitlist.rank_waiting(
        c.parts.db, c.parts.venue, c.caller, c.path["waitlist_id"], c.body
    )
)


async def get_entry(call: Call) -> Answer:
    """The place, its priority and what it is offered; its page asks again and again."""
    entry = await waitlist.find_entry(call.parts.db, call.caller, call.path["waitlist_id"])
    answer = encoded(waitlist.entry_answer(call.parts.venue, entry))
    return tagged(call, answer.body, f'"{hash_of(answer.body)}"')


async def get_waitlist(call: Call) -> Answer:
    """The night's waiting parties, the next one first."""
    night, parts = call.path["night"], call.parts
    async with parts.db.acting(call.principal) as conn:
        if await find_night(conn, date_of(night)) is None:
            raise night_not_found(night)
        entries = await list_entries(conn, night)
    return encoded(
        Waitlist(night=night, waiting=[_listed(call, entry, call.principal) for entry in entries])
    )


def _listed(call: Call, entry: EntryRow, principal: Principal) -> ListedWaiting:
    guest = opened(call.parts.vault, entry.held)
    manages = principal.may("live:manager")
    wishes = [wish for wish in (entry.floor, entry.zone, *entry.features) if wish]
    return ListedWaiting(
        waitlist_id=entry.waitlist_id,
        status=entry.status,  # type: ignore[arg-type]  # the column's own check
        party=entry.party,
        slot_from=entry.slot_from,
        slot_until=entry.slot_until,
        prefers=wishes,
        special_occasion=entry.special_occasion,
        priority=entry.effective,
        parts=waitlist.parts_of(entry),
        offers_left=entry.offers_left,
        joined_at=entry.joined_at,
        offer=waitlist.offer_of(entry),
        beyond_every_set=waitlist.is_beyond(call.parts.venue, entry.party),
        name=None if guest is None else shown_name(guest.name, principal),
        phone=shown_phone(guest) if manages else None,
        email=shown_email(guest) if manages else None,
    )
