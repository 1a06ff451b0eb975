"""The whole service as processes, as a person starts it: `backroom serve` with demo data.

Nothing of the service runs in the test's own process. Everything is reached as from outside: over
HTTP, by signals, and by the database's own port.
"""

import itertools
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from app.embedded.servers import EmbeddedServers, URLs

ROOT = Path(__file__).resolve().parents[1]
ARTEFACTS = ROOT / "artefacts"
PATIENCE_SECONDS = 30.0
FIRST_SATURDAY = date(2030, 6, 15)

_addresses = itertools.count(1)
# In summer time alone, so that an hour written down means the same in every test, however many
# came before it. Nights in winter and on the days of the change are tested where they matter.
_saturdays = (
    day
    for day in (FIRST_SATURDAY + timedelta(weeks=week) for week in itertools.count())
    if day.month in range(4, 10)
)


def address() -> str:
    """A customer's address that nobody has had: each has limits of its own."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The condition's value as soon as it is true; fails when that takes too long."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {seconds:.0f} s"
        pause.wait(0.02)
    return value


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


class Premises:
    """One data directory with its service; started and stopped as often as a test likes."""

    def __init__(self, name: str, *, workers: int = 1) -> None:
        self.name = name
        # As root the servers are another user, who must be able to pass.
        self.place = Path(tempfile.mkdtemp(prefix="backroom-whole-"))
        self.place.chmod(0o755)
        self.data = self.place / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.origin = f"http://127.0.0.1:{self.port}"
        self.token = secrets.token_hex(32)
        self.workers_wanted = workers
        self.process: subprocess.Popen[bytes] | None = None
        self.night = ""
        self.last_told = ""  # by /health/ready

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "BACKROOM_DATA": str(self.data),
            "BACKROOM_DEMO": "1",
            "BACKROOM_DEMO_TOKEN": self.token,
            "PORT": str(self.port),
            "WORKERS": str(self.workers_wanted),
            "TRUSTED_PROXIES": "127.0.0.1",
            "LOG_LEVEL": "warning",
        }

    # -- its life ---------------------------------------------------------------------------------

    def start(self) -> None:
        with (self.place / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=ROOT, env=self.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        wait_for(lambda: self.process_ended() or self.is_ready(), f"ready:\n{self.said()[-3000:]}")
        assert not self.process_ended(), self.said()[-3000:]

    def process_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def is_ready(self) -> bool:
        try:
            answer = httpx.get(f"{self.origin}/health/ready", timeout=2)
        except httpx.TransportError:
            return False
        self.last_told = answer.text
        return answer.status_code == 200

    def await_ready(self) -> None:
        """A worker answers that all it needs is there; fails with what it said instead."""
        try:
            wait_for(self.is_ready, "readiness")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.last_told}") from None

    def said(self) -> str:
        """Everything that it and its workers have printed."""
        return (self.place / "output").read_text(errors="replace")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ended by the signal; the exit status."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_SECONDS)

    def clear(self) -> None:
        """Nothing of it is left, whatever a test did to it."""
        if not self.process_ended():
            self.stop()
        ARTEFACTS.mkdir(exist_ok=True)
        shutil.copy(self.place / "output", ARTEFACTS / f"service-{self.name}.log")
        shutil.rmtree(self.place, ignore_errors=True)

    def workers(self) -> list[int]:
        """The pids of the workers of the running parent."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().decode().split("\0")
                except OSError:
                    continue
                if "worker" in line and line[-3:-1] == ["--parent", str(self.process.pid)]:
                    found.append(int(entry.name))
        return sorted(found)

    def postgres_pid(self) -> int:
        path = self.data / "servers" / "postgres" / "postmaster.pid"
        return int(path.read_text().split()[0])

    def urls(self) -> URLs:
        return EmbeddedServers(self.data).attach()

    def servers(self) -> EmbeddedServers:
        return EmbeddedServers(self.data)

    # -- people -----------------------------------------------------------------------------------

    def client(self, **more: Any) -> httpx.Client:
        """A browser's requests without the browser, from an address of its own."""
        headers = {"Origin": self.origin, "X-Forwarded-For": address()}
        return httpx.Client(base_url=self.origin, headers=headers, timeout=10, **more)

    def link(self, role: str = "MANAGER") -> str:
        """The token of a fresh single-use sign-in link."""
        return self.account(role)["link"]

    def account(self, role: str) -> dict[str, str]:
        """An account of the demo: name, role, a fresh link, and the PIN."""
        with self.client() as http:
            answer = http.post("/v1/demo/links", json={"token": self.token})
        answer.raise_for_status()
        found: dict[str, str] = next(one for one in answer.json()["links"] if one["role"] == role)
        return found

    @contextmanager
    def desk(self, role: str = "MANAGER") -> Iterator[httpx.Client]:
        """Somebody of the staff, signed in."""
        link = self.link(role)
        with self.client() as http:
            http.post("/v1/session", json={"link": link}).raise_for_status()
            yield http

    @contextmanager
    def office(self) -> Iterator[httpx.Client]:
        """Somebody who may administer, and has just shown it."""
        account = self.account("SUPER_ADMIN")
        with self.client() as http:
            http.post("/v1/session", json={"link": account["link"]}).raise_for_status()
            http.post("/v1/session/elevate", json={"pin": account["pin"]}).raise_for_status()
            yield http

    def added(self, kind: str, name: str, door: str = "main") -> dict[str, Any]:
        """A device that a manager added, with its pairing code."""
        with self.desk() as desk:
            body = {"name": name, "kind": kind, "door": door}
            answer = desk.post("/v1/devices", json=body, headers=key())
            answer.raise_for_status()
            made: dict[str, Any] = answer.json()
            return made

    def set_clock(self, shown_at: str, speed: float = 1) -> None:
        body = {"token": self.token, "shown_at": shown_at, "speed": speed}
        with self.client() as http:
            http.post("/v1/demo/clock", json=body).raise_for_status()

    def open_night(self) -> str:
        """A Saturday that nobody has used is open and tonight; it is half past ten there."""
        while True:
            night = next(_saturdays).isoformat()
            self.set_clock(f"{night}T21:30:00.000Z")
            with self.desk() as desk:
                answer = desk.post("/v1/nights", json={"night": night}, headers=key())
            if answer.status_code != 409:  # open already: a test booked weeks ahead
                break
        answer.raise_for_status()
        with self.desk() as desk:
            wait_for(lambda: desk.get("/v1/nights").json()["tonight"] == night, "tonight")
        self.night = night
        return night

    def verify(self, night: str | None = None) -> "subprocess.CompletedProcess[str]":
        """`backroom verify` of the night, as a person would ask."""
        return subprocess.run(
            [sys.executable, "-m", "app", "verify", "--night", night or self.night],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    def assert_agrees(self) -> None:
        """Rows, book, live copy and hash chain of tonight say the same."""
        done = self.verify()
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"rows = fold = Redis = hash chain", done.stdout), done.stdout
