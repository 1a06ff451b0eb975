"""What the camera tells of itself, each second: its picture, its pace, what waits to be told.

A thread of its own, so that a server that is slow to answer holds up neither frames nor scans. A
report that does not arrive is followed by the next one: the manager's map shows the silence.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Final

import httpx

EVERY_SECONDS: Final = 1.0
VERSION: Final = "0.1.0"
_TIMEOUT: Final = httpx.Timeout(2.0, connect=1.0)

State = dict[str, object]


class Reporter:
    """Reports to one server until it is stopped. `state` is asked for in its thread."""

    def __init__(self, server: str, token: str, state: Callable[[], State]) -> None:
        self._state = state
        self._stopping = threading.Event()
        self._client = httpx.Client(
            base_url=server.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "User-Agent": "backroom-camera"},
            timeout=_TIMEOUT,
            trust_env=False,
        )
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            report = {"version": VERSION, **self._state()}
            with contextlib.suppress(httpx.HTTPError):
                self._client.post("/v1/devices/self/status", json=report)
            self._stopping.wait(EVERY_SECONDS)
