"""The shapes of offline rights: leases, what a device holds a day ahead, and tasks."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.wire import Answer, NightDate, Request, TableNumber, Text, Uuid
from app.wire.devices import Door

Counter = Annotated[int, Meta(ge=0, le=2**31 - 1)]
People = Annotated[int, Meta(ge=0, le=100)]


class TakeLease(Request, frozen=True):
    """`POST /v1/leases`: the tickets that this device alone may admit, all of the night unless
    `tables` says which."""

    night: NightDate
    door: Door
    tables: Annotated[list[TableNumber], Meta(min_length=1, max_length=16)] | None = None


class RenewLease(Request, frozen=True):
    """`POST /v1/leases/{lease_id}/renew`. `counter` is that of the last answer."""

    counter: Counter


class StatedTicket(Struct, frozen=True, forbid_unknown_fields=True):
    """How many people the device let in by the lease, from its taking on."""

    ticket_id: Uuid
    admitted: People


class ReturnLease(Request, frozen=True):
    """`POST /v1/leases/{lease_id}/return`: these tickets are the server's again.

    The device has stopped admitting them, durably, before it says so.
    """

    counter: Counter
    tickets: Annotated[list[StatedTicket], Meta(max_length=400)]


class ReleaseLease(Request, frozen=True):
    """`POST /v1/leases/{lease_id}/release`: a manager takes back what the device has not returned.

    The device, where it still runs, may go on admitting until its lease ends.
    """

    reason: Literal["lost", "broken", "stolen", "copied", "wiped", "other"]


class LeasedTicketAnswer(Struct, frozen=True):
    """A ticket that the device may admit, `places` people of it."""

    ticket_id: str
    booking_id: str
    reference: str
    generation: int
    party: int
    places: int
    tables: list[int]


class LeaseAnswer(Answer, frozen=True):
    """A lease as its device knows it.

    It lasts `lasts_seconds` from the sending of the request that this answers. `status` other than
    `live`: it is over, and the device admits nobody by it. `recalled`: tickets to give back now.
    `opens_in_ms` and `closes_in_ms` are how long until doors and last entry, in the tablet's time.
    """

    lease_id: str
    status: str
    counter: int
    night: str
    door: str
    floor: str
    lasts_seconds: int
    opens_in_ms: int
    closes_in_ms: int
    recalled: tuple[str, ...] = ()
    tickets: tuple[LeasedTicketAnswer, ...] = ()
    version: int | None = None


class LeaseShown(Answer, frozen=True):
    """A lease as managers see it. `held` tickets may be admitted by the device alone; `reserved`
    people count as inside by it."""

    lease_id: str
    device_id: str
    device: str
    night: str
    door: str
    floor: str
    status: str
    granted_at: str
    heard_at: str
    silent_seconds: int
    held: int
    recalled: int
    reserved: int
    admitted: int


class LeasesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    night: NightDate


class TasksQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`waiting`: those that nobody decided on; `all`: every one, the newest first."""

    night: NightDate | None = None
    state: Literal["waiting", "all"] = "waiting"


class ResolveTask(Request, frozen=True):
    """`POST /v1/tasks/{task_id}/resolve`: `count` the people as inside, or not; with a reason."""

    decision: Literal["count", "dismiss"]
    reason: Text


class TaskAnswer(Answer, frozen=True):
    """What a person has to decide: an admission that could not be counted, or a lost lease."""

    task_id: str
    night: str
    kind: str
    why: str
    title: str
    instruction: str
    at: str
    device_id: str | None
    device: str | None
    door: str
    floor: str
    lease_id: str | None
    scan_id: str | None
    booking_id: str | None
    reference: str | None
    party: int | None
    people: int
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None
    reason: str | None
    version: int | None = None


class NightKeyAnswer(Struct, frozen=True):
    """A night to come; `public` is the key that signs its codes, 32 bytes in Base64."""

    night: str
    name: str
    doors_at: str
    last_entry_at: str
    closes_at: str
    key_id: int
    public: str


class DoorTicket(Struct, frozen=True):
    """A party on the list of the door; `name` is masked, `J. Gatsby` never whole."""

    ticket_id: str
    booking_id: str
    reference: str
    generation: int
    party: int
    admitted: int
    gone: int
    status: str
    slot_from: str
    tables: list[int]
    name: str | None


class DoorAnswer(Answer, frozen=True):
    """What a device keeps against the loss of its connection, from a day ahead.

    `speed` is how fast the venue's clock runs beside the device's own: 1, but in a demo.
    """

    now: str
    speed: float
    venue: int
    night: str | None
    nights: list[NightKeyAnswer]
    tickets: list[DoorTicket]
