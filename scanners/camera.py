"""The command `backroom-camera`: reads its arguments, finds OpenCV, and keeps watch.

    backroom-camera --source 0 --server https://backroom.example --door main --pair CODE

Paired once, it keeps its token for this server and door.

Exit codes: 0 the source ended or a signal came; 1 the source cannot be used; 2 wrong arguments;
3 a library that OpenCV needs is missing; 4 the server does not accept this device.
"""

import argparse
import os
import re
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from scanners.pairing import STATE_HELP, Keeping, PairingRefused, state_folder

TOKEN_VARIABLE: Final = "BACKROOM_DEVICE_TOKEN"  # noqa: S105 - the name of it, not a token

EXIT_UNUSABLE: Final = 1
EXIT_ARGUMENTS: Final = 2
EXIT_LIBRARY: Final = 3
EXIT_DISMISSED: Final = 4  # as the watch's own

# The Debian package that brings each library which OpenCV's wheel leaves to the system.
PACKAGES: Final = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the camera and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, os.environ))


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the camera until its source ends or a signal comes; return the exit code."""
    given = _parser().parse_args(arguments)
    trouble = _trouble_with(given.server)
    if trouble:
        return _complain(trouble, EXIT_ARGUMENTS)
    try:
        token, trouble = _token(given, environment)
    except PairingRefused as refused:
        return _complain(str(refused), EXIT_DISMISSED)
    if trouble:
        return _complain(trouble, EXIT_ARGUMENTS)
    try:
        # Here and not above: the arguments and --help work on a machine without OpenCV.
        from scanners.capture import SourceUnusable, source_of  # noqa: PLC0415
        from scanners.outputs import Output  # noqa: PLC0415
        from scanners.watch import Options, Watch  # noqa: PLC0415
    except ImportError as error:
        return _complain(missing_library(str(error)), EXIT_LIBRARY)
    stopping = threading.Event()
    _stop_on_signals(stopping)
    try:
        options = Options(
            source=source_of(given.source),
            server=given.server,
            token=token,
            door=given.door,
            direction=given.direction,
            loop=given.loop,
            fast=given.fast,
            annotate=given.annotate,
            window=given.window,
            reports=True,
            spool=_keeping(given, environment).file.with_suffix(".spool"),
            gate=Output(given.gate_url, given.gate_command),
            refused=Output(given.refuse_url, given.refuse_command),
        )
        return Watch(options, stopping).run()
    except SourceUnusable as error:
        return _complain(str(error), EXIT_UNUSABLE)


def missing_library(error: str) -> str:
    """Return what to install, from the words of the ImportError that OpenCV raised."""
    found = re.search(r"lib[\w.+-]+\.so[.\d]*", error)
    if found is None:
        return f"OpenCV cannot be loaded ({error}). Install the project's dependencies again."
    library = found.group()
    package = PACKAGES.get(library)
    if package is None:
        return f"OpenCV needs {library}: install the system package that brings it."
    return (
        f"OpenCV needs {library}, which is missing. On Debian and Ubuntu: apt-get install {package}"
        " (a machine without a screen often needs libgl1 and libglib2.0-0 both)."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backroom-camera",
        description="Reads the codes that are held up at a door and asks the server about each.",
    )
    parser.add_argument(
        "--source",
        required=True,
        help="a device's number (0), a video file, a folder of images, or rtsp://...",
    )
    parser.add_argument(
        "--server",
        default="http://127.0.0.1:8000",
        help="the service's address; default: %(default)s",
    )
    parser.add_argument("--door", required=True, help="the door where the camera hangs")
    parser.add_argument(
        "--direction", choices=("in", "out"), default="in", help="which way guests pass it"
    )
    parser.add_argument(
        "--pair", metavar="CODE", help="a manager's pairing code; used once, then the token is kept"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FOLDER", help=f"where it is kept; default: {STATE_HELP}"
    )
    parser.add_argument("--token-file", type=Path, help="a file with the device's token")
    parser.add_argument(
        "--token", help=f"the token itself; others can see it, so prefer ${TOKEN_VARIABLE}"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--once", action="store_true", help="play a file or folder once (default)")
    again.add_argument("--loop", action="store_true", help="play it again and again")
    parser.add_argument("--fast", action="store_true", help="play it as fast as it is decoded")
    parser.add_argument(
        "--annotate", type=Path, metavar="FILE.mp4", help="record what the camera made of it"
    )
    for name, when in (
        ("gate", "on admit: opens it"),
        ("refuse", "on anything else: light or sound"),
    ):
        parser.add_argument(f"--{name}-url", default="", metavar="URL", help=f"posted to {when}")
        parser.add_argument(f"--{name}-command", default="", metavar="COMMAND", help=f"run {when}")
    parser.add_argument("--window", action="store_true", help="show what the camera makes of it")
    return parser


def _keeping(given: argparse.Namespace, environment: Mapping[str, str]) -> Keeping:
    return Keeping(given.state or state_folder(environment), given.server, given.door)


def _token(given: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, str]:
    """The device's token, and what is wrong with it ("" when nothing is)."""
    if given.pair is not None and (given.token or given.token_file):
        return "", "Give either --pair or a token, not both."
    token = (given.token or environment.get(TOKEN_VARIABLE, "")).strip()
    if given.token_file is None and (given.pair is not None or not token):
        keeping = _keeping(given, environment)
        try:
            kept = keeping.token(given.pair)
        except OSError as error:
            return "", f"The state folder cannot be used: {error}."
        token = kept or token
    if given.token_file is not None:
        try:
            token = given.token_file.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            return "", f"The token file cannot be read: {type(error).__name__}."
    token = token.strip()
    if not token:
        return "", (
            "The camera is not paired: give --pair with the code that a manager sees when adding "
            f"the device, or a token by {TOKEN_VARIABLE} or --token-file."
        )
    if not re.fullmatch(r"[\x21-\x7e]{8,512}", token):
        return "", "The device token has characters that no token has: was the file cut?"
    return token, ""


def _trouble_with(server: str) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"--server must be an address like https://backroom.example, not {server!r}."
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        _say(f"The token and the codes go to {parts.hostname} unencrypted: use https.")
    return ""


def _stop_on_signals(stopping: threading.Event) -> None:
    """The first SIGINT or SIGTERM ends the watch in order; the second ends the process."""

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def _complain(sentence: str, code: int) -> int:
    _say(sentence)
    return code


def _say(sentence: str) -> None:
    print(f"backroom-camera: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    main()
