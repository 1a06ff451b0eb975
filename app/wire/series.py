"""The shapes of bookings that recur: what each date offers, what is booked, what is ended."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.wire import Answer, BookingAnswer, Contact, Instant, NightDate, PartySize, Request
from app.wire.changes import TableList, Tables
from app.wire.forms import LOCAL_FORM
from floorplan.weekly import DATES_AT_MOST

LocalTime = Annotated[str, Meta(pattern=LOCAL_FORM, examples=["22:30"])]


class SeriesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`times` dates from the night on, every so many weeks; without `tables` the best ones.

    `from` and `until` are local times, the same every week; without them one seating.
    """

    times: Annotated[int, Meta(ge=1, le=DATES_AT_MOST)]
    party: PartySize
    every_weeks: Annotated[int, Meta(ge=1, le=8)] = 1
    tables: TableList | None = None
    slot_from: LocalTime | None = msgspec.field(default=None, name="from")
    slot_until: LocalTime | None = msgspec.field(default=None, name="until")


class SeriesSet(Struct, frozen=True):
    """A set of tables that the date could offer."""

    tables: list[int]
    deposit_pence: int


class DateProblem(Struct, frozen=True):
    """Why a date can't be booked as asked; `reason` is the word that a hold would be refused by."""

    reason: str
    detail: str


class SeriesDate(Struct, frozen=True, omit_defaults=True):
    """One date of a series before it is booked: free, or with its problem and what else is free.

    `tables` are those to be booked when it is free. Without `from` the night has no hours yet.
    """

    night: str
    tables: list[int]
    deposit_pence: int = 0
    slot_from: str | None = msgspec.field(default=None, name="from")
    slot_until: str | None = msgspec.field(default=None, name="until")
    problem: DateProblem | None = None
    alternatives: list[SeriesSet] = []


class SeriesPreview(Answer, frozen=True):
    """What each date offers now; nothing is held by it."""

    party: int
    dates: list[SeriesDate]


class WantedDate(Struct, frozen=True, forbid_unknown_fields=True):
    """A date that was agreed; without `from` and `until` one seating, doors to close."""

    night: NightDate
    tables: Tables
    slot_from: Instant | None = msgspec.field(default=None, name="from")
    slot_until: Instant | None = msgspec.field(default=None, name="until")


class BookSeries(Request, frozen=True):
    """`POST /v1/series`: all these dates are booked for one party, or none.

    `paid`: the deposits of all dates were taken at the desk that way; without it they stay due.
    """

    party: PartySize
    contact: Contact
    dates: Annotated[list[WantedDate], Meta(min_length=1, max_length=DATES_AT_MOST)]
    paid: Literal["cash", "card"] | None = None


class CancelSeries(Request, frozen=True):
    """`POST /v1/series/{series_id}/cancel`: all dates that are still to come, or from one on."""

    since: NightDate | None = None


class KeptDate(Struct, frozen=True):
    """A date that was not cancelled, and why."""

    booking_id: str
    night: str
    reason: str
    detail: str


class Series(Answer, frozen=True, omit_defaults=True):
    """The dates of a booking that recurs, in order.

    `version` is that of the first date's night. `kept` is in the answer to a cancellation.
    """

    series_id: str
    bookings: list[BookingAnswer]
    version: int
    kept: list[KeptDate] = msgspec.field(default_factory=list)
