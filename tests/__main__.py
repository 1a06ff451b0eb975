"""Every test: `python -m tests` (`make test`), as two runs side by side.

Much of a test is waiting, for a browser, a process, a disk: one run has the tests that share
embedded servers, the other one all the rest, each with servers and folders of its own. They take
about as long as each other. The other one's report follows the first's. What is given is pytest's
own, for both.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent
SHARING = "integration"


def main() -> int:
    """pytest's exit code; of two that are not 0, that of the tests that share servers."""
    parts = sorted({file.relative_to(TESTS).parts[0] for file in TESTS.rglob("test_*.py")})
    others = [str(TESTS / part) for part in parts if part != SHARING]
    command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
    with tempfile.TemporaryFile() as report:
        beside = subprocess.Popen(
            [*command, "-p", "no:cacheprovider", *others], stdout=report, stderr=subprocess.STDOUT
        )
        try:
            first = subprocess.run([*command, str(TESTS / SHARING)], check=False).returncode
            print("The other tests are on their way.", flush=True)
            second = beside.wait()
        except BaseException:
            beside.terminate()
            beside.wait()
            raise
        report.seek(0)
        sys.stdout.buffer.write(report.read())
        sys.stdout.flush()
    return first or second


if __name__ == "__main__":
    sys.exit(main())
