"""The operations of devices."""

from typing import Final

from app import wire
from app.web import devices
from app.web.operations import Operation
from app.wire.devices import CreateDevice, DeviceAnswer

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
            method="POST", path="/v1/devices", handler=devices.post_device,
            permission="device:manage", request=CreateDevice,
            answers={201: DeviceAnswer}, tag="devices", limits="write", idempotent=True,
            summary="Add a tablet or camera; its token is in this answer only.",
        ),
        Operation(
            method="DELETE", path="/v1/devices/{device_id}", handler=devices.delete_device,
            parameters=DEVICE, permission="device:manage",
            request=wire.Nothing, request_may_be_empty=True, answers={200: DeviceAnswer},
            tag="devices", limits="write", idempotent=True,
            summary="The device's token no longer counts.",
        ),
    )  # fmt: skip
