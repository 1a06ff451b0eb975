"""Postgres and Redis in a folder: started together, kept running, stopped together."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.embedded.binaries import AlreadyRunning, EmbeddedServerError
from app.embedded.home import Home, prepare_home
from app.embedded.postgres import Postgres
from app.embedded.processes import bound_log
from app.embedded.redis_server import Redis

# A server that falls over this often within the window is broken, not unlucky; one that does not
# come up again at all is found broken at once.
RESTARTS_MAX = 20
RESTART_WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class URLs:
    """Where the servers are, by role, passwords included. Empty for one that was not asked for."""

    owner: str
    app: str
    jobs: str
    auth: str
    redis: str

    def __repr__(self) -> str:
        return "URLs(...)"

    def environment(self) -> dict[str, str]:
        """As the variables that `app.settings` reads; only those that are known."""
        values = {
            "DATABASE_URL": self.app,
            "OWNER_DATABASE_URL": self.owner,
            "JOBS_DATABASE_URL": self.jobs,
            "AUTH_DATABASE_URL": self.auth,
            "REDIS_URL": self.redis,
        }
        return {name: value for name, value in values.items() if value}


class EmbeddedServers:
    """The embedded servers of one data directory.

    `scratch=True` is for tests: no fsync, and the role `owner` may create databases. The servers
    end with the process (in fact: the thread) that calls `start`, even if it is killed; so that has
    to be the main thread. Two data directories do not disturb each other; one has one user at a
    time, held by a lock.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        with_postgres: bool = True,
        with_redis: bool = True,
        scratch: bool = False,
    ) -> None:
        self._data_dir = data_dir
        self._with_postgres = with_postgres
        self._with_redis = with_redis
        self._scratch = scratch
        self._home: Home | None = None
        self._lock: int | None = None
        self._restarts: list[float] = []
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None

    @property
    def home(self) -> Home:
        """The servers' folder; made on first use."""
        if self._home is None:
            self._home = prepare_home(self._data_dir.absolute())
        return self._home

    def claim(self) -> None:
        """Make the folder and take it for this process, before anything else is begun.

        Raises AlreadyRunning; EmbeddedServerError: no folder can be had.
        """
        if self._lock is None:
            self._lock = self.home.lock()

    def start(self) -> URLs:
        """Start the servers, wait until both answer, and say where they are.

        An earlier run's servers that are still there are stopped first. Raises EmbeddedServerError
        with the reason (another process runs here, a server did not start); nothing is left
        running then.
        """
        self.claim()
        try:
            self._name_servers()
            for server in self._servers():
                server.launch()
            for server in self._servers():
                server.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self.urls()

    def attach(self) -> URLs:
        """Where the servers are that another process runs here; nothing is started or stopped."""
        self._name_servers()
        return self.urls()

    def urls(self, database: str | None = None) -> URLs:
        """The addresses, of another database of the same server if one is named."""

        def of(role: str) -> str:
            if self.postgres is None:
                return ""
            return self.postgres.url(role, database) if database else self.postgres.url(role)

        return URLs(
            owner=of("owner"),
            app=of("app"),
            jobs=of("jobs"),
            auth=of("auth"),
            redis=self.redis.url() if self.redis else "",
        )

    def secret(self) -> str:
        """64 hexadecimal digits, made once per data directory: the service's key material."""
        return self.home.secrets()["service"]

    def person_keys(self) -> str:
        """The keys that personal data is sealed under, in the form of PERSON_KEYS."""
        return self.home.secrets()["person_keys"]

    def add_person_key(self, key: str) -> None:
        """The key is the first from the next start on; the others still open."""
        self.home.add_person_key(key)

    def knows_its_keys(self) -> bool:
        """False if the service runs here, and was started before its newest key was made."""
        try:
            descriptor = self.home.lock()
        except AlreadyRunning:
            return self.home.secrets_are_older_than_lock()
        # Nobody runs here; taking the lock has written into the file, which the next start does.
        os.close(descriptor)
        return True

    def tend(self) -> list[str]:
        """Start again what has ended and bound the logs; returns a sentence for each restart.

        To be called every second or so. Raises EmbeddedServerError when a server keeps ending.
        """
        said = []
        for server in self._servers():
            if server.is_running:
                bound_log(server.log)
                continue
            name = type(server).__name__
            now = time.monotonic()
            self._restarts = [at for at in self._restarts if now - at < RESTART_WINDOW_SECONDS]
            if len(self._restarts) >= RESTARTS_MAX:
                raise EmbeddedServerError(
                    f"{name} ended {RESTARTS_MAX} times within {RESTART_WINDOW_SECONDS:.0f} s. "
                    f"See {server.log}."
                )
            self._restarts.append(now)
            server.launch()
            server.wait_until_ready()
            said.append(f"{name} had ended and was started again.")
        return said

    def stop(self) -> None:
        """Stop the servers, Redis first; safe to call at any time and again."""
        for server in reversed(self._servers()):
            server.stop()
        if self._lock is None:
            return
        if self.home.sockets.parent != self.home.top:
            # The short folder in the temporary one goes too; the next start makes it again.
            for left in self.home.sockets.iterdir():
                left.unlink(missing_ok=True)
            self.home.sockets.rmdir()
        self._home = None
        os.close(self._lock)
        self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _name_servers(self) -> None:
        if self._with_postgres:
            self.postgres = Postgres(self.home, scratch=self._scratch)
        if self._with_redis:
            self.redis = Redis(self.home)

    def _servers(self) -> list[Postgres | Redis]:
        return [server for server in (self.postgres, self.redis) if server is not None]
