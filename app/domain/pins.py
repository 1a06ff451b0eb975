"""Staff PINs: four to eight digits that say who holds a shared tablet. Pure rules.

A PIN is weak, and treated so: it counts on a paired tablet alone, where the device's own token has
already shown what the tablet may do; its guesses are counted (`app.domain.patience`); and its hash
in Postgres is useless without a key from outside, since ten thousand PINs are tried in minutes.
"""

import hmac
import re
from datetime import timedelta
from itertools import pairwise
from typing import Final

PIN_FORM: Final = r"^[0-9]{4,8}$(?!\n)"
_PIN: Final = re.compile(r"[0-9]{4,8}")

# Idle: a tablet changes hands; after a quarter of an hour nobody knows whose they are. Absolute:
# the longest night.
PIN_LIMITS: Final = (timedelta(minutes=15), timedelta(hours=12))

# With runs and repeated digits the twenty most chosen, which are a quarter of all that people
# choose when nobody stops them (DataGenetics, "PIN analysis", 2012), and lines on the keypad.
_COMMON: Final = frozenset(
    {
        "1212", "1004", "2000", "6969", "1122", "1313", "2001", "1010", "1342", "4321", "0852",
        "2580", "2468", "1357", "0007", "1314", "121212", "123123", "112233", "159753", "696969",
        "147258", "258456", "131313",
    }
)  # fmt: skip


def judge_pin(pin: str) -> str | None:
    """The sentence that says why this cannot be a PIN and what to do; None: it can."""
    if not _PIN.fullmatch(pin):
        return "A PIN is four to eight digits."
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if pin in _COMMON or (len(steps) == 1 and steps <= {0, 1, 9}):
        return "This PIN is among the first that are tried. Choose another."
    return None


def peppered(secret: str, staff_id: str, pin: str) -> str:
    """What is hashed in the PIN's place: worthless to whoever has the database alone.

    `secret` is the service's, as hexadecimal digits, and stands in no row.
    """
    text = f"staff pin:{staff_id}:{pin}".encode()
    return hmac.digest(bytes.fromhex(secret), text, "sha256").hex()


def demo_pin(secret: str, username: str) -> str:
    """The PIN of an account of the demo: the same each time on one data directory."""
    for turn in range(1000):
        text = f"demo pin:{username}:{turn}".encode()
        digest = hmac.digest(bytes.fromhex(secret), text, "sha256")
        pin = f"{int.from_bytes(digest[:8]) % 10_000:04d}"
        if judge_pin(pin) is None:
            return pin
    raise AssertionError("a thousand draws and each of them a pattern")
