"""What a verdict moves beside the screen: a gate on admit, a light or a sound on anything else.

Each is an address that is posted to, or a command. What is more than 2 s old is not carried out: a
gate that opens late opens for somebody else. A thread of its own does it, so that neither a slow
gate nor a command that hangs holds up the camera. Nothing of the guest or the code is told.
"""

import os
import queue
import shlex
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

import httpx
from msgspec import Struct

Word = Literal["admit", "wait", "refuse"]
WAITING_MOST: Final = 8
FRESH_SECONDS: Final = 2.0
_TIMEOUT: Final = httpx.Timeout(1.5, connect=0.5)
COMMAND_SECONDS: Final = 5.0


class Output(Struct, frozen=True):
    """One way out: `url` is posted to, `command` is run without a shell; either may be ""."""

    url: str = ""
    command: str = ""

    def __bool__(self) -> bool:
        return bool(self.url or self.command)


class _Due(Struct, frozen=True):
    verdict: Word
    until: float


class Outputs:
    """The outputs of one camera. `say` hears what went wrong, in the thread of the outputs."""

    def __init__(
        self,
        gate: Output,
        refuse: Output,
        *,
        door: str,
        direction: str,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gate, self._refuse = gate, refuse
        self._door, self._direction = door, direction
        self._say, self._clock = say, clock
        self._waiting: queue.Queue[_Due | None] = queue.Queue(WAITING_MOST)
        self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)

    def start(self) -> None:
        if self._gate or self._refuse:
            self._thread.start()

    def tell(self, verdict: Word) -> None:
        """Move what the verdict moves, now or not at all."""
        if not self._output(verdict) or not self._thread.is_alive():
            return
        try:
            self._waiting.put_nowait(_Due(verdict, self._clock() + FRESH_SECONDS))
        except queue.Full:
            self._say("OUTPUT  too slow: a verdict did not reach it")

    def stop(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(COMMAND_SECONDS + 2)

    def _output(self, verdict: Word) -> Output:
        return self._gate if verdict == "admit" else self._refuse

    def _run(self) -> None:
        with httpx.Client(timeout=_TIMEOUT, trust_env=False) as client:
            while (due := self._waiting.get()) is not None:
                if self._clock() > due.until:
                    self._say("OUTPUT  too slow: a verdict did not reach it")
                    continue
                output = self._output(due.verdict)
                if output.url:
                    self._post(client, output.url, due.verdict)
                if output.command:
                    self._command(output.command, due.verdict)

    def _post(self, client: httpx.Client, url: str, verdict: Word) -> None:
        body = {"verdict": verdict, "door": self._door, "direction": self._direction}
        try:
            answer = client.post(url, json=body)
        except httpx.HTTPError as error:
            self._say(f"OUTPUT  not reached ({type(error).__name__})")
            return
        if answer.status_code >= 300:
            self._say(f"OUTPUT  answered {answer.status_code}")

    def _command(self, command: str, verdict: Word) -> None:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "BACKROOM_VERDICT": verdict,
            "BACKROOM_DOOR": self._door,
            "BACKROOM_DIRECTION": self._direction,
        }
        try:
            done = subprocess.run(
                shlex.split(command), env=environment, check=False, timeout=COMMAND_SECONDS,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            self._say(f"OUTPUT  the command did not run ({type(error).__name__})")
            return
        if done.returncode:
            self._say(f"OUTPUT  the command ended with {done.returncode}")
