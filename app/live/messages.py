"""One applied event as it travels between processes, and the flat form of a night's state.

A message holds what the event did twice over: `frames` for the screens, one for each audience that
sees a difference, and `patch` for the state. So a process that hears of an event from another one
needs neither to read nor to fold it. Both are computed once, by the first process that read the
event, and are the same bytes whoever computes them.

The flat form is what the Redis hash holds: `meta`, `table:<number>`, `booking:<id>` and
`lease:<id>` and `waiting:<id>`, each the JSON of its part.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct

from app.live.frames import EventFrame, encoded
from floorplan import fold
from floorplan.events import Event, Figures, Instant
from floorplan.lines import line_of
from floorplan.state import (
    BookingState,
    LeaseState,
    NightInfo,
    NightState,
    TableState,
    WaitingState,
    empty_state,
)

META: Final = "meta"
_TABLE: Final = "table:"
_BOOKING: Final = "booking:"
_LEASE: Final = "lease:"
_WAITING: Final = "waiting:"
GONE: Final = b"null"  # the value of a field that went away

K = TypeVar("K", int, str)
V = TypeVar("V")


class MessageUnreadable(Exception):
    """The bytes are no message of this release; the event is read from Postgres instead."""


class Meta(Struct, frozen=True):
    """Everything of a NightState but its tables, bookings, leases and waitlist."""

    night: str
    version: int
    at: Instant
    info: NightInfo | None
    inside: dict[str, int]
    figures: Figures
    changed: dict[str, int]


class Message(Struct, frozen=True):
    """Event `version` of the night, applied.

    `frames`: audience -> JSON of its EventFrame. `patch`: flat field -> its new JSON, or GONE.
    """

    epoch: str
    night: str
    version: int
    at: Instant
    frames: dict[str, Raw]
    patch: dict[str, Raw]


_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_decode_message: Final = msgspec.json.Decoder(Message)
_decode_meta: Final = msgspec.json.Decoder(Meta)
_decode_table: Final = msgspec.json.Decoder(TableState)
_decode_booking: Final = msgspec.json.Decoder(BookingState)
_decode_lease: Final = msgspec.json.Decoder(LeaseState)
_decode_waiting: Final = msgspec.json.Decoder(WaitingState)


def message_of(epoch: str, before: NightState, event: Event) -> tuple[Message, NightState]:
    """The event applied to the state: what to tell everybody, and the state after it.

    Only managers get the activity line, because lines speak of money. Raises ValueError: the event
    is not the next one of this book.
    """
    step = fold.apply(before, event)
    frames: dict[str, Raw] = {}
    for audience, changes in step.changes.items():
        frame = EventFrame(
            night=event.book,
            after=before.changed[audience],
            version=event.version,
            at=event.at,
            changes=changes,
            line=line_of(before, event) if audience == "manager" else None,
        )
        frames[audience] = Raw(encoded(frame))
    patch = patch_of(before, step.state)
    return Message(epoch, event.book, event.version, event.at, frames, patch), step.state


def encode_message(message: Message) -> bytes:
    return _encode(message)


def decode_message(data: bytes) -> Message:
    """Raises MessageUnreadable."""
    try:
        return _decode_message.decode(data)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise MessageUnreadable(str(error)) from error


def fields_of(state: NightState) -> dict[str, bytes]:
    """The state in its flat form."""
    fields = {META: _meta(state)}
    fields.update((f"{_TABLE}{n}", _encode(table)) for n, table in state.tables.items())
    fields.update((f"{_BOOKING}{i}", _encode(booking)) for i, booking in state.bookings.items())
    fields.update((f"{_LEASE}{i}", _encode(lease)) for i, lease in state.leases.items())
    fields.update((f"{_WAITING}{i}", _encode(entry)) for i, entry in state.waitlist.items())
    return fields


def patch_of(before: NightState, after: NightState) -> dict[str, Raw]:
    """The fields of the flat form that differ. States share what they did not touch."""
    patch: dict[str, Raw] = {META: Raw(_meta(after))}
    if before.tables is not after.tables:
        _differ(patch, _TABLE, before.tables, after.tables)
    if before.bookings is not after.bookings:
        _differ(patch, _BOOKING, before.bookings, after.bookings)
    if before.leases is not after.leases:
        _differ(patch, _LEASE, before.leases, after.leases)
    if before.waitlist is not after.waitlist:
        _differ(patch, _WAITING, before.waitlist, after.waitlist)
    return patch


def state_of(fields: Mapping[str, bytes]) -> NightState:
    """The state from its flat form. Raises MessageUnreadable: it is not whole."""
    if META not in fields:
        raise MessageUnreadable("the state has no meta field")
    return _patched(empty_state(""), fields)


def patched(state: NightState, patch: Mapping[str, Raw]) -> NightState:
    """The state after a message's patch. Raises MessageUnreadable."""
    return _patched(state, patch)


def _patched(before: NightState, patch: Mapping[str, bytes | Raw]) -> NightState:
    tables, bookings = dict(before.tables), dict(before.bookings)
    leases, waitlist = dict(before.leases), dict(before.waitlist)
    by_id: dict[str, tuple[dict[str, Any], msgspec.json.Decoder[Any]]] = {
        _BOOKING: (bookings, _decode_booking),
        _LEASE: (leases, _decode_lease),
        _WAITING: (waitlist, _decode_waiting),
    }
    meta: Meta | None = None
    try:
        for field, value in patch.items():
            prefix = field.partition(":")[0] + ":"
            if field == META:
                meta = _decode_meta.decode(value)
            elif prefix == _TABLE:
                number = int(field.removeprefix(_TABLE))
                if bytes(value) == GONE:
                    tables.pop(number, None)
                else:
                    tables[number] = _decode_table.decode(value)
            elif prefix in by_id:
                known, decoder = by_id[prefix]
                key = field.removeprefix(prefix)
                if bytes(value) == GONE:
                    known.pop(key, None)
                else:
                    known[key] = decoder.decode(value)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise MessageUnreadable(str(error)) from error
    if meta is None:
        raise MessageUnreadable("the patch has no meta field")
    return NightState(
        night=meta.night,
        version=meta.version,
        at=meta.at,
        info=meta.info,
        tables=dict(sorted(tables.items())),
        bookings=bookings,
        inside=meta.inside,
        figures=meta.figures,
        changed=meta.changed,
        leases=leases,
        waitlist=waitlist,
    )


def messages_of(
    epoch: str, state: NightState, events: Iterable[Event]
) -> tuple[list[Message], NightState]:
    """The messages of all the events in order, and the state after them."""
    messages: list[Message] = []
    for event in events:
        message, state = message_of(epoch, state, event)
        messages.append(message)
    return messages, state


def _meta(state: NightState) -> bytes:
    return _encode(
        Meta(
            state.night,
            state.version,
            state.at,
            state.info,
            state.inside,
            state.figures,
            state.changed,
        )
    )


def _differ(
    patch: dict[str, Raw], prefix: str, before: Mapping[K, V], after: Mapping[K, V]
) -> None:
    for key, value in after.items():
        if before.get(key) is not value:
            patch[f"{prefix}{key}"] = Raw(_encode(value))
    for key in before:
        if key not in after:
            patch[f"{prefix}{key}"] = Raw(GONE)
