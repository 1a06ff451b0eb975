"""The commands, before anything is started."""

import argparse
from collections.abc import Iterator

import pytest

from app import __main__ as commands
from floorplan.venue import VenueInvalid
from scanners import camera

UNLISTED = {"worker", "stand-in", "play"}  # what the parent starts; not for people


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


def parts_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str | None]]:
    """What `--help` shows of a parser and its commands: a name, and its line of help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help for choice in action._choices_actions}
            for name, command in action.choices.items():
                if name not in UNLISTED:
                    yield f"{parser.prog} {name}", lines.get(name)
                yield from parts_of(command)
        else:
            yield f"{parser.prog} {action.option_strings or action.dest}", action.help


@pytest.mark.parametrize("parser", [commands._parser(), camera._parser()])
def test_every_command_and_option_has_a_line_of_help(parser: argparse.ArgumentParser) -> None:
    found = dict(parts_of(parser))
    assert len(found) > 15
    assert [name for name, line in found.items() if not line] == []
    parser.format_help()  # a percent sign in a line would break it


def test_an_option_without_help_is_found() -> None:
    parser = argparse.ArgumentParser("one")
    parser.add_subparsers().add_parser("two").add_argument("--three")
    assert [name for name, line in parts_of(parser) if not line] == [
        "one two",
        "one two ['--three']",
    ]
