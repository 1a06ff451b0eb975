"""Every measurement against its budget, one after the other: `python -m load` (`make load`).

Exit code 1 when one is missed. Each can be run alone, with options: see its `--help`. With
`--short` each takes seconds, on samples too small for a figure: budgets are judged all the same,
so what is missed there is a reason to measure that one alone, and nothing more.
"""

import argparse
import subprocess
import sys
from typing import Final

# Each measurement, and what makes it short.
MEASUREMENTS: Final[dict[str, tuple[str, ...]]] = {
    "load.commit_to_screen": ("--sockets", "100", "--seconds", "3", "--only", "latency", "cold"),
    "load.two_nodes": ("--seconds", "3"),
    "load.killed": ("--sockets", "100"),
    "load.event_rate": ("--seconds", "2"),
    "load.history": ("--bookings", "20000", "--seconds", "1"),
    "load.availability": ("--seconds", "1"),
    "load.attempts": (),
    "load.customer_way": (),
    "load.door_rush": ("--seconds", "2", "--rounds", "50"),
    "load.malformed": ("--codes", "1000"),
    "load.offline_nights": ("--minutes", "0.2"),
    "load.camera": ("--each", "5", "--frames", "30", "--ours-only"),
    "load.browser_scan": ("--rounds", "1"),
    "load.camera_scan": ("--rounds", "1"),
    "load.fanout": ("--only", "slow", "--seconds", "3"),
    "load.saturday": ("--seconds", "20"),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--short", action="store_true", help="seconds each: small samples")
    short = parser.parse_args(arguments).short
    missed = []
    for module, shortened in MEASUREMENTS.items():
        print(f"\n== {module}", flush=True)
        command = [sys.executable, "-m", module, *(shortened if short else ())]
        if subprocess.run(command, check=False).returncode:
            missed.append(module)
    print("\nAll budgets are kept." if not missed else f"\nMissed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
