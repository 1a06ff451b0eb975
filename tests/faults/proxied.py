"""Two nodes of the service behind nginx, on one Postgres and one Redis that neither owns."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.embedded.servers import URLs
from tests import needs
from tests.premises import ROOT, Premises, wait_for
from tests.probes import is_alive

CONFIGURATION = ROOT / "docs" / "nginx.conf"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Node(Premises):
    """One node: a parent and its worker, with servers of others."""

    def __init__(self, name: str, shared: dict[str, str]) -> None:
        super().__init__(name)
        self._shared = shared

    @property
    def environment(self) -> dict[str, str]:
        own = {
            name: value
            for name, value in super().environment.items()
            if not name.startswith("BACKROOM_DEMO")
        }
        return own | self._shared

    def kill(self) -> None:
        """The whole node is gone at once, as by a power cut."""
        assert self.process is not None
        workers = self.workers()
        for pid in (self.process.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not any(map(is_alive, workers)), "the end of its workers")


class House(Premises):
    """What the proxy's address leads to; its `urls` are those of the shared servers."""

    def __init__(self, servers: URLs) -> None:
        super().__init__("proxied")
        self._servers = servers
        self.nodes: list[Node] = []

    def urls(self) -> URLs:
        return self._servers


@contextmanager
def proxied(servers: URLs, redis_url: str, person_keys: str) -> Iterator[House]:
    """nginx in front of two nodes that are ready."""
    house = House(servers)
    nodes = house.nodes
    shared = servers.environment() | {
        "REDIS_URL": redis_url,
        "BACKROOM_SECRET": secrets.token_hex(32),
        "PERSON_KEYS": person_keys,
        "PUBLIC_URL": house.origin,
    }
    folder = Path(tempfile.mkdtemp(prefix="backroom-proxy-"))
    nginx: subprocess.Popen[bytes] | None = None
    try:
        for number in (1, 2):
            nodes.append(Node(f"proxied-{number}", shared))
            nodes[-1].start()
        page = CONFIGURATION.read_text("utf-8").replace("listen 8080", f"listen {house.port}")
        for number, node in enumerate(nodes, start=1):
            page = page.replace(f"node-{number}:8000", f"127.0.0.1:{node.port}")
        (folder / "nginx.conf").write_text(page)
        user = " user root;" if os.getuid() == 0 else ""
        nginx = subprocess.Popen(
            [str(needs.nginx()), "-p", str(folder), "-c", str(folder / "nginx.conf"),
             "-e", str(folder / "error.log"),
             "-g", f"daemon off; pid {folder}/nginx.pid;{user}"],
        )  # fmt: skip
        wait_for(house.is_ready, "the way through the proxy")
        yield house
    finally:
        if nginx is not None:
            nginx.terminate()
            nginx.wait(10)
        for node in nodes:
            with suppress(OSError):
                node.clear()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(house.place, ignore_errors=True)
