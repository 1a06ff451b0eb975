"""One night of the offline protocol again: `python -m tests.simulation --seed N`.

Prints what every tablet was given and what followed, and the promise that broke, if one did. With
`--mutation NAME` a rule of the protocol is gone (tests/simulation/mutations.py); `--seeds N` plays
that many nights and prints what happened in them.
"""

import argparse
import json
import sys
from collections import Counter

from tests.simulation.mutations import MUTATIONS, Mutation
from tests.simulation.world import Violation, World


def main() -> int:
    """0: every promise was kept."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seed", type=int, help="play this night, and print it")
    asked.add_argument("--seeds", type=int, default=1000, help="play nights 0 to N - 1")
    asked.add_argument("--mutation", choices=sorted(MUTATIONS), help="without this rule")
    given = asked.parse_args()
    broken = MUTATIONS[given.mutation] if given.mutation else Mutation()
    if given.seed is not None:
        return play(given.seed, broken)
    counts: Counter[str] = Counter()
    for seed in range(given.seeds):
        try:
            counts += World(seed, device=broken.device, server=broken.server).run()
        except Violation as violation:
            print(f"seed {seed}: {violation}")
            return 1
    for what, number in sorted(counts.items()):
        print(f"{number:8} {what}")
    return 0


def play(seed: int, broken: Mutation) -> int:
    """One night, line by line."""
    world = World(seed, device=broken.device, server=broken.server, traced=True)
    violation = None
    try:
        world.run()
    except Violation as found:
        violation = found
    lines = [
        (line["at"], tablet.name, line)
        for tablet in world.tablets
        for line in tablet.trace
        if line["out"] or line["given"]["type"] != "tick"
    ]
    for at, name, line in sorted(lines, key=lambda each: each[:2]):
        given = {k: v for k, v in line["given"].items() if k not in ("mono", "wall", "id")}
        print(f"{at / 1000:9.3f} s {name} {json.dumps(given)}")
        for one in line["out"]:
            print(f"{'':14} -> {json.dumps(one)}")
    print(violation or "Every promise was kept.")
    return 1 if violation else 0


if __name__ == "__main__":
    sys.exit(main())
