"""The table of operations as a table for people, for `docs/interface.md`."""

from collections.abc import Iterable
from typing import Final

from app.domain.principals import ROLES
from app.web.operations import Operation

COLUMNS: Final = {
    "ANONYMOUS": "all",
    "DEVICE": "device",
    "DOOR_STAFF": "door",
    "MANAGER": "manager",
    "SUPER_ADMIN": "admin",
}


def operations_table(operations: Iterable[Operation]) -> str:
    """One Markdown row for each operation: its permission, and which roles have it."""
    lines = [
        f"| call | permission | owner | {' | '.join(COLUMNS.values())} |",
        f"|---|---|---|{'---|' * len(COLUMNS)}",
    ]
    for one in operations:
        held = [
            "x" if one.permission is None or one.permission in ROLES[role] else ""
            for role in COLUMNS
        ]
        permission = f"`{one.permission}`" if one.permission else ""
        own = f"`{one.own}`" if one.own else held[0]
        lines.append(f"| `{one.method} {one.path}` | {permission} | {own} | {' | '.join(held)} |")
    return "\n".join(lines) + "\n"
