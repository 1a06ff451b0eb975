"""The shapes of calendar feeds."""

from typing import Annotated

from msgspec import Meta, Struct

from app.wire import Answer, Request


class AskCalendar(Request, frozen=True):
    """`renew`: another address; the one that was given out before shows nothing from then on."""

    renew: bool = False


class CalendarQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the secret of the address. It is all that a calendar program can send."""

    key: Annotated[str, Meta(description="The address's own secret.")] = ""


class CalendarAnswer(Answer, frozen=True):
    """The private address of a calendar, for programs that follow it (by `https:` or `webcal:`).

    It is derived each time and stored nowhere. Whoever has it reads the calendar, and nothing else.
    `expires_at` moves with the booking. `generation` tells which address counts.
    """

    generation: int
    expires_at: str
    version: int
    address: str | None = None
