"""What the book tells of devices that may admit by themselves."""

from msgspec import Struct

from floorplan.payload import FloorName, Payload


class LeasedTicket(Struct, frozen=True, forbid_unknown_fields=True):
    """A ticket that a device alone may admit, with the places that it has."""

    ticket_id: str
    booking_id: str
    places: int


class ReturnedTicket(Struct, frozen=True, forbid_unknown_fields=True):
    """A ticket that the server may admit again; `admitted` people came in by the lease."""

    ticket_id: str
    booking_id: str
    admitted: int


class LeaseGranted(Payload, frozen=True):
    """A device alone may admit these tickets, connected or not."""

    lease_id: str
    device_id: str
    door: str
    floor: FloorName
    tickets: list[LeasedTicket]


class LeaseRecalled(Payload, frozen=True):
    """The device was asked to give these tickets back."""

    lease_id: str
    door: str
    tickets: list[str]
    why: str  # what was to be done with them: "other_door", "cancel", "move", "ban" ...


class LeaseReturned(Payload, frozen=True):
    """These tickets are the server's again: the device said whom it let in, or a manager took them.

    `ends`: the lease holds nothing any more.
    """

    lease_id: str
    door: str
    tickets: list[ReturnedTicket]
    why: str  # "returned" | "released"
    ends: bool


class LeaseVoided(Payload, frozen=True):
    """Two devices showed one lease: it ends, and its tickets wait for a manager."""

    lease_id: str
    door: str
