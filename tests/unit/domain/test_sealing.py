"""Sealing: what is sealed opens in its place, under its key, and nowhere else."""

import pytest

from app.domain.sealing import (
    KeyUnknown,
    OuterKey,
    Unopened,
    Vault,
    kid_of,
    make_outer_key,
    open_with,
    parse_keys,
    seal_with,
)

OLD = OuterKey("old", b"o" * 32)
NEW = OuterKey("new", b"n" * 32)
SECRET = "5e" * 32
PLACE = "person|key|1"


def test_what_is_sealed_opens_at_its_place_and_does_not_tell_itself() -> None:
    vault = Vault([OLD], SECRET)
    sealed = vault.seal(PLACE, b"Ada Lovelace")
    assert vault.open(PLACE, sealed) == b"Ada Lovelace"
    assert vault.open(PLACE.encode(), sealed) == b"Ada Lovelace"
    assert b"Ada" not in sealed


def test_the_same_text_is_sealed_differently_each_time() -> None:
    vault = Vault([OLD], SECRET)
    assert vault.seal(PLACE, b"Ada") != vault.seal(PLACE, b"Ada")


def test_another_place_does_not_open_it() -> None:
    vault = Vault([OLD], SECRET)
    with pytest.raises(Unopened):
        vault.open("person|key|2", vault.seal(PLACE, b"Ada"))


@pytest.mark.parametrize("position", range(0, 60, 3))
def test_a_changed_byte_does_not_open_it_wherever_it_is(position: int) -> None:
    vault = Vault([OLD, NEW], SECRET)
    sealed = bytearray(vault.seal(PLACE, b"Ada Lovelace, Ockham Park"))
    assert len(sealed) == 58
    sealed[position % 58] ^= 1
    with pytest.raises(Unopened):
        vault.open(PLACE, bytes(sealed))


@pytest.mark.parametrize("length", range(40))
def test_what_was_cut_short_does_not_open(length: int) -> None:
    vault = Vault([OLD], SECRET)
    with pytest.raises(Unopened):
        vault.open(PLACE, vault.seal(PLACE, b"Ada Lovelace")[:length])


def test_the_first_key_seals_and_every_key_opens() -> None:
    before = Vault([OLD], SECRET).seal(PLACE, b"Ada")
    both = Vault([NEW, OLD], SECRET)
    assert both.open(PLACE, before) == b"Ada"
    assert kid_of(both.seal(PLACE, b"Ada")) == "new"
    after = both.reseal(PLACE, before)
    assert kid_of(after) == "new"
    assert Vault([NEW], SECRET).open(PLACE, after) == b"Ada"


def test_a_key_that_is_gone_is_named() -> None:
    sealed = Vault([OLD], SECRET).seal(PLACE, b"Ada")
    with pytest.raises(KeyUnknown, match="old") as caught:
        Vault([NEW], SECRET).open(PLACE, sealed)
    assert caught.value.kid == "old"


def test_another_key_of_the_same_name_does_not_open() -> None:
    sealed = Vault([OLD], SECRET).seal(PLACE, b"Ada")
    with pytest.raises(Unopened):
        Vault([OuterKey("old", b"x" * 32)], SECRET).open(PLACE, sealed)


def test_a_persons_key_is_wrapped_for_that_person_alone() -> None:
    vault = Vault([OLD], SECRET)
    key, wrapped = vault.make_person_key("ada")
    assert vault.person_key("ada", wrapped) == key
    with pytest.raises(Unopened):
        vault.person_key("bob", wrapped)
    sealed = seal_with(key, "person|sealed|ada", b"Ada")
    assert open_with(key, "person|sealed|ada", sealed) == b"Ada"
    with pytest.raises(Unopened):
        open_with(vault.make_person_key("ada")[0], "person|sealed|ada", sealed)
    with pytest.raises(Unopened):
        open_with(key, "person|sealed|ada", sealed[:27])


def test_an_index_is_the_same_for_the_same_text_and_secret_alone() -> None:
    vault = Vault([OLD], SECRET)
    index = vault.index("phone", "+441134960000")
    assert index == Vault([NEW], SECRET).index("phone", "+441134960000")
    assert len(index) == 32
    assert index != vault.index("name", "+441134960000")
    assert index != vault.index("phone", "+441134960001")
    assert index != Vault([OLD], "a0" * 32).index("phone", "+441134960000")


def test_keys_are_read_in_order_and_a_made_one_is_a_key() -> None:
    made = make_outer_key()
    text = f"{made}, a-2:{'ab' * 32}"
    assert [key.kid for key in parse_keys(text)] == [made.partition(":")[0], "a-2"]
    assert parse_keys(text)[1].key == b"\xab" * 32
    assert Vault.from_text(text, SECRET).kids == Vault(parse_keys(text), SECRET).kids


@pytest.mark.parametrize(
    "text", ["", "a", "a:00", f"A:{'ab' * 32}", f"a:{'AB' * 32}", f"a:{'ab' * 32},a:{'cd' * 32}"]
)
def test_what_is_no_list_of_keys_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"name"):
        parse_keys(text)


def test_no_key_shows_itself() -> None:
    shown = repr([Vault([OLD, NEW], SECRET), OLD])
    assert "old" in shown
    assert "oooo" not in shown
    assert "6f6f" not in shown
