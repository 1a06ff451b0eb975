"""The interface keeps to what `/openapi.json` says of it, whoever asks and whatever is sent.

Goal: no role can make the service break, answer what it does not describe, or take what it says it
does not. Method: Schemathesis makes requests from the document itself, good and bad, the same ones
every time, and sends them to a served worker; every answer is held against the document. All the
edges of every field are tried by the role that gets furthest; what the others are told apart by is
the permission, which comes before any field: of each operation they send some (`everybody`).
"""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import httpx
import pytest

from app.web import endpoint
from app.web.limits import Bucket, Window
from tests.integration.web.served import Served
from tests.premises import ROOT

FURTHEST = "SUPER_ADMIN"
OTHERS = ("ANONYMOUS", "OWNER", "DEVICE", "DOOR_STAFF", "MANAGER")
# Much of it is waiting for an answer, so several ask at once. Not in threads of one process: they
# parse Python side by side, which Python 3.11 answers now and then with a SystemError.
PROCESSES = 3
EXAMPLES = 2  # of each operation by chance, beside the edges of its fields
PATIENCE_SECONDS = 600  # beside other tests
# The tests of bad input ask every path by every other method.
SETTINGS = "[phases.coverage]\nunexpected-methods = []\n"
# They end the session that all of this needs: Schemathesis finds its id in the list of sessions.
ENDING = ("delete_session", "delete_sessions_one", "delete_staff_sessions", "post_staff_totp_reset")
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header",
    "everybody",
)  # fmt: skip


@pytest.fixture(autouse=True)
def far_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of requests in a minute: the limits count them, and are far away."""
    for name, limit in list(vars(endpoint).items()):
        if isinstance(limit, Window):
            monkeypatch.setattr(endpoint, name, Window(limit.name, 10**9, limit.seconds))
        elif isinstance(limit, Bucket):
            monkeypatch.setattr(endpoint, name, Bucket(limit.name, 10**9, 1e9))


async def somebody(served: Served, role: str) -> httpx.AsyncClient:
    """A caller of the role; the owner has a booking."""
    if role != "OWNER":
        return await served.club.acting_as(role)
    held = await served.club.held(await served.club.client(), [2])
    return await served.club.client(Authorization=f"Bearer {held['token']}")


def headers_of(served: Served, client: httpx.AsyncClient) -> dict[str, str]:
    """What makes a request the client's."""
    headers = {"Origin": served.origin}
    if "authorization" in client.headers:
        headers["Authorization"] = client.headers["authorization"]
    if "sid" in client.cookies:
        headers["Cookie"] = f"sid={client.cookies['sid']}"
    return headers


def furnished(folder: Path) -> Path:
    """The folder, with the settings in which Schemathesis runs there."""
    folder.mkdir()
    (folder / "schemathesis.toml").write_text(SETTINGS)
    return folder


async def asked(
    served: Served, folder: Path, headers: dict[str, dict[str, str]], operations: list[str]
) -> tuple[int, set[str]]:
    """How many requests were made for the operations, and for which of them by everybody."""
    others = {role: told for role, told in headers.items() if role != FURTHEST}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", f"{served.origin}/openapi.json",
        *(f"--header={name}: {value}" for name, value in headers[FURTHEST].items()),
        "--phases=examples,coverage,fuzzing", f"--checks={','.join(CHECKS)}",
        f"--max-examples={EXAMPLES}", "--generation-deterministic", "--continue-on-failure",
        "--no-shrink", "--no-color", "--warnings=off",
        *(f"--include-operation-id={name}" for name in operations),
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {
            "SCHEMATHESIS_HOOKS": "tests.integration.web.everybody",
            "PYTHONPATH": str(ROOT),
            "OTHERS": json.dumps(others),
            "ASKED": str(folder / "asked.json"),
        },
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    told = said.decode()
    assert process.returncode == 0, told
    made = re.search(r"(\d+) generated, (\d+) passed", told)
    assert made is not None, told
    return int(made[1]), set(json.loads((folder / "asked.json").read_text()))


async def test_every_answer_to_whomever_is_one_that_the_document_describes(
    served: Served, tmp_path: Path
) -> None:
    clients = {role: await somebody(served, role) for role in (FURTHEST, *OTHERS)}
    headers = {role: headers_of(served, client) for role, client in clients.items()}
    assert len({json.dumps(one) for one in headers.values()}) == len(clients)
    assert set(ENDING) <= {one.id for one in served.club.table}
    paths = (await clients[FURTHEST].get("/openapi.json")).json()["paths"]
    documented = {
        told["operationId"]: f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method, told in methods.items()
        if told["operationId"] not in ENDING
    }
    names = sorted(documented)
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        shares = [
            group.create_task(
                asked(served, furnished(tmp_path / str(number)), headers, names[number::PROCESSES])
            )
            for number in range(PROCESSES)
        ]
    made = [share.result() for share in shares]
    assert sum(requests for requests, _ in made) > len(served.club.table)
    by_everybody = set().union(*(operations for _, operations in made))
    assert by_everybody == set(documented.values())
    for role in ("DOOR_STAFF", "MANAGER", FURTHEST):
        # It was somebody until the end.
        assert (await clients[role].get("/v1/session")).status_code == 200
