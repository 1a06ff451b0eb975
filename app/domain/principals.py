"""Who acts, and what each kind of actor may do: the one table of permissions."""

from typing import Final, Literal

from msgspec import Struct

Kind = Literal["anonymous", "owner", "staff", "device", "system"]

_PUBLIC: Final = frozenset(
    {"floor:read", "night:read", "availability:read", "hold:create", "live:public"}
)
# An owner acts on one booking, by the token that came with its hold.
_OWNER: Final = _PUBLIC | {"own:read", "own:confirm", "own:extend", "own:cancel", "own:code"}
_DEVICE: Final = _PUBLIC | {
    "scan:create",
    "scan:read",
    "headcount:change",
    "state:read",
    "live:door",
}
_DOOR_STAFF: Final = _PUBLIC | {
    "scan:create", "scan:read", "headcount:change", "state:read", "book:read", "booking:list",
    "guest:read", "booking:read", "booking:seat", "table:vacate", "table:reset", "walk_in:create",
    "live:door", "session:end",
}  # fmt: skip
_MANAGER: Final = _DOOR_STAFF | {
    "night:open", "night:edit", "night:close", "hold:desk", "booking:confirm", "booking:extend",
    "booking:cancel", "booking:move", "booking:no_show", "booking:complete", "booking:code",
    "headcount:correct", "table:block", "device:manage", "live:manager", "health:read",
}  # fmt: skip
_SUPER_ADMIN: Final = _MANAGER | {"staff:manage"}

_SYSTEM: Final[frozenset[str]] = frozenset()  # acts by its own code, never through a route

ROLES: Final[dict[str, frozenset[str]]] = {
    "ANONYMOUS": _PUBLIC,
    "OWNER": _OWNER,
    "DEVICE": _DEVICE,
    "DOOR_STAFF": _DOOR_STAFF,
    "MANAGER": _MANAGER,
    "SUPER_ADMIN": _SUPER_ADMIN,
    "SYSTEM": _SYSTEM,
}


class Principal(Struct, frozen=True):
    """The one who acts.

    `id` is the staff's or device's UUID, or the hexadecimal SHA-256 of an owner's token; "" for
    nobody. `role` is a key of ROLES. `door` is where a device stands.
    """

    kind: Kind
    id: str
    role: str
    name: str = ""
    door: str | None = None

    @property
    def actor(self) -> str:
        """The actor in the book: `staff:<uuid>`, `device:<uuid>`, `owner:<12 hex>` or `public`."""
        if self.kind == "anonymous":
            return "public"
        return f"{self.kind}:{self.id[:12] if self.kind == 'owner' else self.id}"

    def may(self, permission: str) -> bool:
        """Whether the role holds the permission."""
        return permission in ROLES[self.role]


ANONYMOUS: Final = Principal(kind="anonymous", id="", role="ANONYMOUS")
SYSTEM: Final = Principal(kind="system", id="sweeper", role="SYSTEM")
