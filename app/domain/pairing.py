"""The code that pairs a device once, and whether it still may.

Sixteen characters of Crockford's Base32 (80 bits), shown in groups of four: `7Q4M-2XKD-9RTA-F3HN`.
Reading forgives what reading a reference forgives. Guessing one of 2^80 within its ten minutes, at
the sixty tries a minute that an address has, is hopeless.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from app.domain.references import DIGITS
from app.errors import Conflict, NotFound

LENGTH: Final = 16
RANDOM_BYTES: Final = LENGTH * 5 // 8
PAIRING_LASTS: Final = timedelta(minutes=10)  # a manager stands beside the tablet with the code


class Pairing(Struct, frozen=True):
    """The device that a code belongs to, as its row shows it."""

    device_id: str
    name: str
    kind: str
    door: str
    night: str | None
    generation: int
    expires_at: datetime
    used: bool
    revoked: bool
    now: datetime


def make_code(random: bytes) -> str:
    """The code of ten random bytes, without hyphens."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a pairing code is made of {RANDOM_BYTES} random bytes")
    number = int.from_bytes(random, "big")
    return "".join(DIGITS[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def show_code(code: str) -> str:
    """The code in groups of four, as it is read out."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def read_code(typed: str) -> str | None:
    """The code that a person typed; None: it is none."""
    text = "".join(c for c in typed.upper() if c not in " -")
    text = text.translate(str.maketrans("OIL", "011"))
    return text if len(text) == LENGTH and all(c in DIGITS for c in text) else None


def judge_pairing(found: Pairing | None) -> Pairing:
    """The device to pair.

    Raises NotFound `pairing_not_found`, Conflict `pairing_used`, `pairing_expired`,
    `device_revoked`.
    """
    if found is None:
        raise NotFound(
            "pairing_not_found",
            "No device waits for this pairing code. Check it, or ask a manager for a new one.",
        )
    if found.revoked:
        raise Conflict(
            "device_revoked", "This device was taken away. Ask a manager to add it again."
        )
    if found.used:
        raise Conflict(
            "pairing_used", "This pairing code was used already. Ask a manager for a new one."
        )
    if found.now >= found.expires_at:
        raise Conflict(
            "pairing_expired",
            "This pairing code is older than ten minutes. Ask a manager for a new one.",
        )
    return found
