"""What every test may use: real Postgres and Redis, a database of its own, and its settings.

`servers` starts one embedded pair for the whole run (no fsync, a folder of its own, gone at the
end). `template` is migrated once; `database` clones it for each test, which takes some 30 ms.
The environment is cleared of the service's variables on import, so that no test can ever reach a
venue's own servers.
"""

import asyncio
import itertools
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
import redis

from app.embedded.servers import EmbeddedServers, URLs
from app.settings import Settings
from tests import needs

for _item in fields(Settings):
    os.environ.pop(_item.metadata["variable"], None)

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("backroom", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("backroom")

PERSON_KEYS = "test:" + secrets.token_hex(32)

MEMORY_BYTES = 4 << 30
_numbers = itertools.count(1)


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`, run to its end on an event loop of its own in a thread of its own.

    So a plain fixture can await whatever loop the test itself has (pytest-asyncio's, Playwright's).
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def _drop(url: str, name: str) -> None:
    try:
        await _execute(url, f"DROP DATABASE {name} WITH (FORCE)")
    except asyncpg.InsufficientPrivilegeError:
        # An autovacuum worker was in it, which only a superuser may terminate; a plain DROP waits.
        await _execute(url, f"DROP DATABASE {name}")


def scratch_place() -> Path:
    """Where the session's servers have their files: in memory if there is room.

    A copy of the template takes 40 ms there, and 150 to 400 ms on a busy disk.
    """
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES:
        return memory
    return Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedServers]:
    """The running servers themselves, for tests that look at or disturb them."""
    # Not below pytest's own folder: as root the servers run as a user who cannot pass it.
    data_dir = scratch_place() / f"backroom-test-{secrets.token_hex(4)}"
    running = EmbeddedServers(data_dir, scratch=True)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


@pytest.fixture(scope="session")
def servers(embedded: EmbeddedServers) -> URLs:
    """The addresses of the session's servers; the database there is empty. Prefer `database`."""
    return embedded.urls()


@pytest.fixture(scope="session")
def template(embedded: EmbeddedServers) -> str:
    """The name of a migrated database that nobody is connected to."""
    from app.db.migrate import migrate  # noqa: PLC0415 - tests without a database need no migrations

    name = "template_backroom"
    in_thread(_execute(embedded.urls().owner, f"CREATE DATABASE {name}"))
    in_thread(migrate(embedded.urls(name).owner))
    return name


class Larder:
    """Migrated databases, one always in the making while a test runs.

    As files they are copied in half the time that the log would take.
    """

    def __init__(self, owner: str, template: str) -> None:
        self._owner = owner
        self._template = template
        self._hands = ThreadPoolExecutor(1)
        self._next = self._hands.submit(self._make)
        self._thrown: list[Future[None]] = []

    def take(self) -> str:
        """The name of a database that nobody else has."""
        name = self._next.result()
        self._next = self._hands.submit(self._make)
        return name

    def throw_away(self, name: str) -> None:
        self._thrown.append(self._hands.submit(lambda: asyncio.run(_drop(self._owner, name))))

    def close(self) -> None:
        self._hands.shutdown()
        for done in self._thrown:
            done.result()

    def _make(self) -> str:
        name = f"test_{next(_numbers)}"
        asyncio.run(
            _execute(
                self._owner, f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy"
            )
        )
        return name


@pytest.fixture(scope="session")
def larder(embedded: EmbeddedServers, template: str) -> Iterator[Larder]:
    stocked = Larder(embedded.urls().owner, template)
    yield stocked
    stocked.close()


@pytest.fixture
def database(embedded: EmbeddedServers, larder: Larder) -> Iterator[URLs]:
    """A migrated database for this test alone; the addresses for each role, and of Redis."""
    name = larder.take()
    yield embedded.urls(name)
    larder.throw_away(name)


@pytest.fixture
def redis_url(servers: URLs) -> str:
    """The address of an empty Redis. Tests take turns: it is emptied before each that asks."""
    with redis.Redis.from_url(servers.redis) as client:
        client.flushall()
    return servers.redis


@pytest.fixture
def settings(database: URLs, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of a service on this test's database and Redis."""
    return replace(
        Settings.from_environment({"BACKROOM_DATA": str(tmp_path), "PERSON_KEYS": PERSON_KEYS}),
        database_url=database.app,
        owner_database_url=database.owner,
        listen_database_url=database.app,
        jobs_database_url=database.jobs,
        auth_database_url=database.auth,
        redis_url=redis_url,
        secret=secrets.token_hex(32),
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place for data directories that every user can pass (as root the servers are another)."""
    place = Path(tempfile.mkdtemp(prefix="backroom-"))
    place.chmod(0o755)
    yield place
    for link in place.rglob("servers"):
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def made_data() -> Iterator[Path]:
    """A data directory that has been started once and stopped; to be copied, not used."""
    place = Path(tempfile.gettempdir()) / f"backroom-made-{secrets.token_hex(4)}"
    with EmbeddedServers(place, scratch=True):
        pass
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def data(folder: Path, made_data: Path) -> Path:
    """A data directory of this test's own whose Postgres is made already, which saves a second."""
    place = folder / "data"
    subprocess.run(["/bin/cp", "-a", str(made_data), str(place)], check=True)
    return place


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The Chromium to drive; without one the test is skipped, and fails under CI."""
    return needs.chromium()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold back the tests whose system package is missing, before their fixtures cost anything."""
    if item.get_closest_marker("browser"):
        needs.chromium()
    if item.get_closest_marker("camera"):
        needs.opencv()
