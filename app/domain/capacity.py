"""How full the house is: the numbers a door is told, and when it is warned. Pure."""

from typing import Final, NamedTuple

from app.domain.facts import Facts, NightFact

# At nine tenths of a limit there is time left to stop the queue before the door must refuse.
WARN_AT_PERCENT: Final = 90


class Room(NamedTuple):
    """People inside and the limit that counts; `reserved` more may come in by leases."""

    inside: int
    limit: int
    reserved: int = 0

    @property
    def free(self) -> int:
        return max(0, self.limit - self.inside - self.reserved)

    @property
    def nearly_full(self) -> bool:
        return (self.inside + self.reserved) * 100 >= self.limit * WARN_AT_PERCENT


class Fill(NamedTuple):
    """The floors' rooms and the house's, with the counts given."""

    floors: dict[str, Room]
    house: Room

    def may_enter(self, floor: str) -> int:
        """How many more may come in on the floor: the lower of its room and the house's."""
        return min(self.floors[floor].free, self.house.free)


def fill_of(facts: Facts, night: NightFact, inside: dict[str, int]) -> Fill:
    """How full it is with `inside` people by floor, against the limits of the locked facts."""
    floors = {h.floor: Room(inside[h.floor], h.people_limit, h.reserved) for h in facts.headcount}
    reserved = sum(h.reserved for h in facts.headcount)
    return Fill(floors, Room(sum(inside.values()), night.house_limit, reserved))
