"""The direction of imports, read from the source: parts know only what lies below them.

Goal: what may know what (the parts of the architecture) stays true as code is added. Method: every
import statement of every module, also those inside functions, is resolved and judged; a made-up
tree with one wrong import of each kind shows that each is found.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("app", "floorplan", "scanners", "load")
INSIDERS = ("fanout", "storm")  # of load, which may import app.live

# Height of each part of `app`: a module may import from strictly lower parts and from its own.
HEIGHTS = {
    "settings": 0,
    "errors": 0,
    "leash": 0,
    "domain": 1,
    "wire": 2,
    "db": 3,
    "actions": 4,
    "live": 4,  # the same height as actions: they never import each other
    "messages": 4,
    "anchors": 4,
    "payments": 5,  # between an action before a call of Stripe's and the one after it
    "web": 6,
    "main": 7,
    "embedded": 7,
    "administrator": 7,
    "verify": 7,
    "rebuild": 8,
    "erasures": 7,
    "demo": 7,
    "backing": 8,
    "keys": 9,
    "supervisor": 9,
    "__main__": 10,
}


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module under `root`: its dotted name and file."""
    for part in PARTS:
        for file in sorted((root / part).rglob("*.py")):
            names = file.relative_to(root).with_suffix("").parts
            yield ".".join(names[:-1] if names[-1] == "__init__" else names), file


def imports(name: str, file: Path, known: set[str]) -> Iterator[tuple[int, str]]:
    """Every module that `file` imports, with the line; `from a import b` is a.b if that is one."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                # A part may be a namespace package, or not be written yet.
                yield node.lineno, full if full in known or base in PARTS else base


def fault(importer: str, imported: str) -> str | None:
    """Why `importer` may not import `imported`; None if it may."""
    mine, theirs = importer.split("."), imported.split(".")
    if theirs[0] == "cv2" and mine[0] not in ("scanners", "load"):
        return "only the camera and its measurements import OpenCV"
    if mine[0] == "floorplan":
        if theirs[0] not in sys.stdlib_module_names | {"floorplan", "msgspec"}:
            return "floorplan imports the standard library and msgspec only"
    elif mine[0] == "scanners":
        if theirs[0] in ("app", "load"):
            return "scanners know nothing of the service's inside"
        if mine[:2] == ["scanners", "codes"] and theirs[0] == "scanners" and "codes" not in theirs:
            return "codes are pure: they know no camera"
    elif mine[0] == "load":
        # The camera's decoder and the hub are measured by calling them, and the storm waits by the
        # rules that the hub has; everything else knows the service only through its addresses.
        if theirs[0] == "app" and (mine[1] not in INSIDERS or theirs[1:2] != ["live"]):
            return "load uses public interfaces only"
    elif theirs[0] == "load" or (theirs[0] == "scanners" and theirs[:2] != ["scanners", "codes"]):
        return "the service imports of the other parts only floorplan and scanners.codes"
    elif theirs[0] == "app" and len(theirs) > 1:
        return fault_inside(mine[1] if len(mine) > 1 else "", theirs[1])
    return None


def fault_inside(importer: str, imported: str) -> str | None:
    """The same between two parts of `app`."""
    if importer == imported:
        return None
    if importer not in HEIGHTS or imported not in HEIGHTS:
        unknown = importer if importer not in HEIGHTS else imported
        return f"app.{unknown} has no height yet: give it one in this test"
    if importer == "demo" and imported != "settings":
        return "the demo acts through the public interface"
    if HEIGHTS[imported] >= HEIGHTS[importer]:
        return f"imports point down: app.{imported} is not below app.{importer}"
    return None


def faults(root: Path) -> list[str]:
    found = list(modules(root))
    known = {name for name, _ in found}
    return [
        f"{file.relative_to(root)}:{line}: {name} imports {imported}: {reason}"
        for name, file in found
        for line, imported in imports(name, file, known)
        if (reason := fault(name, imported))
    ]


def test_imports_point_down() -> None:
    assert len(list(modules(ROOT))) > 20, "the parts were not found"
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("file", "statement"),
    [
        ("app/db/pool.py", "from app.web import routes"),
        ("app/db/pool.py", "import app.actions.holds"),
        ("app/actions/holds.py", "from app.live import hub"),
        ("app/live/hub.py", "from app.actions.holds import hold_tables"),
        ("app/domain/money.py", "from app.wire import Hold"),
        ("app/domain/money.py", "def late():\n    from ..web import routes"),
        ("app/demo.py", "from app.db import pool"),
        ("app/web/routes.py", "from app import supervisor"),
        ("app/web/routes.py", "from app import unheard_of"),
        ("app/web/routes.py", "import scanners.camera"),
        ("app/web/routes.py", "import cv2"),
        ("floorplan/state.py", "import numpy"),
        ("floorplan/state.py", "from app.domain import money"),
        ("scanners/camera.py", "from app.settings import Settings"),
        ("scanners/codes/base45.py", "from scanners import camera"),
        ("load/rush.py", "from app.settings import Settings"),
        ("load/fanout/peers.py", "from app.db import pool"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, statement: str) -> None:
    right = {
        "app/db/pool.py": "from app.domain import money\nfrom app.errors import Refusal\n",
        "app/actions/holds.py": "from app.db import pool\nimport floorplan.state\n",
        "app/live/hub.py": "from app.db.pool import Database\n",
        "app/domain/money.py": "from decimal import Decimal\n",
        "app/demo.py": "from app.settings import Settings\nimport httpx\n",
        "app/web/routes.py": "from app.actions import holds\nfrom scanners.codes import base45\n",
        "floorplan/state.py": "import msgspec\nfrom . import fold\n",
        "floorplan/fold.py": "import json\n",
        "scanners/camera.py": "import cv2\nfrom scanners.codes import base45\n",
        "scanners/codes/base45.py": "import string\n",
        "load/rush.py": "import httpx\n",
        "load/fanout/peers.py": "from app.live import hub\n",
    }
    for path, text in right.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert faults(tmp_path) == []
    with (tmp_path / file).open("a") as stream:
        stream.write(statement + "\n")
    found = faults(tmp_path)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:")
