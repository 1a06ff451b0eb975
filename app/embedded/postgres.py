"""The embedded Postgres: made once, started, stopped, recovered.

It listens on a Unix socket only and asks every role for its password (SCRAM). The four roles of the
service are ordinary ones; the superuser that initdb makes exists for that moment alone: the roles
are created in single-user mode, over no connection, and after that it cannot log in.
"""

import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from app.embedded import processes
from app.embedded.binaries import (
    POSTGRES_MAJOR,
    EmbeddedServerError,
    copy_postgres,
    find_postgres,
)
from app.embedded.home import Home
from app.leash import leashed

DATABASE = "backroom"
PORT = 5432  # names the socket file; nothing listens on a network
SOCKET_LOCK = f".s.PGSQL.{PORT}.lock"
SUPERUSER = "postgres"
ROLES = ("owner", "app", "jobs", "auth")

# Crash recovery replays at most max_wal_size, which takes seconds; a slow disk gets its time.
START_SECONDS_MAX = 120.0

# A fast shutdown ends every session and writes a checkpoint; then ever less polite.
STOP_STEPS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))

CREATE_ROLE_SQL = "CREATE ROLE {role} LOGIN NOSUPERUSER {createdb} PASSWORD '{password}';"

# Run in single-user mode, where a statement ends with a semicolon and an empty line.
CREATE_DATABASE_SQL = f"""\
CREATE DATABASE {DATABASE} OWNER owner;

REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;

GRANT CONNECT ON DATABASE {DATABASE} TO app, jobs, auth;

ALTER ROLE {SUPERUSER} NOLOGIN;
"""

SETTINGS = {
    "listen_addresses": "",  # the socket is the only way in
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",  # 8 workers with every pool full, and room for psql
    "shared_buffers": "128MB",  # a season of nights fits
    "max_wal_size": "256MB",  # bounds disk and recovery time
    "min_wal_size": "32MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # no query here runs long enough to repay it
    "max_logical_replication_workers": "0",  # one idle process less
    "io_method": "sync",  # everything is in memory: no idle I/O processes
    "max_parallel_workers_per_gather": "0",  # as above, and the commits want the processors
    # The log carries no personal data: no statement, no parameter, no row in a message's detail.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "%m [%p] %u ",
}

SAFE_SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

# For tests: what a power cut destroys is thrown away anyway.
SCRATCH_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}


class Postgres:
    """One Postgres server in a home. Not thread-safe; used from the main thread (see leash)."""

    def __init__(self, home: Home, *, scratch: bool = False) -> None:
        self._home = home
        self._scratch = scratch
        self._data = home.top / "postgres"
        self._log = home.top / "log" / "postgres.log"
        self._kind = processes.Kind("postgres", home.mark, home.uid)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self._log

    @property
    def pid(self) -> int | None:
        """The postmaster's pid while it is running under this object."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address to connect as `role`, its password included; a secret."""
        password = self._home.secrets()[role]
        folder = quote(str(self._home.sockets), safe="")
        return f"postgresql://{role}:{password}@/{database}?host={folder}&port={PORT}"

    def launch(self) -> None:
        """Make the data directory if there is none, end leftovers, start the server.

        Does not wait; `wait_until_ready` does. Raises EmbeddedServerError: it cannot be made, or
        holds the data of another version.
        """
        prefix = find_postgres()
        if not self._home.may_read(prefix / "bin" / "postgres"):
            prefix = copy_postgres(prefix, self._home.top / "programs" / "postgres")
        processes.stop_leftovers(self._kind, self._pid_on_file(), STOP_STEPS)
        if not (self._data / "PG_VERSION").exists():
            self._create(prefix)
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != str(POSTGRES_MAJOR):
            raise EmbeddedServerError(
                f"{self._data} was made by Postgres {found}, and this is {POSTGRES_MAJOR}. Dump it "
                f"with Postgres {found} and restore it, or choose another folder with "
                "BACKROOM_DATA."
            )
        # None of ours is running, so both files that hold its number are a dead one's. The number
        # may be in use by a stranger by now, or by the dead one itself until its new parent takes
        # note; at either Postgres would refuse to start.
        for lock in (self._data / "postmaster.pid", self._home.sockets / SOCKET_LOCK):
            lock.unlink(missing_ok=True)
        processes.bound_log(self._log)
        self._write_configuration()
        self._process = processes.start_leashed(
            [
                str(prefix / "bin" / "postgres"),
                "-D", str(self._data),
                "-c", f"config_file={self._home.top / 'postgresql.conf'}",
                "-c", f"cluster_name={self._home.mark}",
            ],
            folder=self._data,
            log=self._log,
            account=self._home.account,
            stop_signal=signal.SIGINT,
        )  # fmt: skip

    def wait_until_ready(self) -> None:
        """Return when the server accepts connections.

        Raises EmbeddedServerError: it ended, or is not ready in time; with the end of its log.
        """
        processes.wait_until(lambda: self._says_ready() or not self.is_running, START_SECONDS_MAX)
        if not (self.is_running and self._says_ready()):
            self.stop()
            raise EmbeddedServerError(
                f"Postgres did not start. The end of {self._log}:\n"
                + processes.last_lines(self._log)
            )

    def stop(self) -> None:
        """End the server; what was committed is on disk."""
        if self._process is not None:
            processes.stop(self._process, STOP_STEPS)
            self._process = None

    def _pid_on_file(self) -> int | None:
        try:
            return int((self._data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def _says_ready(self) -> bool:
        # The eighth line of postmaster.pid is the postmaster's state ("Writing the pid file", the
        # sources' miscadmin.h); pg_ctl waits for the same.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(lines) >= 8
            and self._process is not None
            and lines[0].strip() == str(self._process.pid)
            and lines[7].strip() == "ready"
        )

    def _write_configuration(self) -> None:
        values = SETTINGS | (SCRATCH_SETTINGS if self._scratch else SAFE_SETTINGS)
        access = self._home.top / "pg_hba.conf"
        values |= {
            "unix_socket_directories": f'"{self._home.sockets}"',
            "hba_file": str(access),
        }
        lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
        self._write_shared(self._home.top / "postgresql.conf", "\n".join(lines) + "\n")
        self._write_shared(access, f"local all {SUPERUSER} reject\nlocal all all scram-sha-256\n")

    def _write_shared(self, file: Path, text: str) -> None:
        """Write a file that the servers' user may read; their folder keeps all others out."""
        file.write_text(text)
        file.chmod(0o644)

    def _create(self, prefix: Path) -> None:
        """Make the data directory beside its place and move it there when it is complete."""
        unfinished = self._home.top / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._home.own_folder(unfinished.name)
        secrets = self._home.secrets()
        self._run(
            [
                str(prefix / "bin" / "initdb"),
                "--pgdata", str(unfinished),
                "--username", SUPERUSER,
                "--auth", "reject",
                "--encoding", "UTF8",
                # Letters of every alphabet fold and match, and the order is the same everywhere.
                "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
                "--no-instructions",
                *(["--no-sync"] if self._scratch else []),
            ],
            unfinished,
        )  # fmt: skip
        createdb = "CREATEDB" if self._scratch else "NOCREATEDB"
        roles = [
            CREATE_ROLE_SQL.format(
                role=role,
                createdb=createdb if role == "owner" else "NOCREATEDB",
                password=secrets[role],
            )
            for role in ROLES
        ]
        self._run(
            [
                str(prefix / "bin" / "postgres"), "--single", "-j",
                "-D", str(unfinished), "-c", "exit_on_error=on", "postgres",
            ],
            unfinished,
            "\n\n".join([*roles, CREATE_DATABASE_SQL]),
        )  # fmt: skip
        unfinished.rename(self._data)

    def _run(self, arguments: list[str], folder: Path, text: str = "") -> None:
        account = self._home.account
        done = subprocess.run(
            leashed(
                arguments,
                stop_signal=signal.SIGKILL,
                user=None if account is None else account.user,
            ),
            cwd=folder,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if "PASSWORD" not in line]
            raise EmbeddedServerError(
                f"{Path(arguments[0]).name} could not make the database:\n" + "\n".join(said[-12:])
            )


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
