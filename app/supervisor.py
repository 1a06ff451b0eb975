"""The parent of `backroom serve`: one socket, the servers, the workers, and their orderly end.

    start  bind the port -> embedded servers (if no URL is given) -> migrate -> workers -> ready
    run    a worker, a server or the demo player that ends is started again, ever later
    stop   SIGTERM to player and workers -> they drain -> Postgres and Redis stop -> exit

The parent answers no request. Workers inherit the listening socket, so that a port is bound once
and a restarted worker takes over where the old one stopped. All of them are in sessions of their
own: Ctrl-C reaches the parent alone. All are leashed to it, so that its `kill -9` leaves nothing.
"""

import contextlib
import errno
import http.client
import math
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.backing import (
    CannotServe,
    embedded_servers,
    judge_keys,
    prepare_database,
    refusing,
    say,
    with_kept_keys,
    with_servers,
    with_stand_in,
)
from app.settings import Settings

if TYPE_CHECKING:
    from app.embedded.servers import EmbeddedServers

# Sockets get `bye` and a second to leave, requests in flight their end; then the worker is killed.
DRAIN_SECONDS = 10.0

# An earlier run that was killed lets go of the port within this, while its workers drain.
PORT_PATIENCE_SECONDS = 3.0

READY_SECONDS_MAX = 60.0
READY_POLL_SECONDS = 0.1
TICK_SECONDS = 0.5

# A child that lived this long had started well; the waits begin again at the first.
STEADY_SECONDS = 20.0
RESTART_WAITS_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
# Only until the service was ready once. After that a worker that cannot start has lost something
# that comes back (a database elsewhere), and is tried again every 5 s for as long as it takes.
FAILED_STARTS_MAX = 6

# As many connections as may wait while every worker is busy or being replaced.
BACKLOG = 1024


class _Stop(BaseException):
    """A signal asks to stop while the service is still starting."""


@dataclass
class _Child:
    """A process that is to be there: a worker, the demo player, what stands in for Stripe."""

    name: str
    arguments: list[str]
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failed_starts: int = 0
    due_at: float = 0.0
    finished: bool = False  # ended by itself and well, and need not come back

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """One `serve` (or `demo`, with `play`) from start to end; used once, in the main thread."""

    settings: Settings
    play: bool = False
    _children: list[_Child] = field(default_factory=list)
    _servers: "EmbeddedServers | None" = None
    _stopping: int = 0
    _starting: bool = True
    _was_ready: bool = False

    def run(self) -> int:
        """Serve until a signal; returns the exit status. Raises CannotServe."""
        with self._signals() as wakeup, contextlib.ExitStack() as stack:
            stack.callback(self._end)
            try:
                self._claim()
                listener = stack.enter_context(bind(self.settings))
                self._prepare()
                self._spawn_workers(listener)
                self._starting = False
                self._await_ready(wakeup)
                while not self._stopping:
                    self._tend()
                    _sleep(wakeup, self._pause())
            except _Stop:
                pass
            say("Stopping: screens are told, work in progress is finished.")
        say("Stopped.")
        return 0

    def _claim(self) -> None:
        """Of two starts on one data directory the second is told so before it does anything."""
        judge_keys(self.settings)
        self._servers = embedded_servers(self.settings)
        if self._servers is not None:
            with refusing():
                self._servers.claim()

    def _prepare(self) -> None:
        """Servers and schema are there; `self.settings` is complete."""
        settings = self.settings
        external = bool(settings.database_url)
        if self._servers is not None:
            with refusing():
                urls = self._servers.start()
            settings = with_servers(settings, self._servers, urls.environment())
            settings = with_stand_in(settings)
        else:
            settings = with_kept_keys(settings)
        self.settings = settings
        prepare_database(settings, external=external, play=self.play)

    def _spawn_workers(self, listener: socket.socket) -> None:
        if self.settings.stripe_api_url:
            stand_in = _Child("what stands in for Stripe", ["stand-in"])
            self._children.append(stand_in)
            self._spawn(stand_in)
        descriptor = listener.fileno()
        for number in range(1, self.settings.workers + 1):
            child = _Child(
                f"worker {number}",
                ["worker", "--fd", str(descriptor), "--node", f"{os.getpid()}-{number}"],
                (descriptor,),
            )
            self._children.append(child)
            self._spawn(child)

    def _spawn(self, child: _Child) -> None:
        arguments = [*child.arguments, "--parent", str(os.getpid())]
        child.process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            pass_fds=child.pass_fds,
            start_new_session=True,
            env=os.environ | self.settings.environment(),
            stdin=subprocess.DEVNULL,
        )
        child.started_at = time.monotonic()

    def _await_ready(self, wakeup: int) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        answer = "no answer"
        while not self._stopping:
            status, answer = ask_ready(self.settings)
            if status == http.client.OK:
                say(welcome(self.settings))
                self._was_ready = True
                break
            if time.monotonic() >= deadline:
                say(f"Not ready after {READY_SECONDS_MAX:.0f} s, and still trying: {answer}")
                break
            self._tend()
            _sleep(wakeup, READY_POLL_SECONDS)
        if self.play and not self._stopping:
            player = _Child("the demo player", ["play"])
            self._children.append(player)
            self._spawn(player)

    def _tend(self) -> None:
        """Start again what has ended and is due. Raises CannotServe when that does not help."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None and not child.finished and now >= child.due_at:
                self._spawn(child)
            elif child.process is not None and child.process.poll() is not None:
                self._note_end(child, now)
        if self._servers is not None:
            with refusing():
                for sentence in self._servers.tend():
                    say(sentence)

    def _pause(self) -> float:
        """Until the next look: a child that ended is due sooner than a tick."""
        waits = [one.due_at for one in self._children if one.process is None and not one.finished]
        return max(0.0, min(min(waits, default=math.inf) - time.monotonic(), TICK_SECONDS))

    def _note_end(self, child: _Child, now: float) -> None:
        assert child.process is not None
        status = child.process.returncode
        child.process = None
        if status == 0 and "play" in child.arguments:
            child.finished = True
            say("The demo player has finished; the floor stays open.")
            return
        if now - child.started_at >= STEADY_SECONDS:
            child.failed_starts = 0
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        if child.failed_starts >= FAILED_STARTS_MAX and not self._was_ready:
            raise CannotServe(
                f"{child.name} ended {FAILED_STARTS_MAX + 1} times right after its start ({how}); "
                "its own messages are above."
            )
        wait = RESTART_WAITS_SECONDS[min(child.failed_starts, len(RESTART_WAITS_SECONDS) - 1)]
        child.failed_starts += 1
        child.due_at = now + wait
        say(f"{child.name} ended ({how}); it is started again in {wait:g} s.")

    def _end(self) -> None:
        """Drain and stop everything; runs on every way out."""
        self._starting = False
        for child in self._children:
            if child.is_running() and child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS
        while any(child.is_running() for child in self._children):
            # A second Ctrl-C is a person who does not want to wait.
            if time.monotonic() >= deadline or self._stopping >= 2:
                for child in self._children:
                    if child.is_running() and child.process is not None:
                        say(f"{child.name} did not finish in time and is killed.")
                        child.process.kill()
                        child.process.wait()
                break
            time.sleep(0.02)
        if self._servers is not None:
            self._servers.stop()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[int]:
        """Stop signals set a flag (or interrupt the start); yields a descriptor that wakes."""
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stopping += 1
            if self._starting:
                self._starting = False
                raise _Stop

        previous = {
            number: signal.signal(number, stop)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        former = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(former)
            for number, handler in previous.items():
                signal.signal(number, handler)
            os.close(reader)
            os.close(writer)


@contextlib.contextmanager
def bind(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket on HOST and PORT, closed at the end. Raises CannotServe: it is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + PORT_PATIENCE_SECONDS
        while True:
            try:
                listener.bind((settings.host, settings.port))
                break
            except OSError as error:
                if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                reason = (
                    "is in use by another program; stop that one, or choose another with PORT"
                    if error.errno == errno.EADDRINUSE
                    else f"cannot be used: {error.strerror}; check HOST and PORT"
                )
                raise CannotServe(f"{settings.host}:{settings.port} {reason}.") from error
        listener.listen(BACKLOG)
        yield listener


def ask_ready(settings: Settings) -> tuple[int, str]:
    """The status of /health/ready and its text; 0 when nothing answered."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    link: http.client.HTTPConnection
    if settings.tls_certificate:
        # The certificate is for the public name, and this is the same machine.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001
        link = http.client.HTTPSConnection(host, settings.port, timeout=1.0, context=context)
    else:
        link = http.client.HTTPConnection(host, settings.port, timeout=1.0)
    try:
        link.request("GET", "/health/ready", headers={"Host": urlsplit(settings.public_url).netloc})
        answer = link.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"no answer ({error})"
    finally:
        link.close()


def welcome(settings: Settings) -> str:
    """What a person needs when the service is ready: where the screens are."""
    origin = settings.public_url
    return (
        f"\nThe floor is live.\n"
        f"  guests     {origin}/\n"
        f"  the door   {origin}/door\n"
        f"  managers   {origin}/floor\n"
        f"Ctrl-C stops it; the data stays.\n"
    )


def _sleep(wakeup: int, seconds: float) -> None:
    """Wait until a signal arrives, or that long."""
    select.select([wakeup], [], [], seconds)
    with contextlib.suppress(BlockingIOError):
        os.read(wakeup, 4096)
