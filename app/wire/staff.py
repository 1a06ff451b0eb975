"""The shapes of staff and of their sessions."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from app.domain.passwords import PASSWORD_LENGTH_MAX
from app.domain.pins import PIN_FORM
from app.domain.second_factor import CODE_FORM
from app.wire import Answer, NightDate, Request, Text, Uuid
from app.wire.forms import FORMS, USERNAME_FORM

FORMS[CODE_FORM] = "a code of six digits"
FORMS[PIN_FORM] = "four to eight digits"

Role = Literal["SUPER_ADMIN", "MANAGER", "DOOR_STAFF"]
FloorName = Literal["upstairs", "downstairs"]
DoorId = Annotated[str, Meta(min_length=1, max_length=40)]
Username = Annotated[str, Meta(min_length=2, max_length=80, pattern=USERNAME_FORM)]
Code = Annotated[str, Meta(pattern=CODE_FORM)]
RecoveryCode = Annotated[str, Meta(min_length=20, max_length=60)]
Pin = Annotated[str, Meta(pattern=PIN_FORM)]
Password = Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


# -- one's own session ----------------------------------------------------------------------------


class SignIn(Request, frozen=True):
    """`POST /v1/session`: a password, or a single-use link's token."""

    username: Annotated[str, Meta(min_length=1, max_length=80)] | None = None
    password: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    link: Annotated[str, Meta(min_length=20, max_length=200)] | None = None


class SignInByPin(Request, frozen=True):
    """`POST /v1/session/pin`, sent by a tablet: who holds it from now on."""

    staff_id: Uuid
    pin: Pin


class GiveCode(Request, frozen=True):
    """`POST /v1/session/totp`: what the authenticator app shows, or a recovery code."""

    code: Code | None = None
    recovery_code: RecoveryCode | None = None


class Elevate(Request, frozen=True):
    """`POST /v1/session/elevate`: one proof more. A PIN is for the accounts of a demo alone."""

    code: Code | None = None
    recovery_code: RecoveryCode | None = None
    pin: Pin | None = None


class ChangePassword(Request, frozen=True):
    """`POST /v1/session/password`. `current` may be left out after signing in by a link."""

    new: Password
    current: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None


class SetPin(Request, frozen=True):
    """The PIN for shared tablets; null: none any more."""

    pin: Pin | None


class SessionAnswer(Answer, frozen=True):
    """Who acts, what they may do now, and what the session still lacks.

    `second_factor`: "needed" and "enrol" are sessions that may do nothing else yet. `staff_id` is
    null for a device, whose `device_id` and `door` are then told; somebody on a tablet by PIN has
    all three. `floor`, `scope_door` and `night` are where the rights reach; null: everywhere.
    `recovery_codes` are in the answer to an enrolment and in no other.
    """

    kind: Literal["staff", "device"]
    name: str
    role: str
    permissions: list[str]
    second_factor: Literal["none", "needed", "enrol"]
    staff_id: str | None = None
    session_id: str | None = None
    expires_at: str | None = None
    elevated_until: str | None = None
    began: str | None = None
    demo: bool = False
    has_password: bool = False
    has_totp: bool = False
    has_pin: bool = False
    device_id: str | None = None
    door: str | None = None
    floor: str | None = None
    scope_door: str | None = None
    night: str | None = None
    recovery_codes: list[str] | None = None


class EnrolmentAnswer(Answer, frozen=True):
    """What an authenticator app needs: the picture, or by hand the secret."""

    secret: str
    uri: str
    svg: str


class PinHolder(Answer, frozen=True):
    """`supervisor`: may override a verdict and undo a scan."""

    staff_id: str
    name: str
    supervisor: bool


class PinHolders(Answer, frozen=True):
    """Who may take this tablet by PIN, by name."""

    staff: list[PinHolder]


# -- administration -------------------------------------------------------------------------------


class AddStaff(Request, frozen=True):
    """`POST /v1/staff`. Without floor, door or night the rights reach everywhere."""

    username: Username
    display_name: Text
    role: Role
    floor: FloorName | None = None
    door: DoorId | None = None
    night: NightDate | None = None


class ChangeStaff(Request, frozen=True):
    """`PATCH /v1/staff/{staff_id}`: what is left out stays; null takes a limit away.

    `edition` is that of the account as it was read: a change that was made meanwhile is not lost.
    """

    edition: Annotated[int, Meta(ge=1, le=2_000_000_000)]
    display_name: Text | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    floor: FloorName | UnsetType | None = UNSET
    door: DoorId | UnsetType | None = UNSET
    night: NightDate | UnsetType | None = UNSET
    disabled: bool | UnsetType = UNSET


class StaffAnswer(Answer, frozen=True):
    """A member of staff as the administration sees them.

    `seen_at`, in the list alone: when a session of theirs was last used, null when that is weeks
    ago. `link` signs them in once, until `link_expires_at`; it is in the answer that made it, and
    in no other.
    """

    staff_id: str
    username: str
    name: str
    role: str
    floor: str | None
    door: str | None
    night: str | None
    disabled: bool
    demo: bool
    edition: int
    created_at: str
    has_password: bool
    has_totp: bool
    has_pin: bool
    seen_at: str | None = None
    link_id: str | None = None
    link: str | None = None
    link_expires_at: str | None = None


class StaffList(Answer, frozen=True):
    """Everybody, those who may act first."""

    staff: list[StaffAnswer]


class LinkAnswer(Answer, frozen=True):
    """A link that signs the member of staff in once; `link` is in this answer and in no other."""

    staff_id: str
    link_id: str
    link_expires_at: str
    link: str | None = None


class SessionListed(Answer, frozen=True):
    """A session that counts. `origin` tells sessions of one address from those of others."""

    session_id: str
    staff_id: str
    name: str
    role: str
    began: str
    assurance: str
    created_at: str
    seen_at: str
    expires_at: str
    origin: str | None
    agent: str | None
    device_id: str | None
    own: bool


class SessionList(Answer, frozen=True):
    """The sessions that the caller may end, the one used last first."""

    sessions: list[SessionListed]


class SessionsEnded(Answer, frozen=True):
    """How many sessions ended."""

    staff_id: str
    ended: int
