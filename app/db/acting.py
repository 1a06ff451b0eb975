"""Who acts, as Postgres is told at the begin of a transaction, for the policies of its rows.

Four settings, for the transaction alone: `app.uid` (the principal's id; an owner's is the SHA-256
of their token), `app.role`, `app.caller` (whose scans and stored answers are meant) and
`app.booking` (the one booking of a manage link, or the booking that a hold is about to make).
"""

import re
from typing import Final

from msgspec import Struct

from app.domain.principals import Principal

# What may stand between the quotes of a statement: nothing that could end them.
_PLAIN: Final = re.compile(r"[A-Za-z0-9:@./_-]{0,200}")


class Acting(Struct, frozen=True):
    """The settings of one transaction; "" where there is none."""

    uid: str
    role: str
    caller: str
    booking: str


def acting_of(who: Principal, *, caller: str | None = None, booking: str | None = None) -> Acting:
    """What Postgres is told of the principal.

    `caller` is whose keys and scans these are, the principal's own unless given; `booking` is the
    one that a hold is about to make.
    """
    return Acting(
        who.id, role_of(who), who.scanner if caller is None else caller,
        booking or who.booking_id or "",
    )  # fmt: skip


def role_of(who: Principal) -> str:
    """The role as the policies know it, which is never more than the principal may do now.

    Somebody on a tablet by PIN is door staff there, whatever else they are; a session that lacks
    its second factor sees nothing of the customers.
    """
    if who.second_factor != "none":
        return "PENDING"
    return "DOOR_STAFF" if who.assurance == "pin" else who.role


def begin_as(acting: Acting) -> str:
    """BEGIN and the settings as one message, which can have no parameters: one round trip.

    Raises ValueError as `acting_as`.
    """
    return f"BEGIN; {acting_as(acting)}"


def acting_as(acting: Acting, action: str = "") -> str:
    """The statement that tells who acts from here on in the transaction, and which action made
    what is written, where one did.

    Raises ValueError: a value has a character that ids, roles and addresses do not have.
    """
    settings = {
        "app.uid": acting.uid,
        "app.role": acting.role,
        "app.caller": acting.caller,
        "app.booking": acting.booking,
    }
    if action:
        settings["app.action"] = action
    for name, value in settings.items():
        if _PLAIN.fullmatch(value) is None:
            raise ValueError(f"{name} would not be plain text")
    return "SELECT " + ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in settings.items()
    )
