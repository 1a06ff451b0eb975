"""How a person's data is shown to whom: masked, unless somebody asks for it and that is noted."""

import unicodedata
from typing import Final

UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn")
# Letters and signs by category, and nothing to see: Hangul's fillers and the empty Braille cell.
BLANK: Final = "\u115f\u1160\u3164\uffa0\u2800"

HIDDEN = "•••"


def is_seen(name: str) -> bool:
    """Whether the name has anything that can be read on a screen and called out at a door."""
    return any(unicodedata.category(c)[0] not in "ZM" and c not in BLANK for c in plain(name))


def masked(name: str) -> str:
    """First name and initial, `Ada L.`: what the door needs to greet a party, and no more.

    In capitals of two metres there is no room for a name that turns the line around.
    """
    words = plain(name).split()
    if len(words) < 2:
        return words[0] if words else ""
    return f"{words[0]} {words[-1][0]}."


def plain(name: str) -> str:
    """The name without control and direction characters, by which it could break a line or turn
    it around."""
    return "".join(c for c in name if unicodedata.category(c) not in UNSEEN)


def masked_phone(phone: str) -> str:
    """The last three digits, `•••123`: enough to tell two guests of one name apart."""
    return HIDDEN + phone[-3:]


def masked_email(email: str) -> str:
    """The first letters, `s•••@d•••`."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}{HIDDEN}@{domain[:1]}{HIDDEN}"
