"""The patience that guessing costs: pure rules for passwords, codes and PINs.

Failures are counted for an account and not for an address: the whole venue shares one, and an
attacker has as many as they like. They are counted in Postgres, so that emptying Redis forgets
nothing, and apart for a device that the account has signed in on before: whoever guesses from
elsewhere can make the account wait, but never its owner at their own screen.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct


class Patience(Struct, frozen=True):
    """`free` failures cost nothing; each further one doubles the wait, from one second up to
    `seconds_max`; at `most` in a row no wait helps any more."""

    free: int
    seconds_max: int
    most: int


# Who mistypes a password five times was not guessing. 15 minutes leave a guesser 96 tries a day,
# and the hundredth ends it (NIST SP 800-63B, 5.2.2).
PASSWORD: Final = Patience(free=5, seconds_max=15 * 60, most=100)
# Of a million codes two are right at a time: a hundred guesses find one with 0.02 %.
CODE: Final = Patience(free=5, seconds_max=15 * 60, most=100)
# On one tablet, with gloves and in a hurry.
PIN_ON_DEVICE: Final = Patience(free=5, seconds_max=5 * 60, most=20)
# Over all tablets. Four digits that are no pattern: twenty guesses find one with 0.2 %. What is
# stopped is the PIN alone: its owner signs in as always, and sets another.
PIN: Final = Patience(free=20, seconds_max=0, most=20)


class Failures(Struct, frozen=True):
    """Failures in a row, the instant of the last one, and the instant now, on one clock."""

    failures: int
    failed_at: datetime
    now: datetime


def delay_seconds(failures: int, patience: Patience = PASSWORD) -> int:
    """How long after the last of so many failures in a row the next try may come."""
    if failures < patience.free:
        return 0
    return int(min(patience.seconds_max, 2 ** min(failures - patience.free, 30)))


def is_stopped(past: Failures, patience: Patience) -> bool:
    """Whether no wait helps any more."""
    return past.failures >= patience.most


def wait_seconds(past: Failures, patience: Patience) -> int:
    """Seconds until the next try may come, rounded up; 0: at once."""
    delay = timedelta(seconds=delay_seconds(past.failures, patience))
    left = past.failed_at + delay - past.now
    if not delay or left <= timedelta(0):
        return 0
    return int(left.total_seconds()) + 1


def password_subject(name: str, known: bytes | None = None) -> str:
    """Under which name guesses of an account's password are counted.

    `name` is a `username_key`, or anything that a stranger typed: a hash of it, because now and
    then somebody types their password there. `known` is the hash of a known device's token.
    """
    hashed = hashlib.sha256(name.encode()).hexdigest()[:32]
    return _known(f"password:{hashed}", known)


def code_subject(staff_id: str, known: bytes | None = None) -> str:
    """Under which name guesses of an account's second factor are counted."""
    return _known(f"code:{staff_id}", known)


def pin_subject(staff_id: str, device_id: str = "") -> str:
    """Under which name guesses of a PIN are counted: on one tablet, or without one on all."""
    return f"pin:{staff_id}:{device_id}" if device_id else f"pin:{staff_id}"


def _known(subject: str, known: bytes | None) -> str:
    return subject if known is None else f"{subject}:known:{known.hex()[:32]}"
