"""What every payload of the book is made of."""

from msgspec import Struct

FloorName = str  # "upstairs" | "downstairs": the venue's data file is the authority
Instant = str  # "2026-11-21T23:41:07.123Z"


class Payload(Struct, frozen=True, forbid_unknown_fields=True):
    """The facts of one event; each subclass is one type of the catalogue."""
