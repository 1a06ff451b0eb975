"""What every peer tells its screens: the same events, as the public's frames of them.

A table is taken out of service and put back, and so on; each event changes one table for everybody.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from app.live.messages import Message, message_of
from floorplan.events import Event
from floorplan.state import NightState, empty_state

NIGHT: Final = "2099-12-31"  # always to come
EPOCH: Final = "0123456789abcdef"
_AT: Final = f"{NIGHT}T22:00:00.000Z"
_UNTIL: Final = f"{NIGHT}T23:30:00.000Z"


def story() -> Iterator[tuple[Message, NightState]]:
    """The night's opening, and then events without end: the message of each, the state after it."""
    state = empty_state(NIGHT)
    for version, (kind, payload) in enumerate(_lines(), start=1):
        event = Event(
            book=NIGHT,
            version=version,
            type=kind,
            subject="bench",
            at=_AT,
            actor="system:bench",
            correlation_id="bench",
            payload=msgspec.json.encode(payload),
        )
        message, state = message_of(EPOCH, state, event)
        yield message, state


def _lines() -> Iterator[tuple[str, dict[str, object]]]:
    tables = [
        {
            "number": number,
            "floor": "upstairs" if number <= 8 else "downstairs",
            "capacity_min": 2,
            "capacity_max": 6,
            "capacity_optimal": 4,
            "deposit_pence": 5000,
            "minimum_spend_pence": 20000,
        }
        for number in range(1, 17)
    ]
    yield (
        "NIGHT_OPENED",
        {
            "name": "Bench",
            "doors_at": _AT,
            "last_entry_at": f"{NIGHT}T23:00:00.000Z",
            "closes_at": _UNTIL,
            "limits": {"floors": {"upstairs": 200, "downstairs": 150}, "house": 350},
            "tables": tables,
        },
    )
    while True:
        for table in range(1, 17):
            block_id = f"00000000-0000-4000-8000-{table:012d}"
            yield (
                "TABLE_BLOCKED",
                {
                    "block_id": block_id,
                    "table": table,
                    "blocked_from": _AT,
                    "blocked_until": _UNTIL,
                    "reason": "spill",
                    "in_force": True,
                },
            )
            yield "TABLE_UNBLOCKED", {"block_id": block_id, "table": table, "why": "lifted"}
