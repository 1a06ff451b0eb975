"""The catalogue of the venue's book: administration, which belongs to no night.

Who may act, by what, and what they did with people's data. As in the night's book a payload carries
ids, roles, doors, instants and words, never personal data: no name, address, code or token, and no
text that somebody typed (a reason is a word of a list). What was changed stands there before and
after. `docs/events.md` has the table, made from here.

Subjects: `staff:<id>`, `device:<id>`, `session:<id>` (its public id), `person:<id>`, `ban:<id>`,
`booking:<id>` (its links and money), `night:<date>` (its calendar), `payment:<id>`, `message:<id>`,
`settings`, `keys`.
"""

from typing import Any, Final

from msgspec import Struct

from floorplan.events import Event, Instant, Payload, decoders_of, read_payload, table_of

BOOK: Final = "venue"  # the one book beside the nights'


class Standing(Struct, frozen=True, forbid_unknown_fields=True):
    """What a member of staff may do, and where: None is everywhere."""

    role: str
    floor: str | None = None
    door: str | None = None
    night: str | None = None


class StaffAdded(Payload, frozen=True):
    """Somebody may act for the venue from now on."""

    after: Standing


class StaffChanged(Payload, frozen=True):
    """A member of staff may do other things, or elsewhere, or is shown by another name."""

    before: Standing
    after: Standing
    renamed: bool = False


class StaffDisabled(Payload, frozen=True):
    """A member of staff may no longer act; every session of theirs is over."""

    sessions_ended: int = 0


class StaffEnabled(Payload, frozen=True):
    """A member of staff who was disabled may act again."""


class SignedIn(Payload, frozen=True):
    """A session began; its subject is whose it is."""

    session_id: str
    assurance: str  # "password" | "totp" | "link" | "pin"
    device_id: str | None = None


class SignInRefused(Payload, frozen=True):
    """Somebody tried to sign in and was refused; nothing that they typed is kept."""

    reason: str  # the word of the refusal
    device_id: str | None = None


class SignedOut(Payload, frozen=True):
    """The one whose session it was ended it."""

    staff_id: str


class SessionRevoked(Payload, frozen=True):
    """Somebody else, or a change of the account, ended a session, or all of a person's."""

    staff_id: str
    why: str  # "by_hand" | "second_factor" | "role" | "signed_in_again" | "device"


class SecondFactorEnrolled(Payload, frozen=True):
    """The account asks for a time-based code from now on."""

    recovery_codes: int


class SecondFactorReset(Payload, frozen=True):
    """The account has no second factor any more and must enrol one."""


class RecoveryCodeUsed(Payload, frozen=True):
    """A recovery code stood in for the second factor; it never will again."""

    left: int


class Elevated(Payload, frozen=True):
    """The session may do what needs a fresh proof, until the instant (of real time)."""

    staff_id: str
    by: str  # "totp" | "recovery" | "pin"
    until: Instant


class PasswordChanged(Payload, frozen=True):
    """The account has another password; its sessions are over, but for the one kept."""

    kept_session_id: str | None = None


class PinSet(Payload, frozen=True):
    """The account has another PIN for shared tablets, or (`removed`) none."""

    removed: bool = False


class PaymentVerified(Payload, frozen=True):
    """A person saw the money that somebody else took at the desk, or that is not as asked."""

    payment_id: str
    amount_pence: int
    method: str  # "cash" | "card"


class RefundAsked(Payload, frozen=True):
    """A manager decided to give money back beyond what a cancellation does by itself."""

    amount_pence: int


class LinkMade(Payload, frozen=True):
    """A link was made: it signs an account in once, leads a customer to their booking, pairs a
    device that is there once more, or is the address of a calendar."""

    purpose: str  # "invitation" | "sign_in" | "demo" | "manage" | "pairing" | "calendar"
    expires_at: Instant


class ManageLinksRevoked(Payload, frozen=True):
    """Every link to the booking that was made until then is over."""

    generation: int  # of the links that count from now on


class CalendarRenewed(Payload, frozen=True):
    """The calendar of a booking, or somebody's own of a night, has another address; the one before
    is over."""

    generation: int  # of the address that counts from now on


class MessageReplayed(Payload, frozen=True):
    """A message that was dead or only kept is to be sent once more; its subject names it."""

    kind: str
    channel: str  # "email" | "sms"


class DeviceAdded(Payload, frozen=True):
    """A tablet or camera has its place; it acts when it is paired."""

    kind: str
    door: str
    night: str | None = None


class DevicePaired(Payload, frozen=True):
    """A device took its token; one that it had before is over."""

    generation: int


class DeviceRolled(Payload, frozen=True):
    """A device took a new token; the old one ends with the first use of the new."""

    generation: int


class DeviceRevoked(Payload, frozen=True):
    """The device's token counts no longer; every session on it is over."""

    kind: str
    door: str


class ScanQuarantined(Payload, frozen=True):
    """A revoked device sent a scan; it waits for a manager and counts for nothing yet."""

    quarantine_id: str
    scan_id: str
    night: str | None = None
    ticket_id: str | None = None


class QuarantineResolved(Payload, frozen=True):
    """A manager decided what a quarantined scan was."""

    quarantine_id: str
    scan_id: str
    resolution: str  # "accept" | "dismiss"
    reason: str | None = None
    night: str | None = None
    people: int = 0


class PersonRevealed(Payload, frozen=True):
    """A member of staff saw what is masked: which fields, not what they said."""

    fields: list[str]
    booking_id: str | None = None


class PersonExported(Payload, frozen=True):
    """Everything that is kept about a person was given out."""

    format: str  # "json" | "html"


class PersonErased(Payload, frozen=True):
    """The person's key and index are destroyed; what must be retained has no name any more."""

    retained: list[str]


class BanAdded(Payload, frozen=True):
    """A person is not welcome, until the instant or until it is lifted."""

    person_id: str | None
    reason: str
    until: Instant | None = None
    booking_id: str | None = None


class BanLifted(Payload, frozen=True):
    """A person is welcome again."""

    person_id: str | None
    reason: str | None = None


class SettingsChanged(Payload, frozen=True):
    """The service runs with other settings than before; secret ones are never named."""

    before: dict[str, Any]
    after: dict[str, Any]


class KeysRotated(Payload, frozen=True):
    """People's keys and the nights' signing keys are wrapped by another outer key."""

    kid: str
    persons: int = 0
    signing_keys: int = 0


ADMINISTRATION: Final[dict[str, type[Payload]]] = {
    "STAFF_ADDED": StaffAdded,
    "STAFF_CHANGED": StaffChanged,
    "STAFF_DISABLED": StaffDisabled,
    "STAFF_ENABLED": StaffEnabled,
    "SIGNED_IN": SignedIn,
    "SIGN_IN_REFUSED": SignInRefused,
    "SIGNED_OUT": SignedOut,
    "SESSION_REVOKED": SessionRevoked,
    "SECOND_FACTOR_ENROLLED": SecondFactorEnrolled,
    "SECOND_FACTOR_RESET": SecondFactorReset,
    "RECOVERY_CODE_USED": RecoveryCodeUsed,
    "ELEVATED": Elevated,
    "PASSWORD_CHANGED": PasswordChanged,
    "PIN_SET": PinSet,
    "LINK_MADE": LinkMade,
    "PAYMENT_VERIFIED": PaymentVerified,
    "REFUND_ASKED": RefundAsked,
    "MANAGE_LINKS_REVOKED": ManageLinksRevoked,
    "CALENDAR_RENEWED": CalendarRenewed,
    "MESSAGE_REPLAYED": MessageReplayed,
    "DEVICE_ADDED": DeviceAdded,
    "DEVICE_PAIRED": DevicePaired,
    "DEVICE_ROLLED": DeviceRolled,
    "DEVICE_REVOKED": DeviceRevoked,
    "SCAN_QUARANTINED": ScanQuarantined,
    "QUARANTINE_RESOLVED": QuarantineResolved,
    "PERSON_REVEALED": PersonRevealed,
    "PERSON_EXPORTED": PersonExported,
    "PERSON_ERASED": PersonErased,
    "BAN_ADDED": BanAdded,
    "BAN_LIFTED": BanLifted,
    "SETTINGS_CHANGED": SettingsChanged,
    "KEYS_ROTATED": KeysRotated,
}
WORD_OF: Final[dict[type[Payload], str]] = {shape: name for name, shape in ADMINISTRATION.items()}
_DECODERS: Final = decoders_of(ADMINISTRATION)


def administration_of(event: Event) -> Payload:
    """The payload of a line of the venue's book in the shape of its type.

    Raises EventUnreadable: the type is unknown, or the payload is not of its shape.
    """
    return read_payload(event, _DECODERS)


def administration_table() -> str:
    """The catalogue as a Markdown table, for `docs/events.md`."""
    return table_of(ADMINISTRATION)
