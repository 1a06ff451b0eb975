"""Bookings: guests on their telephones, and the desk that takes the deposits."""

from datetime import timedelta
from typing import Any

from app.demo import intentions as mean
from app.demo.evening import Booked, Evening, shown
from app.demo.guests import email
from app.demo.intentions import Party
from app.demo.interface import Answer, guest, owner
from floorplan.nights import instant_text

# After so many deposits a second person looks at the money, and leaves so many for whoever plays.
SEEN_EVERY = 5
LEFT_UNSEEN = 2


async def hold(evening: Evening, intention: mean.Hold) -> None:
    """The party claims its tables, or others when somebody was faster."""
    party = evening.party(intention.party)
    if party.id in evening.booked:
        return
    answer = await _hold(evening, party, list(party.tables))
    if answer.status == 409:
        other = await _other_set(evening, party)
        if other:
            answer = await _hold(evening, party, other)
    if answer.ok:
        evening.booked[party.id] = Booked.of(answer.body)
    elif answer.status == 409:
        evening.tell(f"No table is left for a party of {party.size}")


async def _hold(evening: Evening, party: Party, tables: list[int]) -> Answer:
    body: dict[str, Any] = {
        "night": party.night,
        "tables": tables,
        "party": party.size,
        "contact": {"name": party.name, "phone": party.phone, "email": email(party.name)},
    }
    if party.due_at is not None:
        body["from"] = instant_text(party.due_at)
    if party.source == "desk":
        answer = await evening.staff("/v1/holds", body)
    else:
        answer = await evening.guest("/v1/holds", guest(party.address), body)
    if answer.ok:
        evening.interface.held.add(answer.body["booking_id"])
    return answer


async def _other_set(evening: Evening, party: Party) -> list[int]:
    """What the public page would offer the party first."""
    answer = await evening.interface.get(
        f"/v1/nights/{party.night}/availability",
        guest(party.address),
        party=str(party.size),
        **({} if party.due_at is None else {"from": instant_text(party.due_at)}),
    )
    sets = evening.heard(answer, "availability").body.get("sets", [])
    found: list[int] = sets[0]["tables"] if sets else []
    return found


async def extend(evening: Evening, intention: mean.Extend) -> None:
    await _as_owner(evening, intention.party, "/v1/holds/{}/extend")


async def release(evening: Evening, intention: mean.Release) -> None:
    answer = await _as_owner(evening, intention.party, "/v1/holds/{}", method="DELETE")
    if answer is not None and answer.ok:
        evening.booked[intention.party].status = "released"


async def cancel(evening: Evening, intention: mean.Cancel) -> None:
    answer = await _as_owner(evening, intention.party, "/v1/bookings/{}/cancel")
    if answer is not None and answer.ok:
        booked = evening.booked[intention.party]
        booked.status = "cancelled"
        evening.tell(f"{shown(booked.tables).capitalize()}: cancelled by the guest")


async def pay(evening: Evening, intention: mean.Pay) -> None:
    """The deposit is paid; a hold that ran out meanwhile is held again first."""
    booked = evening.booked.get(intention.party)
    if booked is None or booked.status != "pending":
        return
    answer = await _pay(evening, booked)
    if answer.reason == "hold_expired":
        del evening.booked[intention.party]
        await hold(evening, mean.Hold(intention.at, intention.party))
        again = evening.booked.get(intention.party)
        if again is None:
            return
        booked, answer = again, await _pay(evening, again)
    if answer.ok:
        booked.status = "confirmed"
        booked.code = answer.body.get("code") or ""
        party = evening.party(intention.party)
        if party.night == evening.night:
            evening.tell(f"{shown(booked.tables).capitalize()}: booked for {party.size}")
        evening.paid += 1
        if evening.paid % SEEN_EVERY == 0:
            await _see_money(evening)


async def _see_money(evening: Evening) -> None:
    """The other manager has seen what the desk took, but for the newest."""
    money = await evening.look("/v1/payments/open")
    for one in money.get("unverified", [])[:-LEFT_UNSEEN]:
        await evening.second(f"/v1/payments/{one['payment']['payment_id']}/verify")


async def _pay(evening: Evening, booked: Booked) -> Answer:
    return await evening.staff(
        f"/v1/holds/{booked.booking_id}/confirm",
        {"method": "card", "amount_pence": booked.deposit_pence},
    )


async def no_show(evening: Evening, intention: mean.NoShow) -> None:
    booked = evening.booked.get(intention.party)
    if booked is None:
        return
    answer = await evening.staff(f"/v1/bookings/{booked.booking_id}/no-show")
    if answer.ok:
        booked.status = "no_show"
        evening.tell(f"{shown(booked.tables).capitalize()}: nobody came, given up")
    elif answer.reason == "too_soon":
        evening.put_off(intention, 3)


async def move(evening: Evening, intention: mean.Move) -> None:
    """The party gets other tables, if they are still free."""
    booked = evening.booked.get(intention.party)
    if booked is None:
        return
    before = booked.tables
    answer = await evening.staff(
        f"/v1/bookings/{booked.booking_id}/move", {"tables": list(intention.tables)}
    )
    if answer.ok:
        booked.tables = answer.body["tables"]
        evening.tell(f"{shown(before).capitalize()}: moved to {shown(booked.tables)}")


async def last_entry(evening: Evening, intention: mean.LastEntry) -> None:
    """Newcomers may come in for longer."""
    until = evening.plan.last_entry_at + timedelta(minutes=intention.minutes)
    answer = await evening.staff(
        f"/v1/nights/{evening.night}", {"last_entry_at": instant_text(until)}, method="PATCH"
    )
    if answer.ok:
        evening.tell(f"Last entry is {intention.minutes} minutes later tonight")


async def _as_owner(
    evening: Evening, party_id: str, path: str, *, method: str = "POST"
) -> Answer | None:
    """The guest acts with the token of the hold; the desk does it where the guest lost it."""
    booked = evening.booked.get(party_id)
    if booked is None:
        return None
    address = path.format(booked.booking_id)
    if not booked.token:
        return await evening.staff(address, method=method)
    who = owner(evening.party(party_id).address, booked.token)
    return await evening.guest(address, who, method=method)
