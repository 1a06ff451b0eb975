"""What stands on the manager's map of a device is the worst that is known of it."""

import pytest

from app.domain.health import health_of


@pytest.mark.parametrize(
    ("kind", "silent", "picture", "battery", "spool", "state"),
    [
        ("camera", 0.9, "well", None, 0, "well"),
        ("camera", 0.9, None, None, None, "well"),
        ("camera", 2.6, "well", None, 0, "silent"),
        ("camera", None, None, None, None, "silent"),
        ("camera", 0.9, "the source is silent", 5, 3, "no_picture"),
        ("camera", 0.9, "well", None, 3, "uploading"),
        ("tablet", 61.0, None, 80, 0, "well"),
        ("tablet", 151.0, None, 80, 0, "silent"),
        ("tablet", 1.0, None, 15, 2, "battery_low"),
        ("tablet", 1.0, None, 16, 2, "uploading"),
    ],
)
def test_the_worst_comes_first(
    kind: str,
    silent: float | None,
    picture: str | None,
    battery: int | None,
    spool: int | None,
    state: str,
) -> None:
    assert health_of(kind, silent, picture, battery, spool) == state
