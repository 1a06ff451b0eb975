"""What people mean to do, and when: the vocabulary of a planned night.

An intention is no promise. The floor may refuse it, and whoever meant it then does what a person
would: asks for another table, waits, or leaves it.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Source = Literal["public", "desk", "walk_in"]
Floor = Literal["upstairs", "downstairs"]


class Party(Struct, frozen=True):
    """A group of guests. `id` and `name` are unique in the plan; a night's own, see `night`."""

    id: str
    name: str
    size: int
    tables: tuple[int, ...]
    door: str
    floor: Floor
    source: Source
    night: str
    due_at: datetime | None = None  # when its slot begins; None: as soon as it is there
    counted: bool = False  # a walk-in whose people the clicker counted when they came
    phone: str = ""
    address: str = ""


class Hold(Struct, frozen=True):
    """The party claims its tables. Without a Pay that follows the hold runs out."""

    at: datetime
    party: str


class Extend(Struct, frozen=True):
    """The party needs longer to pay."""

    at: datetime
    party: str


class Release(Struct, frozen=True):
    """The party thought better of it."""

    at: datetime
    party: str


class Pay(Struct, frozen=True):
    """The deposit is paid at the desk."""

    at: datetime
    party: str


class Cancel(Struct, frozen=True):
    """The party cancels what it paid for."""

    at: datetime
    party: str


class Arrive(Struct, frozen=True):
    """Some of the party are at their door; `typed`: with the reference instead of the code."""

    at: datetime
    party: str
    people: int
    typed: bool = False


class Seat(Struct, frozen=True):
    """The host shows the party to its tables."""

    at: datetime
    party: str


class WalkIn(Struct, frozen=True):
    """A party without a booking gets its tables."""

    at: datetime
    party: str


class GoOut(Struct, frozen=True):
    """Some of the party step outside; their code is scanned out."""

    at: datetime
    party: str
    people: int


class ComeBack(Struct, frozen=True):
    """They are back."""

    at: datetime
    party: str
    people: int


class Move(Struct, frozen=True):
    """The manager gives the party other tables."""

    at: datetime
    party: str
    tables: tuple[int, ...]


class NoShow(Struct, frozen=True):
    """The manager gives up waiting for the party."""

    at: datetime
    party: str


class Leave(Struct, frozen=True):
    """The party leaves its tables and the house."""

    at: datetime
    party: str


class Reset(Struct, frozen=True):
    """The table is laid again."""

    at: datetime
    table: int


class Block(Struct, frozen=True):
    """Something was spilt at the table: nobody sits there until it is dry."""

    at: datetime
    table: int


class Unblock(Struct, frozen=True):
    """The table is in service again."""

    at: datetime
    table: int


class Click(Struct, frozen=True):
    """The clicker at a door counts people in (or, below zero, out); on the stairs, across."""

    at: datetime
    door: str
    floor: Floor
    change: int


class TryCode(Struct, frozen=True):
    """Somebody tries to get in with what will not do; `expected` is the verdict's reason.

    `own` shows the party's code as it is, `forged` one that was altered, `unknown` a reference that
    nobody has.
    """

    at: datetime
    door: str
    kind: Literal["own", "forged", "unknown"]
    expected: str
    party: str = ""
    typed: str = ""


class FillFloor(Struct, frozen=True):
    """The host takes parties from the bar to the tables that are still free."""

    at: datetime


class ClearFloor(Struct, frozen=True):
    """The lights go on: whoever still sits gets up."""

    at: datetime


class LayFloor(Struct, frozen=True):
    """Every table that waits for it is laid."""

    at: datetime


class LastEntry(Struct, frozen=True):
    """The manager lets newcomers in for so many minutes longer."""

    at: datetime
    minutes: int


class CountHeads(Struct, frozen=True):
    """The manager went through the floor and found nobody: the clicker's slips are put right."""

    at: datetime
    floor: Floor


Intention = (
    Hold | Extend | Release | Pay | Cancel | Arrive | Seat | WalkIn | GoOut | ComeBack | Move
    | NoShow | Leave | Reset | Block | Unblock | Click | TryCode | FillFloor | ClearFloor | LayFloor
    | LastEntry | CountHeads
)  # fmt: skip


class Plan(Struct, frozen=True):
    """A whole night as it is meant: instants are aware UTC, intentions in order of time.

    `evening_at` is when the clock is set to it; parties of a coming night are among `parties`.
    """

    night: str
    evening_at: datetime
    doors_at: datetime
    last_entry_at: datetime
    closes_at: datetime
    ends_at: datetime
    parties: dict[str, Party]
    intentions: tuple[Intention, ...]

    def presence(self) -> list[tuple[datetime, Floor, int]]:
        """When how many guests with tables come (or go, below zero) on which floor, in order."""
        sizes = {party.id: party for party in self.parties.values()}
        found = []
        for one in self.intentions:
            if isinstance(one, Arrive):
                found.append((one.at, sizes[one.party].floor, one.people))
            elif isinstance(one, WalkIn) and not sizes[one.party].counted:
                found.append((one.at, sizes[one.party].floor, sizes[one.party].size))
            elif isinstance(one, Leave):
                found.append((one.at, sizes[one.party].floor, -sizes[one.party].size))
        return found
