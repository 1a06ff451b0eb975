"""What is taken as a password or a PIN, and how long the next guess waits."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.passwords import PASSWORD_LENGTH_MAX, judge_password
from app.domain.patience import (
    CODE,
    PASSWORD,
    PIN,
    PIN_ON_DEVICE,
    Failures,
    Patience,
    code_subject,
    delay_seconds,
    is_stopped,
    password_subject,
    pin_subject,
    wait_seconds,
)
from app.domain.pins import demo_pin, judge_pin, peppered

NOW = datetime(2026, 11, 21, 23, tzinfo=UTC)
SECRET, OTHER = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(
    "password", ["brass rails by candlelight", "äöü éè çñ 12", "x9!vQz#Lw2", "a" * 60 + "bcdef"]
)
def test_a_phrase_or_a_random_text_is_a_password(password: str) -> None:
    assert judge_password(password, "mara") is None


@pytest.mark.parametrize(
    "password",
    [
        "short", "password123", "Password2026!", "1234567890", "0987654321", "aaaaaaaaaaaa",
        "qwertyuiop", "1q2w3e4r5t", "thebackroom1", "The Backroom Leeds", "12345678901234",
        "ilovemarabeau", "x" * (PASSWORD_LENGTH_MAX + 1),
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_no_password_and_is_told_what_to_do(password: str) -> None:
    sentence = judge_password(password, "marabeau")
    assert sentence is not None
    assert sentence.endswith((".", "!"))


def test_the_length_counts_and_nothing_about_its_letters() -> None:
    assert judge_password("bcdfghjklm", "mara") is None
    assert judge_password("bcdfghjkl", "mara") is not None


@pytest.mark.parametrize("pin", ["7394", "90210", "83610472", "1235"])
def test_digits_without_a_pattern_are_a_pin(pin: str) -> None:
    assert judge_pin(pin) is None


@pytest.mark.parametrize(
    "pin", ["1234", "4321", "9876", "0000", "777777", "7890", "1212", "2580", "123", "123456789",
            "12a4", "１２３５", ""]
)  # fmt: skip
def test_a_pattern_is_no_pin(pin: str) -> None:
    assert judge_pin(pin) is not None


def test_a_stored_pin_means_nothing_without_the_key_and_nothing_for_another_account() -> None:
    pins = {
        peppered(secret, staff, pin)
        for secret in (SECRET, OTHER) for staff in ("a", "b") for pin in ("7394", "7395")
    }  # fmt: skip
    assert len(pins) == 8
    assert not any("7394" in one for one in pins)


def test_the_demos_pins_are_the_same_each_time_and_good_ones() -> None:
    pins = [demo_pin(SECRET, f"account-{number}") for number in range(300)]
    assert pins == [demo_pin(SECRET, f"account-{number}") for number in range(300)]
    assert all(judge_pin(pin) is None and len(pin) == 4 for pin in pins)
    assert pins != [demo_pin(OTHER, f"account-{number}") for number in range(300)]


def past(failures: int, ago_seconds: float) -> Failures:
    return Failures(failures, NOW - timedelta(seconds=ago_seconds), NOW)


def test_the_delay_doubles_from_a_second_to_the_limit() -> None:
    delays = [delay_seconds(failures) for failures in range(20)]
    assert delays[: PASSWORD.free + 4] == [0] * PASSWORD.free + [1, 2, 4, 8]
    assert delays[-1] == PASSWORD.seconds_max


@pytest.mark.parametrize(
    ("failures", "ago", "wait"), [(4, 0, 0), (5, 0, 2), (5, 0.5, 1), (5, 1, 0), (8, 3, 6)]
)
def test_the_wait_is_what_is_left_of_the_delay(failures: int, ago: float, wait: int) -> None:
    assert wait_seconds(past(failures, ago), PASSWORD) == wait


@pytest.mark.parametrize("patience", [PASSWORD, CODE, PIN_ON_DEVICE, PIN])
def test_at_the_hard_stop_no_wait_helps(patience: Patience) -> None:
    assert not is_stopped(past(patience.most - 1, 0), patience)
    assert is_stopped(past(patience.most, 10**7), patience)


def test_guesses_are_counted_apart_and_under_no_name_that_was_typed() -> None:
    subjects = {
        password_subject("mara"), password_subject("mara", b"k" * 32),
        password_subject("mara", b"l" * 32), password_subject("dev"), code_subject("s1"),
        code_subject("s1", b"k" * 32), pin_subject("s1"), pin_subject("s1", "d1"),
        pin_subject("s1", "d2"), pin_subject("s2", "d1"),
    }  # fmt: skip
    assert len(subjects) == 10
    assert not any("mara" in subject for subject in subjects)
