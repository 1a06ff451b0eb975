"""One server on core 0, its screens on core 1, and what passes between them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from load.fanout.story import story
from load.house import free_port, unwind_on_sigterm

HERE: Final = Path(__file__).parent
SERVER_CORE: Final = 0
SCREEN_CORE: Final = 1
WAIT_SECONDS: Final = 60.0
RECORD: Final = np.dtype(
    [("at_ns", "<u8"), ("socket", "<u4"), ("after", "<u4"), ("version", "<u4"), ("pad", "<u4")]
)
NGINX: Final = """
load_module {modules}/ngx_nchan_module.so;
{user}
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location /ws {{
            nchan_subscriber websocket;
            nchan_channel_id floor;
            nchan_subscriber_first_message newest;
        }}
        location /pub {{
            nchan_publisher;
            nchan_channel_id floor;
            nchan_message_buffer_length 50;
        }}
    }}
}}
"""
NGINX_MODULES: Final = "/usr/lib/nginx/modules"


@dataclass(frozen=True)
class Kind:
    """One way to fan out; `speaks` is what its screens speak."""

    name: str
    title: str
    speaks: str = "ws"
    hello: str = ""
    ready: str = ""


HELLO: Final = '{"type":"hello","audience":"public"}'
NATS_HELLO: Final = 'CONNECT {"verbose":false,"pedantic":false}\r\nSUB floor 1\r\nPING\r\n'
KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("c", "bare epoll writer in C"),
        Kind("hub", "ours", hello=HELLO, ready='"type":"snapshot"'),
        Kind("nchan", "nchan in nginx"),
        Kind("nats", "NATS server", speaks="nats", hello=NATS_HELLO, ready="PONG"),
        Kind("broadcast", "websockets.broadcast"),
        Kind("starlette", "Starlette, await send_text"),
    )
}


def missing(kind: str) -> str | None:
    """Why the kind cannot be measured here; None: it can."""
    if kind == "nchan" and not Path(NGINX_MODULES, "ngx_nchan_module.so").exists():
        return "nginx with nchan is not installed (Debian: nginx libnginx-mod-nchan)"
    if kind == "nats" and shutil.which("nats-server") is None:
        return "nats-server is not installed (Debian: nats-server)"
    return None


def compiled(folder: Path) -> None:
    """The reader and the writer, made on the spot. Raises SystemExit: there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("the fan-out bench needs a C compiler (Debian: gcc libc6-dev)")
    for name in ("reader", "writer"):
        source = str(HERE / f"{name}.c")
        subprocess.run([compiler, "-O2", "-o", str(folder / name), source], check=True)


def _pinned(core: int) -> list[str]:
    """What a command is begun with to run on that core alone."""
    return ["taskset", "-c", str(core)]


class Server:
    """One kind's server as a process of its own; fed with the story's frames."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        self.port, self._feed_port = free_port(), free_port()
        self._folder = folder
        command = self._command()
        self._process = subprocess.Popen(
            [*_pinned(SERVER_CORE), *command],
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            start_new_session=True,
        )
        fed_by_its_port = kind.name in ("nats", "nchan")
        self._feed = self._connected(self.port if fed_by_its_port else self._feed_port)
        if kind.name == "nats":
            self._feed.recv(65536)
            self._feed.sendall(b'CONNECT {"verbose":false}\r\n')
        self._connected(self.port).close()

    def _command(self) -> list[str]:
        match self.kind.name:
            case "c":
                return [str(self._folder / "writer"), str(self.port), str(self._feed_port)]
            case "nats":
                return ["nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-l", "/dev/null"]
            case "nchan":
                page = NGINX.format(
                    modules=NGINX_MODULES, folder=self._folder, port=self.port,
                    user="user root;" if os.getuid() == 0 else "",
                )  # fmt: skip
                file = self._folder / "nginx.conf"
                file.write_text(page)
                return [
                    shutil.which("nginx") or "/usr/sbin/nginx",
                    "-c", str(file), "-p", str(self._folder), "-e", str(self._folder / "error.log"),
                ]  # fmt: skip
            case name:
                ports = [str(self.port), str(self._feed_port)]
                return [sys.executable, "-m", "load.fanout.peers", name, *ports]

    def _connected(self, port: int) -> socket.socket:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                made = socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{self.kind.title} did not start") from None
                time.sleep(0.05)
            else:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return made

    def feed(self, frame: bytes) -> None:
        """One event goes to all screens."""
        match self.kind.name:
            case "hub":
                frame = b"1"
                self._feed.sendall(len(frame).to_bytes(4, "big") + frame)
            case "nats":
                self._feed.sendall(b"PUB floor %d\r\n%s\r\n" % (len(frame), frame))
            case "nchan":
                self._feed.sendall(
                    b"POST /pub HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(frame), frame)
                )
                self._answered()
            case _:
                self._feed.sendall(len(frame).to_bytes(4, "big") + frame)

    def _answered(self) -> None:
        """What nginx answered so far is read, and forgotten."""
        with contextlib.suppress(BlockingIOError):
            while self._feed.recv(65536, socket.MSG_DONTWAIT):
                pass

    def cpu_ns(self) -> int:
        """CPU time of all its threads and children so far, as the scheduler counts it."""
        total = 0
        for pid in self._pids():
            for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    total += int(task.read_text("ascii").split()[0])
        return total

    def memory_kb(self) -> int:
        """Resident memory of all its processes."""
        total = 0
        for pid in self._pids():
            for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total

    def _pids(self) -> list[int]:
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return [pid, *map(int, children)]

    def stop(self) -> None:
        self._feed.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@dataclass
class Seen:
    """What the screens saw of the events that counted. Times in milliseconds, CPU in microseconds.

    `frames` counts versions: a frame that covers several counts for each. `lost` were neither
    delivered nor covered by a later state.
    """

    frames: int
    cpu_us: float  # of the server, for each
    taken: NDArray[np.float64]  # from the event to the screen, for each
    lost: int
    connect_seconds: float
    socket_kb: float
    screens_busy: float  # share of their core that the screens used while they were open
    grown_kb: int  # memory of the server while events went out

    @property
    def p50(self) -> float:
        return float(np.percentile(self.taken, 50))

    @property
    def p99(self) -> float:
        return float(np.percentile(self.taken, 99))

    @property
    def most(self) -> float:
        return float(self.taken.max())


class Screens:
    """The reader in C with so many sockets, all of them open."""

    def __init__(self, server: Server, folder: Path, sockets: int, deaf: int) -> None:
        kind = server.kind
        self._file = folder / "records"
        command = [str(folder / "reader"), kind.speaks, str(server.port), str(sockets), str(deaf)]
        self._process = subprocess.Popen(
            [*_pinned(SCREEN_CORE), *command, "/ws", kind.hello, kind.ready, str(self._file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, seconds = self._line().split()
        assert word == "open", word
        self.connect_seconds = float(seconds)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the screens ended before their time")
        return line

    def wait_for(self, version: int) -> None:
        """Every screen that reads has the version."""
        while self._line().split() != ["all", str(version)]:
            pass

    def stop(self) -> tuple[NDArray[Any], dict[str, float]]:
        """All records, and what the reader says of itself."""
        told, _ = self._process.communicate("stop\n", timeout=WAIT_SECONDS)
        return np.fromfile(self._file, RECORD), json.loads(told.strip().splitlines()[-1])


@contextlib.contextmanager
def stage(kind: str) -> Iterator[tuple[Server, Path]]:
    """The kind's server, with a folder for what is made on the way."""
    unwind_on_sigterm()
    folder = Path(tempfile.mkdtemp(prefix="backroom-fanout-"))
    try:
        compiled(folder)
        server = Server(KINDS[kind], folder)
        try:
            yield server, folder
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def played(
    kind: str, sockets: int, events: int, *, per_second: float | None = None, deaf: int = 0
) -> Seen:
    """So many screens see so many events.

    Without a rate the next event is told when every screen has the last one: one is in flight.
    """
    with stage(kind) as (server, folder):
        empty_kb = server.memory_kb()
        screens = Screens(server, folder, sockets, deaf)
        socket_kb = (server.memory_kb() - empty_kb) / sockets
        frames = (bytes(message.frames["public"]) for message, _ in story())
        next(frames)  # the night was opened before anybody came
        version = 1
        for _ in range(20):  # plans are made, buffers have their size
            version += 1
            server.feed(next(frames))
            screens.wait_for(version)
        first = version + 1
        sent: dict[int, int] = {}
        cpu, memory = server.cpu_ns(), server.memory_kb()
        begin = time.monotonic()
        for number in range(events):
            if per_second is not None:
                time.sleep(max(0.0, begin + number / per_second - time.monotonic()))
            version += 1
            frame = next(frames)
            sent[version] = time.monotonic_ns()
            server.feed(frame)
            if per_second is None:
                screens.wait_for(version)
        if per_second is not None:
            screens.wait_for(version)
        cpu, grown = server.cpu_ns() - cpu, server.memory_kb() - memory
        records, told = screens.stop()
        return _seen(records, told, sent, first, cpu, screens.connect_seconds, socket_kb, grown)


def _seen(
    records: NDArray[Any],
    told: dict[str, float],
    sent: dict[int, int],
    first: int,
    cpu_ns: int,
    connect_seconds: float,
    socket_kb: float,
    grown_kb: int,
) -> Seen:
    records = records[records["version"] >= first]
    sent_ns = np.array([sent[version] for version in sorted(sent)], dtype=np.int64)
    # One row for each version that a frame covers, delivered when the frame came.
    covers = records["version"].astype(np.int64) - np.maximum(records["after"], first - 1)
    rows = np.repeat(np.arange(len(records)), covers)
    back = np.arange(len(rows)) - np.repeat(np.cumsum(covers) - covers, covers)
    versions = records["version"][rows].astype(np.int64) - back
    taken_ms = (records["at_ns"][rows].astype(np.int64) - sent_ns[versions - first]) / 1e6
    return Seen(
        frames=len(taken_ms),
        cpu_us=cpu_ns / 1000 / len(taken_ms),
        taken=taken_ms,
        lost=int(told["lost"]),
        connect_seconds=connect_seconds,
        socket_kb=socket_kb,
        screens_busy=told["cpu_seconds"] / told["wall_seconds"],
        grown_kb=grown_kb,
    )
