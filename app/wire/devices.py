"""The shapes of devices: tablets and cameras."""

from typing import Annotated, Literal

from msgspec import Meta

from app.wire import Answer, Request, Text


class CreateDevice(Request, frozen=True):
    """`POST /v1/devices`: the token is in the answer, once."""

    name: Text
    kind: Literal["tablet", "camera"]
    door: Annotated[str, Meta(min_length=1, max_length=40)]


class DeviceAnswer(Answer, frozen=True):
    device_id: str
    name: str
    kind: str
    door: str
    token: str | None = None
    seen_at: str | None = None
    revoked_at: str | None = None
