"""A person's data: one form however it was typed, sealed under a key that is that person's own."""

import pytest
from msgspec.structs import replace

from app.domain.contacts import (
    ContactUnreadable,
    PersonalData,
    email_form,
    indexes_of,
    name_form,
    open_person,
    phone_form,
    seal_person,
    tidied,
)
from app.domain.names import masked, masked_email, masked_phone
from app.domain.sealing import OuterKey, Unopened, Vault

VAULT = Vault([OuterKey("test", b"t" * 32)], "5e" * 32)
ADA = PersonalData("Ada Lovelace", "+441134960000", "Ada@example.com")


@pytest.mark.parametrize(
    "typed",
    ["0113 496 0000", "+44 113 496 0000", "(0113) 496-0000", "0044 113 4960000", "+441134960000"],
)
def test_a_number_has_one_form_however_it_was_typed(typed: str) -> None:
    assert phone_form(typed) == "+441134960000"


def test_a_number_from_abroad_keeps_its_country() -> None:
    assert phone_form("+33 1 42 68 53 00") == "+33142685300"


@pytest.mark.parametrize("typed", ["12345", "+999 123 456", "0113 496 0000 0000 0000", "-----"])
def test_what_is_no_number_is_refused_with_a_way_out(typed: str) -> None:
    with pytest.raises(ContactUnreadable, match="Give it in full") as caught:
        phone_form(typed)
    assert caught.value.field == "phone"


def test_names_are_equal_by_their_letters() -> None:
    assert name_form("  ADA   Lovelace ") == name_form("ada lovelace")
    assert name_form("\uff21da") == name_form("Ada")
    assert name_form("Stra\u00dfe") == name_form("STRASSE")
    assert name_form("Ada Lovelace") != name_form("Adah Lovelace")
    assert name_form("A\u200bda\u2060 Love\u00adlace") == name_form("Ada Lovelace"), "as it looks"


@pytest.mark.parametrize(
    "typed", ["  ", "\u200b\u200b", "\u202e \u2066", "\u0301", "\u3164", "\u2800 \u00ad"]
)
def test_a_name_that_nobody_can_see_is_none(typed: str) -> None:
    with pytest.raises(ContactUnreadable, match="Give a name"):
        tidied(typed)


@pytest.mark.parametrize(
    "typed", ["X", "\u674e", "\U0001f3b7", "\u0645\u06cc\u200c\u0631\u0648\u0645"]
)
def test_a_short_name_of_any_script_is_one(typed: str) -> None:
    assert tidied(typed).name == typed


def test_a_masked_name_turns_no_line_around() -> None:
    assert masked("\u202eAda\u2066 \u200fLovelace") == "Ada L."
    assert masked("Ada \u202eLovelace") == "Ada L."


def test_addresses_are_equal_whatever_their_case() -> None:
    assert email_form(" Ada@EXAMPLE.com") == email_form("ada@example.com")


@pytest.mark.parametrize("typed", ["ada", "a@", "@b", "a@b@c", "a\uff20b@c", "a b@c", "a@b\u2003c"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ContactUnreadable, match="one @") as caught:
        email_form(typed)
    assert caught.value.field == "email"


def test_data_is_kept_as_typed_but_for_the_number() -> None:
    assert tidied(" Ada   Lovelace ", "0113 496 0000", "Ada@example.com") == ADA
    assert tidied("Ada") == PersonalData("Ada")


@pytest.mark.parametrize("name", [" ", "\u3000 \u2003"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ContactUnreadable, match="Give a name"):
        tidied(name)


def test_what_is_sealed_opens_for_that_person_and_nobody_else() -> None:
    ada, bob = seal_person(VAULT, ADA), seal_person(VAULT, PersonalData("Bob"))
    assert open_person(VAULT, ada.id, ada.sealed, ada.wrapped) == ADA
    assert ada.kid == "test"
    for wrong in (
        (bob.id, ada.sealed, ada.wrapped),
        (ada.id, bob.sealed, ada.wrapped),
        (ada.id, ada.sealed, bob.wrapped),
    ):
        with pytest.raises(Unopened):
            open_person(VAULT, *wrong)


def test_nothing_that_goes_to_the_database_tells_the_person() -> None:
    ada = seal_person(VAULT, ADA)
    stored = b"".join((ada.sealed, ada.wrapped, *(part for part in ada.indexes if part)))
    for told in (b"Ada", b"ada", b"Lovelace", b"4960000", b"example"):
        assert told not in stored


def test_indexes_find_a_person_by_the_form_and_are_none_without_data() -> None:
    found = indexes_of(VAULT, ADA)
    assert found == indexes_of(VAULT, replace(ADA, name="ADA LOVELACE", email="ada@EXAMPLE.com"))
    assert found.phone != indexes_of(VAULT, replace(ADA, phone="+441134960001")).phone
    assert indexes_of(VAULT, PersonalData("Ada Lovelace")) == (found.name, None, None)


def test_masks_leave_enough_to_greet_and_to_tell_apart() -> None:
    assert masked("Ada Augusta Lovelace") == "Ada L."
    assert masked("Ada") == "Ada"
    assert masked_phone("+441134960123") == "•••123"
    assert masked_email("sophie@domain.example") == "s•••@d•••"
