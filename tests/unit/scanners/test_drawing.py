"""The picture of a code: its size, its quiet zone, and that it reads back."""

import io
import re
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from PIL import Image

from scanners import codes
from scanners.codes import drawing, reading


def mint(number: int) -> str:
    claims = codes.TicketClaims(
        key_id=7,
        generation=1,
        ticket_id=UUID(int=number),
        venue=1,
        not_before=datetime(2026, 11, 21, 18, tzinfo=UTC),
        valid_minutes=720,
        party=6,
    )
    return codes.mint(claims, codes.private_key(bytes(range(32))))


CODE, OTHER = mint(1), mint(2)


def test_a_code_is_41_modules_wide_with_a_quiet_zone_of_4() -> None:
    modules = drawing.modules_of(CODE)

    assert modules.shape == (49, 49)
    dark = np.argwhere(modules == 0)
    assert dark.min(axis=0).tolist() == [4, 4]
    assert dark.max(axis=0).tolist() == [44, 44]


@pytest.mark.parametrize("module_px", [1, 3, 12])
def test_the_png_has_the_asked_size_and_reads_as_the_code(module_px: int) -> None:
    image = Image.open(io.BytesIO(drawing.draw_png(CODE, module_px=module_px)))

    assert image.size == (49 * module_px, 49 * module_px)
    if module_px > 1:
        assert drawing.reads_as(np.asarray(image.convert("L")), CODE)


def test_the_svg_paints_exactly_the_modules() -> None:
    svg = drawing.draw_svg(CODE)
    painted = np.full((49, 49), 255, dtype=np.uint8)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg):
        painted[int(y), int(x) : int(x) + int(length)] = 0

    assert np.array_equal(painted, drawing.modules_of(CODE))
    assert "<script" not in svg
    assert CODE not in svg


def test_twenty_codes_read_back() -> None:
    assert all(drawing.read_back(mint(number)) for number in range(20))


def test_reading_back_compares_the_text_and_wants_one_code_only() -> None:
    image = drawing.image_of(CODE, 4)
    both = np.hstack([image, drawing.image_of(OTHER, 4)])

    assert drawing.reads_as(image, CODE)
    assert not drawing.reads_as(image, OTHER)
    assert not drawing.reads_as(both, CODE)
    assert not drawing.reads_as(np.full_like(image, 255), CODE)


def test_a_picture_that_does_not_read_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawing.require_readable(CODE) == CODE

    # A decoder that sees nothing stands for the rare picture that it cannot read.
    monkeypatch.setattr(drawing, "read_codes", lambda _: [])

    for issue in (drawing.require_readable, drawing.draw_png, drawing.draw_svg):
        with pytest.raises(drawing.CodeUnreadable, match="next generation") as caught:
            issue(CODE)
        assert CODE not in str(caught.value)


def test_a_text_that_is_no_code_is_not_drawn() -> None:
    for text in ("lower case", CODE + CODE, "Ä"):
        with pytest.raises(ValueError):  # noqa: PT011 - the library's own words differ
            drawing.draw_png(text)
    with pytest.raises(ValueError, match="module_px"):
        drawing.draw_png(CODE, module_px=0)


def test_a_reading_does_not_show_its_text() -> None:
    found = reading.read_codes(drawing.image_of(CODE, 4))

    assert [one.text for one in found] == [CODE]
    assert CODE[4:20] not in repr(found)


def test_an_address_is_drawn_as_large_as_it_needs_and_any_phone_reads_it() -> None:
    address = "https://backroom.example/door#pair=7Q4M2XKD9RTAF3HN"
    svg = drawing.draw_address(address, "Pairing code")
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]
    modules = np.full((side, side), 255, dtype=np.uint8)
    for column, row, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", svg):
        modules[int(row), int(column) : int(column) + int(length)] = 0
    assert [r.text for r in reading.read_codes(drawing.magnify(modules, 4))] == [address]
    assert 'aria-label="Pairing code"' in svg
    assert "script" not in svg


@pytest.mark.parametrize(
    ("address", "label"), [("https://backroom.example", '"><script>'), ("x" * 4000, "Pairing code")]
)
def test_what_cannot_be_drawn_plainly_is_not_drawn(address: str, label: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are qrcode's own for the second
        drawing.draw_address(address, label)
