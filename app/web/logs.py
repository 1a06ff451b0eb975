"""Logs as one JSON object a line, on standard error.

A line has time, level, logger, message, and of the fields that the caller gave in `extra` those
that are on the list below: ids, roles, numbers. Codes, tokens, names, addresses and query strings
have no field. Of an exception the line tells where it came from and what it says, without the
values that libraries quote in their messages (a driver's "Failing row contains ...").
"""

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

# What a LogRecord has of its own; everything else was given in `extra`.
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
# What may be told, and identifies nobody to whom the database is closed.
FIELDS: Final = frozenset(
    (
        "node", "request_id", "method", "route", "status", "milliseconds", "actor", "staff_id",
        "role", "night", "number", "booking_id", "scan_id", "device_id", "quarantine_id",
        "session_id", "person_id", "ban_id", "message_id", "lease_id", "task_id", "payment_id",
        "refund_id", "waitlist_id", "series_id",
    )
)  # fmt: skip
# This service's own loggers; of libraries only warnings, since nobody here chose what they tell.
OWN_LOGGERS: Final = ("app", "backroom", "floorplan", "scanners")

_QUOTED: Final = re.compile(r"""'[^'\n]*'|"[^"\n]*"|`[^`\n]*`""")
_DETAIL: Final = re.compile(r"^(DETAIL|HINT|CONTEXT):.*", re.MULTILINE | re.DOTALL)
_CAUSES_MOST: Final = 8


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        given = {name: value for name, value in vars(record).items() if name not in _OWN}
        line.update({name: value for name, value in given.items() if name in FIELDS})
        if withheld := sorted(given.keys() - FIELDS):
            line["withheld"] = withheld  # so that a field that is missed is found
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = "".join(told(record.exc_info[1]))
        return msgspec.json.encode(line, enc_hook=str).decode()


def told(error: BaseException, most: int = _CAUSES_MOST) -> list[str]:
    """Where the error and what led to it came from, and what they say without quoted values."""
    led = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [] if led is None or not most else [*told(led, most - 1), "-> and so\n"]
    if isinstance(error, BaseExceptionGroup) and most:
        for one in error.exceptions:
            lines += [*told(one, most - 1), "-> one of several\n"]
    message = _QUOTED.sub("'...'", _DETAIL.sub("", str(error))).strip()
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return [*lines, *traceback.format_tb(error.__traceback__), f"{name}: {message}\n"]


def configure_logs(level: str, node: str) -> None:
    """Every logger of this service writes JSON lines from `level` on; libraries from warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_Node(node))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    chosen = logging.getLevelName(level.upper())
    root.setLevel(max(logging.WARNING, chosen))
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(chosen)


class _Node(logging.Filter):
    """Each line says which worker wrote it."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def filter(self, record: logging.LogRecord) -> bool:
        record.node = self._node
        return True
