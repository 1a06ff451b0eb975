"""A network that can fail, and a Redis that can be killed."""

import asyncio
import contextlib
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

import redis

from app.embedded.binaries import find_redis


class Proxy:
    """Passes bytes on between a client and a server, until told otherwise."""

    def __init__(self, connect: Callable[[], object]) -> None:
        self._connect = connect
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.swallowed = 0
        self.port = 0

    def swallow(self) -> None:
        """From now on bytes go nowhere, and nothing is said about it: a black hole."""
        self._passing.clear()

    def heal(self) -> None:
        """What was swallowed stays lost: connections of that time end, new ones work."""
        self._passing.set()
        self.cut()

    def cut(self) -> None:
        """Every connection ends."""
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = self._connect()
        with contextlib.suppress(OSError):
            there = await upstream  # type: ignore[misc]
            pumps = (self._pump(reader, there[1]), self._pump(there[0], writer))
            self._writers |= {writer, there[1]}
            tasks = [asyncio.create_task(pump) for pump in pumps]
            self._tasks.update(tasks)
            await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
            for task in tasks:
                task.cancel()
            there[1].close()
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not self._passing.is_set():
                    self.swallowed += len(data)
                    continue
                writer.write(data)
                await writer.drain()

    async def stop(self) -> None:
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[str, Proxy]]:
    """The same server at another address, behind a Proxy."""
    parts = urlsplit(url)
    folder = parse_qs(parts.query).get("host", [""])[0]
    if parts.scheme == "unix":
        path = unquote(parts.path)
    elif folder:
        port = parse_qs(parts.query).get("port", [str(parts.port or 5432)])[0]
        path = f"{folder}/.s.PGSQL.{port}"
    else:
        path = ""
    proxy = Proxy(
        (lambda: asyncio.open_unix_connection(path))
        if path
        else (lambda: asyncio.open_connection(parts.hostname, parts.port))
    )
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    user = parts.netloc.rpartition("@")[0]
    netloc = f"{user}@127.0.0.1:{proxy.port}" if user else f"127.0.0.1:{proxy.port}"
    scheme = "redis" if parts.scheme == "unix" else parts.scheme
    database = "" if parts.scheme == "unix" else parts.path
    try:
        yield urlunsplit((scheme, netloc, database, "", "")), proxy
    finally:
        server.close()
        await proxy.stop()


class OwnRedis:
    """A Redis of the test's own that can be killed, and started again with what it had saved.

    The embedded one unless another `program` is named; a cluster's only node when it is
    `clustered`: then every script must stay within its keys' slot, as in a large one.
    """

    def __init__(
        self, folder: Path, program: Path | None = None, *, clustered: bool = False
    ) -> None:
        self._folder = folder
        self._program = program or find_redis()
        self._clustered = clustered
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "",
             "--dir", str(self._folder), "--loglevel", "warning", *self._clustering()]
        )  # fmt: skip
        with redis.Redis.from_url(self.url) as client:
            for _ in range(400):
                with contextlib.suppress(redis.RedisError):
                    if client.ping() and self._serves(client):
                        return
                self._process.poll()
                assert self._process.returncode is None
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.02)

    def _clustering(self) -> list[str]:
        if not self._clustered:
            return []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        return ["--cluster-enabled", "yes", "--cluster-port", str(port)]

    def _serves(self, client: Any) -> bool:
        if not self._clustered:
            return True
        if client.execute_command("CLUSTER INFO")["cluster_slots_assigned"] == "0":
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        return bool(client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")

    def save(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.save()

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self.kill()
