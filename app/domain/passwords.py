"""Passwords: what is accepted as one, and Argon2id itself. Pure rules."""

import unicodedata
from datetime import timedelta
from typing import Final, Literal

import argon2

# OWASP's minimum for Argon2id: 19 MiB, two passes, one lane; 25 to 40 ms here. The library's
# default (64 MiB, three passes, four lanes) is too heavy for a worker that also feeds screens.
_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

PASSWORD_LENGTH_MIN: Final = 10  # a passphrase; no rules of composition (NIST SP 800-63B)
PASSWORD_LENGTH_MAX: Final = 256  # several sentences; ASVS 6.2.9 asks that 64 fit

Role = Literal["SUPER_ADMIN", "MANAGER", "DOOR_STAFF"]
# Idle and absolute; those who can do more are asked sooner.
SESSION_LIMITS: Final[dict[str, tuple[timedelta, timedelta]]] = {
    "DOOR_STAFF": (timedelta(minutes=30), timedelta(hours=12)),
    "MANAGER": (timedelta(minutes=30), timedelta(hours=12)),
    "SUPER_ADMIN": (timedelta(minutes=15), timedelta(hours=8)),
}

# What guessers try first among those that are long enough, from published lists of leaked
# passwords, and what they would try first at this door. Compared without case, spaces and digits
# at the end, so that each stands for many.
_COMMON: Final = frozenset(
    {
        "password", "passwordpassword", "mypassword", "yourpassword", "newpassword", "qwertyuiop",
        "qwertyuiopasdfghjkl", "asdfghjkl", "asdfghjklzxcvbnm", "zxcvbnm", "qwertyqwerty",
        "qwerty", "iloveyou", "iloveyouiloveyou", "letmein", "letmeinletmein", "letmeinplease",
        "welcome", "welcomehome", "administrator", "adminadmin", "admin", "changeme",
        "changemenow", "football", "liverpool", "leedsunited", "manchesterunited", "sunshine",
        "princess", "superman", "trustno", "whatever", "basketball", "thebackroom", "backroom",
        "thebackroomleeds", "backroomleeds", "leedsbackroom", "nightclub", "doorstaff", "manager",
        "correcthorsebatterystaple", "password123password", "abcabcabcabc", "abcdefghij",
        "abcdefghijkl", "abcdefghijklm", "aqwertyuiop", "qazwsxedc", "qazwsxedcrfv", "abcd1234abcd",
        "qweasdzxc", "qweqweqwe", "asdasdasd", "zaqxswcde", "secretsecret", "opensesame",
    }
)  # fmt: skip
# "1q2w3e4r5t" is a walk over the keyboard, as are the rows themselves.
_WALKS: Final = ("1q2w3e4r5t6y7u8i9o0p", "0123456789012345678901234567890", "qazwsxedcrfvtgbyhnujm")
_NAME_LENGTH_MIN: Final = 4  # a shorter user name stands inside many a good sentence


def judge_password(password: str, username: str) -> str | None:
    """The sentence that says why the password cannot be taken and what to do; None: it can."""
    if len(password) < PASSWORD_LENGTH_MIN:
        return (
            f"A password has at least {PASSWORD_LENGTH_MIN} characters. "
            "A sentence of four words is easy to remember."
        )
    if len(password) > PASSWORD_LENGTH_MAX:
        return f"A password has at most {PASSWORD_LENGTH_MAX} characters."
    plain = "".join(unicodedata.normalize("NFKC", password).casefold().split())
    stem = plain.rstrip("0123456789!.?")
    walks = any(plain in walk or plain in walk[::-1] for walk in _WALKS)
    if len(set(plain)) < 4 or walks or plain in _COMMON or stem in _COMMON or not stem:
        return "This password is among the first that are tried. Choose another: four words."
    name = username_key(username)
    if plain == name or (len(name) >= _NAME_LENGTH_MIN and name in plain):
        return "The user name stands in this password. Choose another: four words."
    return None


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


def username_key(username: str) -> str:
    """The one spelling of a user name: without outer spaces, case folded."""
    return username.strip().casefold()
