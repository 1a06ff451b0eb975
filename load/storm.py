"""A reconnect storm on paper: `python -m load.storm`.

Nothing is connected: screens lose their node in virtual time and come back by the rules that the
service and its page really have (`app.live.hub.reconnect_seconds` for a planned restart, the
delays that are read out of static/js/socket.js for everything else), to a node that serves so many
joins a second, one after the other. So it can be asked what cannot be built here: 20,000 screens, a
node that is gone for a minute, and the same without any chance in the delays.

A join is what a socket costs until it has its picture. Postgres is read at a join of staff alone
(the version of the venue's book, then who asks): `READS`. The public page costs it nothing.
"""

import argparse
import heapq
import itertools
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from app.live.hub import DRAIN_PAUSE_SECONDS, DRAIN_SLICE, ORDER, reconnect_seconds
from load.options import amount, whole

SOCKET_PAGE: Final = Path(__file__).resolve().parents[1] / "static" / "js" / "socket.js"
READS: Final = {"public": 0, "door": 2, "manager": 2}  # of Postgres, at a join
JOINS_PER_SECOND: Final = 1800.0  # of one worker; docs/performance.md has the measurement
BUCKET_SECONDS: Final = 0.25  # the peak is that of a quarter of a second, as a rate

Loss = Literal["told", "killed", "away"]


@dataclass(frozen=True)
class PageRules:
    """What the page does when its socket is gone, in seconds."""

    first_delay: float
    public_first_delay: float
    longest_delay: float
    open_deadline: float
    failures_most: int = 6

    def delay(self, audience: str, failures: int, chance: float) -> float:
        """A random part of a growing delay; `chance` is 0 to 1."""
        first = self.public_first_delay if audience == "public" else self.first_delay
        growing = min(self.longest_delay, first * 2.0**failures)
        return growing * (0.5 + chance / 2)


def page_rules(page: str) -> PageRules:
    """The rules as the page has them. Raises ValueError: it does something else by now."""
    found = {
        name: re.search(rf"^const {name} = (\d+);", page, re.MULTILINE)
        for name in (
            "FIRST_DELAY_MS",
            "PUBLIC_FIRST_DELAY_MS",
            "LONGEST_DELAY_MS",
            "OPEN_DEADLINE_MS",
        )
    }
    formula = (
        'audience === "public" ? PUBLIC_FIRST_DELAY_MS : FIRST_DELAY_MS',
        "Math.min(LONGEST_DELAY_MS, first * 2 ** this.failures)",
        "this.promisedDelayMs ?? ceiling * (0.5 + Math.random() / 2)",
        "Math.min(this.failures + 1, 6)",
    )
    values = [int(match[1]) / 1000 for match in found.values() if match]
    if len(values) < len(found) or not all(part in page for part in formula):
        raise ValueError("socket.js waits by other rules than the simulation knows")
    first, public_first, longest, deadline = values
    return PageRules(first, public_first, longest, deadline)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`told`: a planned restart beside another node. `killed`: the same without a word. `away`: no
    node is left, for so many seconds."""

    loss: Loss
    screens: dict[str, int]  # audience -> how many
    away_seconds: float = 0.0
    joins_per_second: float = JOINS_PER_SECOND
    jitter: bool = True
    seed: int = 1


@dataclass
class Storm:
    """What came of it; instants are seconds since the loss."""

    attempts: Counter[int] = field(default_factory=Counter)  # bucket -> arrivals
    joins: Counter[int] = field(default_factory=Counter)
    reads: Counter[int] = field(default_factory=Counter)
    joined_at: dict[str, list[float]] = field(default_factory=dict)
    refused: int = 0  # attempts while no node was there
    given_up: int = 0  # attempts that were not welcomed within the page's deadline

    def last(self, audience: str) -> float:
        return max(self.joined_at.get(audience, [0.0]))


def peak(counts: Counter[int]) -> float:
    """A second, of the fullest bucket."""
    return max(counts.values(), default=0) / BUCKET_SECONDS


def played(scenario: Scenario, rules: PageRules) -> Storm:
    """Every screen of the scenario is back."""
    chance = random.Random(scenario.seed)
    storm = Storm()
    order = itertools.count()  # screens of one instant in the order in which they lost it
    coming: list[tuple[float, int, str, int]] = []
    for audience, at in _losses(scenario):
        delay = _first_delay(scenario, rules, audience, chance)
        heapq.heappush(coming, (at + delay, next(order), audience, 0))
    free_at = scenario.away_seconds  # when the node has served everybody who waits
    while coming:
        at, _, audience, failures = heapq.heappop(coming)
        storm.attempts[_bucket(at)] += 1
        failed_at = None
        if at < scenario.away_seconds:
            storm.refused += 1
            failed_at = at
        else:
            # Whoever gave up meanwhile is noticed only when it is their turn: it costs the same.
            free_at = max(free_at, at) + 1 / scenario.joins_per_second
            if free_at - at > rules.open_deadline:
                storm.given_up += 1
                failed_at = at + rules.open_deadline
        if failed_at is not None:
            later = min(failures + 1, rules.failures_most)
            delay = rules.delay(audience, later, chance.random() if scenario.jitter else 0.5)
            heapq.heappush(coming, (failed_at + delay, next(order), audience, later))
            continue
        storm.joins[_bucket(free_at)] += 1
        storm.reads[_bucket(free_at)] += READS[audience]
        storm.joined_at.setdefault(audience, []).append(free_at)
    return storm


def _losses(scenario: Scenario) -> Iterable[tuple[str, float]]:
    """Each screen's audience and when its socket ends: staff first, in slices, where it is told."""
    leaving = [audience for audience in ORDER for _ in range(scenario.screens.get(audience, 0))]
    for number, audience in enumerate(leaving):
        slice_ = number // DRAIN_SLICE if scenario.loss == "told" else 0
        yield audience, slice_ * DRAIN_PAUSE_SECONDS


def _first_delay(
    scenario: Scenario, rules: PageRules, audience: str, chance: random.Random
) -> float:
    if scenario.loss == "told":
        return reconnect_seconds(audience, chance.uniform) if scenario.jitter else 0.0
    return rules.delay(audience, 0, chance.random() if scenario.jitter else 0.5)


def _bucket(at: float) -> int:
    return int(at / BUCKET_SECONDS)


def main() -> int:
    options = argparse.ArgumentParser(
        prog="python -m load.storm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--public", type=whole, nargs="+", default=[500, 5000, 20_000], help="screens"
    )
    options.add_argument("--door", type=int, default=30, help="tablets")
    options.add_argument("--manager", type=int, default=20, help="managers")
    options.add_argument("--away", type=float, default=10.0, help="seconds without any node")
    options.add_argument(
        "--joins", type=amount, default=JOINS_PER_SECOND, help="of a node, a second"
    )
    options.add_argument("--seed", type=int, default=1, help="of the delays")
    given = options.parse_args()
    rules = page_rules(SOCKET_PAGE.read_text("utf-8"))
    print(f"A node serves {given.joins:g} joins a second. {given.door} tablets and {given.manager}"
          " managers beside the public. Peaks are rates of a quarter of a second.\n")  # fmt: skip
    print("| loss | public screens | jitter | arrivals/s, peak | joins/s, peak | Postgres reads/s,"
          " peak | given up | staff back | all back |")  # fmt: skip
    print("|---|--:|---|--:|--:|--:|--:|--:|--:|")
    losses: tuple[Loss, ...] = ("told", "killed", "away")
    for loss, public, jitter in itertools.product(losses, given.public, (True, False)):
        scenario = Scenario(
            loss=loss,
            screens={"public": public, "door": given.door, "manager": given.manager},
            away_seconds=given.away if loss == "away" else 0.0,
            joins_per_second=given.joins,
            jitter=jitter,
            seed=given.seed,
        )
        storm = played(scenario, rules)
        staff = max(storm.last("door"), storm.last("manager"))
        print(f"| {loss} | {public:,} | {'yes' if jitter else 'no'} | {peak(storm.attempts):,.0f} |"
              f" {peak(storm.joins):,.0f} | {peak(storm.reads):,.0f} | {storm.given_up:,} |"
              f" {staff:.1f} s | {max(staff, storm.last('public')):.1f} s |")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
