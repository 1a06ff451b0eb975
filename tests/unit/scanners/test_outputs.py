"""A gate opens on admit and on nothing else, now or not at all."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scanners.outputs import FRESH_SECONDS, WAITING_MOST, Output, Outputs
from tests.unit.scanners.desk import wait_until


class Gate:
    """A gate's controller on loopback."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.free = threading.Event()
        self.free.set()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gate.told.append(json.loads(body))
                gate.free.wait(10)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/open"


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.free.set()
    made.server.shutdown()
    made.server.server_close()


def outputs(gate: Output, refuse: Output, said: list[str], **more: Any) -> Outputs:
    made = Outputs(gate, refuse, door="main", direction="in", say=said.append, **more)
    made.start()
    return made


def test_the_gate_opens_on_admit_alone_and_is_told_nothing_of_the_guest(gate: Gate) -> None:
    said: list[str] = []
    made = outputs(Output(url=gate.url), Output(), said)
    for verdict in ("refuse", "wait", "admit"):
        made.tell(verdict)
    made.stop()
    assert gate.told == [{"verdict": "admit", "door": "main", "direction": "in"}]
    assert said == []


def test_a_command_runs_without_a_shell_on_anything_but_admit(tmp_path: Path) -> None:
    said: list[str] = []
    script = tmp_path / "light.py"
    script.write_text(
        "import os, sys; open(sys.argv[1], 'a').write(os.environ['BACKROOM_VERDICT'] + '\\n')"
    )
    out = tmp_path / "out; touch evil"
    made = outputs(Output(), Output(command=f"{sys.executable} {script} '{out}'"), said)
    for verdict in ("admit", "refuse", "wait"):
        made.tell(verdict)
    made.stop()
    assert out.read_text() == "refuse\nwait\n"
    assert said == []


def test_a_gate_that_is_not_there_is_said_and_holds_nobody_up(gate: Gate) -> None:
    said: list[str] = []
    made = outputs(Output("http://127.0.0.1:9/", "/does/not/exist"), Output(), said)
    made.tell("admit")
    made.stop()
    assert said == [
        "OUTPUT  not reached (ConnectError)",
        "OUTPUT  the command did not run (FileNotFoundError)",
    ]


def test_an_opening_that_is_late_is_not_carried_out(gate: Gate) -> None:
    """The gate is busy with the first while the second grows old, and further ones find no room."""
    said: list[str] = []
    clock = [100.0]
    made = outputs(Output(url=gate.url), Output(), said, clock=lambda: clock[0])
    gate.free.clear()
    made.tell("admit")
    wait_until(lambda: len(gate.told) == 1, "the first opening")
    for _ in range(WAITING_MOST + 1):
        made.tell("admit")
    assert len(said) == 1
    clock[0] += FRESH_SECONDS + 0.1
    gate.free.set()
    made.stop()
    assert len(gate.told) == 1
    assert len(said) == 1 + WAITING_MOST
