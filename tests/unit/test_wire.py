"""The texts of the wire: one spelling each, and nothing that could hide in them."""

from collections.abc import Callable

import msgspec
import pytest

from app import wire

GOOD = {
    "night": (wire.NightDate, "2026-11-21"),
    "instant": (wire.Instant, "2026-11-21T23:41:07.123Z"),
    "uuid": (wire.Uuid, "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    "text": (wire.Text, "Zoë O’Brien-李"),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_one_spelling_is_accepted(name: str) -> None:
    shape, text = GOOD[name]
    assert msgspec.json.decode(msgspec.json.encode(text), type=shape) == text


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize(
    "change",
    [lambda t: t + "\n", lambda t: "\x00" + t, lambda _: "", lambda t: t * 200],
    ids=["trailing newline", "NUL", "empty", "far too long"],
)
def test_anything_else_is_refused(name: str, change: Callable[[str], str]) -> None:
    shape, text = GOOD[name]
    changed = change(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(changed), type=shape)


@pytest.mark.parametrize("name", ["night", "instant"])
def test_digits_of_other_scripts_are_no_digits(name: str) -> None:
    shape, text = GOOD[name]
    wide = text.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(wide), type=shape)
