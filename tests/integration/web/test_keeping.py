"""What a browser, or a cache on the way, may keep of an answer: nothing that is not for everybody.

Method: every operation that reads is asked by somebody who may do everything, and by nobody; who
may read it decides what its answer has to say about keeping it. A new operation is in the test
without being named.
"""

from uuid import uuid4

import httpx

from app.domain.principals import ROLES
from app.web.operations import Operation
from app.web.pages import PAGES
from tests.integration.web.club import NIGHT, Club, key

OPEN = ROLES["ANONYMOUS"]


def is_for_everybody(operation: Operation) -> bool:
    return operation.permission is None or operation.permission in OPEN


async def addresses(club: Club, manager: httpx.AsyncClient) -> dict[str, str]:
    """What stands in paths: of things that exist, where the test can make them."""
    await club.open()
    held = await club.held(manager, [2])
    confirm = f"/v1/holds/{held['booking_id']}/confirm"
    paid = {"method": "cash", "amount_pence": held["deposit_pence"]}
    (await manager.post(confirm, json=paid, headers=key())).raise_for_status()
    found = (await manager.get(f"/v1/nights/{NIGHT}/bookings")).json()["bookings"][0]
    ids = {"booking_id": held["booking_id"], "person_id": found.get("person_id") or str(uuid4())}
    names = {name for one in club.table for name in one.parameters} - {"night", "number"}
    return {"night": NIGHT, "number": "7", **{name: ids.get(name, str(uuid4())) for name in names}}


async def test_only_what_everybody_may_read_may_be_kept(club: Club) -> None:
    manager, stranger = await club.signed_in("SUPER_ADMIN", elevated=True), await club.client()
    values = await addresses(club, manager)
    answered = 0
    for operation in club.table:
        if operation.method != "GET":
            continue
        await club.forget_limits()
        query = "?party=4" if operation.path.endswith("/availability") else ""
        for client in (manager, stranger):
            answer = await client.get(operation.path.format(**values) + query)
            kept = answer.headers["cache-control"]
            about = (operation.id, answer.status_code, kept)
            if not is_for_everybody(operation) or answer.status_code >= 400:
                assert kept == "no-store", about
            else:
                # Asked for again each time, and the same for everybody: no cookie decides.
                assert kept in ("no-cache", "no-store"), about
            assert "set-cookie" not in answer.headers, about
            answered += answer.status_code == 200
    assert answered > 20


async def test_what_is_written_is_never_kept(club: Club) -> None:
    manager = await club.signed_in("SUPER_ADMIN", elevated=True)
    values = await addresses(club, manager)
    for operation in club.table:
        if operation.method == "GET" or operation.id.startswith("delete_session"):
            continue
        await club.forget_limits()
        answer = await manager.request(
            operation.method, operation.path.format(**values), content=b"{", headers=key()
        )
        assert answer.headers["cache-control"] == "no-store", operation.id
    held = await manager.post(
        "/v1/holds", headers=key(),
        json={"night": NIGHT, "tables": [3], "party": 4, "contact": {"name": "Ada"}},
    )  # fmt: skip
    assert (held.status_code, held.headers["cache-control"]) == (201, "no-store")


async def test_pages_and_files_are_asked_for_again_and_hold_nobodys_data(club: Club) -> None:
    manager, stranger = await club.signed_in(), await club.client()
    for path in (*PAGES, "/static/js/api.js"):
        mine, theirs = await manager.get(path), await stranger.get(path)
        assert mine.headers["cache-control"] == theirs.headers["cache-control"] == "no-cache", path
        assert mine.content == theirs.content, path
