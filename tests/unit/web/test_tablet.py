"""What the door's page says of itself."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_tablet_reports_the_version_of_the_release() -> None:
    release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    script = (ROOT / "static" / "js" / "door" / "report.js").read_text()
    assert re.findall(r'VERSION = "([^"]+)"', script) == [release]
    camera = (ROOT / "scanners" / "health.py").read_text()
    assert re.findall(r'VERSION: Final = "([^"]+)"', camera) == [release]
