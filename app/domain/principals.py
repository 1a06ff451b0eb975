"""Who acts, and what each kind of actor may do: the one table of permissions."""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

Kind = Literal["anonymous", "owner", "guest", "staff", "device", "system"]
# How a member of staff showed who they are. "" for everybody else.
Assurance = Literal["password", "totp", "link", "pin", ""]
# What a session still lacks: nothing, a code, or the enrolment that comes before the first code.
SecondFactor = Literal["none", "needed", "enrol"]

_PUBLIC: Final = frozenset(
    {
        "floor:read",
        "night:read",
        "availability:read",
        "hold:create",
        "waitlist:join",
        "live:public",
    }
)
# `scan:supervise` is the right to call a supervisor, whose PIN shows `scan:override`.
# An owner acts on one booking, by the token that came with its hold or by its manage link.
_OWNER: Final = _PUBLIC | {
    "own:read", "own:confirm", "own:extend", "own:cancel", "own:code", "own:export", "own:erase",
    "own:link", "own:change", "own:guests", "own:reschedule", "own:reissue", "own:waitlist",
}  # fmt: skip
# One guest of a party sees their own code, and nothing else at all.
_GUEST: Final = frozenset({"pass:read"})
_DEVICE: Final = _PUBLIC | {
    "scan:create", "scan:read", "scan:supervise", "headcount:change", "state:read", "live:door",
    "incident:record",
    "device:self", "pin:use", "session:read", "guest:read", "lease:use",
}  # fmt: skip
_DOOR_STAFF: Final = _PUBLIC | {
    "scan:create", "scan:read", "scan:supervise", "headcount:change", "state:read", "book:read",
    "incident:record", "booking:list", "waitlist:list",
    "guest:read", "booking:read", "booking:seat", "table:vacate", "table:reset", "walk_in:create",
    "live:door", "session:read", "session:end", "session:totp", "session:elevate",
    "session:password", "pin:set",
}  # fmt: skip
_MANAGER: Final = _DOOR_STAFF | {
    "night:open", "night:edit", "night:close", "hold:desk", "booking:confirm", "booking:extend",
    "booking:cancel", "booking:move", "booking:no_show", "booking:complete", "booking:code",
    "booking:link", "booking:change", "booking:reschedule", "booking:split",
    "headcount:correct", "table:block", "live:manager", "health:read",
    "device:manage", "quarantine:manage", "staff:list", "session:list", "session:revoke",
    "audit:read", "ban:manage", "message:manage", "person:reveal", "person:export",
    "payment:refund", "payment:list", "payment:verify", "scan:override", "door_log:read",
    "booking:reissue", "booking:series", "booking:guests", "lease:manage", "task:manage",
    "waitlist:manage", "calendar:follow", "report:read",
}  # fmt: skip
_SUPER_ADMIN: Final = _MANAGER | {"staff:manage", "person:erase"}

_SYSTEM: Final[frozenset[str]] = frozenset()  # acts by its own code, never through a route

ROLES: Final[dict[str, frozenset[str]]] = {
    "ANONYMOUS": _PUBLIC,
    "OWNER": _OWNER,
    "GUEST": _GUEST,
    "DEVICE": _DEVICE,
    "REVOKED": frozenset(),  # a device whose token is over: what it sends waits for a manager
    "DOOR_STAFF": _DOOR_STAFF,
    "MANAGER": _MANAGER,
    "SUPER_ADMIN": _SUPER_ADMIN,
    "SYSTEM": _SYSTEM,
}
# Of two members of staff the one with the higher rank may do everything that the other may.
RANKS: Final[dict[str, int]] = {"DOOR_STAFF": 1, "MANAGER": 2, "SUPER_ADMIN": 3}

# What moves money, rights or personal data out of the house: a screen left open must not be enough,
# so these need a second factor shown within the last minutes, however long ago the sign-in was.
ELEVATED: Final = frozenset({"payment:refund", "staff:manage", "person:export", "person:erase"})

# A session that lacks its second factor can give it, or end.
PENDING: Final = _PUBLIC | {"session:read", "session:end", "session:totp"}

# A PIN is four digits typed on a tablet that everybody holds: it attributes what the door does
# anyway, and changes nobody's own keys. The one thing beyond it is the override at the door, which
# is what a manager's PIN is for.
_NOT_BY_PIN: Final = frozenset({"session:totp", "session:elevate", "session:password", "pin:set"})
_BY_PIN_ALONE: Final = frozenset({"scan:override"})


class Scope(Struct, frozen=True):
    """Where somebody's rights reach: one floor, one door, one night; None: everywhere."""

    floor: str | None = None
    door: str | None = None
    night: str | None = None

    def allows(
        self, *, floor: str | None = None, door: str | None = None, night: str | None = None
    ) -> bool:
        """Whether something that is on this floor, at this door, of this night lies within.

        None says that the thing is on no floor, at no door or of no night, and so beyond none.
        """
        asked = ((self.floor, floor), (self.door, door), (self.night, night))
        return all(own is None or its is None or own == its for own, its in asked)


EVERYWHERE: Final = Scope()


class Principal(Struct, frozen=True):
    """The one who acts.

    `id` is the UUID of the staff, the device or the guest's ticket, or the hexadecimal SHA-256 of
    an owner's token; "" for nobody. `role` is a key of ROLES. `door` is where a device stands, or
    the tablet that somebody uses by PIN. `elevated_until` is when the step-up ends, in real time;
    None: there is none, or it was over when the session was looked up. `device` is the tablet of a
    session by PIN. `session_id` is the session's public UUID, never its token. `booking_id` is the
    one booking that an owner with a manage link acts on.
    """

    kind: Kind
    id: str
    role: str
    name: str = ""
    door: str | None = None
    scope: Scope = EVERYWHERE
    elevated_until: datetime | None = None
    assurance: Assurance = ""
    second_factor: SecondFactor = "none"
    device: str | None = None
    session_id: str = ""
    booking_id: str | None = None

    @property
    def actor(self) -> str:
        """The actor in the book: `staff:<uuid>`, `device:<uuid>`, `owner:<12 hex>` or `public`."""
        if self.kind == "anonymous":
            return "public"
        return f"{self.kind}:{self.id[:12] if self.kind == 'owner' else self.id}"

    @property
    def scanner(self) -> str:
        """Whose scans and keys these are: the tablet's, whoever's PIN it has at this moment.

        A request that is sent again after the PIN changed has to find its first answer.
        """
        return self.actor if self.device is None else f"device:{self.device}"

    @property
    def permissions(self) -> frozenset[str]:
        """What may be done now; some of it (ELEVATED) with a step-up only."""
        held = ROLES[self.role]
        if self.second_factor != "none":
            return held & PENDING
        if self.assurance == "pin":
            return held & ((_DOOR_STAFF - _NOT_BY_PIN) | _BY_PIN_ALONE)
        return held

    def may(self, permission: str) -> bool:
        """Whether the permission is held. ELEVATED ones also need `is_elevated`."""
        return permission in self.permissions

    @property
    def is_elevated(self) -> bool:
        """Whether a second factor was shown within the last minutes."""
        return self.elevated_until is not None

    def outranks(self, role: str) -> bool:
        """Whether this member of staff stands above the role, or at the top."""
        own = RANKS.get(self.role, 0)
        return own > RANKS[role] or own == max(RANKS.values())


ANONYMOUS: Final = Principal(kind="anonymous", id="", role="ANONYMOUS")
SYSTEM: Final = Principal(kind="system", id="sweeper", role="SYSTEM")
# Who moves money because of what was seen at Stripe.
STRIPE: Final = Principal(kind="system", id="stripe", role="SYSTEM")
