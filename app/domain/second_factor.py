"""The second factor: time-based codes (RFC 6238) and the recovery codes that stand in for them.

Pure rules. That a code counts once is not here but in Postgres: the step that a code belongs to has
to be later than the last one that counted, compared and set in one statement, so that of two
sign-ins with one code exactly one gets in.
"""

import hashlib
import hmac
import os
import re
from base64 import b32encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import pyotp

from app.domain.principals import Assurance, SecondFactor

Random = Callable[[int], bytes]

STEP_SECONDS: Final = 30  # RFC 6238's, and the only one that every authenticator app knows
SEED_BYTES: Final = 20  # 160 bits, the length of HMAC-SHA-1's output (RFC 4226 section 4, R6)
# This step and the one before: a code that was read and typed takes a few seconds, and a phone's
# clock is a little off. So a code counts for up to 60 s, where ASVS 6.5.5 asks for 30 s at most.
STEPS: Final = (0, -1)
ISSUER: Final = "The Backroom"

CODE_FORM: Final = r"^[0-9]{6}$(?!\n)"
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)

# Those who can move money, people and rights cannot sign in without it.
MANDATORY: Final = frozenset({"MANAGER", "SUPER_ADMIN"})

# How long a session without its second factor lasts: to fetch a phone and install an app.
PENDING_LASTS: Final = timedelta(minutes=10)
# How long a step-up lasts: one errand in the administration (ASVS level 3; faults: under 5 min).
ELEVATION_LASTS: Final = timedelta(minutes=5)

RECOVERY_CODES: Final = 10
# 24 of 32 letters are 120 bits. From 112 on a plain hash keeps a code safe (ASVS 6.5.2).
RECOVERY_LENGTH: Final = 24
_GROUP: Final = 4
# Crockford's alphabet: no letter can be taken for a digit.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TYPED: Final = str.maketrans("ILO", "110", " -\t")


def missing_factor(role: str, *, demo: bool, enrolled: bool, assurance: Assurance) -> SecondFactor:
    """What a session lacks that began so: a code, the enrolment before the first one, or nothing.

    Accounts of a demo exist only in it, and sign in by a link that it printed. A PIN's session may
    no more than the tablet, whatever the role is.
    """
    if demo or assurance in ("totp", "pin"):
        return "none"
    if enrolled:
        return "needed"
    return "enrol" if role in MANDATORY else "none"


def new_seed(random: Random = os.urandom) -> bytes:
    """A seed that nobody has seen."""
    return random(SEED_BYTES)


def seed_text(seed: bytes) -> str:
    """The seed as people type it into an app: Base32 without padding."""
    return b32encode(seed).decode().rstrip("=")


def enrolment_uri(seed: bytes, username: str) -> str:
    """The `otpauth:` address that an authenticator app reads from the QR code."""
    return pyotp.TOTP(seed_text(seed)).provisioning_uri(name=username, issuer_name=ISSUER)


def step_of(at: datetime) -> int:
    """The number of the 30 s step that the instant lies in."""
    return int(at.timestamp()) // STEP_SECONDS


def code_at(seed: bytes, step: int) -> str:
    """The code of the step: six digits."""
    return pyotp.TOTP(seed_text(seed)).generate_otp(step)


def find_step(seed: bytes, code: str, now: datetime) -> int | None:
    """The step that the code belongs to, among those that count now; None: to none of them.

    Anything but six ASCII digits belongs to none: other digits of Unicode are no digits here.
    """
    if not _CODE.fullmatch(code):
        return None
    steps = [step_of(now) + offset for offset in STEPS]
    # All are compared, in a time that does not tell which was right.
    right = [hmac.compare_digest(code_at(seed, step), code) for step in steps]
    return next((step for step, good in zip(steps, right, strict=True) if good), None)


def new_recovery_code(random: Random = os.urandom) -> str:
    """A recovery code as it is shown once: `K3ZQ-7MWD-...`, 120 random bits."""
    letters = [_ALPHABET[byte & 31] for byte in random(RECOVERY_LENGTH)]
    groups = range(0, RECOVERY_LENGTH, _GROUP)
    return "-".join("".join(letters[at : at + _GROUP]) for at in groups)


def recovery_hash(code: str) -> bytes:
    """By which a recovery code is found again, however it was spaced and cased."""
    plain = code.upper().translate(_TYPED)
    return hashlib.sha256(b"recovery code:" + plain.encode()).digest()
