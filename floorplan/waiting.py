"""The meanings of the waitlist's events: a party waits, is offered a hold, waits no more."""
# ruff: noqa: ARG001 - every meaning has one signature, whether or not it asks for the instant

from msgspec.structs import replace

from floorplan import events as book
from floorplan.state import NightState, WaitingState
from floorplan.steps import booking_in, not_waiting, with_booking


def waitlist_joined(state: NightState, it: book.WaitlistJoined, at: str) -> NightState:
    if it.entry_id in state.waitlist:
        raise ValueError("the party waits already")
    entry = WaitingState(
        id=it.entry_id,
        party=it.party,
        slot_from=it.slot_from,
        slot_until=it.slot_until,
        priority=it.priority,
        joined_at=at,
        offers_left=it.offers,
    )
    return waiting(state, entry)


def waitlist_ranked(state: NightState, it: book.WaitlistRanked, at: str) -> NightState:
    return waiting(state, replace(state.waitlist[it.entry_id], priority=it.priority))


def waitlist_offered(state: NightState, it: book.WaitlistOffered, at: str) -> NightState:
    entry = state.waitlist[it.entry_id]
    booking_in(state, it.booking_id, "pending")
    if entry.booking_id is not None:
        raise ValueError("the party has an offer")
    return waiting(state, replace(entry, booking_id=it.booking_id))


def waitlist_left(state: NightState, it: book.WaitlistLeft, at: str) -> NightState:
    if it.entry_id not in state.waitlist:
        raise KeyError(it.entry_id)
    if it.booking_id is not None:
        booking = booking_in(state, it.booking_id, "pending")
        state = with_booking(state, replace(booking, hold_expires_at=it.hold_expires_at))
    return not_waiting(state, it.entry_id)


def waiting(state: NightState, entry: WaitingState) -> NightState:
    return replace(state, waitlist={**state.waitlist, entry.id: entry})
