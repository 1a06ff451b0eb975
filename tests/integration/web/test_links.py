"""Manage links over HTTP: one booking and no other, until they are revoked or over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest

from app.domain.manage_links import PREFIX, ManageLink, link_key, mint_link, read_link
from app.domain.tokens import derived_token
from app.embedded.servers import URLs
from app.web import endpoint
from app.web.limits import STRANGER_READS
from floorplan.nights import parse_instant
from tests.integration.web.club import NIGHT, Club, key

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


async def owner(club: Club, token: str) -> httpx.AsyncClient:
    return await club.client(Authorization=f"Bearer {token}")


async def booked(club: Club, tables: list[int]) -> dict[str, Any]:
    """A hold of a stranger, confirmed at the desk; with its owner's token and a link."""
    stranger, manager = await club.client(), await club.signed_in()
    held: dict[str, Any] = await club.held(stranger, tables)
    paid = {"method": "card", "amount_pence": held["deposit_pence"]}
    path = f"/v1/holds/{held['booking_id']}/confirm"
    (await manager.post(path, json=paid, headers=key())).raise_for_status()
    return held | {"manage": (await link(await owner(club, held["token"]), held))["token"]}


async def link(client: httpx.AsyncClient, booking: dict[str, Any], **headers: str) -> Any:
    path = f"/v1/bookings/{booking['booking_id']}/link"
    answer = await client.post(path, headers=headers or key())
    assert answer.status_code == 201, answer.text
    return answer.json()


async def is_refused(client: httpx.AsyncClient, booking: dict[str, Any]) -> None:
    answer = await client.get(f"/v1/bookings/{booking['booking_id']}")
    assert (answer.status_code, answer.json()["reason"]) == (401, "token_refused"), answer.text


def operations_on_bookings(club: Club) -> list[tuple[str, str, bool]]:
    """Method, path and whether an owner may, of every operation that takes a booking."""
    found: list[tuple[str, str, bool]] = [
        (one.method, one.path, one.own is not None)
        for one in club.table
        if "booking_id" in one.parameters
    ]
    assert len(found) > 10
    return found


async def asked(
    client: httpx.AsyncClient, method: str, path: str, booking_id: str
) -> httpx.Response:
    return await client.request(
        method, path.format(booking_id=booking_id, number=1), content=b"{", headers=key() | JSON
    )


JSON = {"Content-Type": "application/json"}


async def test_a_link_opens_its_booking_with_the_code_and_lets_it_be_cancelled(club: Club) -> None:
    await club.open()
    booking = await booked(club, [2])
    guest = await owner(club, booking["manage"])
    path = f"/v1/bookings/{booking['booking_id']}"
    shown = (await guest.get(path)).json()
    assert (shown["status"], shown["party"], shown["code"][:4]) == ("confirmed", 4, "BR1:")
    assert (await guest.get(f"{path}/code.svg")).status_code == 200
    cancelled = await guest.post(f"{path}/cancel", headers=key())
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")


@pytest.mark.parametrize("by", ["token", "manage"], ids=["hold", "link"])
async def test_another_ones_booking_is_not_found_by_any_operation(club: Club, by: str) -> None:
    await club.open()
    mine, theirs = await booked(club, [2]), await booked(club, [3])
    guest, before = await owner(club, mine[by]), await club.counts()
    wrong = []
    for method, path, _ in operations_on_bookings(club):
        await club.forget_limits()
        for booking_id in (theirs["booking_id"], str(uuid4())):
            answer = await asked(guest, method, path, booking_id)
            if (answer.status_code, answer.json().get("reason")) != (404, "booking_not_found"):
                wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:90]}")
    assert wrong == []
    assert await club.counts() == before
    # The same requests for one's own booking get past that: it is the booking that differs.
    for method, path, may in operations_on_bookings(club):
        await club.forget_limits()
        answer = await asked(guest, method, path, mine["booking_id"])
        assert (answer.status_code == 403) is not may, (method, path, answer.text)
        assert answer.status_code != 404, (method, path, answer.text)


async def test_without_the_question_whose_booking_it_is_another_ones_would_be_shown(
    club: Club, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: with the guard off the database's policies are all that is left."""

    async def anybodys(*_: object) -> bool:
        return True

    monkeypatch.setattr(endpoint, "owns", anybodys)
    await club.open()
    mine, theirs = await booked(club, [2]), await booked(club, [3])
    guest = await owner(club, mine["manage"])
    passed = 0
    for method, path, _ in operations_on_bookings(club):
        await club.forget_limits()
        answer = await asked(guest, method, path, theirs["booking_id"])
        passed += answer.status_code != 404
    assert passed > 0


async def test_a_link_that_is_not_whole_or_of_this_purpose_is_refused(club: Club) -> None:
    await club.open()
    booking = await booked(club, [2])
    good = booking["manage"]
    secret = club.parts.settings.secret
    said = read_link(link_key(secret), good, ALWAYS)
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    other = mint_link(link_key("5b" * 32), said)
    stale = msgspec.structs.replace(said, expires_at=datetime.now(UTC).replace(microsecond=0))
    gone = msgspec.structs.replace(said, booking_id=str(uuid4()))
    tokens = {
        "flipped": flipped,
        "truncated": good[:-4],
        "longer": good + "AAAA",
        "another secret's": other,
        "over": mint_link(link_key(secret), stale),
        "another generation": mint_link(
            link_key(secret), ManageLink(said.booking_id, 2, said.expires_at)
        ),
        "no booking": mint_link(link_key(secret), gone),
        "a hold's token": PREFIX + booking["token"],
        "another purpose": PREFIX + derived_token(secret, "manage", booking["booking_id"]),
    }
    for what, token in tokens.items():
        await club.forget_limits()
        client = await owner(club, token)
        answer = await client.get(f"/v1/bookings/{booking['booking_id']}")
        assert (answer.status_code, answer.json()["reason"]) == (401, "token_refused"), what
    fine = await (await owner(club, good)).get(f"/v1/bookings/{booking['booking_id']}")
    assert fine.status_code == 200


async def test_revoking_ends_every_link_and_a_new_one_counts(club: Club) -> None:
    await club.open()
    booking = await booked(club, [2])
    path = f"/v1/bookings/{booking['booking_id']}"
    guest, manager = await owner(club, booking["manage"]), await club.signed_in()
    desk = (await link(manager, booking))["token"]
    revoked = await guest.post(f"{path}/link/revoke", headers=key())
    assert (revoked.status_code, revoked.json()["generation"]) == (200, 2)
    await is_refused(guest, booking)
    await is_refused(await owner(club, desk), booking)
    # The hold's own token is another thing, and the next link is of the new generation.
    holder = await owner(club, booking["token"])
    again = await link(holder, booking)
    assert again["generation"] == 2
    assert (await (await owner(club, again["token"])).get(path)).status_code == 200
    by_desk = await manager.post(f"{path}/link/revoke", headers=key())
    assert by_desk.json()["generation"] == 3
    await is_refused(await owner(club, again["token"]), booking)


async def test_a_revocation_sent_again_by_its_key_revokes_once(club: Club) -> None:
    await club.open()
    booking = await booked(club, [2])
    manager, once = await club.signed_in(), key()
    path = f"/v1/bookings/{booking['booking_id']}/link/revoke"
    answers = [await manager.post(path, headers=headers) for headers in (once, once, key())]
    assert [answer.json()["generation"] for answer in answers] == [2, 2, 3]


async def test_a_link_lasts_a_week_after_the_night_and_is_nowhere_stored(
    club: Club, database: URLs
) -> None:
    opened = await club.open()
    booking = await booked(club, [2])
    client = await owner(club, booking["token"])
    first = key()
    made = await link(client, booking, **first)
    again = await link(client, booking, **first)
    assert (made["token"], made["link"]) == (booking["manage"], f"/manage#{made['token']}")
    assert again == made
    ends_at = parse_instant(opened["ends_at"])
    assert parse_instant(made["expires_at"]) == ends_at + timedelta(days=7)
    assert read_link(link_key(club.parts.settings.secret), made["token"], ALWAYS) == ManageLink(
        booking["booking_id"], 1, ends_at + timedelta(days=7)
    )
    conn = await asyncpg.connect(database.owner)
    events = await conn.fetch("SELECT payload::text AS text FROM event")
    answers = await conn.fetch("SELECT convert_from(answer, 'UTF8') AS text FROM idempotency")
    await conn.close()
    assert booking["booking_id"] in "".join(row["text"] for row in answers)
    assert not [row for row in (*events, *answers) if PREFIX in row["text"]]


async def test_making_and_revoking_stand_in_the_venues_book(club: Club) -> None:
    await club.open()
    booking = await booked(club, [2])
    manager = await club.signed_in()
    await manager.post(f"/v1/bookings/{booking['booking_id']}/link/revoke", headers=key())
    async with club.parts.db.reading() as conn:
        rows = await conn.fetch(
            "SELECT type, actor FROM event WHERE book = 'venue' AND subject = $1 ORDER BY version",
            f"booking:{booking['booking_id']}",
        )
    said = [(row["type"], row["actor"].split(":")[0]) for row in rows]
    assert said == [("LINK_MADE", "owner"), ("MANAGE_LINKS_REVOKED", "staff")]


async def test_one_links_limit_is_not_its_neighbours(club: Club) -> None:
    await club.open()
    mine, theirs = await booked(club, [2]), await booked(club, [3])
    await club.forget_limits()
    guests = [await owner(club, one["manage"]) for one in (mine, theirs)]
    paths = [f"/v1/bookings/{one['booking_id']}" for one in (mine, theirs)]
    answers = [await guests[0].get(paths[0]) for _ in range(STRANGER_READS.most + 1)]
    assert answers[-1].status_code == 429
    assert (await guests[1].get(paths[1])).status_code == 200  # from the same address
    by_hold = [await owner(club, one["token"]) for one in (mine, theirs)]
    answers = [await by_hold[0].get(paths[0]) for _ in range(STRANGER_READS.most + 1)]
    assert answers[-1].status_code == 429
    assert (await by_hold[1].get(paths[1])).status_code == 429  # the address's, unproven


async def test_no_link_is_made_for_what_does_not_exist(club: Club) -> None:
    await club.open()
    manager = await club.signed_in()
    for path in (f"/v1/bookings/{uuid4()}/link", f"/v1/bookings/{uuid4()}/link/revoke"):
        answer = await manager.post(path, headers=key())
        assert (answer.status_code, answer.json()["reason"]) == (404, "booking_not_found")
    door = await club.signed_in("DOOR_STAFF")
    booking = await booked(club, [2])
    answer = await door.post(f"/v1/bookings/{booking['booking_id']}/link", headers=key())
    assert (answer.status_code, answer.json()["permission"]) == (403, "booking:link")


async def test_a_manager_of_another_night_makes_no_link(club: Club) -> None:
    """Scopes: the booking's night is known only once it is found."""
    await club.open()
    booking = await booked(club, [2])
    staff_id = await club.staff()
    async with club.parts.db.begun(club.parts.db.auth) as conn:
        await conn.execute(
            "UPDATE staff SET night = '2027-06-26' WHERE id = $1::text::uuid", staff_id
        )
    elsewhere = await club.signed_in(staff_id=staff_id)
    path = f"/v1/bookings/{booking['booking_id']}/link"
    answer = await elsewhere.post(path, headers=key())
    assert (answer.status_code, answer.json()["reason"]) == (403, "out_of_scope")
    assert booking["night"] == NIGHT
