"""The decoder on pictures of the graded set and on odd ones."""

from collections.abc import Callable

import numpy as np
import pytest

from tests import needs

needs.opencv()

import qrcode  # noqa: E402
from qrcode.util import MODE_8BIT_BYTE, QRData  # noqa: E402

from load import camera_set  # noqa: E402
from scanners import decoding  # noqa: E402
from scanners.codes.drawing import image_of, magnify  # noqa: E402
from scanners.codes.reading import Grey, Reading, read_codes  # noqa: E402
from scanners.decoding import FIRST_LOOKS_MOST, Decoder, find_patches, look, look_closer  # noqa: E402

pytestmark = pytest.mark.camera

CODE = camera_set.code_text(1, 1)
OTHER = camera_set.code_text(1, 2)


def frame_with(*places: tuple[str, int, int]) -> Grey:
    """A grey 1280 x 720 frame with each code, 5 px a module, at its x and y."""
    frame = np.full((720, 1280), 90, dtype=np.uint8)
    for text, x, y in places:
        image = image_of(text, 5)
        frame[y : y + image.shape[0], x : x + image.shape[1]] = image
    return frame


def texts(decoder: Decoder, frame: Grey) -> list[str | None]:
    return [reading.text for reading in decoder.read(frame)]


def foreign(payload: bytes) -> Grey:
    symbol = qrcode.QRCode(border=4)
    symbol.add_data(QRData(payload, mode=MODE_8BIT_BYTE))
    symbol.make(fit=True)
    return magnify(np.where(np.array(symbol.get_matrix()), 0, 255).astype(np.uint8), 5)


@pytest.fixture
def whole_frames(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every image that zxing-cpp is shown, by its number of pixels."""
    sizes: list[int] = []

    def counted(image: Grey) -> list[Reading]:
        sizes.append(image.size)
        return read_codes(image)

    monkeypatch.setattr(decoding, "read_codes", counted)
    return sizes


def test_the_same_seed_gives_the_same_picture_and_another_seed_another() -> None:
    one = camera_set.render("glare", 3)
    assert np.array_equal(one.frame, camera_set.render("glare", 3).frame)
    assert not np.array_equal(one.frame, camera_set.render("glare", 3, seed=2).frame)
    assert one.frame.shape == (720, 1280)


@pytest.mark.parametrize("number", range(3))
def test_clean_codes_are_read_and_framed(number: int) -> None:
    scene = camera_set.render("clean", number)
    (reading,) = Decoder().read(scene.frame)

    assert reading.text == scene.texts[0]
    x, y = np.mean(reading.corners, axis=0)
    brightness = scene.frame[int(y) - 40 : int(y) + 40, int(x) - 40 : int(x) + 40]
    assert brightness.std() > 40, "the corners do not lie around the code"


@pytest.mark.parametrize(
    ("kind", "number"), [("low light", 3), ("moire", 9), ("glare", 3), ("perspective", 4)]
)
def test_what_the_plain_look_misses_the_closer_look_reads(kind: str, number: int) -> None:
    scene = camera_set.render(kind, number)

    assert look(scene.frame, (0, 0)) == [], "not a case for the closer look any more"
    found = look_closer(scene.frame)
    assert {reading.text for reading in found} == set(scene.texts)
    across = [x for x, _ in found[0].corners]
    assert 0 <= min(across) < max(across) <= 1280
    assert 90 <= max(across) - min(across) <= 420, "the corners are in another scale"


@pytest.mark.parametrize("number", range(4))
def test_where_there_is_no_code_none_is_read(number: int) -> None:
    assert Decoder().read(camera_set.render("none", number).frame) == []


def test_the_next_frame_is_looked_at_where_the_code_was(whole_frames: list[int]) -> None:
    decoder = Decoder()
    assert texts(decoder, frame_with((CODE, 500, 200))) == [CODE]
    assert whole_frames == [1280 * 720]

    assert texts(decoder, frame_with((CODE, 530, 190))) == [CODE]
    assert len(whole_frames) == 2
    assert whole_frames[1] < 1280 * 720 / 4


def test_a_code_that_jumped_is_found_in_the_same_frame() -> None:
    decoder = Decoder()
    assert texts(decoder, frame_with((CODE, 20, 20))) == [CODE]
    assert texts(decoder, frame_with((CODE, 900, 400))) == [CODE]


def test_a_second_code_is_seen_although_the_first_stays() -> None:
    decoder = Decoder()
    texts(decoder, frame_with((CODE, 100, 200)))
    both = frame_with((CODE, 100, 200), (OTHER, 800, 200))
    seen = [texts(decoder, both) for _ in range(FIRST_LOOKS_MOST + 1)]
    assert seen[0] == [CODE], "the first look is not used any more"
    assert set(seen[-1]) == {CODE, OTHER}


def test_when_one_of_two_codes_jumped_both_are_found_in_the_same_frame() -> None:
    decoder = Decoder()
    texts(decoder, frame_with((CODE, 20, 20), (OTHER, 20, 400)))
    assert set(texts(decoder, frame_with((CODE, 20, 20), (OTHER, 900, 400)))) == {CODE, OTHER}


@pytest.mark.parametrize("number", [28, 33])
def test_a_blurred_code_is_not_taken_for_a_micro_qr_code(number: int) -> None:
    """In these two pictures zxing-cpp's family format QRCode reads four and six digits."""
    scene = camera_set.render("defocus", number)
    found = [*look(scene.frame, (0, 0)), *look_closer(scene.frame)]
    assert {reading.text for reading in found} <= set(scene.texts)


def test_one_of_two_codes_leaving_is_noticed_at_once() -> None:
    decoder = Decoder()
    assert set(texts(decoder, frame_with((CODE, 100, 200), (OTHER, 800, 200)))) == {CODE, OTHER}
    assert texts(decoder, frame_with((OTHER, 800, 200))) == [OTHER]
    assert texts(decoder, frame_with()) == []


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (bytes(range(256)), None),
        (b"\xff\xfe\xfd", None),
        ("é".encode(), None),
        (b"\x00", None),
        (b"line\nbreak", None),
        (b"WIFI:T:WPA;S:club;P:secret;;", "WIFI:T:WPA;S:club;P:secret;;"),
        (b"https://example.org/", "https://example.org/"),
        (b"x" * 1500, "x" * 1500),
    ],
    ids=lambda value: repr(value)[:16],
)
def test_a_foreign_code_is_seen_and_never_raises(payload: bytes, text: str | None) -> None:
    assert texts(Decoder(), foreign(payload)) == [text]


@pytest.mark.parametrize("shape", [(1, 1), (1, 1280), (47, 47), (720, 3), (0, 0), (2160, 3840)])
def test_a_frame_of_any_size_is_only_without_codes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    for frame in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, dtype=np.uint8)):
        assert Decoder().read(frame) == []


def test_an_exception_of_the_decoder_costs_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    frame = frame_with((CODE, 100, 200))
    errors: tuple[Callable[[], Exception], ...] = (
        lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
        lambda: RuntimeError("of the C++ side"),
        lambda: ValueError("an odd image"),
    )
    for make in errors:

        def raises(image: Grey, make: Callable[[], Exception] = make) -> list[Reading]:
            raise make()

        monkeypatch.setattr(decoding, "read_codes", raises)
        assert decoder.read(frame) == []
        monkeypatch.setattr(decoding, "read_codes", read_codes)
        assert texts(decoder, frame) == [CODE]


def test_the_gate_keeps_the_work_of_the_closer_look_bounded() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280), dtype=np.uint8)
    checks = magnify(noise[::10, ::10], 10)
    for frame in (noise, checks, frame_with((CODE, 0, 0), (OTHER, 500, 300))):
        patches = find_patches(frame)
        assert len(patches) <= 3
        assert sum(box.pixels for box in patches) <= 360_000
    assert find_patches(frame_with()) == []
