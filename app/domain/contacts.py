"""A person's own data: its one form, by which it is found again, and how it is sealed.

name    shown as typed; found by its letters: NFKC, case folded, single spaces, nothing unseen
phone   E.164 (`+441134960000`), however it was typed; without a country it is British
email   shown as typed; found NFKC, case folded
"""

import unicodedata
from typing import Final, NamedTuple
from uuid import uuid4

import msgspec
import phonenumbers
from msgspec import Struct

from app.domain.names import is_seen
from app.domain.sealing import Unopened, Vault, open_with, seal_with

COUNTRY: Final = "GB"  # where a number without a country's code is dialled


class ContactUnreadable(ValueError):
    """What was typed is no such thing; `field` is name, phone or email, the text what to do."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class PersonalData(Struct, frozen=True, omit_defaults=True):
    """What is known of a person; the JSON of it is what is sealed."""

    name: str
    phone: str | None = None
    email: str | None = None


class Indexes(NamedTuple):
    """The blind indexes of a person's data; None where there is nothing to find."""

    name: bytes | None
    email: bytes | None
    phone: bytes | None


class SealedPerson(Struct, frozen=True):
    """A person as the database has them: nothing here can be read without the vault."""

    id: str
    sealed: bytes
    indexes: Indexes
    kid: str
    wrapped: bytes


_DECODER: Final = msgspec.json.Decoder(PersonalData)


def tidied(name: str, phone: str | None = None, email: str | None = None) -> PersonalData:
    """The person's data as it is kept. Raises ContactUnreadable."""
    words = " ".join(name.split())
    if not is_seen(words):
        raise ContactUnreadable("name", "Give a name, so that the door can find the booking.")
    if email is not None:
        email_form(email)
    return PersonalData(
        name=words,
        phone=None if phone is None else phone_form(phone),
        email=None if email is None else email.strip(),
    )


def name_form(name: str) -> str:
    """The name by its letters: two spellings of one name are equal."""
    letters = (c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return " ".join("".join(letters).casefold().split())


def phone_form(phone: str) -> str:
    """The number in E.164. Raises ContactUnreadable.

    Its length has to be possible; whether it is in use is not asked, since the list of what is
    changes faster than this program.
    """
    try:
        number = phonenumbers.parse(phone, COUNTRY)
    except phonenumbers.NumberParseException:
        number = None
    # Not "possible" alone, which is also what can be dialled within one town.
    if number is None or (
        phonenumbers.is_possible_number_with_reason(number)
        != phonenumbers.ValidationResult.IS_POSSIBLE
    ):
        raise ContactUnreadable(
            "phone", "This is no phone number. Give it in full, from abroad with + and the country."
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def email_form(email: str) -> str:
    """The address by which it is found. Raises ContactUnreadable."""
    form = unicodedata.normalize("NFKC", email.strip()).casefold()
    local, at, domain = form.partition("@")
    # A compatibility form can hide a second @, or a space.
    if not (local and at and domain) or "@" in domain or any(c.isspace() for c in form):
        raise ContactUnreadable("email", "This is no e-mail address. It has one @, and no space.")
    return form


def indexes_of(vault: Vault, data: PersonalData) -> Indexes:
    """The blind indexes of data that was tidied."""
    return Indexes(
        name=vault.index("name", name_form(data.name)),
        email=None if data.email is None else vault.index("email", email_form(data.email)),
        phone=None if data.phone is None else vault.index("phone", data.phone),
    )


def seal_person(vault: Vault, data: PersonalData, person_id: str | None = None) -> SealedPerson:
    """The person under a key of their own, which is wrapped by the vault's first key."""
    person_id = person_id or str(uuid4())
    key, wrapped = vault.make_person_key(person_id)
    return SealedPerson(
        id=person_id,
        sealed=seal_with(key, f"person|sealed|{person_id}", msgspec.json.encode(data)),
        indexes=indexes_of(vault, data),
        kid=vault.kid,
        wrapped=wrapped,
    )


def open_person(vault: Vault, person_id: str, sealed: bytes, wrapped: bytes) -> PersonalData:
    """The person's data. Raises Unopened, KeyUnknown."""
    key = vault.person_key(person_id, wrapped)
    try:
        return _DECODER.decode(open_with(key, f"person|sealed|{person_id}", sealed))
    except msgspec.DecodeError as error:
        raise Unopened(f"person {person_id} is sealed in another form") from error
