"""The camera's loop: frame, codes, new ones to the server, verdicts to the people.

The loop owns the decoder and the sightings; the sender's thread only leaves outcomes in a queue,
which the loop empties between two frames. Nothing here ever shows a code.
"""

import queue
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TextIO

from msgspec import Struct

from scanners.annotation import Recording, Window, annotate
from scanners.answers import Decided, Dismissed
from scanners.capture import Frame, Source, frames_of
from scanners.codes import PREFIX
from scanners.codes.reading import Reading
from scanners.decoding import Decoder
from scanners.health import Reporter
from scanners.outputs import Output, Outputs
from scanners.sender import LIFETIME_SECONDS, Outcome, Sender
from scanners.sightings import Sightings
from scanners.spool import Spool
from scanners.status import Status

RECORDING_FRAMES_PER_SECOND: Final = 15.0
# A terminal is rewritten twice a second; a log file gets a line every ten.
TERMINAL_SECONDS: Final = 0.5
LOG_SECONDS: Final = 10.0
_WORDS_MOST: Final = 64

EXIT_DONE: Final = 0
EXIT_DISMISSED: Final = 4


class Options(Struct, frozen=True, kw_only=True):
    """What the camera was told to do."""

    source: Source
    server: str
    token: str
    door: str
    direction: Literal["in", "out"] = "in"
    loop: bool = False
    fast: bool = False
    annotate: Path | None = None
    window: bool = False
    reports: bool = False  # tells the server each second how it is
    spool: Path | None = None  # the file of what could not be sent
    gate: Output = Output()  # on admit
    refused: Output = Output()  # on anything else

    def __repr__(self) -> str:
        return f"Options({self.source.shown!r}, {self.door!r})"  # the token is a secret


class Watch:
    """One camera at one door. `stopping` ends it from any thread or a signal's handler."""

    def __init__(
        self, options: Options, stopping: threading.Event, out: TextIO | None = None
    ) -> None:
        self._options = options
        self._stopping = stopping
        self._out = out or sys.stderr
        self._terminal = self._out.isatty()
        self._decoder = Decoder()
        self._sightings = Sightings()
        self._outcomes: queue.Queue[tuple[str, Outcome]] = queue.Queue()  # bound: the sender's
        self._words: dict[str, str] = {}  # code -> the word over it in the annotated picture
        self._status = Status(options.door, options.direction)
        self._next_line_at = 0.0
        self._exit = EXIT_DONE
        self._recording = (
            Recording(options.annotate, RECORDING_FRAMES_PER_SECOND) if options.annotate else None
        )
        self._record_from = 0.0
        self._window = Window() if options.window else None
        self._crowded = False
        self._reporter = (
            Reporter(options.server, options.token, self._health) if options.reports else None
        )
        self._said: queue.Queue[str] = queue.Queue()  # bound: the outputs' own
        self._outputs = Outputs(
            options.gate,
            options.refused,
            door=options.door,
            direction=options.direction,
            say=self._said.put,
        )
        self._spool = Spool(options.spool) if options.spool else None
        self._sender = Sender(
            options.server,
            options.token,
            door=options.door,
            direction=options.direction,
            report=lambda code, outcome: self._outcomes.put((code, outcome)),
            spool=self._spool,
        )

    def _health(self) -> dict[str, object]:
        """As the server wants it; called in the reporter's thread."""
        return {
            "picture": self._status.picture or "well",
            "frames_per_second": round(self._status.frames_per_second(time.monotonic()), 1),
            "spool": self._sender.waiting + self._sender.spooled,
        }

    def run(self) -> int:
        """Watch until the source ends or `stopping` is set; return the exit code."""
        options = self._options
        self._sender.start()
        self._outputs.start()
        if self._reporter is not None:
            self._reporter.start()
        try:
            frames = frames_of(
                options.source,
                loop=options.loop,
                fast=options.fast,
                stopping=self._stopping,
                report=self._report_picture,
            )
            for frame in frames:
                if frame is not None:
                    self._look(frame)
                self._take_outcomes()
                self._tell_status()
                if self._sender.broken:
                    raise RuntimeError("The sender's thread died; see the traceback above.")
            if not self._stopping.is_set():  # the source ended: what was seen is still sent
                self._sender.drain(LIFETIME_SECONDS + 5)
                self._take_outcomes()
        finally:
            self._sender.stop()
            self._take_outcomes()
            self._outputs.stop()
            if self._reporter is not None:
                self._reporter.stop()
            self._tell_status(last=True)
            if self._spool is not None:
                self._spool.close()
            for output in (self._recording, self._window):
                if output is not None:
                    output.close()
        return self._exit

    def _look(self, frame: Frame) -> None:
        began = time.perf_counter()
        readings = self._decoder.read(frame.grey)
        decode_ms = (time.perf_counter() - began) * 1000
        self._status.count_frame(time.monotonic(), decode_ms)
        fresh = self._sightings.notice([one.text or "" for one in readings], frame.at)
        self._take_on_one(fresh)
        if self._recording is not None or self._window is not None:
            self._picture(frame, readings)

    def _take_on_one(self, fresh: list[str]) -> None:
        """Of two new codes nobody can tell whose light it would be: then none is taken."""
        ours = [code for code in fresh if code.startswith(PREFIX)]
        crowded = len(ours) > 1
        if crowded and not self._crowded:
            self._status.last = "WAIT: one code at a time"
            self._say("ONE CODE AT A TIME  several are held up: none was taken")
            self._outputs.tell("wait")
        self._crowded = crowded
        for code in fresh:
            if crowded and code in ours:
                self._word(code, "one at a time")
                self._sightings.forget(code)
            else:
                self._take_on(code)

    def _take_on(self, code: str) -> None:
        """Send a new code. A foreign one stays here: it may be the password of somebody's Wi-Fi."""
        if not code.startswith(PREFIX):
            self._word(code, "not ours")
            self._say("NOT OUR CODE  a QR code of something else: ask for the ticket")
        elif self._sender.offer(code):
            self._status.scans += 1
            self._word(code, "asking")
        else:
            self._sightings.forget(code)  # the queue is full: look again at the next frame
            self._status.last = "WAIT: too many scans without an answer"

    def _take_outcomes(self) -> None:
        while not self._said.empty():
            self._say(self._said.get_nowait())
        while True:
            try:
                code, outcome = self._outcomes.get_nowait()
            except queue.Empty:
                return
            if isinstance(outcome, Decided):
                again = " (again)" if outcome.replayed else ""
                self._word(code, outcome.verdict)
                self._outputs.tell(outcome.verdict)
                self._status.last = f"{outcome.verdict.upper()} {_clock()}"
                self._say(
                    f"{outcome.verdict.upper()}{again}  {outcome.title}  {outcome.instruction}"
                )
            else:
                # No verdict is never an admission: the guest waits, and staff are told why.
                self._word(code, "wait")
                self._outputs.tell("wait")
                self._status.last = f"WAIT {_clock()}"
                self._say(f"WAIT  no verdict, ask the door's staff: {outcome.why}")
                if isinstance(outcome, Dismissed):
                    self._exit = EXIT_DISMISSED
                    self._stopping.set()

    def _word(self, code: str, word: str) -> None:
        self._words.pop(code, None)
        self._words[code] = word
        while len(self._words) > _WORDS_MOST:
            del self._words[next(iter(self._words))]

    def _picture(self, frame: Frame, readings: list[Reading]) -> None:
        words = [(one, self._words.get(one.text or "", "asking")) for one in readings]
        image = annotate(frame.picture, words, self._line())
        if self._recording is not None and frame.at >= self._record_from:
            self._record_from = frame.at + 0.9 / RECORDING_FRAMES_PER_SECOND
            self._recording.add(image)
        if self._window is not None and not self._window.show(image):
            self._stopping.set()

    def _report_picture(self, trouble: str) -> None:
        self._status.picture = trouble

    def _line(self) -> str:
        link: str = self._sender.link
        if self._sender.trouble:
            link += f" ({self._sender.trouble})"
        return self._status.line(
            time.monotonic(), link=link, waiting=self._sender.waiting, spooled=self._sender.spooled
        )

    def _tell_status(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now < self._next_line_at:
            return
        self._next_line_at = now + (TERMINAL_SECONDS if self._terminal else LOG_SECONDS)
        start = "\r\x1b[K" if self._terminal else ""
        end = "" if self._terminal and not last else "\n"
        self._out.write(start + self._line() + end)
        self._out.flush()

    def _say(self, sentence: str) -> None:
        start = "\r\x1b[K" if self._terminal else ""
        self._out.write(f"{start}{_clock()}  {sentence}\n")
        self._out.flush()


def _clock() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
