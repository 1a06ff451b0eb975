"""What each audience sees of a night's state, and what one event changes of it.

A projection is a document of five sections, each a flat map of key to value:

    {"night": {...}, "tables": {"7": {...}}, "bookings": {"<id>": {...}}, "counts": {...},
     "waitlist": {"<id>": {...}}}

`changes` has the same shape and holds only the keys that differ, with their new absolute value, or
null where the key went away. So merging is the same three lines in every language, and nothing has
to be understood to be merged. The fields of each audience are listed in `docs/protocol.md`.
"""

import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from floorplan.state import (
    AUDIENCES,
    BookingState,
    NightState,
    TableState,
    WaitingState,
    table_status,
)

Document = dict[str, dict[str, Any]]
SECTIONS = ("night", "tables", "bookings", "counts", "waitlist")

K = TypeVar("K")
V = TypeVar("V")


def project(state: NightState, audience: str) -> Document:
    """The whole document that the audience sees of the state."""
    return {
        "night": _night(state),
        "tables": {
            str(number): _table(state, table, audience) for number, table in state.tables.items()
        },
        "bookings": {
            booking.id: _booking(booking, audience) for booking in _bookings(state, audience)
        },
        "counts": _counts(state, audience),
        "waitlist": {
            entry.id: _waiting(entry)
            for entry in (state.waitlist.values() if audience == "manager" else ())
        },
    }


def changes(before: NightState, after: NightState) -> dict[str, Document]:
    """What differs, for each audience that sees a difference.

    States share what they did not touch, so that what is the same object was not changed: the 300
    bookings of a night are compared once for all audiences, and by identity.
    """
    bookings = _moved(before.bookings, after.bookings)
    tables = _touched(before, after, bookings)
    counted = (
        before.inside is not after.inside
        or before.figures is not after.figures
        or before.leases is not after.leases
    )
    opened = before.info is not after.info
    waiting = _moved(before.waitlist, after.waitlist)
    seen: dict[str, Document] = {}
    for audience in AUDIENCES:
        found: Document = {}
        if opened:
            _differ(found, "night", _night(before), _night(after))
        if counted or opened:
            _differ(found, "counts", _counts(before, audience), _counts(after, audience))
        if tables:
            _differ(
                found,
                "tables",
                {
                    str(n): _table(before, before.tables[n], audience)
                    for n in tables
                    if n in before.tables
                },
                {
                    str(n): _table(after, after.tables[n], audience)
                    for n in tables
                    if n in after.tables
                },
            )
        if bookings and audience != "public":
            _differ(
                found,
                "bookings",
                {
                    i: _booking(before.bookings[i], audience)
                    for i in bookings
                    if i in before.bookings
                },
                {i: _booking(after.bookings[i], audience) for i in bookings if i in after.bookings},
            )
        if waiting and audience == "manager":
            _differ(
                found,
                "waitlist",
                {i: _waiting(before.waitlist[i]) for i in waiting if i in before.waitlist},
                {i: _waiting(after.waitlist[i]) for i in waiting if i in after.waitlist},
            )
        if found:
            seen[audience] = found
    return seen


def merge(document: Mapping[str, Mapping[str, Any]], found: Document) -> Document:
    """The document after the changes; what the browser's reducer does, in Python."""
    merged: Document = {section: dict(document.get(section, {})) for section in SECTIONS}
    for section, entries in found.items():
        for key, value in entries.items():
            if value is None:
                merged[section].pop(key, None)
            else:
                merged[section][key] = value
    return merged


def difference(before: Document, after: Document) -> Document:
    """The changes that lead from one document to the other."""
    found: Document = {}
    for section in SECTIONS:
        _differ(found, section, before.get(section, {}), after.get(section, {}))
    return found


def state_hash(document: Mapping[str, Mapping[str, Any]]) -> str:
    """CRC-32 of the document's canonical form, eight lower-case hexadecimal digits.

    Canonical: the five sections as one JSON object, keys sorted, no spaces, every character beyond
    ASCII escaped, numbers only as integers. Test vectors: `tests/cases/state_hash.json`.
    """
    return f"{zlib.crc32(canonical(document)):08x}"


def canonical(document: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The one spelling of a document that both ends hash."""
    whole = {section: document.get(section, {}) for section in SECTIONS}
    text = msgspec.json.encode(whole, order="sorted").decode()
    if text.isascii():
        return text.encode()
    return "".join(c if c < "\x80" else _escaped(c) for c in text).encode()


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _differ(found: Document, section: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    entries = {key: value for key, value in new.items() if key not in old or old[key] != value}
    entries.update({key: None for key in old if key not in new})
    if entries:
        found[section] = entries


def _moved(before: Mapping[K, V], after: Mapping[K, V]) -> list[K]:
    """The keys whose value is another object, or only in one of the two."""
    if before is after:
        return []
    moved = [key for key, value in after.items() if before.get(key) is not value]
    return moved + [key for key in before if key not in after]


def _touched(before: NightState, after: NightState, bookings: list[str]) -> list[int]:
    """The tables whose picture may differ: their own state, or that of a booking on them."""
    if before.info is not after.info:
        return sorted(before.tables.keys() | after.tables.keys())
    numbers = set(_moved(before.tables, after.tables))
    for i in bookings:
        for booking in (before.bookings.get(i), after.bookings.get(i)):
            numbers.update(booking.tables if booking else ())
    return sorted(numbers)


def _night(state: NightState) -> dict[str, Any]:
    info = state.info
    if info is None:
        return {}
    return {
        "name": info.name,
        "status": info.status,
        "doors_at": info.doors_at,
        "last_entry_at": info.last_entry_at,
        "closes_at": info.closes_at,
        "edition": info.edition,
    }


def _table(state: NightState, table: TableState, audience: str) -> dict[str, Any]:
    if audience == "public":
        free = free_windows(state, table)
        return {"bookable": bool(free), "free": free}
    seen: dict[str, Any] = {
        "status": table_status(table, state.bookings),
        "claims": list(table.claims),
        "occupied_by": table.occupied_by,
        "resetting_since": table.resetting_since,
        "blocks": [
            {
                "id": block.id,
                "from": block.blocked_from,
                "until": block.blocked_until,
                "reason": block.reason,
                "in_force": block.in_force,
            }
            for block in table.blocks
        ],
    }
    if audience == "manager":
        seen["deposit_pence"] = table.deposit_pence
        seen["minimum_spend_pence"] = table.minimum_spend_pence
        seen["capacity"] = {
            "min": table.capacity_min,
            "max": table.capacity_max,
            "optimal": table.capacity_optimal,
        }
    return seen


def _bookings(state: NightState, audience: str) -> list[BookingState]:
    return [] if audience == "public" else list(state.bookings.values())


def _booking(booking: BookingState, audience: str) -> dict[str, Any]:
    seen: dict[str, Any] = {
        "status": booking.status,
        "party": booking.party,
        "tables": list(booking.tables),
        "slot_from": booking.slot_from,
        "slot_until": booking.slot_until,
        "admitted": booking.admitted,
        "left": booking.left,
        "arrived_at": booking.arrived_at,
        "seated_at": booking.seated_at,
        "hold_expires_at": booking.hold_expires_at,
        "source": booking.source,
        "generation": booking.generation,
        "overdue": booking.overdue and not booking.admitted,
    }
    if audience == "manager":
        seen["edition"] = booking.edition
        seen["deposit_pence"] = booking.deposit_pence
        seen["paid_pence"] = booking.paid_pence
        seen["payment_failed"] = booking.payment_failed
        seen["disputed"] = booking.disputed
    return seen


def _waiting(entry: WaitingState) -> dict[str, Any]:
    return {
        "party": entry.party,
        "slot_from": entry.slot_from,
        "slot_until": entry.slot_until,
        "priority": entry.priority,
        "joined_at": entry.joined_at,
        "offers_left": entry.offers_left,
        "booking_id": entry.booking_id,
    }


def _counts(state: NightState, audience: str) -> dict[str, Any]:
    if audience == "public" or state.info is None:
        return {}
    limits = state.info.limits
    seen: dict[str, Any] = {
        "inside": dict(state.inside),
        "limits": {**limits.floors, "house": limits.house},
        "leases": {
            lease_id: {
                "door": lease.door,
                "device": lease.device_id,
                "held": len(lease.held),
                "recalled": list(lease.recalled),
                "void": lease.is_void,
            }
            for lease_id, lease in state.leases.items()
        },
    }
    if audience == "manager":
        seen["figures"] = msgspec.structs.asdict(state.figures)
    return seen


def free_windows(state: NightState, table: TableState) -> list[list[str]]:
    """The parts of the night, doors to close, that nobody claims: `[[from, until], ...]`.

    Instants are texts of one form, so they compare as text.
    """
    info = state.info
    if info is None or info.status != "open":
        return []
    taken = [
        (state.bookings[i].slot_from, state.bookings[i].slot_until)
        for i in (*table.claims, *((table.occupied_by,) if table.occupied_by else ()))
    ]
    taken += [(block.blocked_from, block.blocked_until) for block in table.blocks]
    free: list[list[str]] = []
    start = info.doors_at
    for begin, end in sorted(taken):
        if begin > start:
            free.append([start, min(begin, info.closes_at)])
        start = max(start, end)
    if start < info.closes_at:
        free.append([start, info.closes_at])
    return [[begin, end] for begin, end in free if begin < end]
