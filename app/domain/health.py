"""How a device is, from what it last said of itself. Pure."""

from typing import Final, Literal

State = Literal["well", "uploading", "battery_low", "no_picture", "silent"]

# A camera reports each second and a manager's screen asks every second and a half: what is wrong
# with it stands on the map within 5 s. A tablet reports each minute.
SILENT_AFTER_SECONDS: Final = {"camera": 2.5, "tablet": 150.0}
BATTERY_LOW_PERCENT: Final = 15


def health_of(
    kind: str,
    silent_seconds: float | None,
    picture: str | None,
    battery_percent: int | None,
    spool: int | None,
) -> State:
    """The worst that is known of it; one that never reported is silent."""
    if silent_seconds is None or silent_seconds > SILENT_AFTER_SECONDS[kind]:
        return "silent"
    if picture not in (None, "well"):
        return "no_picture"
    if battery_percent is not None and battery_percent <= BATTERY_LOW_PERCENT:
        return "battery_low"
    return "uploading" if spool else "well"
