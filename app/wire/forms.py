"""The forms of texts, and what a person is told instead of each expression."""

from typing import Final

from app.domain.pins import PIN_FORM

# `$` alone would accept a newline behind the last character.
NIGHT_FORM: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)"
INSTANT_FORM: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$(?!\n)"
TEXT_FORM: Final = r"^[^\x00-\x1f\x7f]+$(?!\n)"
UUID_FORM: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$(?!\n)"
PHONE_FORM: Final = r"^\+?[0-9 ()-]{5,30}$(?!\n)"
EMAIL_FORM: Final = r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$(?!\n)"
# A time on the wall of the venue.
LOCAL_FORM: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)"
# The same with or without its seconds, or an instant: what was at this moment of the night?
MOMENT_FORM: Final = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
    r"|([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)$(?!\n)"
)
SCANNER_FORM: Final = r"^(device|staff):[0-9a-f-]{36}$(?!\n)"
WISH_FORM: Final = r"^[^\x00-\x1f\x7f]*$(?!\n)"
NUMBERS_FORM: Final = r"^([1-9]|1[0-6])(,([1-9]|1[0-6])){0,3}$(?!\n)"
WORD_FORM: Final = r"^[a-z_]+$(?!\n)"
USERNAME_FORM: Final = r"^[^\x00-\x20\x7f]+$(?!\n)"
# What a person is told instead of the expression.
FORMS: Final = {
    NIGHT_FORM: "a date, as 2026-11-21",
    INSTANT_FORM: "an instant in UTC with three decimals, as 2026-11-21T23:41:07.000Z",
    TEXT_FORM: "a text on one line, without control characters",
    UUID_FORM: "a UUID in lower case",
    PHONE_FORM: "a phone number",
    EMAIL_FORM: "an e-mail address",
    PIN_FORM: "four to eight digits",
    LOCAL_FORM: "a local time, as 22:30",
    MOMENT_FORM: "an instant in UTC with three decimals, as 2026-11-21T23:41:07.000Z, or a local"
    " time of the night, as 23:42 or 23:42:10",
    SCANNER_FORM: "device: or staff: and its id",
    WISH_FORM: "a text on one line, without control characters",
    NUMBERS_FORM: "one to four table numbers with commas, as 15,16",
    WORD_FORM: "a word in small letters, as already_in",
    USERNAME_FORM: "a user name without spaces",
}
