"""The first look at an image: zxing-cpp, with the options that the camera uses.

Kept here, apart from OpenCV, so that a code is read back when it is issued by exactly the decoder
that will read it at the door.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import zxingcpp
from msgspec import Struct

Grey = npt.NDArray[np.uint8]  # (height, width) uint8, 0 black to 255 white
Corner = tuple[int, int]  # x, y in pixels, from the image's top left

# Model 2 is what everybody calls a QR code. The format `QRCode` would also try Micro QR, whose
# smallest sizes have next to no redundancy: on the graded set it read "8522" into a blurred finder.
_QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCodeModel2])


class Reading(Struct, frozen=True):
    """One QR code read in an image.

    `text` is None when the code carries anything but printable ASCII: such a code is seen, and is
    none of ours. `corners` go round from the code's own top left.
    """

    text: str | None
    corners: tuple[Corner, Corner, Corner, Corner]

    def __repr__(self) -> str:
        return f"Reading(corners={self.corners})"  # the text is a secret


def read_codes(image: Grey) -> list[Reading]:
    """Return every QR code that zxing-cpp reads in a grey image, none when there is none.

    The payload is taken as bytes and must be ASCII: a decoder that guesses the encoding of a
    foreign code's bytes may raise, or invent characters.
    """
    return [
        _reading(found)
        for found in zxingcpp.read_barcodes(image, formats=_QR, try_invert=False)
        if found.valid
    ]


def _reading(found: zxingcpp.Barcode) -> Reading:
    payload = bytes(found.bytes)
    printable = payload.isascii() and all(0x20 <= byte < 0x7F for byte in payload)
    at = found.position
    corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    first, second, third, fourth = ((corner.x, corner.y) for corner in corners)
    return Reading(payload.decode("ascii") if printable else None, (first, second, third, fourth))
