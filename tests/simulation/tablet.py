"""A tablet of the simulation: its disk, its clocks, and what it showed."""

from dataclasses import dataclass, field
from typing import Any

from scanners.offline import Device

Json = dict[str, Any]


@dataclass
class Tablet:
    """A tablet with its disk, its clocks, and what it did."""

    name: str
    device: Device
    disk: dict[str, Any] = field(default_factory=dict)
    queue: list[Json] = field(default_factory=list)  # store operations that are not done
    life: int = 0
    booted_at: int = 0
    slept: int = 0  # what the monotonic clock did not count
    wall_off: int = 0
    asleep_until: int = 0
    stands: bool = False  # the monotonic clock does not count this sleep
    backlog: list[tuple[int, Json]] = field(default_factory=list)  # what came while it slept
    away_until: int = 0  # no network
    running: bool = True
    wiped_at: int = -1
    told_revoked: bool = False  # in this life or an earlier one
    greens: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    sent_at: dict[str, int] = field(default_factory=dict)  # key -> true time of the first sending
    acknowledged: int = 0  # true time of the first sending of what was last acknowledged
    trace: list[Json] = field(default_factory=list)
