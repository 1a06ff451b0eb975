"""Every measurement against its budget, one after the other: `python -m load` (`make load`).

Exit code 1 when one is missed. Each can be run alone, with options: see its `--help`.
"""

import subprocess
import sys

MEASUREMENTS = (
    "load.commit_to_screen",
    "load.event_rate",
    "load.history",
    "load.availability",
    "load.attempts",
    "load.customer_way",
    "load.door_rush",
    "load.offline_nights",
    "load.camera",
    "load.browser_scan",
    "load.camera_scan",
    "load.fanout",
    "load.saturday",
)


def main() -> int:
    missed = []
    for module in MEASUREMENTS:
        print(f"\n== {module}", flush=True)
        if subprocess.run([sys.executable, "-m", module], check=False).returncode:
            missed.append(module)
    print("\nAll budgets are kept." if not missed else f"\nMissed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
