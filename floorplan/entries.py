"""The payloads of the door: people who come, go, are kept out, and are let in all the same."""

from floorplan.payload import FloorName, Payload


class GuestCheckedIn(Payload, frozen=True, omit_defaults=True):
    """`people` of the party came in.

    `admitted` counts the people of the party who ever came in, `left` those of them who are out
    again: a re-entry lowers `left` once the whole party has been in. `after_seal`: it was told when
    the night was sealed, whose figures stand. `lease_id`: a device let them in by itself, and told
    it later. `guest`: the number of the one guest whose own code it was.
    """

    booking_id: str
    ticket_id: str
    people: int
    admitted: int
    left: int
    floor: FloorName
    door: str
    inside: dict[FloorName, int]
    after_seal: bool = False
    lease_id: str | None = None
    guest: int | None = None


class GuestCheckedOut(Payload, frozen=True, omit_defaults=True):
    """`people` of the party went out; `left` counts those out at present.

    `after_seal` and `guest` as in GUEST_CHECKED_IN.
    """

    booking_id: str
    ticket_id: str
    people: int
    left: int
    floor: FloorName
    door: str
    inside: dict[FloorName, int]
    after_seal: bool = False
    guest: int | None = None


class HeadcountChanged(Payload, frozen=True):
    """The clicker counted people without a code in or out, or a head count corrected it."""

    floor: FloorName
    door: str
    change: int
    inside: dict[FloorName, int]
    why: str  # "clicker" | "walk_in" | "head_count"


class EntryRefused(Payload, frozen=True):
    """The door said no; lost demand is worth remembering."""

    scan_id: str
    reason: str
    door: str
    booking_id: str | None = None


class EntryOverridden(Payload, frozen=True):
    """A supervisor let people in against the rules named, `over_party` of them beyond the party.

    `scan_id` is the entry's own, `refused_scan_id` the scan that it answers; the actor is the
    supervisor. `admitted` and `left` as in GUEST_CHECKED_IN.
    """

    scan_id: str
    refused_scan_id: str
    rules: list[str]
    why: str  # a word of app.domain.overrides.OverrideWhy
    booking_id: str
    ticket_id: str
    people: int
    over_party: int
    admitted: int
    left: int
    floor: FloorName
    door: str
    inside: dict[FloorName, int]


class CheckInUndone(Payload, frozen=True):
    """A supervisor took a scan's count back: its people never came in, went out or changed floors.

    The scan and its line stay; `what` is its reason, `admitted` and `left` are the party's after.
    """

    scan_id: str
    what: str  # "admitted" | "overridden" | "out" | "moved"
    why: str  # a word of app.domain.overrides.UndoWhy
    booking_id: str
    ticket_id: str
    people: int
    admitted: int
    left: int
    door: str
    inside: dict[FloorName, int]


class GuestCodeIssued(Payload, frozen=True):
    """A guest of the party has a code of their own; earlier ones of the number are void."""

    booking_id: str
    guest_id: str
    number: int
    generation: int


class GuestCodeRevoked(Payload, frozen=True):
    """The guest's own code was taken back; the place in the party is still the party's."""

    booking_id: str
    guest_id: str
    number: int


class IncidentRecorded(Payload, frozen=True):
    """Something happened at a door that the club has to keep: words alone, and nobody's name."""

    incident_id: str
    kind: str  # app.domain.incidents.IncidentKind
    door: str
    people: int
    outcome: str  # app.domain.incidents.IncidentOutcome
    booking_id: str | None = None


class CodeReissued(Payload, frozen=True):
    """The ticket has a code of a later generation; every earlier one is void."""

    booking_id: str
    ticket_id: str
    generation: int
    why: str  # "lost" | "shared" | "name_changed" | "unreadable" | "other"
