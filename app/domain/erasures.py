"""The lines of the file that remembers outside the database who was erased.

A line is a JSON object {at, person_id}: an id that means nothing once the person's key is gone, so
that the file itself holds nobody's data.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct


class ErasureUnreadable(ValueError):
    """A line in the middle of the file is no erasure; the text names it."""


class Erasure(Struct, frozen=True, forbid_unknown_fields=True):
    at: str
    person_id: Annotated[
        str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
    ]


_DECODER: Final = msgspec.json.Decoder(Erasure)


def erasure_line(erasure: Erasure) -> bytes:
    """The erasure as it is appended."""
    return msgspec.json.encode(erasure) + b"\n"


def read_erasures(content: bytes) -> list[Erasure]:
    """The erasures of the file's content, in order. Raises ErasureUnreadable.

    A last line without an end was cut off by a crash before its erasure was committed: it does not
    count.
    """
    whole, _, _cut = content.rpartition(b"\n")
    found = []
    for number, line in enumerate(whole.split(b"\n"), 1):
        if line.strip():
            try:
                found.append(_DECODER.decode(line))
            except msgspec.MsgspecError as error:
                raise ErasureUnreadable(f"line {number} is no erasure: {error}") from error
    return found
