"""Browsers in three words."""

import pytest

from app.web.agents import agent_of

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36"
SAID = {
    CHROME: "Chrome on Linux",
    CHROME + " Edg/156.0": "Edge on Linux",
    "Mozilla/5.0 (Android 16; Mobile; rv:150.0) Gecko/150.0 Firefox/150.0": "Firefox on Android",
    "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605 Version/19 Safari/604":
        "Safari on iPad",
    "Mozilla/5.0 Firefox/1": "Firefox",
    "python-httpx/0.28": "a program",
    "curl/8 Chrome/1": "a program",
    "": "a program",
    "Mozilla/5.0 <script>alert(1)</script>": "a program",
}  # fmt: skip


@pytest.mark.parametrize(("said", "told"), SAID.items())
def test_nothing_is_kept_of_the_header_but_three_words(said: str, told: str) -> None:
    assert agent_of([(b"user-agent", said.encode())]) == told


def test_nothing_said_is_nothing_kept() -> None:
    assert agent_of([(b"host", b"x")]) is None
