"""Calendar feeds: their addresses, given out and renewed, and what a calendar program reads by one.

An address is a signed token, as every link. A booking's is its customer's; a night's belongs to one
member of staff, and counts for as long as they may look at the night. A calendar program keeps an
address for years and sends nothing else, so who has it sees the least that is useful: of a night
what the door sees, first name and initial, party and tables.
"""

from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from app.actions.act import UNNUMBERED, Act, Answered, Caller
from app.actions.administration import audited
from app.actions.persons import opened
from app.actions.scopes import judge_scope
from app.db import calendars as rows
from app.db.pool import Database
from app.domain.calendar import Entry
from app.domain.calendar_addresses import address_of
from app.domain.calendar_entries import guest_entry, sequence_of, staff_entry
from app.domain.names import masked
from app.domain.principals import Principal
from app.domain.sealing import Vault
from app.domain.signed_links import (
    BOOKING_CALENDAR,
    NIGHT_CALENDAR,
    Kind,
    LinkRefused,
    SignedLink,
    read,
)
from app.domain.tokens import token_hash
from app.errors import Conflict, NotFound
from app.wire.calendars import AskCalendar, CalendarAnswer
from floorplan import administration
from floorplan.venue import Venue


class Feed(Struct, frozen=True):
    """What a calendar program is shown."""

    name: str
    entries: list[Entry]


async def give_booking_address(
    db: Database, secret: str, caller: Caller, booking_id: str, request: AskCalendar
) -> Answered:
    """The address of the booking's calendar, the same each time until it is renewed.

    Raises NotFound; Conflict `addresses_used_up`.
    """

    async def work(act: Act) -> tuple[int, CalendarAnswer]:
        feed = await rows.find_booking_feed(act.conn, booking_id)
        if feed is None:
            raise NotFound("booking_not_found", "There is no such booking.")
        judge_scope(act.caller.principal, night=feed.night)
        generation: int | None = feed.generation
        if request.renew:
            generation = await rows.renew_booking(act.conn, booking_id)
        return _given(act, request, generation, feed.ends_at, f"booking:{booking_id}")

    answered = await audited(db, caller, "give_booking_calendar", work)
    return _addressed(answered, secret, BOOKING_CALENDAR, booking_id)


async def give_night_address(
    db: Database, secret: str, caller: Caller, night: str, request: AskCalendar
) -> Answered:
    """The caller's own address of the night's calendar, the same each time until it is renewed.

    Raises NotFound; Conflict `addresses_used_up`.
    """
    staff_id = caller.principal.id
    async with db.acting(caller.principal) as conn:
        made = await rows.make_night_feed(conn, night, staff_id, renew=False)
    if made is None:
        raise NotFound("night_not_found", f"There is no night {night}. GET /v1/nights lists them.")
    feed_id, ends_at = made.id, made.ends_at

    async def work(act: Act) -> tuple[int, CalendarAnswer]:
        feed = await rows.make_night_feed(act.conn, night, staff_id, renew=request.renew)
        generation = None if feed is None else feed.generation
        return _given(act, request, generation, ends_at, f"night:{night}")

    answered = await audited(db, caller, "give_night_calendar", work)
    return _addressed(answered, secret, NIGHT_CALENDAR, feed_id)


async def read_feed(db: Database, venue: Venue, vault: Vault, secret: str, key: str) -> Feed:
    """The calendar whose address has the key.

    Raises NotFound, the same for whatever is not right with it: never given out, renewed, over.
    """
    if key.startswith(BOOKING_CALENDAR.prefix):
        return await _read_booking(db, venue, secret, key)
    return await _read_night(db, venue, vault, secret, key)


async def _read_booking(db: Database, venue: Venue, secret: str, key: str) -> Feed:
    link = _link(BOOKING_CALENDAR, secret, key)
    who = Principal("owner", token_hash(key).hex(), "OWNER", booking_id=link.subject)
    async with db.acting(who) as conn:
        feed = await rows.find_booking_feed(conn, link.subject)
        if feed is None or feed.over or feed.generation != link.generation:
            raise no_calendar()
        row = await rows.find_entry(conn, link.subject)
    if row is None:
        return Feed(venue.name, [])
    return Feed(venue.name, [guest_entry(venue, row, sequence_of(row.edition, row.status))])


async def _read_night(db: Database, venue: Venue, vault: Vault, secret: str, key: str) -> Feed:
    link = _link(NIGHT_CALENDAR, secret, key)
    async with db.reading() as conn:
        feed = await rows.find_night_feed(conn, link.subject)
    if feed is None or feed.over or feed.generation != link.generation:
        raise no_calendar()
    # As door staff, whose eyes are enough for it, whatever its owner may see elsewhere.
    async with db.acting(Principal("staff", feed.staff_id, "DOOR_STAFF")) as conn:
        found = await rows.list_entries(conn, feed.night)
    entries = []
    for row in found:
        guest = opened(vault, row.held)
        name = "" if guest is None else masked(guest.name)
        entries.append(staff_entry(venue, row, sequence_of(row.edition, row.status), name))
    return Feed(f"{venue.name}: {feed.name}", entries)


def no_calendar() -> NotFound:
    return NotFound("calendar_not_found", "There is no such calendar, or its address is over.")


def _link(kind: Kind, secret: str, key: str) -> SignedLink:
    try:
        return read(kind, kind.key(secret), key, datetime.now(UTC))
    except LinkRefused as error:
        raise no_calendar() from error


def _given(
    act: Act, request: AskCalendar, generation: int | None, ends_at: str, subject: str
) -> tuple[int, CalendarAnswer]:
    if generation is None:
        raise Conflict("addresses_used_up", "This calendar's address cannot be renewed once more.")
    if request.renew:
        act.record(administration.CalendarRenewed(generation), subject)
    else:
        act.record(administration.LinkMade("calendar", ends_at), subject)
    return 201, CalendarAnswer(generation=generation, expires_at=ends_at, version=UNNUMBERED)


def _addressed(answered: Answered, secret: str, kind: Kind, subject: str) -> Answered:
    """With the address in place of the null that is stored."""
    made = msgspec.json.decode(answered.body, type=CalendarAnswer)
    address = address_of(kind, secret, subject, made.generation)
    whole = msgspec.structs.replace(made, address=address)
    return msgspec.structs.replace(answered, body=msgspec.json.encode(whole))
