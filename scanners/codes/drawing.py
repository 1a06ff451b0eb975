"""A code as an image: PNG and SVG, each read back by the camera's decoder before it is given out.

144 characters in alphanumeric mode at level M are version 6: 41 x 41 modules, with the quiet zone
of 4 modules that the standard asks for 49 x 49. Level M and not Q, because on a phone's screen
larger modules read further than more redundancy does.
"""

import io
import re
from typing import Final

import numpy as np
import qrcode
from PIL import Image
from qrcode.util import MODE_ALPHA_NUM, QRData

from scanners.codes.reading import Grey, read_codes

QUIET_MODULES: Final = 4
MODULES: Final = 41 + 2 * QUIET_MODULES
# 12 px a module make a 588 px image: larger than 55 mm on the screen of any phone.
MODULE_PX: Final = 12
# At 4 px a module the code is as small in the image as the door's camera can be expected to read.
READ_BACK_PX: Final = 4


class CodeUnreadable(Exception):
    """The drawn code is not read by the camera's decoder: issue the next generation instead."""


def modules_of(code: str) -> Grey:
    """Return the code's modules with the quiet zone: (49, 49) uint8, 0 dark and 255 light.

    Raises ValueError when the text is not made of the QR alphanumeric alphabet, or is longer than
    a code of this service.
    """
    symbol = qrcode.QRCode(
        version=6, error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET_MODULES
    )
    # qrcode would cut a text into runs of different modes; one run is shorter, and always 41 wide.
    symbol.add_data(QRData(code.encode("ascii"), mode=MODE_ALPHA_NUM), optimize=0)
    symbol.make(fit=True)
    modules = np.where(np.array(symbol.get_matrix(), dtype=bool), 0, 255).astype(np.uint8)
    if modules.shape != (MODULES, MODULES):
        raise ValueError("the text is longer than a code of this service")
    return modules


def image_of(code: str, module_px: int) -> Grey:
    """Return the code as a square grey image, `module_px` pixels a module."""
    return magnify(modules_of(code), module_px)


def magnify(modules: Grey, module_px: int) -> Grey:
    """Return the image with every pixel grown to a square of `module_px`."""
    return np.kron(modules, np.ones((module_px, module_px), dtype=np.uint8))


def reads_as(image: Grey, code: str) -> bool:
    """Return whether the camera's decoder finds in the image this code, and nothing else."""
    return [reading.text for reading in read_codes(image)] == [code]


def read_back(code: str) -> bool:
    """Return whether the code, drawn, is read by the camera's decoder. About 12 ms."""
    return reads_as(image_of(code, READ_BACK_PX), code)


def require_readable(code: str) -> str:
    """Return the code itself once it was drawn and read back. Raises CodeUnreadable.

    The answer to CodeUnreadable is to mint the next generation: another body and another signature
    make another picture.
    """
    if not read_back(code):
        raise CodeUnreadable("The code does not read back: issue its next generation.")
    return code


def draw_png(code: str, *, module_px: int = MODULE_PX) -> bytes:
    """Return the code as a black and white PNG, `49 * module_px` pixels wide.

    Raises CodeUnreadable when the picture that is about to be given out does not read.
    """
    if not 1 <= module_px <= 40:
        raise ValueError("module_px must be 1 to 40")
    modules = modules_of(code)
    if not reads_as(magnify(modules, READ_BACK_PX), code):
        raise CodeUnreadable("The code does not read back: issue its next generation.")
    out = io.BytesIO()
    Image.fromarray(magnify(modules, module_px)).convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()


def draw_svg(code: str) -> str:
    """Return the code as an SVG document: one path in a view box of 49 x 49 modules.

    It carries no script, no style and no text. Raises CodeUnreadable as `draw_png` does.
    """
    modules = modules_of(code)
    if not reads_as(magnify(modules, READ_BACK_PX), code):
        raise CodeUnreadable("The code does not read back: issue its next generation.")
    return _svg_of(modules, "Entry code")


def draw_address(address: str, label: str) -> str:
    """Return a QR code that opens the address, as an SVG document of as many modules as it needs.

    `label` is what a screen reader says of it: plain words, without markup. Any phone or tablet
    reads it; it is no code of this service. Raises ValueError: longer than a QR code holds.
    """
    if re.fullmatch(r"[A-Za-z0-9 ]+", label) is None:
        raise ValueError("the label must be plain words")
    symbol = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=QUIET_MODULES)
    symbol.add_data(address.encode())
    symbol.make(fit=True)
    modules = np.where(np.array(symbol.get_matrix(), dtype=bool), 0, 255).astype(np.uint8)
    return _svg_of(modules, label)


def _svg_of(modules: Grey, label: str) -> str:
    dark = "".join(
        f"M{start} {row}h{length}v1h-{length}z"
        for row, line in enumerate(modules)
        for start, length in _dark_runs(line)
    )
    side = len(modules)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" '
        f'shape-rendering="crispEdges" role="img" aria-label="{label}">'
        f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/>'
        f'<path fill="#000" d="{dark}"/></svg>\n'
    )


def _dark_runs(line: Grey) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], line == 0, [0])).astype(np.int8)))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
