"""How a camera gets its token once, and keeps it: a file of its own for each server and door.

The code is shown to the server once; the key under which that is asked is on the disk before, so
that a camera that dies between asking and hearing asks again under the same key and is given the
same token. The file is readable by its owner alone.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

STATE_HELP: Final = "$XDG_STATE_HOME/backroom-camera, or ~/.local/state/backroom-camera"
_TIMEOUT: Final = httpx.Timeout(5.0, connect=3.0)
ANSWER_BYTES_MOST: Final = 65536


class PairingRefused(Exception):
    """The server did not take the code, or was not reached; the sentence says what to do."""


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where a program of this user keeps its state (XDG Base Directory Specification)."""
    said = environment.get("XDG_STATE_HOME", "")
    base = Path(said) if said.startswith("/") else Path.home() / ".local" / "state"
    return base / "backroom-camera"


class Keeping:
    """What is kept for one server and one door."""

    def __init__(
        self,
        folder: Path,
        server: str,
        door: str,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._folder = folder
        self._server = server.rstrip("/")
        self._door = door
        self._transport = transport
        place = hashlib.sha256(f"{self._server}\n{door}".encode()).hexdigest()[:16]
        self.file = folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', door)[:40]}-{place}.json"

    def token(self, code: str | None) -> str:
        """The token that is kept, "" without one; a new code is exchanged for a new token first.

        The code that the kept token came from is not asked with again, so that a camera can be
        started with the same arguments each time. Raises PairingRefused, OSError: the folder.
        """
        kept = self._read()
        if code is None:
            return str(kept.get("token", ""))
        known_by = hashlib.sha256(_plain(code).encode()).hexdigest()
        if kept.get("code") == known_by and kept.get("token"):
            return str(kept["token"])
        # The token before stays until there is a new one.
        if kept.get("asking") != known_by:
            kept |= {"asking": known_by, "key": str(uuid4())}
            self.write(kept)
        token, door = self._pair(code, str(kept["key"]))
        # Also where the camera was started for another door: the code is used, its token is not.
        at = self if door == self._door else Keeping(self._folder, self._server, door)
        at.write({"token": token, "code": known_by})
        if door != self._door:
            raise PairingRefused(
                f"This camera was paired for the door {_printable(door)}, and --door says "
                f"{self._door}. Start it again with the door it is for; it needs no new code."
            )
        return token

    def _pair(self, code: str, key: str) -> tuple[str, str]:
        """The token, and the door that it is for. Raises PairingRefused."""
        try:
            with httpx.Client(
                base_url=self._server, timeout=_TIMEOUT, transport=self._transport, trust_env=False
            ) as client:
                answer = client.post(
                    "/v1/devices/pair",
                    json={"code": code[:64]},
                    headers={"Idempotency-Key": key, "User-Agent": "backroom-camera"},
                )
        except httpx.HTTPError as error:
            raise PairingRefused(
                f"The server was not reached for pairing ({type(error).__name__}). Start again "
                "with the same code."
            ) from error
        said = _object(answer.content)
        if answer.status_code != 201:
            reason = str(said.get("detail") or f"it answered {answer.status_code}")[:200]
            raise PairingRefused(f"The server did not pair this camera: {_printable(reason)}")
        token, door = said.get("token"), said.get("door")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{8,512}", token):
            raise PairingRefused("The answer has no token: is --server really the service?")
        return token, str(door)

    def _read(self) -> dict[str, Any]:
        try:
            if stat.S_IMODE(self.file.stat().st_mode) & 0o077:
                raise PermissionError(f"others may read {self.file}: chmod 600 it")
            return _object(self.file.read_bytes())
        except FileNotFoundError:
            return {}

    def write(self, kept: Mapping[str, Any]) -> None:
        """Whole or not at all: a power cut leaves the file before."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.file.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            json.dump(dict(kept), out)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.file)


def _plain(code: str) -> str:
    return "".join(c for c in code.upper() if c not in " -")


def _printable(text: str) -> str:
    return re.sub(r"[^\x20-\x7e\u00a0-\u2fff]", " ", text)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body[:ANSWER_BYTES_MOST])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
