"""The server at the other end of a scanner's wire: a real one, on loopback, that can misbehave."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Desk:
    """A server that answers scans as the service does: one verdict per scan id, for ever.

    `steps` are taken one per request, then it answers properly: "lose" decides but closes without
    a reply, "hang up" closes before deciding, "pad" sends 100 kB of blanks behind the verdict, a
    status with a body (and headers) is sent as it is.
    """

    def __init__(self) -> None:
        self.steps: list[str | tuple[int, bytes] | tuple[int, bytes, dict[str, str]]] = []
        self.requests: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []  # of how the camera is
        self.asked: list[str] = []  # scan ids, by GET
        self.arrived = 0  # requests, those that are still held included
        self.tokens: list[str | None] = []
        self.decided: dict[str, dict[str, Any]] = {}
        self.verdict = "admit"
        self.hold = threading.Event()  # cleared: requests wait
        self.hold.set()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def scan_ids(self) -> list[str]:
        return [request["scan_id"] for request in self.requests]

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def decide(self, request: dict[str, Any]) -> dict[str, Any]:
        known = self.decided.get(request["scan_id"])
        if known is not None:
            return {**known, "replayed": True}
        answer = {
            "scan_id": request["scan_id"],
            "verdict": self.verdict,
            "reason": "party_of_one",
            "title": "Come in",
            "instruction": "Table 7, downstairs.",
        }
        self.decided[request["scan_id"]] = answer
        return {"replayed": False, "name": "Ada L.", **answer}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else each answer waits 40 ms for an ACK

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/v1/devices/self/status":
                    desk.reports.append(json.loads(body))
                    self._send(204, b"", {})
                    return
                desk.arrived += 1
                desk.hold.wait(10)
                with desk._lock:
                    step = desk.steps.pop(0) if desk.steps else None
                    desk.tokens.append(self.headers["Authorization"])
                    request = json.loads(body)
                    assert self.path == "/v1/scans"
                    desk.requests.append(request)
                    if step == "lose":
                        desk.decide(request)
                    if step == "pad":
                        answer = json.dumps(desk.decide(request)).encode()
                        self._send(200, answer + b" " * 100_000, {})
                        return
                    if isinstance(step, str):
                        self.close_connection = True
                        return
                    if step is None:
                        self._send(200, json.dumps(desk.decide(request)).encode(), {})
                    else:
                        self._send(step[0], step[1], step[2] if len(step) > 2 else {})

            def do_GET(self) -> None:
                scan_id = self.path.removeprefix("/v1/scans/")
                with desk._lock:
                    desk.asked.append(scan_id)
                    known = desk.decided.get(scan_id)
                self._send(200 if known else 404, json.dumps(known or {}).encode(), {})

            def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        return Handler


def wait_until(true: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Return as soon as it is true; fail when it is not in time."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.005)):
        if true():
            return
        pause.wait(0.005)
    pytest.fail(f"not within {seconds} s: {what}")
