"""The shapes of devices, tablets and cameras, and of the scans that wait for a manager."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.wire import Answer, NightDate, Request, Text, Uuid
from app.wire.forms import TEXT_FORM

Door = Annotated[str, Meta(min_length=1, max_length=40)]
Version = Annotated[str, Meta(min_length=1, max_length=40, pattern=TEXT_FORM)]


class CreateDevice(Request, frozen=True):
    """`POST /v1/devices`: the device has its place; the pairing code is in the answer, once.

    With a `night` it scans that night only.
    """

    name: Text
    kind: Literal["tablet", "camera"]
    door: Door
    night: NightDate | None = None


class PairDevice(Request, frozen=True):
    """`POST /v1/devices/pair`: by whoever holds the code that a manager was shown."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    version: Version | None = None


class DeviceStatus(Request, frozen=True):
    """`POST /v1/devices/self/status`: how the device is. What is not said is unknown.

    `spool` is how many scans it holds without a verdict. A camera tells of its `picture` each
    second: "well", or what is wrong.
    """

    battery_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    version: Version | None = None
    spool: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    picture: Annotated[str, Meta(min_length=1, max_length=80, pattern=TEXT_FORM)] | None = None
    frames_per_second: Annotated[float, Meta(ge=0, le=1000)] | None = None


class DeviceHealth(Answer, frozen=True):
    """A paired device: `state` is "well", or the worst that is known of it."""

    device_id: str
    name: str
    kind: str
    door: str
    state: Literal["well", "uploading", "battery_low", "no_picture", "silent"]
    picture: str | None
    frames_per_second: float | None
    battery_percent: int | None
    spool: int | None
    silent_seconds: int | None


class PairingAnswer(Answer, frozen=True):
    """A code that pairs the device once; `address` is what the drawing `svg` says.

    `number` counts the device's pairings.
    """

    number: int
    expires_at: str
    code: str | None = None
    address: str | None = None
    svg: str | None = None


class DeviceAnswer(Answer, frozen=True):
    """A device. `generation` counts its tokens: 0 before it was paired."""

    device_id: str
    name: str
    kind: str
    door: str
    night: str | None = None
    generation: int = 0
    paired_at: str | None = None
    seen_at: str | None = None
    revoked_at: str | None = None
    battery_percent: int | None = None
    version: str | None = None
    spool: int | None = None
    status_at: str | None = None
    pairing_expires_at: str | None = None
    pairing: PairingAnswer | None = None


class TokenAnswer(Answer, frozen=True):
    """What a device needs to act: its place, and its token, which is in this answer alone."""

    device_id: str
    name: str
    kind: str
    door: str
    night: str | None
    generation: int
    token: str | None = None


class ResolveScan(Request, frozen=True):
    """`POST /v1/quarantine/{quarantine_id}/resolve`: what the scan was.

    `people` is how many were let in or out, where the scan did not say it.
    """

    decision: Literal["accept", "dismiss"]
    reason: Literal[
        "let_in", "not_let_in", "counted_by_hand", "sent_twice", "stolen_device", "a_trial", "other"
    ]
    people: Annotated[int, Meta(ge=1, le=60)] | None = None


class QuarantineAnswer(Answer, frozen=True):
    """A scan that came with a token that was over.

    `at` is the venue's clock when it came, `received_at` real time. `refused`: the code itself does
    not stand. `decided`: the same scan has its verdict, so there is nothing to accept. `counted`
    people were counted when it was accepted.
    """

    quarantine_id: str
    device_id: str
    device: str
    scan_id: str
    received_at: str
    at: str
    door: str
    direction: str
    people: int | None
    booking_id: str | None
    reference: str | None
    night: str | None
    party: int | None
    refused: str | None
    decided: bool
    resolved_at: str | None
    resolved_by: str | None
    resolution: str | None
    reason: str | None
    counted: int
    version: int | None = None


class QuarantineQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """`waiting`: those that nobody decided on; `all`: every one, the newest first."""

    state: Literal["waiting", "all"] = "waiting"
    device_id: Uuid | None = None
