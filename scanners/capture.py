"""Frames from wherever they come: a device, a stream's address, a video file, a folder of images.

A live source is read by a child process (`scanners.lens`), of which the newest frame only is kept:
who decodes never works on the past, and a driver that hangs hangs nobody else. When the child ends,
is killed, or is silent for 5 s, it is started again, at growing intervals, for ever. A file or a
folder is played at its own speed, once or in a loop.
"""

import contextlib
import os
import re
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from scanners.codes.reading import Grey

# Set before OpenCV loads FFmpeg. Its own messages would show a stream's address with the password;
# and over UDP, its default, every lost packet is a torn picture.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")

import cv2

SILENCE_SECONDS: Final = 5.0
START_SECONDS: Final = 15.0  # a child loads OpenCV, a camera wakes up
REOPEN_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)  # then every 5 s
# What the child writes before each picture: seconds on the monotonic clock, height, width.
HEADER: Final = struct.Struct("<dII")
SIDE_MOST: Final = 8192
EXIT_CLOSED: Final = 3  # of the child: the source does not open
FOLDER_FRAMES_PER_SECOND: Final = 10.0
FILE_FRAMES_PER_SECOND: Final = 25.0  # of a file that does not say
IMAGE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm")

Picture = npt.NDArray[np.uint8]  # (height, width) grey or (height, width, 3) BGR
Report = Callable[[str], None]  # what is wrong with the picture, in a few words; "" when well


class SourceUnusable(Exception):
    """The file, folder or address cannot be a source; the message says what to do."""


class Source(Struct, frozen=True):
    """What `--source` means. `where` is the device's number, the path or the address."""

    kind: Literal["device", "address", "file", "folder"]
    where: str

    @property
    def live(self) -> bool:
        return self.kind in ("device", "address")

    @property
    def shown(self) -> str:
        """`where` for people, without a user and password."""
        return re.sub(r"://[^/@]*@", "://", self.where)


class Frame(Struct, frozen=True):
    """One picture, its grey form, and its time in seconds on a clock that does not go back."""

    picture: Picture
    grey: Grey
    at: float


def source_of(text: str) -> Source:
    """Return what the text names. Raises SourceUnusable."""
    if re.fullmatch(r"\d{1,3}", text):
        return Source("device", text)
    if re.match(r"(rtsps?|https?|rtmp|udp|tcp)://", text):
        return Source("address", text)
    path = Path(text)
    if path.is_dir():
        if not images_in(path):
            wanted = ", ".join(IMAGE_SUFFIXES)
            raise SourceUnusable(f"There is no image in the folder {path} ({wanted}).")
        return Source("folder", text)
    if path.is_char_device():
        return Source("device", text)
    if path.is_file():
        return Source("file", text)
    raise SourceUnusable(
        f"There is no file or folder {path}. A source is a device's number (0), a video file, "
        "a folder of images or an address (rtsp://...)."
    )


def images_in(folder: Path) -> list[Path]:
    """Return the folder's images in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def frames_of(
    source: Source, *, loop: bool, fast: bool, stopping: threading.Event, report: Report
) -> Iterator[Frame | None]:
    """Yield the source's frames until it ends or `stopping` is set.

    None comes at least every half second in which a live source has no picture. `fast` plays a
    file without pausing between frames; their times stay those of its own speed. Raises
    SourceUnusable when a file cannot be played at all.
    """
    if source.live:
        yield from _watch_live(source, stopping, report)
    else:
        yield from _play(source, loop, fast, stopping)


# -- a file, a folder -----------------------------------------------------------------------------


def _play(
    source: Source, loop: bool, fast: bool, stopping: threading.Event
) -> Iterator[Frame | None]:
    began = time.monotonic()
    number = 0
    while True:
        shown = 0
        pictures, rate = _opened(source)
        for picture in pictures:
            due = began + number / rate
            if not fast and stopping.wait(max(0.0, due - time.monotonic())):
                return
            if stopping.is_set():
                return
            yield Frame(picture, grey_of(picture), due)
            number += 1
            shown += 1
        if shown == 0:
            raise SourceUnusable(f"There is no picture in {source.shown}: is it a video or images?")
        if not loop:
            return


def _opened(source: Source) -> tuple[Iterator[Picture], float]:
    """The pictures of a file or folder from its start, and how many there are per second."""
    if source.kind == "folder":
        return _images(Path(source.where)), FOLDER_FRAMES_PER_SECOND
    video = cv2.VideoCapture(source.where)
    if not video.isOpened():
        raise SourceUnusable(f"{source.shown} cannot be played: OpenCV does not know its format.")
    rate = video.get(cv2.CAP_PROP_FPS)
    return _video(video), rate if 1.0 <= rate <= 240.0 else FILE_FRAMES_PER_SECOND


def _images(folder: Path) -> Iterator[Picture]:
    for path in images_in(folder):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is not None:  # a broken image among others is a frame without a picture
            yield cast(Picture, image)


def _video(video: cv2.VideoCapture) -> Iterator[Picture]:
    try:
        while True:
            there, picture = video.read()
            if not there:
                return
            yield cast(Picture, picture)
    finally:
        video.release()


def grey_of(picture: Picture) -> Grey:
    """Return the picture in grey: (height, width) uint8."""
    if picture.ndim == 2:
        return picture
    return cast(Grey, cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))


# -- a device, an address -------------------------------------------------------------------------


class _Newest:
    """Holds the newest frame until it is taken; an older one is dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None

    def put(self, frame: Frame) -> None:
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def take(self, seconds: float) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, seconds)
            frame, self._frame = self._frame, None
            return frame


def _watch_live(
    source: Source, stopping: threading.Event, report: Report
) -> Iterator[Frame | None]:
    newest = _Newest()
    capture = Capture(source, newest.put, report)
    keeper = threading.Thread(target=capture.keep, args=(stopping,), name="capture", daemon=True)
    keeper.start()
    try:
        while not stopping.is_set():
            yield newest.take(0.5)
    finally:
        capture.end()


class Capture:
    """Keeps a child process at the source, whatever becomes of it. `put` takes each frame."""

    def __init__(self, source: Source, put: Callable[[Frame], None], report: Report) -> None:
        self._source = source
        self._put = put
        self._report = report
        self._child: subprocess.Popen[bytes] | None = None
        self._heard_at = 0.0
        self._well = False
        self._ended = False
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """The child that is at the source, if one is."""
        return None if self._child is None else self._child.pid

    def keep(self, stopping: threading.Event) -> None:
        """Until `stopping`: start a child, watch over it, and start the next one."""
        failures = 0
        while not (stopping.is_set() or self._ended):
            frames, why = self._once(stopping)
            if stopping.is_set() or self._ended:
                break
            self._well = False
            self._report(why)
            failures = 0 if frames else failures + 1
            stopping.wait(REOPEN_SECONDS[min(failures, len(REOPEN_SECONDS) - 1)])
        self.end()

    def end(self) -> None:
        """The child is gone, however it hangs."""
        self._ended = True
        self._kill()

    def _once(self, stopping: threading.Event) -> tuple[int, str]:
        """One child's life: how many frames came, and why it is over."""
        # The address goes by its stdin: it may hold a password, and arguments are for all to see.
        child = subprocess.Popen(
            [sys.executable, "-m", "scanners.lens"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=Path(__file__).resolve().parent.parent, start_new_session=True,
        )  # fmt: skip
        self._child = child
        self.starts += 1
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(OSError):
            child.stdin.write(f"{self._source.kind}\n{self._source.where}".encode())
            child.stdin.close()
        self._heard_at = time.monotonic() + START_SECONDS - SILENCE_SECONDS
        counted = _Counted()
        reader = threading.Thread(
            target=self._read, args=(child.stdout, counted), name="frames", daemon=True
        )
        reader.start()
        silent = False
        while reader.is_alive():
            reader.join(0.1)
            silent = time.monotonic() - self._heard_at > SILENCE_SECONDS
            if silent or stopping.is_set() or self._ended:
                break
        self._kill()
        reader.join(1.0)
        if silent:
            return counted.frames, "the source was silent: started again"
        if child.returncode == EXIT_CLOSED:
            return counted.frames, f"{self._source.shown} does not open"
        return counted.frames, "the source ended"

    def _read(self, pipe: IO[bytes], counted: "_Counted") -> None:
        """Every frame of one child. Runs in a thread of its own."""
        with pipe:
            while len(head := pipe.read(HEADER.size)) == HEADER.size:
                at, height, width = HEADER.unpack(head)
                if not (0 < height <= SIDE_MOST and 0 < width <= SIDE_MOST):
                    return
                pixels = pipe.read(height * width)
                if len(pixels) < height * width:
                    return
                grey = np.frombuffer(pixels, np.uint8).reshape(height, width)
                self._heard_at = time.monotonic()
                counted.frames += 1
                self._put(Frame(grey, grey, at))
                if not self._well:
                    self._well = True
                    self._report("")

    def _kill(self) -> None:
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()
        if child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(2.0)  # one in the driver's hands ends when the driver lets go


class _Counted(Struct):
    frames: int = 0


def next_picture(video: cv2.VideoCapture) -> Picture | None:
    """The next picture; None: the source ended."""
    try:
        there, picture = video.read()
    except cv2.error:  # some drivers raise when the cable is pulled; it is the source's end
        return None
    return cast(Picture, picture) if there else None


def open_live(source: Source) -> cv2.VideoCapture:
    if source.kind == "device":
        where: Any = int(source.where) if source.where.isdigit() else source.where
        video = cv2.VideoCapture(where)
        # One buffered frame: a queue in the driver would show the door as it was.
        video.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        video.set(cv2.CAP_PROP_FRAME_WIDTH, 1280)
        video.set(cv2.CAP_PROP_FRAME_HEIGHT, 720)
        return video
    silence_ms = int(SILENCE_SECONDS * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, silence_ms]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, silence_ms]
    return cv2.VideoCapture(source.where, cv2.CAP_FFMPEG, limits)
