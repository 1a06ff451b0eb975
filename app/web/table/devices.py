"""The operations of devices, and of what came from one whose token was over."""

from typing import Final

from app import wire
from app.web import devices, quarantine
from app.web.operations import Operation
from app.wire.devices import (
    CreateDevice,
    DeviceAnswer,
    DeviceStatus,
    PairDevice,
    QuarantineAnswer,
    QuarantineQuery,
    ResolveScan,
    TokenAnswer,
)

DEVICE: Final = {"device_id": wire.Uuid}


def operations() -> tuple[Operation, ...]:
    """Every operation on devices."""
    return (
        Operation(
            method="GET", path="/v1/devices", handler=devices.get_devices,
            permission="device:manage", answers={200: devices.Devices}, tag="devices",
            summary="Every device, those in use first.",
        ),
        Operation(
            method="GET", path="/v1/devices/health", handler=devices.get_health,
            permission="device:manage", answers={200: devices.Health}, tag="devices",
            summary="How each paired device is: its picture, battery, spool and silence.",
        ),
        Operation(
            method="POST", path="/v1/devices", handler=devices.post_device,
            permission="device:manage", request=CreateDevice,
            answers={201: DeviceAnswer}, tag="devices", limits="write", idempotent=True,
            summary="Add a tablet or camera; the code that pairs it is in this answer only.",
        ),
        Operation(
            method="POST", path="/v1/devices/pair", handler=devices.pair_device, permission=None,
            request=PairDevice, answers={201: TokenAnswer}, tag="devices", limits="pairing",
            idempotent=True,
            summary="Show a pairing code, once, and get the device's token in return.",
        ),
        Operation(
            method="POST", path="/v1/devices/{device_id}/pairing", handler=devices.post_pairing,
            parameters=DEVICE, permission="device:manage", request=wire.Nothing,
            request_may_be_empty=True, answers={201: DeviceAnswer}, tag="devices", limits="write",
            idempotent=True,
            summary="A new pairing code; the device's token lasts until the code is used.",
        ),
        Operation(
            method="POST", path="/v1/devices/self/roll", handler=devices.roll_token,
            permission="device:self", request=wire.Nothing, request_may_be_empty=True,
            answers={200: TokenAnswer}, tag="devices", limits="write", idempotent=True,
            summary="The device's next token; the old one ends with the first use of the new.",
        ),
        Operation(
            method="POST", path="/v1/devices/self/status", handler=devices.post_status,
            permission="device:self", request=DeviceStatus, answers={204: None}, tag="devices",
            limits="write", summary="How the device is: battery, version, scans that it holds.",
        ),
        Operation(
            method="DELETE", path="/v1/devices/{device_id}", handler=devices.delete_device,
            parameters=DEVICE, permission="device:manage",
            request=wire.Nothing, request_may_be_empty=True, answers={200: DeviceAnswer},
            tag="devices", limits="write", idempotent=True,
            summary="The device's token no longer counts.",
        ),
        Operation(
            method="GET", path="/v1/quarantine", handler=quarantine.get_quarantine,
            query=QuarantineQuery, permission="quarantine:manage",
            answers={200: quarantine.Quarantine}, tag="devices",
            summary="Scans that came with a token that was over, and wait for a manager.",
        ),
        Operation(
            method="POST", path="/v1/quarantine/{quarantine_id}/resolve",
            handler=quarantine.resolve_scan, parameters={"quarantine_id": wire.Uuid},
            permission="quarantine:manage", request=ResolveScan,
            answers={200: QuarantineAnswer}, tag="devices", limits="write", idempotent=True,
            summary="Say what such a scan was: it counts, or it does not.",
        ),
    )  # fmt: skip
