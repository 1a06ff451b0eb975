"""A Saturday under load against every promise to the venue: `python -m load.saturday`.

Locust plays customers, door tablets and floor managers on a service of its own, with limits on:
each customer has an address of its own through the trusted proxy header. When they have gone, a
thousand want one night in one instant. Then what was promised is put beside what was measured.
`--web` opens Locust's page on http://127.0.0.1:8089 instead: start the night there, and end it with
Ctrl-C. The HTML report is artefacts/saturday.html. Exit code 1 when a promise is missed, and when
the load was itself the bottleneck: that is said, and proves nothing.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from load.attempts import ALL_WITHIN_SECONDS, AT_ONCE, rushed
from load.house import crowding
from load.options import whole
from load.saturday.ground import served

ARTEFACTS: Final = Path(__file__).resolve().parents[2] / "artefacts"
USERS: Final = str(Path(__file__).with_name("users.py"))
BUCKET: Final = re.compile(r'database_statement_seconds_bucket\{le="([^"]+)",.*\} ([0-9.e+]+)')
# Beyond this, what Locust timed is its own: half of the shortest promise.
LATE_MOST_MS: Final = 50.0
ANSWERS: Final = re.compile(r'availability_answers_total\{how="(\w+)",.*\} ([0-9.e+]+)')


def played(ground: bytes, *, web: bool, seconds: int) -> dict[str, Any]:
    """Locust's own account of the night."""
    with tempfile.TemporaryDirectory() as folder:
        place, report = Path(folder, "ground.json"), Path(folder, "report.json")
        place.write_bytes(ground)
        command = [sys.executable, "-m", "locust", "-f", USERS, "--stop-timeout", "5",
                   "--html", str(ARTEFACTS / "saturday.html")]  # fmt: skip
        if web:
            command += ["--web-host", "127.0.0.1", "--web-port", "8089"]
            # Ctrl-C ends Locust alone, and what it measured is judged then.
            signal.signal(signal.SIGINT, lambda *_: None)
        else:
            command += ["--headless", "--only-summary", "--exit-code-on-error", "0"]
        told = os.environ | {"SATURDAY_GROUND": str(place), "SATURDAY_REPORT": str(report)}
        timeout = None if web else seconds + 120
        subprocess.run(command, env=told, check=False, timeout=timeout)
        if not report.exists():
            raise SystemExit("Locust ended without a report")
        found: dict[str, Any] = json.loads(report.read_bytes())
        return found


def database_p95_ms(metrics: str) -> float:
    """The 95th percentile of the statements: within its bucket as Prometheus reckons, by the share
    of the bucket's statements that are below it."""
    totals: dict[float, float] = {}
    for bound, count in BUCKET.findall(metrics):
        upper = float("inf") if bound == "+Inf" else float(bound)
        totals[upper] = totals.get(upper, 0.0) + float(count)
    if not totals:
        raise SystemExit("the service tells no times of its statements")
    enough, lower, below = 0.95 * totals[float("inf")], 0.0, 0.0
    for upper, count in sorted(totals.items()):
        if count >= enough:
            return (lower + (upper - lower) * (enough - below) / (count - below)) * 1000
        lower, below = upper, count
    raise AssertionError("the last bucket has them all")


def shares(metrics: str) -> dict[str, float]:
    """How availability was answered: `computed` is a ranking made anew, `reused` one that was known
    and picked from, `kept` the same bytes, `not_modified` none."""
    answers: dict[str, float] = {}
    for how, count in ANSWERS.findall(metrics):
        answers[how] = answers.get(how, 0.0) + float(count)
    total = sum(answers.values())
    return {how: count / total for how, count in sorted(answers.items())} if total else {}


def judged(told: dict[str, Any], metrics: str, rush: tuple[bool, int, float]) -> list[str]:
    """The table of promises is printed; the missed ones are returned."""
    errors = told["failures"] / max(1, told["requests"])
    statement, answers = database_p95_ms(metrics), shares(metrics)
    hits = 1 - answers.get("computed", 0.0) if answers else 0.0
    request, live, gaps = told["p95_ms"], told["live_p99_ms"], told["gaps"]
    asked, heard = told["requests"] > 0, told["live_frames"] > 0  # silence keeps no promise
    right, tables, latest = rush
    rows = (
        ("API, p95", f"{request:.0f} ms", "< 200 ms", asked and request < 200),
        ("database statement, p95", f"{statement:.1f} ms", "< 50 ms", statement < 50),
        ("availability from memory", f"{hits:.1%}", "> 90 %", hits > 0.9),
        ("errors", f"{errors:.3%}", "< 0.1 %", asked and errors < 0.001),
        ("live update, p99", f"{live:.0f} ms", "< 100 ms", heard and live < 100),
        (f"{AT_ONCE:,} attempts to book at once", f"{tables} in {latest:.2f} s",
         f"16, < {ALL_WITHIN_SECONDS:.0f} s", right and latest < ALL_WITHIN_SECONDS),
        ("versions missed by a screen", f"{gaps}", "0", heard and gaps == 0),
        ("screens that were cut off", f"{told['cut_off']}", "0", told["cut_off"] == 0),
    )  # fmt: skip
    print(f"\n{told['requests']} requests, {told['live_frames']} frames on screens"
          f" (p50 {told['live_p50_ms']:.0f} ms)")  # fmt: skip
    print(f"availability: {', '.join(f'{how} {part:.1%}' for how, part in answers.items())}\n")
    print(f"{'promise':<30} {'measured':>12} {'budget':>10}  verdict")
    for name, measured, budget, good in rows:
        print(f"{name:<30} {measured:>12} {budget:>10}  {'kept' if good else 'MISSED'}")
    for error in told["errors"]:
        print(f"  failed: {error}")
    return [name for name, _, _, good in rows if not good]


def bottleneck(told: dict[str, Any]) -> str | None:
    """Why what Locust measured says nothing of the service; None: it had time to spare."""
    if told["overloaded"]:
        return "Locust used up its own core"
    if told["late_p99_ms"] > LATE_MOST_MS:
        return f"Locust woke up {told['late_p99_ms']:.0f} ms too late at p99"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m load.saturday",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=whole, default=90, help="of the whole Saturday")
    parser.add_argument("--workers", type=whole, default=1, help="of the service")
    parser.add_argument("--web", action="store_true", help="Locust's page, to play with")
    given = parser.parse_args()
    if importlib.util.find_spec("locust") is None:
        raise SystemExit("Locust is not installed here: make load-tools")
    ARTEFACTS.mkdir(exist_ok=True)
    with served(given.seconds, given.workers) as (house, ground):
        encoded = msgspec.json.encode(ground)
        before = crowding()
        told = played(encoded, web=given.web, seconds=given.seconds)
        slower = (before + crowding()) / 2
        metrics = httpx.get(f"{house.origin}/metrics").text
        rush = asyncio.run(rushed(house, ground.crowd_night))
        verified = house.verifies(ground.tonight)
    missed = judged(told, metrics, rush)
    print(f"what else ran: a second of CPU took {slower:.2f} s before and after it;"
          f" Locust woke up {told['late_p99_ms']:.1f} ms late at p99")  # fmt: skip
    if not verified:
        missed.append("verify")
    if (why := bottleneck(told)) is not None:
        print(f"{why}: this says nothing of the service. Play fewer customers, or on more cores.")
        return 1
    print("every promise is kept" if not missed else "MISSED: " + ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
