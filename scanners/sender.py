"""Takes scans to the server one by one, and their verdicts back, in a thread of its own.

A scan keeps its id until its verdict is known. While its code is held up it is asked for again and
again, for 20 s at most; after that the guest is with the staff (a camera never admits by itself).
Was it ever sent, then its id is kept: the server may have counted the guest although the reply was
lost, so the next sighting of the same code asks for that scan's verdict instead of making a second
scan. The server answers an id once and for ever.

Limits: 32 scans wait; one more is not taken (`offer` says False, and the caller looks at the code
again in the next frame). 64 ids of unknown outcome are kept, for ten minutes.
"""

import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Final, Literal
from uuid import uuid4

import httpx
from msgspec import Struct

from scanners.answers import AskAgain, Decided, Dismissed, Meaning, Rejected, meaning_of

WAITING_MOST: Final = 32
LIFETIME_SECONDS: Final = 20.0
UNKNOWN_MOST: Final = 64
UNKNOWN_SECONDS: Final = 600.0
PAUSE_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)  # then 2.0 each; a quarter shorter or not
ANSWER_BYTES_MOST: Final = 65536
# A verdict takes some 5 ms. Three seconds without a byte is a dead link, not a slow server.
_TIMEOUT: Final = httpx.Timeout(3.0, connect=1.5)

Link = Literal["not tried", "up", "down", "dismissed"]


class Undecided(Struct, frozen=True):
    """No verdict within the scan's life: the guest waits for the staff."""

    why: str


Outcome = Decided | Rejected | Dismissed | Undecided


class _Scan(Struct, frozen=True):
    scan_id: str
    code: str
    until: float  # on the sender's clock

    def __repr__(self) -> str:
        return f"_Scan({self.scan_id})"  # the code is a secret


class Sender:
    """The way to one server for one device at one door.

    `report` is called in the sender's thread with the code and its outcome, once per scan taken.
    `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        server: str,
        token: str,
        *,
        door: str,
        direction: Literal["in", "out"],
        report: Callable[[str, Outcome], None],
        clock: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._door = door
        self._direction = direction
        self._report = report
        self._clock = clock
        self._client = httpx.Client(
            base_url=server.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "User-Agent": "backroom-camera"},
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=False,  # a proxy of the environment is no business of a door's camera
        )
        self._waiting: queue.Queue[_Scan] = queue.Queue(WAITING_MOST)
        self._unknown: dict[str, tuple[str, float]] = {}  # code -> scan id, kept until
        self._lock = threading.Lock()  # of _unknown
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self._taken = 0
        self._done = 0
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self.link: Link = "not tried"
        self.trouble = ""  # why the link is down, in a few words

    def start(self) -> None:
        self._thread.start()

    def offer(self, code: str) -> bool:
        """Take on a scan of the code; False when 32 wait already, or the device was dismissed."""
        if self.link == "dismissed":
            return False
        now = self._clock()
        with self._lock:
            known = self._unknown.get(code)
        scan_id = known[0] if known is not None and now < known[1] else str(uuid4())
        try:
            self._waiting.put_nowait(_Scan(scan_id, code, now + LIFETIME_SECONDS))
        except queue.Full:
            return False
        with self._idle:
            self._taken += 1
        return True

    @property
    def waiting(self) -> int:
        """How many scans have no outcome yet."""
        return self._taken - self._done

    @property
    def broken(self) -> bool:
        """True when the thread died of a bug, whose traceback it printed."""
        return not (self._thread.is_alive() or self._stopping.is_set())

    def drain(self, seconds: float) -> bool:
        """Wait until every scan has its outcome, so long at most; return whether it has."""
        with self._idle:
            return self._idle.wait_for(lambda: self._done >= self._taken, seconds)

    def stop(self) -> None:
        """End the thread: the request under way is finished, waiting scans are left undecided."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                scan = self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            outcome = self._decide(scan)
            if isinstance(outcome, Dismissed):
                self.link = "dismissed"
            self._report(scan.code, outcome)
            self._count_done()

    def _count_done(self) -> None:
        with self._idle:
            self._done += 1
            self._idle.notify_all()

    def _decide(self, scan: _Scan) -> Outcome:
        """Ask until there is an outcome or the scan's life is over."""
        if self.link == "dismissed":
            return Dismissed("The server does not accept this device.")
        attempt = 0
        while self._clock() < scan.until:
            meaning = self._ask(scan)
            if not isinstance(meaning, AskAgain):
                self._settle(scan)
                self.link, self.trouble = "up", ""
                return meaning
            self._keep(scan)
            self.link, self.trouble = "down", meaning.why
            pause = PAUSE_SECONDS[min(attempt, len(PAUSE_SECONDS) - 1)]
            attempt += 1
            # Two doors that lost the same server do not come back in step.
            wish = meaning.after_seconds or pause * random.uniform(0.75, 1.0)
            if self._stopping.wait(wish):
                break
        return Undecided(self.trouble or "the link was down until its time was over")

    def _ask(self, scan: _Scan) -> Meaning:
        body = {
            "scan_id": scan.scan_id,
            "code": scan.code,
            "door": self._door,
            "direction": self._direction,
            "people": 1,
        }
        try:
            with self._client.stream("POST", "/v1/scans", json=body) as answer:
                content = bytearray()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > ANSWER_BYTES_MOST:
                        return AskAgain("answer far too long: is --server really the service?")
                return meaning_of(
                    answer.status_code,
                    bytes(content),
                    scan_id=scan.scan_id,
                    retry_after=answer.headers.get("Retry-After"),
                )
        except httpx.TimeoutException:
            return AskAgain("no answer in time")
        except httpx.ConnectError:
            return AskAgain("server not reached")
        except httpx.HTTPError as error:
            return AskAgain(f"connection lost ({type(error).__name__})")

    def _keep(self, scan: _Scan) -> None:
        now = self._clock()
        with self._lock:
            for code in [code for code, (_, until) in self._unknown.items() if until <= now]:
                del self._unknown[code]
            self._unknown[scan.code] = (scan.scan_id, now + UNKNOWN_SECONDS)
            while len(self._unknown) > UNKNOWN_MOST:
                del self._unknown[next(iter(self._unknown))]

    def _settle(self, scan: _Scan) -> None:
        with self._lock:
            self._unknown.pop(scan.code, None)
