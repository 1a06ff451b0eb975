"""The embedded Redis: a disposable copy of the live state, so nothing of it is written to disk.

It listens on a Unix socket only, asks for a password, and refuses writes when its memory is full
rather than forgetting what a screen is looking at (the projector then rebuilds from Postgres).
"""

import os
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from app.embedded import processes
from app.embedded.binaries import EmbeddedServerError, copy_program, find_redis
from app.embedded.home import Home

START_SECONDS_MAX = 20.0
STOP_STEPS = ((signal.SIGTERM, 5.0),)

# A night's state and stream take some 10 MB at most; the rest is room for slow subscribers.
MEMORY_MAX = "256mb"

CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
dir "{folder}"
pidfile "{folder}/redis.pid"
daemonize no
set-proc-title no
databases 16
save ""
appendonly no
maxmemory {memory}
maxmemory-policy noeviction
client-output-buffer-limit pubsub 16mb 4mb 20
loglevel notice
"""


class Redis:
    """One Redis server in a home. Not thread-safe; used from the main thread (see leash)."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._socket = home.sockets / "redis.sock"
        self._configuration = home.top / "redis.conf"
        self._log = home.top / "log" / "redis.log"
        self._kind = processes.Kind("redis-server", str(self._configuration), home.uid)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self._log

    @property
    def pid(self) -> int | None:
        """The server's pid while it is running under this object."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self) -> str:
        """The address to connect to, its password included; a secret."""
        return f"unix://:{self._home.secrets()['redis']}@{quote(str(self._socket))}"

    def launch(self) -> None:
        """End leftovers and start the server; does not wait. Raises EmbeddedServerError."""
        program = find_redis()
        if not self._home.may_read(program):
            program = copy_program(program, self._home.top / "programs" / "redis" / program.name)
        folder = self._home.own_folder("redis")
        processes.stop_leftovers(self._kind, self._pid_on_file(folder), STOP_STEPS)
        # A socket file left behind by a kill would look like a server that hangs.
        self._socket.unlink(missing_ok=True)
        processes.bound_log(self._log)
        self._write_configuration(folder)
        self._process = processes.start_leashed(
            [str(program), str(self._configuration)],
            folder=folder,
            log=self._log,
            account=self._home.account,
            stop_signal=signal.SIGTERM,
        )

    def wait_until_ready(self) -> None:
        """Return when the server answers PING. Raises EmbeddedServerError, with its log's end."""
        processes.wait_until(lambda: self._answers() or not self.is_running, START_SECONDS_MAX)
        if not (self.is_running and self._answers()):
            self.stop()
            raise EmbeddedServerError(
                f"Redis did not start. The end of {self._log}:\n" + processes.last_lines(self._log)
            )

    def stop(self) -> None:
        """End the server; its content goes with it."""
        if self._process is not None:
            processes.stop(self._process, STOP_STEPS)
            self._process = None

    def _pid_on_file(self, folder: Path) -> int | None:
        try:
            return int((folder / "redis.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _answers(self) -> bool:
        password = self._home.secrets()["redis"]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(1.0)
                link.connect(str(self._socket))
                link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = b""
                while b"+PONG" not in answer:
                    piece = link.recv(256)
                    if not piece:
                        return False
                    answer += piece
        except OSError:
            return False
        return True

    def _write_configuration(self, folder: Path) -> None:
        text = CONFIGURATION.format(
            socket=self._socket,
            folder=folder,
            password=self._home.secrets()["redis"],
            memory=MEMORY_MAX,
        )
        # It holds the password: no one but the servers' user may read it, before it is written.
        self._configuration.unlink(missing_ok=True)
        self._configuration.touch(mode=0o600)
        if self._home.account is not None:
            self._configuration.chmod(0o640)
            os.chown(self._configuration, -1, self._home.account.gid)
        self._configuration.write_text(text)
