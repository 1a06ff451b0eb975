"""The shapes of guests' own codes."""

from typing import Annotated, Literal

from msgspec import Meta

from app.wire import Answer, Request, Text

GuestNumber = Annotated[int, Meta(ge=1, le=60)]


class HandOutCode(Request, frozen=True):
    """`POST /v1/bookings/{booking_id}/guests`: the number, or the lowest that is free; and what
    the guest is called on their page, if anything."""

    number: GuestNumber | None = None
    name: Text | None = None


class GuestCodeAnswer(Answer, frozen=True):
    """A guest's code. `link` opens the guest's page; it is derived each time and stored nowhere,
    and None where the code was taken back."""

    booking_id: str
    number: int
    generation: int
    status: Literal["valid", "revoked"]
    version: int
    link: str | None = None


class GuestPlace(Answer, frozen=True):
    """One number of the party. `state`: `free`, `out` (handed out, not used yet), `inside`, `left`,
    or `over` (it stood until the booking's code or night changed)."""

    number: int
    state: Literal["free", "out", "inside", "left", "over"]
    name: str | None
    link: str | None


class GuestPlaces(Answer, frozen=True):
    booking_id: str
    party: int
    places: list[GuestPlace]


class PassAnswer(Answer, frozen=True):
    """What a guest's page shows. `state` as in GuestPlace; the code is there while it stands and
    the booking does."""

    number: int
    party: int
    name: str | None
    state: Literal["out", "inside", "left", "over"]
    night: str
    night_name: str
    slot_from: str
    doors_at: str
    last_entry_at: str
    tables: list[int]
    code: str | None
