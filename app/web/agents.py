"""Which browser somebody says they have, in three words, for the list of sessions.

The header itself tells much more than the list needs, so nothing else of it is kept.
"""

from collections.abc import Iterable
from typing import Final

from app.web.visitors import values

# The first mark that the header contains decides; Chromium claims to be Safari, and Edge Chrome.
BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS: Final = (
    ("iPad", "iPad"), ("iPhone", "iPhone"), ("Android", "Android"), ("CrOS", "ChromeOS"),
    ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
PROGRAM: Final = "a program"


def agent_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """ "Firefox on Android"; "a program" for what is no browser; None: nothing was said."""
    said = values(headers, b"user-agent")
    if not said:
        return None
    browser = next((name for mark, name in BROWSERS if mark in said[0]), None)
    system = next((name for mark, name in SYSTEMS if mark in said[0]), None)
    if browser is None or "Mozilla/" not in said[0]:
        return PROGRAM
    return browser if system is None else f"{browser} on {system}"
