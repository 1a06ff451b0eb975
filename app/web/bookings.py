"""Reading bookings: the night's list, one booking, the guests' names, the QR code."""

import asyncio
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from app.actions.holds import answer_of
from app.actions.persons import opened, shown_email, shown_phone
from app.actions.scopes import judge_scope
from app.actions.tickets import code_of
from app.actions.wishes import wishes_of
from app.db.listings import BookingRow, find_booking, list_bookings, list_expected
from app.db.nights import find_night
from app.db.scans import find_tonight
from app.domain.contacts import PersonalData, name_form
from app.domain.names import masked
from app.domain.principals import Principal
from app.errors import NotAllowed, NotFound
from app.web.answers import Answer, encoded
from app.web.floor import date_of, night_not_found
from app.web.operations import Call
from app.wire.forms import TEXT_FORM
from scanners.codes.drawing import draw_png, draw_svg

Search = Annotated[str, Meta(min_length=1, max_length=80, pattern=TEXT_FORM)]


class BookingsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`search`: a part of a name or of a reference."""

    search: Search | None = None


class ListedBooking(Struct, frozen=True, kw_only=True):
    """A booking in the night's list; money, and the masked contact, for managers only."""

    booking_id: str
    reference: str
    status: str
    party: int
    tables: list[int]
    slot_from: str = msgspec.field(name="from")
    slot_until: str = msgspec.field(name="until")
    admitted: int
    left: int
    source: str
    hold_expires_at: str | None
    paid_pence: int | None
    deposit_pence: int | None
    name: str | None
    phone: str | None
    email: str | None
    person_id: str | None
    series_id: str | None = None


class Bookings(Struct, frozen=True):
    bookings: list[ListedBooking]


class GuestsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`search`: a part of a guest's name, the whole of which the door never sees."""

    search: Search | None = None


class Guests(Struct, frozen=True):
    """Booking id to name, and to reference; the door sees `Ada L.`, a manager the whole name."""

    names: dict[str, str]
    references: dict[str, str]


async def get_bookings(call: Call) -> Answer:
    """The night's bookings in the order of their slots; with a search those that it finds.

    Names are sealed, so they are opened here and searched in memory: some microseconds each, a
    thousand at most.
    """
    night = call.path["night"]
    async with call.parts.db.acting(call.principal) as conn:
        if await find_night(conn, date_of(night)) is None:
            raise night_not_found(night)
        rows = await list_bookings(conn, night)
    known = [(row, opened(call.parts.vault, row.held)) for row in rows]
    if call.query.search is not None:
        known = found_among(known, call.query.search)
    return encoded(Bookings([_listed(row, guest, call.principal) for row, guest in known]))


async def get_guests(call: Call) -> Answer:
    """Those who are expected and those who are in. A device is told of its tonight alone.

    With a search those whose whole name holds it: the door finds a guest by the surname, and still
    sees its first letter only. Raises NotAllowed `other_night`, `out_of_scope`.
    """
    night = call.path["night"]
    judge_scope(call.principal, night=night)
    async with call.parts.db.acting(call.principal) as conn:
        if await find_night(conn, date_of(night)) is None:
            raise night_not_found(night)
        if call.principal.kind == "device" and night != await find_tonight(conn):
            raise NotAllowed("other_night", "A device is told of tonight's guests alone.")
        expected = await list_expected(conn, night)
    known = [(one, opened(call.parts.vault, one.held)) for one in expected]
    if call.query.search is not None:
        wanted = name_form(call.query.search)
        known = [
            (one, guest)
            for one, guest in known
            if guest and wanted and wanted in name_form(guest.name)
        ]
    return encoded(
        Guests(
            names={
                one.booking_id: shown_name(guest.name, call.principal)
                for one, guest in known
                if guest
            },
            references={one.booking_id: one.reference for one, _ in known},
        )
    )


async def get_booking(call: Call) -> Answer:
    """One booking; with its code for its owner, and for staff who may print it."""
    row = await _row(call)
    wishes = wishes_of(call.parts.vault, row.held, row.booking_id, row.wishes)
    code = None
    if call.principal.may("booking:code") or call.principal.may("own:code"):
        code = await code_of(
            call.parts.db, call.parts.venue, call.parts.vault, call.principal, row.booking_id
        )
    return encoded(
        replace(
            answer_of(row),
            requests=wishes.requests,
            occasion=wishes.occasion,
            notes=wishes.notes if call.principal.kind == "staff" else None,
            code=code,
        )
    )


async def get_code_png(call: Call) -> Answer:
    """The QR as an image; drawn and read back in a thread, some 15 ms."""
    code = await _code(call)
    body = await asyncio.to_thread(draw_png, code)
    return Answer(200, body, content_type="image/png", headers=_file("png"))


async def get_code_svg(call: Call) -> Answer:
    return await svg_of(await _code(call))


async def svg_of(code: str) -> Answer:
    """The code as a drawing; drawn and read back in a thread, some 15 ms."""
    text = await asyncio.to_thread(draw_svg, code)
    return Answer(200, text.encode(), content_type="image/svg+xml", headers=_file("svg"))


async def _code(call: Call) -> str:
    row = await _row(call)
    code = await code_of(
        call.parts.db, call.parts.venue, call.parts.vault, call.principal, row.booking_id
    )
    if code is None:
        raise NotFound(
            "code_not_found", "This booking has no valid ticket: confirm it first.",
            booking_status=row.status,
        )  # fmt: skip
    return code


async def _row(call: Call) -> BookingRow:
    async with call.parts.db.acting(call.principal) as conn:
        row = await find_booking(conn, call.path["booking_id"])
    if row is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    judge_scope(call.principal, night=row.night)
    return row


def _file(ending: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="entry-code.{ending}"'}


def shown_name(name: str, principal: Principal) -> str:
    """The whole name to managers, first name and initial to everybody else."""
    return name if principal.may("live:manager") else masked(name)


Known = tuple[BookingRow, PersonalData | None]


def found_among(known: list[Known], search: str) -> list[Known]:
    """Those whose name or reference holds the text, however it is spelled or spaced."""
    name, reference = name_form(search), typed_reference(search)
    return [
        (row, guest)
        for row, guest in known
        if (guest is not None and name and name in name_form(guest.name))
        or (reference and reference in row.reference)
    ]


def typed_reference(text: str) -> str:
    """As references are stored: no spaces or hyphens, capitals, Crockford's look-alikes read."""
    plain = text.replace(" ", "").replace("-", "").upper()
    return plain.translate(str.maketrans("OIL", "011"))


def _listed(row: BookingRow, guest: PersonalData | None, principal: Principal) -> ListedBooking:
    manages = principal.may("live:manager")
    return ListedBooking(
        booking_id=row.booking_id,
        reference=row.reference,
        status=row.status,
        party=row.party,
        tables=row.tables,
        slot_from=row.slot_from,
        slot_until=row.slot_until,
        admitted=row.admitted,
        left=row.left,
        source=row.source,
        hold_expires_at=row.hold_expires_at,
        paid_pence=row.paid_pence if manages else None,
        deposit_pence=row.deposit_pence if manages else None,
        name=None if guest is None else shown_name(guest.name, principal),
        phone=shown_phone(guest) if manages else None,
        email=shown_email(guest) if manages else None,
        person_id=row.person_id if manages else None,
        series_id=row.series,
    )
