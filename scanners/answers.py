"""What an answer to `POST /v1/scans` means for the scan: decided, to be asked again, or over. Pure.

An answer that cannot be understood is never a verdict: a hotel's sign-in page in front of the
server also answers 200.
"""

import re
from typing import Final, Literal

import msgspec
from msgspec import Struct

RETRY_AFTER_SECONDS_MOST: Final = 5.0


class Decided(Struct, frozen=True):
    """The server's verdict, which is final for this scan."""

    verdict: Literal["admit", "wait", "refuse"]
    reason: str
    title: str
    instruction: str
    replayed: bool = False


class AskAgain(Struct, frozen=True):
    """Nothing is known of the scan: ask again with the same id. `after_seconds` is the wish."""

    why: str
    after_seconds: float | None = None


class Rejected(Struct, frozen=True):
    """The server will never take this scan; another one may do."""

    why: str


class Dismissed(Struct, frozen=True):
    """The server does not know this device, or no longer: nothing it sends will be taken."""

    why: str


Meaning = Decided | AskAgain | Rejected | Dismissed


class _ScanAnswer(Struct):
    scan_id: str
    verdict: Literal["admit", "wait", "refuse"]
    reason: str
    title: str
    instruction: str
    replayed: bool = False


class _Problem(Struct):
    title: str = ""
    reason: str = ""
    detail: str = ""


def meaning_of(status: int, body: bytes, *, scan_id: str, retry_after: str | None) -> Meaning:
    """Return what the answer with that HTTP status and body means for the scan `scan_id`."""
    if status in (200, 201):
        return _verdict_in(body, scan_id)
    if status == 403 and _words_of(body) == "out_of_scope":
        return Rejected("This camera is for another night or door: nothing of this one is taken.")
    if status in (401, 403):
        return Dismissed(
            f"The server does not accept this device ({status}, {_words_of(body)}). Its token was "
            "revoked, or is not this server's: pair the camera again and give it the new token."
        )
    if status in (408, 425, 429) or status >= 500:
        return AskAgain(f"server busy ({status})", _seconds(retry_after))
    if status in (404, 405):
        return Rejected(f"There is no /v1/scans at this address ({status}): check --server.")
    if 300 <= status < 400:
        return AskAgain(f"sent elsewhere ({status}): check --server")
    return Rejected(f"The server did not take the scan ({status}, {_words_of(body)}).")


def _verdict_in(body: bytes, scan_id: str) -> Meaning:
    try:
        answer = msgspec.json.decode(body, type=_ScanAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return AskAgain("answer not understood: is --server really the service?")
    if answer.scan_id != scan_id:
        return AskAgain("answer to another scan")
    return Decided(
        answer.verdict,
        _plain(answer.reason),
        _plain(answer.title),
        _plain(answer.instruction),
        answer.replayed,
    )


def _words_of(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no reason given"
    return _plain(problem.reason or problem.title) or "no reason given"


def _plain(text: str) -> str:
    """Without control characters, which could forge a line on the terminal, and short."""
    return re.sub(r"[^\x20-\x7e\u00a0-\u2fff]", " ", text)[:160].strip()


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not re.fullmatch(r"\d{1,6}", retry_after):
        return None
    return min(float(retry_after), RETRY_AFTER_SECONDS_MOST)
