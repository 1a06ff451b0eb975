"""Every test: `python -m tests` (`make test`), as two runs side by side.

Much of a test is waiting, for a browser, a process, a disk: one run has the tests of the whole
service, the other one all the rest, each with servers and folders of its own. The first one's
report follows the other's. What is given is pytest's own, for both.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent
WHOLE = ("acceptance", "faults")  # they run the service as processes of its own


def main() -> int:
    """pytest's exit code; of two that are not 0, that of the parts of the service."""
    parts = sorted({file.relative_to(TESTS).parts[0] for file in TESTS.rglob("test_*.py")})
    others = [str(TESTS / part) for part in parts if part not in WHOLE]
    command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
    with tempfile.TemporaryFile() as report:
        whole = subprocess.Popen(
            [*command, "-p", "no:cacheprovider", *(str(TESTS / part) for part in WHOLE)],
            stdout=report, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            first = subprocess.run([*command, *others], check=False).returncode
            print("The tests of the whole service are on their way.", flush=True)
            second = whole.wait()
        except BaseException:
            whole.terminate()
            whole.wait()
            raise
        report.seek(0)
        sys.stdout.buffer.write(report.read())
        sys.stdout.flush()
    return first or second


if __name__ == "__main__":
    sys.exit(main())
