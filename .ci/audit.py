"""Look up known faults (CVE, PYSEC, GHSA) of every package that is locked, by pip-audit.

Three outcomes, and one line for each of them:
    nothing known      exit 0
    something known    exit 1, and each finding on a line
    not looked up      exit 0: no list of faults can be reached from here, or pip-audit itself
                       cannot be installed. Whoever releases looks at this line.

pip-audit calls it "no known vulnerabilities" when the list that it asked knows none of the
packages, as the mirror of a registry does. That is the third outcome, not the first.

It does not see C libraries inside wheels (OpenCV's, PostgreSQL's, Redis's): those are watched by
their own announcements.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-load.lock", "requirements-audit.lock")
SOURCES = ("pypi", "osv")  # the second is asked when the first does not answer
ANSWER_SECONDS = 5  # of the source, for one package
RUN_SECONDS = 180  # one lock has some eighty packages
INSTALL_SECONDS = 300


@dataclass
class Outcome:
    """`findings` are told; with `looked_up` 0 nothing was found out."""

    looked_up: int = 0
    unknown: list[str] = field(default_factory=list)  # to the source
    findings: list[str] = field(default_factory=list)
    why: str = ""  # nothing was looked up


def outcome_of(text: str, complaint: str) -> Outcome:
    """What pip-audit's JSON says; `complaint` is what it wrote beside it."""
    try:
        dependencies = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        lines = complaint.strip().splitlines()
        # Of a traceback the last line, and of that the error's name.
        return Outcome(why=lines[-1].partition(":")[0][:80] if lines else "no answer")
    outcome = Outcome()
    for one in dependencies:
        if "skip_reason" in one:
            outcome.unknown.append(one["name"])
            continue
        outcome.looked_up += 1
        for fault in one["vulns"]:
            mended = ", ".join(fault["fix_versions"]) or "no version"
            outcome.findings.append(
                f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}"
            )
    if not outcome.looked_up:
        outcome.why = "knows none of the packages"
    return outcome


def audit(program: list[str], lock: Path) -> Outcome:
    """The outcome for one lock, by the first source that answers."""
    reasons = []
    for source in SOURCES:
        command = [
            *program, "--requirement", str(lock), "--require-hashes", "--disable-pip",
            "--vulnerability-service", source, "--timeout", str(ANSWER_SECONDS),
            "--format", "json", "--progress-spinner", "off",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=RUN_SECONDS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reasons.append(f"{source}: {type(error).__name__}")
            continue
        outcome = outcome_of(done.stdout, done.stderr)
        if outcome.looked_up:
            return outcome
        reasons.append(f"{source}: {outcome.why}")
    return Outcome(why="; ".join(reasons))


def installed(environment: Path) -> Path | None:
    """pip-audit in an environment of its own, made again when its lock changes; None: it cannot."""
    lock = ROOT / "requirements-audit.lock"
    mark = environment / "lock"
    program = environment / "bin" / "pip-audit"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if program.exists() and mark.exists() and mark.read_text() == wanted:
        return program
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    options = ["--disable-pip-version-check", "--retries", "1", "--no-deps", "--require-hashes"]
    try:
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(environment)],
            [*pip, *options, "-r", str(lock)],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    mark.write_text(wanted)
    return program


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Look up known faults of what is locked.")
    parser.add_argument("--environment", type=Path, default=ROOT / ".audit")
    parser.add_argument("--program", nargs="+", help="instead of pip-audit of that environment")
    options = parser.parse_args(arguments)
    program = options.program
    if program is None:
        made = installed(options.environment)
        if made is None:
            print("audit: not looked up, pip-audit cannot be installed here")
            return 0
        program = [str(made)]
    found: set[str] = set()
    for name in LOCKS:
        outcome = audit(program, ROOT / name)
        found.update(outcome.findings)
        if not outcome.looked_up:
            print(f"audit: {name} and what follows not looked up ({outcome.why})")
            break
        beside = f"; not in the list: {', '.join(outcome.unknown)}" if outcome.unknown else ""
        told = f"{len(outcome.findings)} known faults" if outcome.findings else "nothing known"
        print(f"audit: {name}, {outcome.looked_up} packages: {told}{beside}")
    for finding in sorted(found):
        print(f"audit: {finding}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
