"""People's data over HTTP: who sees what of it, and what a person can ask for.

Goal: nobody is shown more than their role sees, and what is given out is a document and nothing
else. Method: real requests by every role; the guest is called what an attacker would be called.
"""

from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from tests.integration.web.club import NIGHT, Club, key

LATER = "2027-06-26"
HOSTILE = (
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "&lt;b&gt; &amp; Sons",
    "\u202eevil\u2066 name",
    '=HYPERLINK("http://x")',
)

# What a page of the export is made of, and nothing else.
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "time", "dl", "dt", "dd",
    "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "bdi",
}  # fmt: skip
ATTRIBUTES = {"lang", "charset", "name", "content", "datetime", "scope"}


async def booked(
    club: Club, name: str = "Ada Lovelace", table: int = 2, **more: str
) -> dict[str, Any]:
    client = await club.client()
    answer = await client.post(
        "/v1/holds",
        json={"night": NIGHT, "tables": [table], "party": 4, "contact": {"name": name, **more}},
        headers=key(),
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def owner_of(club: Club, booking: dict[str, Any]) -> httpx.AsyncClient:
    return await club.client(Authorization=f"Bearer {booking['token']}")


async def listed(client: httpx.AsyncClient, search: str | None = None) -> list[dict[str, Any]]:
    answer = await client.get(
        f"/v1/nights/{NIGHT}/bookings", params={} if search is None else {"search": search}
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["bookings"]
    return found


async def test_the_list_shows_the_contact_masked_to_managers_and_not_to_the_door(
    club: Club,
) -> None:
    await club.open()
    await booked(club, phone="0113 496 0123", email="ada@example.com")
    shown = {}
    for role in ("MANAGER", "DOOR_STAFF"):
        one = (await listed(await club.signed_in(role)))[0]
        shown[role] = (one["name"], one["phone"], one["email"], one["person_id"] is None)
    assert shown["MANAGER"] == ("Ada Lovelace", "•••123", "a•••@e•••", False)
    assert shown["DOOR_STAFF"] == ("Ada L.", None, None, True)


@pytest.mark.parametrize("search", ["lovelace", "ADA  love", "\uff4c\uff4f\uff56e"])
async def test_a_search_finds_a_name_however_it_is_spelled(club: Club, search: str) -> None:
    await club.open()
    ada = await booked(club)
    await booked(club, "Bob", 3)
    manager = await club.signed_in()
    assert [one["booking_id"] for one in await listed(manager, search)] == [ada["booking_id"]]
    assert len(await listed(manager)) == 2


async def test_a_search_finds_a_reference_as_it_is_spoken(club: Club) -> None:
    await club.open()
    ada, manager = await booked(club), await club.signed_in()
    spoken = " ".join(ada["reference"][4:10].lower())
    assert [one["booking_id"] for one in await listed(manager, spoken)] == [ada["booking_id"]]


async def test_the_door_finds_a_guest_by_a_name_that_it_never_sees_whole(club: Club) -> None:
    await club.open()
    ada, bob = await booked(club), await booked(club, "Bob Love", 3)
    path = f"/v1/nights/{NIGHT}/guests"
    for door in (await club.signed_in("DOOR_STAFF"), await club.device()):
        everybody = (await door.get(path)).json()
        assert everybody["names"] == {ada["booking_id"]: "Ada L.", bob["booking_id"]: "Bob L."}
        assert everybody["references"][ada["booking_id"]] == ada["reference"]
        found = (await door.get(path, params={"search": "LOVELA"})).json()
        assert found["names"] == {ada["booking_id"]: "Ada L."}
        assert list(found["references"]) == [ada["booking_id"]]


async def test_a_device_is_told_of_tonights_guests_and_of_no_other_nights(club: Club) -> None:
    await club.open()
    await club.open(LATER)
    await booked(club)
    device, staff = await club.device(), await club.signed_in("DOOR_STAFF")
    assert (await device.get(f"/v1/nights/{NIGHT}/guests")).status_code == 200
    assert (await staff.get(f"/v1/nights/{LATER}/guests")).status_code == 200
    refused = await device.get(f"/v1/nights/{LATER}/guests")
    assert (refused.status_code, refused.json()["reason"]) == (403, "other_night")


async def test_an_erased_guest_leaves_the_lists_without_a_name(club: Club) -> None:
    await club.open()
    ada, manager = await booked(club, phone="0113 496 0123"), await club.signed_in()
    owner = await owner_of(club, ada)
    answer = await owner.post("/v1/me/erase", headers=key())
    assert answer.status_code == 200, answer.text
    assert answer.json()["retained"] == ["financial_records"]
    one = (await listed(manager))[0]
    assert (one["name"], one["phone"], one["email"]) == (None, None, None)
    known = (await manager.get(f"/v1/nights/{NIGHT}/guests")).json()
    assert known == {"names": {}, "references": {ada["booking_id"]: ada["reference"]}}
    assert await listed(manager, "ada") == []
    again = await owner.post("/v1/me/erase", headers=key())
    assert again.json()["erased_at"] == answer.json()["erased_at"]
    left = (await owner.get("/v1/me/export")).json()
    assert (left["name"], left["bookings"][0]["reference"]) == (None, ada["reference"])


async def test_erasing_and_giving_out_need_a_fresh_proof(club: Club) -> None:
    await club.open()
    await booked(club)
    manager, chief = await club.signed_in(), await club.signed_in("SUPER_ADMIN")
    person = (await listed(manager))[0]["person_id"]
    export = await manager.get(f"/v1/people/{person}/export")
    erase = await chief.post(f"/v1/people/{person}/erase", headers=key())
    assert [(a.status_code, a.json()["reason"]) for a in (export, erase)] == [
        (403, "step_up_needed")
    ] * 2
    assert (await listed(manager))[0]["name"] == "Ada Lovelace"
    fresh = await club.signed_in("SUPER_ADMIN", elevated=True)
    assert (await fresh.get(f"/v1/people/{person}/export")).status_code == 200
    erased = await fresh.post(f"/v1/people/{person}/erase", headers=key())
    assert erased.status_code == 200
    assert (await listed(manager))[0]["name"] is None


async def test_what_is_shown_or_given_out_is_kept_nowhere_as_an_answer(club: Club) -> None:
    await club.open()
    booking = await booked(club, phone="0113 496 0123", email="ada@example.com")
    manager = await club.signed_in(elevated=True)
    person = (await listed(manager))[0]["person_id"]
    shown = await manager.post(f"/v1/people/{person}/reveal", headers=key())
    assert shown.json() == {
        "person_id": person, "name": "Ada Lovelace", "phone": "+441134960123",
        "email": "ada@example.com",
    }  # fmt: skip
    given = await (await owner_of(club, booking)).get("/v1/me/export")
    for answer in (shown, given):
        assert answer.headers["cache-control"] == "no-store"
    async with club.looking() as conn:
        kept = await conn.fetch("SELECT answer FROM idempotency")
    assert all(b"Ada" not in (row["answer"] or b"") for row in kept)


class Reader(HTMLParser):
    """What a browser would make of a page: its elements and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_export_to_read_is_a_document_whatever_the_guest_is_called(
    club: Club, name: str
) -> None:
    await club.open()
    booking = await booked(club, name)
    owner = await owner_of(club, booking)
    answer = await owner.get("/v1/me/export", params={"format": "html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script" not in answer.headers["content-security-policy"].replace("'none'", "")
    page = Reader()
    page.feed(answer.text)
    assert page.elements <= ELEMENTS
    assert page.attributes <= ATTRIBUTES
    assert " ".join(name.split()) in page.words
    assert booking["reference"] in page.words
    assert answer.text.startswith("<!doctype html>")


WRITTEN = (
    *HOSTILE,
    "'); DROP TABLE booking; --",
    "{{7*7}} ${7*7} %n%s",
    "+SUM(A1:A9)",
    "@cmd|' /C calc'!A0",
    "\u200f\u05d0\u05d1\u05d2\u202e",
    "x" * 500,
)


async def wish(client: httpx.AsyncClient, booking: dict[str, Any], **what: str) -> httpx.Response:
    return await client.patch(f"/v1/bookings/{booking['booking_id']}", json=what, headers=key())


async def test_what_was_wished_is_given_out_as_it_was_written_and_does_nothing(
    club: Club,
) -> None:
    await club.open()
    booking = await booked(club)
    owner, manager = await owner_of(club, booking), await club.signed_in(elevated=True)
    person = (await listed(manager))[0]["person_id"]
    for words in WRITTEN:
        answer = await wish(manager, booking, requests=words, occasion="birthday", notes=words)
        assert answer.status_code == 200, answer.text
        told = " ".join(words.split())
        for client, path in (
            (owner, "/v1/me/export"), (manager, f"/v1/people/{person}/export"),
        ):  # fmt: skip
            one = (await client.get(path)).json()["bookings"][0]
            assert (one["requests"], one["occasion"], one["notes"]) == (told, "birthday", told)
            page = Reader()
            page.feed((await client.get(path, params={"format": "html"})).text)
            assert page.elements <= ELEMENTS
            assert page.attributes <= ATTRIBUTES
            assert page.words.count(f"\u201c{told}\u201d") == 2
            # A spreadsheet that opens the page takes what begins so for a formula.
            assert not [word for word in page.words if word.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("wrong", ["a\x00b", "two\nlines", "x" * 501, "x" * 10_000])
async def test_a_wish_that_is_no_line_of_text_is_refused_and_kept_nowhere(
    club: Club, wrong: str
) -> None:
    await club.open()
    booking = await booked(club)
    owner = await owner_of(club, booking)
    for field in ("requests", "notes"):
        refused = await wish(owner, booking, **{field: wrong})
        assert (refused.status_code, refused.json()["reason"]) == (422, "not_valid")
    assert (await owner.get("/v1/me/export")).json()["bookings"][0]["requests"] is None


async def test_an_erasure_takes_the_wishes_away(club: Club) -> None:
    await club.open()
    booking, manager = await booked(club), await club.signed_in()
    owner = await owner_of(club, booking)
    answer = await wish(manager, booking, requests="By the stage", occasion="hen", notes="Is loud")
    assert answer.status_code == 200, answer.text
    assert "By the stage" in (await owner.get("/v1/me/export?format=html")).text
    assert (await owner.post("/v1/me/erase", headers=key())).status_code == 200
    one = (await owner.get("/v1/me/export")).json()["bookings"][0]
    assert (one["requests"], one["occasion"], one["notes"]) == (None, None, None)
    for page in (
        (await owner.get("/v1/me/export?format=html")).text,
        (await manager.get(f"/v1/nights/{NIGHT}/bookings")).text,
        (await manager.get(f"/v1/bookings/{booking['booking_id']}")).text,
        (await manager.get(f"/v1/bookings/{booking['booking_id']}/history")).text,
    ):
        assert "By the stage" not in page
        assert "Is loud" not in page


async def test_an_export_to_take_along_has_everything_in_its_fields(club: Club) -> None:
    await club.open()
    booking = await booked(club, phone="0113 496 0123", email="Ada@example.com")
    given = (await (await owner_of(club, booking)).get("/v1/me/export?format=json")).json()
    assert (given["name"], given["phone"], given["email"]) == (
        "Ada Lovelace", "+441134960123", "Ada@example.com",
    )  # fmt: skip
    assert [one["reference"] for one in given["bookings"]] == [booking["reference"]]
    assert given["purposes"]
    assert given["bans"] == []


async def test_an_unknown_format_or_person_is_refused(club: Club) -> None:
    await club.open()
    owner = await owner_of(club, await booked(club))
    wrong = await owner.get("/v1/me/export?format=pdf")
    assert (wrong.status_code, wrong.json()["reason"]) == (422, "not_valid")
    nobody = await club.client(Authorization=f"Bearer {'x' * 43}")
    for answer in (
        await nobody.get("/v1/me/export"), await nobody.post("/v1/me/erase", headers=key()),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["reason"]) == (404, "person_not_found")


async def test_bans_are_for_managers_and_their_answers_name_nobody(club: Club) -> None:
    await club.open()
    manager = await club.signed_in()
    added = await manager.post(
        "/v1/bans",
        json={"reason": "violence", "name": "Ada King", "phone": "0113 496 0123",
              "note": "Threw a glass."},
        headers=key(),
    )  # fmt: skip
    assert added.status_code == 201, added.text
    assert "Ada" not in added.text
    bans = (await manager.get("/v1/bans")).json()["bans"]
    assert [(b["name"], b["phone"], b["note"]) for b in bans] == [
        ("Ada King", "•••123", "Threw a glass.")
    ]
    assert "added_by" in bans[0]
    for role in ("DOOR_STAFF", "DEVICE"):
        refused = await (await club.acting_as(role)).get("/v1/bans")
        assert refused.status_code == 403
