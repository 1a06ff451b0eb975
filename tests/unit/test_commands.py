"""The commands, before anything is started."""

import pytest

from app import __main__ as commands
from floorplan.venue import VenueInvalid


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_faulty_venue_is_told_once_and_nothing_is_started(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def faulty() -> None:
        raise VenueInvalid("floorplan/venue.toml", ("hours: mend one", "tables: 3 missing"))

    def started(*_: object, **__: object) -> None:
        raise AssertionError("started with a faulty venue")

    monkeypatch.setattr(commands, "load_venue", faulty)
    monkeypatch.setattr(commands, "Supervisor", started)
    assert commands.main([command]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        "floorplan/venue.toml has 2 problems:\n  - hours: mend one\n  - tables: 3 missing\n",
    )
