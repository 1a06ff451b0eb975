"""A party waits, is offered what comes free, and accepts it, lets it pass or is too late."""

import asyncio
from hmac import digest
from types import SimpleNamespace
from typing import Any

import pytest

from app.actions import holds, nights, persons, tables, waitlist
from app.actions.links import find_link_owner
from app.actions.offer_links import find_offered
from app.actions.sweeper import sweep
from app.db import waitlist as rows
from app.domain import signed_links
from app.domain.manage_links import link_key
from app.domain.signed_links import MANAGE, OFFER, Kind, mint, verify
from app.errors import Conflict, NotFound, NotValid
from app.rebuild import rebuild
from app.web.export_document import document_of
from app.wire import Contact, EditNight, UnblockTable
from app.wire.waitlist import RankWaiting
from tests.integration.floor import MANAGER, NIGHT, House, read
from tests.integration.mailbox import outbox_of
from tests.integration.waiting import (
    accept,
    cancel,
    guest,
    join,
    leave,
    look,
    offered,
    owner_of,
    reason,
)


async def test_a_cancelled_table_is_offered_accepted_and_paid(full: House) -> None:
    entry = await join(full, 1, special_occasion=True)
    assert (entry["status"], entry["parts"]["occasion"]) == ("waitlisted", 100)
    assert entry["priority"] == entry["parts"]["timing"] + 100
    assert await offered(full) == 0
    await cancel(full, 7)
    assert await offered(full) == 1
    assert await offered(full) == 0, "exactly one offer for what came free"
    seen = await look(full, entry)
    assert (seen["status"], seen["offer"]["tables"]) == ("offered", [7])
    with pytest.raises(Conflict, match="taken"):
        await full.hold([7])
    held = await accept(full, entry)
    assert (held["status"], held["token"], held["paid_pence"]) == ("pending", entry["token"], 0)
    assert held["hold_expires_at"] >= seen["offer"]["hold_expires_at"]
    paid = await full.confirm(held)
    assert paid["status"] == "confirmed"
    assert (await look(full, entry))["status"] == "accepted"
    assert [k for k in await full.kinds() if k.startswith("WAITLIST")] == [
        "WAITLIST_JOINED", "WAITLIST_OFFERED", "WAITLIST_LEFT",
    ]  # fmt: skip
    await full.agrees()


async def linked(house: House) -> str:
    """The token of the link in the message about the latest offer."""
    texts: list[str] = []

    class Sms:
        async def send(self, to: str, text: str) -> None:
            texts.append(text)

    await outbox_of(house, sms=Sms()).drain()
    (found,) = [text.split("/#")[1] for text in texts if "/#off_" in text]
    return found


async def test_an_offer_is_taken_by_its_link_in_a_browser_that_never_saw_the_place(
    full: House,
) -> None:
    entry, secret = await join(full, 1), full.settings.secret
    await cancel(full, 7)
    await offered(full)
    token = await linked(full)
    who = await find_offered(full.db, secret, token)
    assert who is not None
    assert who.booking_id == (await look(full, entry))["offer"]["booking_id"]
    for other in (token[:-1] + ("A" if token[-1] != "A" else "B"), token.replace("off_", "mng_")):
        assert await find_offered(full.db, secret, other) is None
    assert await find_link_owner(full.db, link_key(secret), token.replace("off_", "mng_")) is None

    caller = full.caller(who, "key-1")
    args = (full.db, full.venue, secret, caller, entry["waitlist_id"])
    held = read(await waitlist.accept_offer(*args))
    assert held["token"].startswith("mng_"), "a token that ends, unlike the place's own"
    assert verify(MANAGE, link_key(secret), held["token"]).subject == who.booking_id
    again = await find_offered(full.db, secret, token)
    assert again == who, "a reply that was lost can be asked for again"
    assert read(await waitlist.accept_offer(*args)) == held
    await full.confirm(held)
    assert await find_offered(full.db, secret, token) is None, "it is paid"


async def test_the_link_of_an_offer_ends_with_it_and_is_none_of_the_next(full: House) -> None:
    secret = full.settings.secret
    await join(full, 1)
    await cancel(full, 7)
    await offered(full)
    first = await linked(full)
    assert await find_offered(full.db, secret, first) is not None
    await full.later(minutes=10)
    assert await find_offered(full.db, secret, first) is None, "it ran out, and is not swept yet"
    await offered(full)
    second = await linked(full)
    assert await find_offered(full.db, secret, second) is not None
    assert await find_offered(full.db, secret, first) is None


# Where the checks of an offer's link stand.
CHECKED: dict[str, tuple[Any, str]] = {
    "hmac": (signed_links, "hmac"), "key": (Kind, "key"), "sql": (rows, "FIND_OFFER"),
}  # fmt: skip


async def test_without_one_of_its_checks_an_offers_link_would_open_what_it_must_not(
    full: House,
) -> None:
    """The negative controls: each check is met by one link that nothing else refuses."""
    secret, entry = full.settings.secret, await join(full, 1)
    await cancel(full, 7)
    await offered(full)
    first = await linked(full)
    said = verify(OFFER, OFFER.key(secret), first)
    forged = mint(OFFER, b"guessed", said)
    shared = link_key(secret)
    manage = mint(MANAGE, shared, said).replace("mng_", "off_")

    async def opens(token: str, **off: Any) -> bool:
        """Whether the link makes somebody, and with the check off."""
        assert await find_offered(full.db, secret, token) is None
        with pytest.MonkeyPatch.context() as patch:
            for name, value in off.items():
                patch.setattr(*CHECKED[name], value)
            return await find_offered(full.db, secret, token) is not None

    def unasked(condition: str, instead: str = "true") -> str:
        assert rows.FIND_OFFER.count(condition) == 1, condition
        return rows.FIND_OFFER.replace(condition, instead)

    ends = "venue_now() < least(b.hold_expires_at, $3::text::timestamptz)"
    assert await opens(forged, hmac=SimpleNamespace(digest=digest, compare_digest=lambda *_: True))
    assert await opens(manage, key=lambda *_: shared)
    await full.later(minutes=10)
    assert await opens(first, sql=unasked(ends, "$3::text IS NOT NULL"))
    await offered(full)
    assert (await look(full, entry))["status"] == "offered"
    assert await opens(first, sql=unasked("w.offers_left = $2", "$2::integer IS NOT NULL"))
    second = await linked(full)
    assert await find_offered(full.db, secret, second) is not None
    await full.confirm(await accept(full, entry))
    assert await opens(second, sql=unasked("b.status = 'pending'"))


async def test_an_unanswered_offer_goes_to_the_next_and_ends_once_though_nobody_was_there(
    full: House,
) -> None:
    first, second = await join(full, 1, special_occasion=True), await join(full, 2)
    assert ((await look(full, first))["position"], (await look(full, second))["position"]) == (1, 2)
    await cancel(full, 7)
    assert await offered(full) == 1
    assert (await look(full, first))["status"] == "offered"
    # The service is down: nobody sweeps for three hours. Then all at once, several times over.
    await full.later(minutes=180)
    await asyncio.gather(*(sweep(full.db, full.venue) for _ in range(4)))
    assert (await full.kinds()).count("HOLD_EXPIRED") == 1
    await asyncio.gather(*(waitlist.offer_free_tables(full.db, full.venue) for _ in range(2)))
    assert (await look(full, second))["status"] == "offered"
    missed = await look(full, first)
    assert (missed["status"], missed["offers_left"]) == ("waitlisted", 1)
    assert (await full.kinds()).count("WAITLIST_OFFERED") == 2
    await full.agrees()
    # The first is asked again when nobody else waits; after the second silence its place is over.
    await leave(full, second)
    assert await offered(full) == 1
    await full.later(minutes=11)
    assert await offered(full) == 0
    ended = await look(full, first)
    assert (ended["status"], ended["ended_why"]) == ("left", "unanswered")
    await full.agrees()


async def test_whatever_frees_a_table_is_offered(full: House) -> None:
    """Lifted, let go, moved away from: what is free counts, however it came to be so."""
    entries = [await join(full, n) for n in range(1, 5)]
    await tables.unblock_table(full.db, full.caller(), 1, UnblockTable(NIGHT))
    assert await offered(full) == 1
    offer = (await look(full, entries[0]))["offer"]
    await holds.release_hold(full.db, full.caller(owner_of(entries[0])), offer["booking_id"])
    assert await offered(full) == 1, "a hold let go"
    assert (await look(full, entries[1]))["offer"]["tables"] == [1]
    await full.unblock(3)
    await full.move({"booking_id": full.on_7}, [3])  # type: ignore[attr-defined]
    assert await offered(full) == 1, "a party moved away"
    assert (await look(full, entries[2]))["offer"]["tables"] == [7]
    await full.agrees()


async def test_the_place_is_left_by_its_owner_and_by_staff_and_by_nobody_else(full: House) -> None:
    entry, other = await join(full, 1), await join(full, 2)
    with pytest.raises(NotFound):
        await leave(full, entry, owner_of(other))
    await cancel(full, 7)
    await offered(full)
    assert (await leave(full, entry))["status"] == "left"
    assert await reason(leave(full, entry)) == "not_waiting"
    assert await offered(full) == 1, "what it was offered is free for the next"
    assert (await leave(full, other, MANAGER))["ended_why"] == "staff"
    await full.agrees()


async def test_a_manager_ranks_by_hand_and_the_book_says_who(full: House) -> None:
    first, second = await join(full, 1, special_occasion=True), await join(full, 2)
    request = RankWaiting(1000)
    ranked = read(
        await waitlist.rank_waiting(
            full.db, full.venue, full.caller(), second["waitlist_id"], request
        )
    )
    assert (ranked["priority"], ranked["parts"]["by_hand"]) == (1000, 1000)
    await full.agrees()
    await cancel(full, 7)
    await offered(full)
    assert (await look(full, second))["status"] == "offered"
    assert (await look(full, first))["status"] == "waitlisted"
    async with full.looking() as conn:
        actor = await conn.fetchval("SELECT actor FROM event WHERE type = 'WAITLIST_RANKED'")
    assert actor == MANAGER.actor


async def test_visits_count_by_the_persons_own_digests(full: House) -> None:
    await cancel(full, 7)
    await full.hold([7], contact=guest(1))
    async with full.looking() as conn:
        await conn.execute(
            "UPDATE booking SET status = 'completed', hold_expires_at = NULL"
            " WHERE status = 'pending'"
        )
        await conn.execute("UPDATE booking_table SET live = false WHERE number = 7")
    await full.block(7)
    known = await join(full, 1)
    assert known["parts"]["visits"] == 1
    assert known["priority"] == 10 + known["parts"]["timing"]
    await leave(full, known)
    neighbour = await join(full, 1, contact=guest(1, "Eve"))
    assert neighbour["parts"]["visits"] == 0, "nobody learns it by another's number"


async def test_who_may_not_join_is_told_why(full: House) -> None:
    assert await reason(join(full, 1, party=2)) == "won", "no table for two is free either"
    assert await reason(join(full, 1)) == "already_waiting"
    await full.unblock(3)
    assert await reason(join(full, 2, party=7)) == "tables_free"
    await full.block(3)
    with pytest.raises(NotValid, match="reach you"):
        await join(full, 3, contact=Contact("Nobody"))
    large = await join(full, 4, party=30)
    assert large["beyond_every_set"], "staff see it as an enquiry"
    assert await offered(full) == 0
    await full.later(hours=5)
    assert await reason(join(full, 5)) == "too_late"


PLACES = "SELECT jsonb_agg(to_jsonb(w) ORDER BY w.id)::text FROM waitlist w"


async def test_the_events_give_every_place_again_however_it_ended(full: House) -> None:
    paid, silent, gone, taken_off, ranked, waits = [await join(full, n) for n in range(1, 7)]
    request = RankWaiting(7)
    await waitlist.rank_waiting(full.db, full.venue, full.caller(), ranked["waitlist_id"], request)
    await cancel(full, 7)
    assert await offered(full) == 1
    await full.confirm(await accept(full, paid))
    await cancel(full, 9)
    assert await offered(full) == 1
    await leave(full, taken_off, MANAGER)
    await leave(full, gone)
    for _ in range(10):  # whoever is asked is silent, until one was asked too often
        if (await look(full, silent))["status"] == "left":
            break
        await full.later(minutes=full.venue.rules.offer_minutes + 1)
        await offered(full)
    seen = [(await look(full, one))["status"] for one in (paid, silent, gone, ranked, waits)]
    assert seen[:3] == ["accepted", "left", "left"]
    assert set(seen[3:]) == {"waitlisted", "offered"}

    for sealed in (False, True):
        if sealed:
            change = EditNight(status="sealed")
            await nights.edit_night(full.db, full.venue, full.caller(), NIGHT, change)
        async with full.looking() as conn:
            assert await rebuild(conn, NIGHT) == []
            before = await conn.fetchval(PLACES)
            await conn.execute(
                "UPDATE waitlist SET status = 'left', ended_why = 'staff', booking_id = NULL,"
                " party = 99, priority = 1, by_hand = 2, offers_left = 9"
            )
            assert await rebuild(conn, NIGHT) != []
            assert await rebuild(conn, NIGHT, write=True) != []
            assert await rebuild(conn, NIGHT) == []
            assert await conn.fetchval(PLACES) == before
    await full.agrees()


async def test_the_list_ends_with_the_night(full: House) -> None:
    entry = await join(full, 1)
    await nights.edit_night(full.db, full.venue, full.caller(), NIGHT, EditNight(status="sealed"))
    assert (await look(full, entry))["ended_why"] == "night_over"
    assert await reason(accept(full, entry)) == "no_offer"
    await full.agrees()


async def test_who_waits_is_told_all_that_is_kept_and_leaves_every_list_when_erased(
    full: House,
) -> None:
    """By the token of the place alone, while there is no booking; another's place stays."""
    house = full
    entry = await join(house, 1, prefers=["downstairs"], special_occasion=True)
    other = await join(house, 2)
    me = owner_of(entry)
    person = await persons.find_own_person(house.db, me)
    told = await persons.export_person(
        house.db, house.vault, house.venue.name, house.caller(me), person, "json"
    )
    assert (told.name, told.bookings) == ("Grace Hopper", [])
    (place,) = told.waitlist
    assert (place.night, place.party, place.status) == (NIGHT, 4, "waitlisted")
    assert (place.wishes, place.special_occasion) == (["downstairs"], True)
    assert "<td>downstairs, special occasion</td>" in document_of(told)
    with pytest.raises(NotFound):
        await persons.export_person(
            house.db, house.vault, house.venue.name, house.caller(owner_of(other)), person, "json"
        )

    # An offer is open when they are erased: its table goes to the next.
    await cancel(house, 7)
    assert await offered(house) == 1
    assert (await look(house, entry))["status"] == "offered"
    await waitlist.leave_all(house.db, house.venue, house.caller(me), person)
    erased = await persons.erase_person(
        house.db, house.settings.erasures_file, house.caller(me), person
    )
    assert read(erased)["person_id"] == person
    assert (await look(house, entry))["ended_why"] == "guest"
    assert await offered(house) == 1
    assert (await look(house, other))["status"] == "offered"
    await house.agrees()
