"""Codes of the second factor: RFC 6238's own vectors, the window, and what is no code at all."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from app.domain.second_factor import (
    RECOVERY_LENGTH,
    code_at,
    enrolment_uri,
    find_step,
    missing_factor,
    new_recovery_code,
    new_seed,
    recovery_hash,
    seed_text,
    step_of,
)

SEED = b"12345678901234567890"
# RFC 6238, appendix B, SHA-1: the last six of the eight digits that stand there.
VECTORS = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS.items())
def test_the_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(SEED, step_of(at(seconds))) == code
    assert find_step(SEED, code, at(seconds)) == seconds // 30


def test_a_code_counts_in_its_step_and_the_next_and_in_no_other() -> None:
    begins = 1_800_000_000  # the first second of a step
    code = code_at(SEED, begins // 30)
    found = {
        offset: find_step(SEED, code, at(begins + offset)) for offset in (-1, 0, 29, 30, 59, 60)
    }
    step = begins // 30
    assert found == {-1: None, 0: step, 29: step, 30: step, 59: step, 60: None}


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "28708",
        "2870820",
        "28708２",
        "٢٨٧٠٨٢",
        "287 082",
        " 287082",
        "287082\n",
        "+87082",
        "abcdef",
    ],
)
def test_what_is_not_six_ascii_digits_is_no_code(typed: str) -> None:
    assert find_step(SEED, "287082", at(59)) is not None
    assert find_step(SEED, typed, at(59)) is None


def test_an_app_reads_the_enrolment_and_shows_the_same_codes() -> None:
    seed = new_seed()
    assert len(seed) == 20
    app = pyotp.parse_uri(enrolment_uri(seed, "mara"))
    assert isinstance(app, pyotp.TOTP)
    assert (app.secret, app.issuer, app.name) == (seed_text(seed), "The Backroom", "mara")
    now = datetime.now(UTC)
    assert find_step(seed, app.at(now), now) == step_of(now)
    assert find_step(seed, app.at(now - timedelta(seconds=90)), now) is None


def test_a_recovery_code_is_found_however_it_was_typed() -> None:
    code = new_recovery_code(lambda length: bytes(range(length)))
    assert code == "0123-4567-89AB-CDEF-GHJK-MNPQ"
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert recovery_hash(typed) == recovery_hash(code)
    assert recovery_hash(code[:-1] + "R") != recovery_hash(code)


def test_a_recovery_code_has_as_many_bits_as_a_plain_hash_needs() -> None:
    assert RECOVERY_LENGTH * 5 >= 112
    codes = {new_recovery_code() for _ in range(200)}
    assert len(codes) == 200
    letters = {letter for code in codes for letter in code.replace("-", "")}
    assert len(letters) == 32


@pytest.mark.parametrize(
    ("role", "demo", "enrolled", "assurance", "missing"),
    [
        ("MANAGER", False, False, "password", "enrol"),
        ("SUPER_ADMIN", False, False, "link", "enrol"),
        ("MANAGER", False, True, "password", "needed"),
        ("MANAGER", False, True, "totp", "none"),
        ("DOOR_STAFF", False, False, "password", "none"),
        ("DOOR_STAFF", False, True, "link", "needed"),
        ("MANAGER", True, False, "link", "none"),
        ("MANAGER", False, True, "pin", "none"),
    ],
)
def test_who_needs_what(
    role: str, demo: bool, enrolled: bool, assurance: str, missing: str
) -> None:
    found = missing_factor(role, demo=demo, enrolled=enrolled, assurance=assurance)  # type: ignore[arg-type]
    assert found == missing
