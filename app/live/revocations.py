"""Whose screens a line of the venue's book ends.

A screen is shown to somebody whose rights were looked up when it said hello. A line that takes
rights away ends the screens that were looked up before it; which version of the book a look-up
knew is read just before it, so that nothing falls between the two, and nobody is ended by a line
older than their rights.
"""

from collections import deque
from typing import Final

from app.domain.principals import Principal
from floorplan.administration import PasswordChanged, StaffChanged, administration_of
from floorplan.events import Event, EventUnreadable

ENDING: Final = frozenset(
    {
        "SIGNED_OUT",
        "SESSION_REVOKED",
        "STAFF_CHANGED",
        "STAFF_DISABLED",
        "SECOND_FACTOR_RESET",
        "PASSWORD_CHANGED",
        "DEVICE_PAIRED",
        "DEVICE_REVOKED",
    }
)
# Lines are kept for screens between their look-up and their first frame, some milliseconds. A
# venue has a few such lines a night.
KEPT: Final = 256


class Revocations:
    """The last lines that end screens, for those that arrive while one is heard of."""

    def __init__(self) -> None:
        self._lines: deque[Event] = deque(maxlen=KEPT)
        self._forgotten = 0

    def add(self, line: Event) -> None:
        """Lines come in the order of their versions."""
        if len(self._lines) == KEPT:
            self._forgotten = self._lines[0].version
        self._lines.append(line)

    def forget(self) -> None:
        """The book starts over: what was heard of another one ends nobody."""
        self._lines.clear()
        self._forgotten = 0

    def end(self, principal: Principal, known_at: int) -> bool:
        """Whether a line after `known_at` ends the screens of the principal, or might have.

        It might have when so many came since that not all are kept.
        """
        return known_at < self._forgotten or any(
            line.version > known_at and ends(line, principal) for line in self._lines
        )


def ends(line: Event, principal: Principal) -> bool:
    """Whether the line takes away what the principal's screens were shown by.

    A line whose payload cannot be read ends them: unsure is no reason to go on showing.
    """
    if line.type not in ENDING or principal.kind not in ("staff", "device"):
        return False
    kind, _, subject_id = line.subject.partition(":")
    if not subject_id:
        return False
    if kind == "session":
        return principal.session_id == subject_id
    if kind == "device":
        return subject_id in (principal.id, principal.device)
    if kind != "staff" or (principal.kind, principal.id) != ("staff", subject_id):
        return False
    try:
        payload = administration_of(line)
    except EventUnreadable:
        return True
    if isinstance(payload, StaffChanged):
        return payload.before != payload.after
    if isinstance(payload, PasswordChanged) and payload.kept_session_id is not None:
        return principal.session_id != payload.kept_session_id
    return True
