"""The child process that reads one live source: `python -m scanners.lens`, the source on its stdin.

A driver that hangs cannot be ended from within, so what talks to it is a process of its own, which
the camera kills and starts again (`scanners.capture`). It writes each picture in grey to its
stdout: a header, then the pixels. It ends when the source ends, and with its parent.
"""

import ctypes
import signal
import sys
import time
from typing import Final

from scanners.capture import EXIT_CLOSED, HEADER, Source, grey_of, next_picture, open_live

EXIT_ENDED: Final = 0
_PR_SET_PDEATHSIG: Final = 1


def main() -> int:
    kind, _, where = sys.stdin.read().partition("\n")
    _end_with_parent()
    source = Source("device" if kind == "device" else "address", where)
    video = open_live(source)
    if not video.isOpened():
        return EXIT_CLOSED
    out = sys.stdout.buffer
    while (picture := next_picture(video)) is not None:
        at = time.monotonic()
        grey = grey_of(picture)
        height, width = grey.shape
        try:
            out.write(HEADER.pack(at, height, width))
            out.write(grey.tobytes())
            out.flush()
        except BrokenPipeError:  # the camera has ended
            break
    video.release()
    return EXIT_ENDED


def _end_with_parent() -> None:
    """A camera that is killed leaves no child that holds the device; on Linux alone."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return


if __name__ == "__main__":
    sys.exit(main())
