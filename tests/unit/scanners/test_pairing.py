"""A camera pairs once and keeps its token, beside a server that answers as the service does."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from scanners import camera
from scanners.pairing import Keeping, PairingRefused, state_folder

SERVER, CODE = "https://backroom.example", "7Q4M-2XKD-9RTA-F3HN"
TOKEN = "dev_" + "a" * 43
Answering = Callable[[httpx.Request], httpx.Response]


class Desk:
    """Takes one code once; asked again under the same key it answers the same."""

    def __init__(self, door: str = "main") -> None:
        self.door = door
        self.keys: list[str] = []
        self.losing = 0  # how many of its answers get lost on the way

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        key = request.headers["Idempotency-Key"]
        used = bool(self.keys) and key not in self.keys
        self.keys.append(key)
        if self.losing:
            self.losing -= 1
            raise httpx.ReadError("cut")
        if used or body["code"] != CODE:
            return httpx.Response(409, json={"reason": "pairing_used", "detail": "It was used."})
        return httpx.Response(201, json={"token": TOKEN, "door": self.door})


def keeping(folder: Path, answer: Answering, door: str = "main") -> Keeping:
    return Keeping(folder, SERVER, door, transport=httpx.MockTransport(answer))


def nobody(_: httpx.Request) -> httpx.Response:
    raise AssertionError("the server was asked")


def test_a_camera_pairs_once_and_starts_again_with_the_same_arguments(tmp_path: Path) -> None:
    assert keeping(tmp_path, Desk()).token(CODE) == TOKEN
    assert keeping(tmp_path, nobody).token(CODE) == TOKEN
    assert keeping(tmp_path, nobody).token(CODE.lower().replace("-", "")) == TOKEN
    assert keeping(tmp_path, nobody).token(None) == TOKEN


def test_the_token_is_for_its_owner_alone_and_the_code_is_not_kept(tmp_path: Path) -> None:
    kept = keeping(tmp_path / "state", Desk())
    kept.token(CODE)
    assert stat.S_IMODE(kept.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.file.parent.stat().st_mode) == 0o700
    text = kept.file.read_text()
    assert TOKEN in text
    assert CODE not in text
    assert CODE.replace("-", "") not in text
    assert [file.name for file in kept.file.parent.iterdir()] == [kept.file.name]


def test_a_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    kept = keeping(tmp_path, Desk())
    kept.token(CODE)
    kept.file.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod 600"):
        keeping(tmp_path, nobody).token(None)


def test_after_a_lost_reply_the_same_code_is_asked_with_under_the_same_key(tmp_path: Path) -> None:
    desk = Desk()
    desk.losing = 1
    with pytest.raises(PairingRefused, match="Start again with the same code"):
        keeping(tmp_path, desk).token(CODE)
    assert keeping(tmp_path, desk).token(CODE) == TOKEN
    assert len(desk.keys) == 2
    assert len(set(desk.keys)) == 1


def test_a_code_that_is_refused_says_why_and_costs_no_token(tmp_path: Path) -> None:
    keeping(tmp_path, Desk()).token(CODE)
    with pytest.raises(PairingRefused, match="It was used"):
        keeping(tmp_path, Desk()).token("0000-0000-0000-0000")
    assert keeping(tmp_path, nobody).token(None) == TOKEN


def test_each_server_and_door_has_a_token_of_its_own(tmp_path: Path) -> None:
    keeping(tmp_path, Desk()).token(CODE)
    assert keeping(tmp_path, nobody, "basement").token(None) == ""
    assert Keeping(tmp_path, "https://other.example", "main").token(None) == ""


def test_started_for_another_door_it_says_so_and_loses_nothing(tmp_path: Path) -> None:
    with pytest.raises(PairingRefused, match="paired for the door basement"):
        keeping(tmp_path, Desk("basement")).token(CODE)
    assert keeping(tmp_path, nobody, "basement").token(None) == TOKEN


@pytest.mark.parametrize("body", [{}, {"token": 7, "door": "main"}, {"token": "a b c d e f g"}])
def test_an_answer_of_something_else_is_no_token(tmp_path: Path, body: dict[str, Any]) -> None:
    def hotel(_: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json=body)

    with pytest.raises(PairingRefused, match="really the service"):
        keeping(tmp_path, hotel).token(CODE)


def test_the_state_is_where_programs_of_a_user_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder({}) == tmp_path / ".local" / "state" / "backroom-camera"
    assert state_folder({"XDG_STATE_HOME": "/var/x"}) == Path("/var/x/backroom-camera")
    assert state_folder({"XDG_STATE_HOME": "relative"}).is_relative_to(tmp_path)


def test_a_kept_token_is_used_without_any_argument_and_a_given_one_before_it(
    tmp_path: Path,
) -> None:
    keeping(tmp_path / "backroom-camera", Desk()).token(CODE)
    arguments = ["--source", "0", "--door", "main", "--server", SERVER]
    given = camera._parser().parse_args(arguments)
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    assert camera._token(given, environment) == (TOKEN, "")
    environment[camera.TOKEN_VARIABLE] = "token-of-the-environment"
    assert camera._token(given, environment) == ("token-of-the-environment", "")
