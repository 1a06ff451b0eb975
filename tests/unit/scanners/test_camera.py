"""The command's arguments and its sentences; nothing here needs OpenCV."""

from pathlib import Path

import pytest

from scanners import camera

GOOD = ["--source", "0", "--door", "main"]


@pytest.mark.parametrize(
    ("arguments", "token", "says"),
    [
        ([], "", "is not paired"),
        ([], "   \n", "is not paired"),
        ([], "short", "no token has"),
        ([], "with a space in it", "no token has"),
        (["--server", "backroom.example"], "a-proper-token", "--server must be an address"),
        (["--server", "ftp://backroom.example"], "a-proper-token", "--server must be an address"),
        (["--token-file", "no/such/file"], "a-proper-token", "token file cannot be read"),
        (["--pair", "X", "--token", "a-proper-token"], "", "either --pair or a token"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_to_do(
    arguments: list[str], token: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment = {camera.TOKEN_VARIABLE: token, "XDG_STATE_HOME": str(tmp_path)}
    code = camera.run([*GOOD, *arguments], environment)
    assert code == camera.EXIT_ARGUMENTS
    said = capsys.readouterr().err
    assert says in said
    assert "a-proper-token" not in said


def test_the_token_comes_from_the_file_before_the_argument_before_the_environment(
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    file.write_text("token-of-the-file\n")
    parse = camera._parser().parse_args
    environment = {camera.TOKEN_VARIABLE: "token-of-the-environment"}
    given = ["--token", "token-of-the-argument"]

    assert camera._token(parse(GOOD), environment) == ("token-of-the-environment", "")
    assert camera._token(parse([*GOOD, *given]), environment) == ("token-of-the-argument", "")
    with_file = parse([*GOOD, *given, "--token-file", str(file)])
    assert camera._token(with_file, environment) == ("token-of-the-file", "")


def test_an_unencrypted_way_to_another_machine_is_warned_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert camera._trouble_with("http://127.0.0.1:8000") == ""
    assert camera._trouble_with("https://backroom.example") == ""
    assert capsys.readouterr().err == ""
    assert camera._trouble_with("http://backroom.example") == ""
    assert "use https" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "package"),
    [
        ("libGL.so.1: cannot open shared object file", "apt-get install libgl1"),
        ("libgthread-2.0.so.0: cannot open shared object file", "apt-get install libglib2.0-0"),
        ("libxcb.so.1: cannot open shared object file", "apt-get install libxcb1"),
        ("libnew.so.7: cannot open shared object file", "OpenCV needs libnew.so.7"),
        ("No module named 'cv2'", "Install the project's dependencies again"),
    ],
)
def test_a_missing_library_is_named_with_its_package(error: str, package: str) -> None:
    assert package in camera.missing_library(error)
