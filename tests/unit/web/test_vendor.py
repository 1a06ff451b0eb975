"""What others made is served as they published it, with its licence beside it."""

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[3] / "static" / "vendor"
NOTES = (VENDOR / "README.md").read_text()
TEXTS = ("README.md", "LICENSE", "LICENSE-zxing-cpp")


def noted() -> dict[str, str]:
    return dict(re.findall(r"^\| `([\w./-]+)` \| `([0-9a-f]{64})` \|$", NOTES, re.MULTILINE))


def test_every_borrowed_file_is_noted_and_is_as_it_was_published() -> None:
    found = {
        file.relative_to(VENDOR).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in VENDOR.rglob("*")
        if file.is_file() and file.name not in TEXTS
    }
    assert found == noted()
    assert len(found) == 3


def test_the_reader_says_the_version_and_the_binary_that_are_noted() -> None:
    script = (VENDOR / "zxing-wasm/es/reader/index.js").read_text()
    share = (VENDOR / "zxing-wasm/es/share.js").read_text()
    [version] = re.findall(r"^## zxing-wasm (\S+),", NOTES, re.MULTILINE)
    assert f"zxing-wasm@{version}/" in share
    assert noted()["zxing-wasm/reader/zxing_reader.wasm"] in script


def test_the_licences_stand_beside_it() -> None:
    assert (VENDOR / "zxing-wasm/LICENSE").read_text().startswith("MIT License")
    apache = (VENDOR / "zxing-wasm/LICENSE-zxing-cpp").read_text()
    assert "Apache License" in apache
    assert "Version 2.0" in apache
