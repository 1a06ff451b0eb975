"""Passwords and the patience that guessing them costs: pure rules, and Argon2id itself."""

from datetime import timedelta
from typing import Final, Literal

import argon2

# OWASP's minimum for Argon2id: 19 MiB, two passes, one lane; 25 to 40 ms here. The library's
# default (64 MiB, three passes, four lanes) is too heavy for a worker that also feeds screens.
_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

PASSWORD_LENGTH_MIN: Final = 10  # a passphrase; no rules of composition (NIST SP 800-63B)

FREE_FAILURES: Final = 5
DELAY_SECONDS_MAX: Final = 15 * 60
FAILURES_MAX: Final = 100  # consecutive; then only a sign-in link helps (NIST SP 800-63B 5.2.2)

Role = Literal["SUPER_ADMIN", "MANAGER", "DOOR_STAFF"]
# Idle and absolute; those who can do more are asked sooner.
SESSION_LIMITS: Final[dict[str, tuple[timedelta, timedelta]]] = {
    "DOOR_STAFF": (timedelta(minutes=30), timedelta(hours=12)),
    "MANAGER": (timedelta(minutes=30), timedelta(hours=12)),
    "SUPER_ADMIN": (timedelta(minutes=15), timedelta(hours=8)),
}


def hash_password(password: str) -> str:
    """The Argon2id hash, with its parameters and salt. Some 30 ms of one core."""
    return _HASHER.hash(password)


# Verified when nobody has the name, so that the answer takes as long as for somebody.
DUMMY_HASH: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$SQvtyUewzM/qowvFcl6imQ"
    "$AFnHXBmkNlfpmk2UHHlyquJYpezbOTqy/GxYN49DafY"
)


def verify_password(stored: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return _HASHER.verify(stored, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def delay_seconds(failures: int) -> int:
    """How long after the last of so many failures in a row the next try may come.

    Nothing for the first five, then 1, 2, 4 ... seconds up to fifteen minutes.
    """
    if failures < FREE_FAILURES:
        return 0
    return int(min(DELAY_SECONDS_MAX, 2 ** min(failures - FREE_FAILURES, 30)))


def username_key(username: str) -> str:
    """The one spelling of a user name: without outer spaces, case folded."""
    return username.strip().casefold()
