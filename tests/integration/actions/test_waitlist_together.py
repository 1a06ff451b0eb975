"""Two at once on the waitlist: each race with its guards, and without, where it must fail."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from app.actions import waitlist
from app.domain.principals import ANONYMOUS
from app.errors import Conflict
from app.wire.waitlist import JoinWaitlist
from tests.integration.floor import NIGHT, House
from tests.integration.racing import (
    as_time_runs_out,
    at_once,
    rewritten,
    without_constraint,
    without_hold_locks,
    without_table_locks,
)
from tests.integration.waiting import accept, cancel, guest, join, offered, reason


@pytest.mark.parametrize(("left", "winner"), [(60.0, "own"), (0.03, "either"), (-0.5, "other")])
async def test_an_accepted_offer_against_a_new_hold_has_one_winner(
    full: House, left: float, winner: str
) -> None:
    """While the offer lasts only its party gets the table, afterwards only somebody else; in the
    moment between one of them, or nobody yet, and never two."""
    entry = await join(full, 1)
    await cancel(full, 7)
    await offered(full)
    await full.later(minutes=full.venue.rules.offer_minutes, seconds=-left)
    *others, own = await asyncio.gather(
        *(reason(full.hold([7])) for _ in range(4)), reason(accept(full, entry))
    )
    won = Counter(others)["won"]
    assert (own == "won") + won <= 1
    assert winner != "own" or own == "won"
    assert winner != "other" or (won, own) in {(1, "hold_expired"), (1, "no_offer")}
    await full.agrees()


async def test_without_the_look_at_the_time_an_offer_is_accepted_that_ran_out(
    full: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    entry = await join(full, 1)
    await cancel(full, 7)
    await offered(full)
    await full.later(minutes=11)
    assert await reason(accept(full, entry)) == "hold_expired"
    monkeypatch.setattr(waitlist, "judge_alive", lambda *_: None)
    assert await reason(accept(full, entry)) == "won"


async def accepted_as_it_runs_out(house: House) -> tuple[str, str]:
    """What became of the offer that is accepted in its last moment, and of a new hold just then."""
    entry = await join(house, 1)
    await cancel(house, 7)
    await offered(house)
    await house.later(minutes=house.venue.rules.offer_minutes - 1)
    return await as_time_runs_out(
        house,
        "accept_offer",
        lambda: reason(accept(house, entry)),
        lambda: reason(house.hold([7])),
        minutes=2,
    )


async def test_an_offer_accepted_in_its_last_moment_keeps_its_table(full: House) -> None:
    assert await accepted_as_it_runs_out(full) == ("won", "table_not_available")
    assert (await full.kinds()).count("HOLD_EXPIRED") == 0
    await full.agrees()


async def test_without_the_locks_an_offer_is_accepted_that_has_lost_its_table(full: House) -> None:
    """The negative control: the hold takes the table under the acceptance; both are told yes."""
    await without_hold_locks(full)
    # Whoever ends the offer's hold ends the offer too; that is a guard of its own.
    await rewritten(full, "offer_over", ("AND status = 'offered'", "AND false"))
    assert await accepted_as_it_runs_out(full) == ("won", "won")


async def test_two_that_place_at_once_make_one_offer(full: House) -> None:
    await join(full, 1)
    await join(full, 2)
    await cancel(full, 7)
    made = await at_once(full, *(waitlist.offer_free_tables(full.db, full.venue) for _ in range(4)))
    assert sum(made) == 1
    assert (await full.kinds()).count("WAITLIST_OFFERED") == 1
    await full.agrees()


async def test_without_its_guards_a_party_is_offered_a_table_twice(full: House) -> None:
    """The negative control: each worker finds the party waiting and the table free."""
    await join(full, 1)
    await cancel(full, 7)
    await without_table_locks(full)
    await without_constraint(full)
    await rewritten(full, "offer_tables", ("AND w.status = 'waitlisted' FOR UPDATE", ""))
    await at_once(full, *(waitlist.offer_free_tables(full.db, full.venue) for _ in range(4)))
    assert (await full.kinds()).count("WAITLIST_OFFERED") > 1


async def joined_at_once(house: House) -> list[Any]:
    """The answers to one request that is sent five times."""
    request = JoinWaitlist(NIGHT, 4, guest(1))
    caller = house.caller(ANONYMOUS, "once", request)
    return await at_once(
        house,
        *(
            waitlist.join_waitlist(
                house.db, house.venue, house.vault, house.settings.secret, caller, request
            )
            for _ in range(5)
        ),
        return_exceptions=True,
    )


async def test_without_the_key_four_are_told_that_they_wait_already(full: House) -> None:
    """The negative control: nobody knows that it is one request."""
    await rewritten(full, "lock_floor", ("IF p_key IS NOT NULL THEN", "IF false THEN"))
    refusals = [one for one in await joined_at_once(full) if isinstance(one, Conflict)]
    assert [one.reason for one in refusals] == ["already_waiting"] * 4


async def test_the_same_key_in_parallel_joins_once(full: House) -> None:
    answers = await joined_at_once(full)
    assert len({answer.body for answer in answers}) == 1
    assert (await full.kinds()).count("WAITLIST_JOINED") == 1
