"""Takes scans to the server one by one, and their verdicts back, in a thread of its own.

A scan keeps its id until its verdict is known. While its code is held up it is asked for again and
again, for 20 s at most; after that the guest is with the staff (a camera never admits by itself).
Was it ever sent, then its id is kept: the server may have counted the guest although the reply was
lost, so the next sighting of the same code asks for that scan's verdict instead of making a second
scan. The server answers an id once and for ever.

What had no answer at the first attempt is in the spool, on the disk, until it has one. Where it
never got one it is told when the server is back, as `observed`: amber was shown, and nothing is
judged afresh. Had the server decided it after all, its own verdict stands.

Limits: 32 scans wait; one more is not taken (`offer` says False, and the caller looks at the code
again in the next frame). 64 ids of unknown outcome are kept, for ten minutes.
"""

import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import uuid4

import httpx
from msgspec import Struct

from scanners.answers import AskAgain, Decided, Dismissed, Meaning, Rejected, meaning_of
from scanners.spool import Spool, Spooled, instant

WAITING_MOST: Final = 32
LIFETIME_SECONDS: Final = 20.0
UNKNOWN_MOST: Final = 64
UNKNOWN_SECONDS: Final = 600.0
PAUSE_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0)  # then 2.0 each; a quarter shorter or not
ANSWER_BYTES_MOST: Final = 65536
# A verdict takes some 5 ms. Three seconds without a byte is a dead link, not a slow server.
UPLOAD_PAUSE_SECONDS: Final = 2.0  # after an upload that nobody answered
REFUSED_PAUSE_SECONDS: Final = 60.0  # after one that the server did not take
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
    at: str  # when it was seen, as the wire says instants

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
        spool: Spool | None = None,
    ) -> None:
        self._spool = spool
        self._next_upload_at = 0.0
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
            self._waiting.put_nowait(
                _Scan(scan_id, code, now + LIFETIME_SECONDS, instant(datetime.now(UTC)))
            )
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
    def spooled(self) -> int:
        """How many scans wait on the disk to be told."""
        if self._spool is None:
            return 0
        try:
            return len(self._spool)
        except sqlite3.Error:
            return 0

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
        while not self._waiting.empty():  # seen, and told nobody
            self._put(self._waiting.get_nowait())
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                scan = self._waiting.get(timeout=0.1)
            except queue.Empty:
                self._upload_when_due()
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
                self._settle(scan.code)
                if attempt:
                    self._drop(scan.scan_id)
                self.link, self.trouble = "up", ""
                return meaning
            self._keep(scan)
            if attempt == 0:
                self._put(scan)
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

    def _settle(self, code: str) -> None:
        with self._lock:
            self._unknown.pop(code, None)

    # -- the spool --------------------------------------------------------------------------------

    def _put(self, scan: _Scan) -> None:
        if self._spool is None:
            return
        try:
            self._spool.put(Spooled(scan.scan_id, scan.code, self._door, self._direction, scan.at))
        except sqlite3.Error as error:  # a full disk: the guest is with the staff all the same
            self.trouble = f"not kept ({type(error).__name__})"

    def _drop(self, scan_id: str) -> None:
        if self._spool is not None:
            try:
                self._spool.drop(scan_id)
            except sqlite3.Error as error:
                self.trouble = f"spool ({type(error).__name__})"

    def _upload_when_due(self) -> None:
        """Tell the server of one scan that it never answered; at the next call, of the next one."""
        now = self._clock()
        if self._spool is None or self.link == "dismissed" or now < self._next_upload_at:
            return
        try:
            spooled = self._spool.first()
        except sqlite3.Error:
            spooled = None
        if spooled is None:
            self._next_upload_at = now + 1.0
            return
        try:
            self._upload(spooled)
        except httpx.HTTPError:
            self.link, self.trouble = "down", "server not reached"
            self._next_upload_at = now + UPLOAD_PAUSE_SECONDS

    def _upload(self, spooled: Spooled) -> None:
        """Raises httpx.HTTPError: nobody answered."""
        known = self._client.get(f"/v1/scans/{spooled.scan_id}")
        if known.status_code == 200:  # decided at the time; a new sighting asks for that verdict
            self.link, self.trouble = "up", ""
            self._drop(spooled.scan_id)
            return
        answer = known
        if known.status_code == 404:
            answer = self._client.post("/v1/scans", json=_observed(spooled))
        if answer.status_code in (401, 403):
            self.link = "dismissed"
        elif answer.status_code in (200, 201):
            self.link, self.trouble = "up", ""
            self._settle(spooled.code)  # the next sighting is another scan
            self._drop(spooled.scan_id)
        elif answer.status_code == 422 and b"scan_id_reused" in answer.content[:4096]:
            self._drop(spooled.scan_id)
        elif answer.status_code < 500 and answer.status_code != 429:
            # Not now: behind the others, so that none of them waits for this one.
            assert self._spool is not None
            self._spool.drop(spooled.scan_id)
            self._spool.put(spooled)
            self._next_upload_at = self._clock() + REFUSED_PAUSE_SECONDS
        else:
            self._next_upload_at = self._clock() + UPLOAD_PAUSE_SECONDS


def _observed(spooled: Spooled) -> dict[str, object]:
    return {
        "scan_id": spooled.scan_id,
        "code": spooled.code,
        "door": spooled.door,
        "direction": spooled.direction,
        "people": 1,
        "observed": {"at": spooled.at, "verdict": "wait"},
    }
