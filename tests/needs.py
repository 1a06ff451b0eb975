"""What some tests need from the system: skipped with one line without it, failed under CI.

A test module that imports cv2 (or `scanners.camera`) calls `needs.opencv()` before it does.
"""

import functools
import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def _missing(sentence: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"{sentence} (missing under CI, so this fails)", pytrace=False)
    pytest.skip(sentence, allow_module_level=True)


@functools.cache
def _chromium() -> Path | None:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    return None


@functools.cache
def _opencv_error() -> str | None:
    try:
        importlib.import_module("cv2")
    except ImportError as error:
        return str(error)
    return None


def chromium() -> Path:
    """The path of the installed Chromium."""
    found = _chromium()
    if found is None:
        _missing("No Chromium: install Debian's package chromium to run the browser tests")
    return found


def nginx() -> Path:
    """The path of the installed nginx."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        _missing("No nginx: install Debian's package nginx to run the tests of two nodes")
    return Path(found)


def pgbouncer() -> Path:
    """The path of the installed PgBouncer."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None:
        _missing("No PgBouncer: install Debian's package pgbouncer to run the tests of a pooler")
    return Path(found)


def _major_version(redis: str) -> int:
    told = subprocess.run([redis, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"v=(\d+)", told)
    return int(version[1]) if version else 0


def redis7() -> Path:
    """The path of the installed Redis, 7 or newer."""
    found = shutil.which("redis-server")
    if found is None or _major_version(found) < 7:
        _missing("No Redis 7: install Debian's package redis-server to test sharded channels")
    return Path(found)


def opencv() -> None:
    """Return if OpenCV can be imported."""
    error = _opencv_error()
    if error is not None:
        _missing(f"No OpenCV ({error}): install Debian's packages libgl1, libglib2.0-0 and libxcb1")
