"""Processes of the embedded servers: find those left over, start, wait, stop.

A process is taken for one of ours only if it runs as the servers' user, is the program in question
*and* carries the mark of its home in its command line. A number in a pid file alone proves nothing,
since numbers are used again (after a restart of a container nearly at once). The command line is
what every user may read; the links in /proc need a capability that containers withhold from root.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.embedded.binaries import EmbeddedServerError
from app.embedded.home import Account
from app.leash import leashed

POLL_SECONDS = 0.02

# What a server's log may grow to before it is cut; one older piece is kept beside it.
LOG_BYTES_MAX = 5_000_000


@dataclass(frozen=True)
class Kind:
    """What our processes of one server look like."""

    program: str  # the file's name: postgres, redis-server
    mark: str  # a text in the command line that only this home has
    uid: int

    def find(self) -> list[int]:
        """The pids of those that are running, in ascending order."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if entry.stat().st_uid != self.uid:
                    continue
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:  # gone in the meantime
                continue
            # Postgres' children show "postgres: <cluster name>: ..." in place of their arguments.
            name = Path(line.split("\0")[0].split(": ")[0]).name
            if name == self.program and self.mark in line:
                found.append(int(entry.name))
        return sorted(found)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """True as soon as `condition` is; False when `seconds` have passed without it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; a process that is gone is what was wanted."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def stop_leftovers(
    kind: Kind, first: int | None, steps: Sequence[tuple[signal.Signals, float]]
) -> list[int]:
    """End every process of `kind`; returns the pids that were found.

    `first` (from a pid file) gets the signals of `steps`, each with its patience in seconds; what
    is left at the end is killed.
    """
    found = kind.find()
    if not found:
        return []
    for number, seconds in steps:
        if first is not None and first in kind.find():
            send(first, number)
        if wait_until(lambda: not kind.find(), seconds):
            return found
    for pid in kind.find():
        send(pid, signal.SIGKILL)
    if not wait_until(lambda: not kind.find(), 5.0):
        left = ", ".join(map(str, kind.find()))
        raise EmbeddedServerError(
            f"{kind.program} of an earlier run is still there and cannot be ended: process {left}."
        )
    return found


def start_leashed(
    arguments: list[str],
    *,
    folder: Path,
    log: Path,
    account: Account | None,
    stop_signal: signal.Signals,
) -> subprocess.Popen[bytes]:
    """Start a server in `folder`, its output at the end of `log`, ending with this process.

    Its environment holds the locale and PATH only: none of the caller's PG* variables reaches it.
    """
    command = leashed(
        arguments, stop_signal=stop_signal, user=None if account is None else account.user
    )
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
        )
    finally:
        os.close(descriptor)


def stop(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send the signals of `steps` until the process has ended; then kill it."""
    for number, seconds in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def bound_log(log: Path) -> None:
    """Cut a log that has grown past its limit, keeping what it had in `<log>.1`.

    The server appends to the same open file, so it goes on writing at the new end.
    """
    try:
        if log.stat().st_size <= LOG_BYTES_MAX:
            return
        log.with_name(log.name + ".1").write_bytes(log.read_bytes()[-LOG_BYTES_MAX:])
        os.truncate(log, 0)
    except FileNotFoundError:
        return


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return "(no log)"
