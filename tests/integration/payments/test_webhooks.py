"""What Stripe tells, in every order and as often as it likes, and what somebody else makes up."""

import json
import random
import time
from collections import Counter
from itertools import permutations
from typing import Any

import pytest
import stripe
from msgspec.structs import replace

from app.domain.payments import SeenDispute, SeenIntent
from app.errors import Malformed
from app.payments import work
from app.payments.webhook import receive
from app.settings import Settings
from tests.integration.payments.till import Till
from tests.integration.web.club import opened

KINDS = (
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
    "charge.refunded", "charge.dispute.created",
)  # fmt: skip
GIVEN_BACK = 700
# Parties of four fit these.
TABLES = (1, 2, 3, 4, 5, 6, 7, 8)


async def _happened(desk: Till, booking: dict[str, Any]) -> str:
    """At Stripe a card was refused, another paid, a part went back, and the bank disputes it."""
    await desk.paid_unseen(booking, "declined")
    intent = await desk.paid_unseen(booking)
    await desk.given_by_hand(intent, GIVEN_BACK)
    dispute = f"dp_{intent}"
    desk.side.disputes[dispute] = SeenDispute(dispute, intent, 2000, "needs_response")
    return intent


async def _shown(desk: Till, booking: dict[str, Any], happened: SeenIntent) -> str:
    """The booking's intent is shown as another one really is."""
    await desk.begin(booking)
    seen = await desk.fetched(await desk.intent_of(booking))
    intent, amount = seen.stripe_id, booking["deposit_pence"]
    desk.side.shown[intent] = replace(
        happened, stripe_id=intent, booking_id=booking["booking_id"], intent_id=seen.intent_id,
        amount_pence=amount, received_pence=amount,
        refunds=tuple(replace(r, stripe_id=f"re_{intent}") for r in happened.refunds),
    )  # fmt: skip
    desk.side.disputes[f"dp_{intent}"] = SeenDispute(f"dp_{intent}", intent, amount, "lost")
    return intent


async def _state(desk: Till, booking: dict[str, Any]) -> tuple[Any, ...]:
    row = await desk.row(booking)
    amount = booking["deposit_pence"]
    assert row["payments"] == [(amount, amount - GIVEN_BACK, 0, GIVEN_BACK)]
    kinds = (row["status"], row["paid_pence"] - amount, row["payment_failed"], row["disputed"])
    return (*kinds, tuple(sorted((await desk.messages(booking)).items())))


END = ("confirmed", -GIVEN_BACK, False, True, (("confirmation", 1), ("refunded", 1)))


async def test_every_order_of_a_payments_events_ends_the_same(desk: Till) -> None:
    """All orders of what is told of a paid intent, with a cancellation (which was never) told at
    each place among them; each delivered whole and then once more, backwards.

    What happened at Stripe is made there once; the other intents are shown with the same.
    """
    never, true = KINDS[2], [kind for kind in KINDS if kind != KINDS[2]]
    every = [
        (*order[: n % 5], never, *order[n % 5 :]) for n, order in enumerate(permutations(true))
    ]
    first = await desk.held([9])
    happened = await desk.fetched(await _happened(desk, first))
    desk.side.shown[happened.stripe_id] = happened
    await desk.compared()
    assert (await desk.row(first))["payments"] == [(8000, 8000 - GIVEN_BACK, 0, GIVEN_BACK)]
    for start in range(0, len(every), len(TABLES)):
        orders = every[start : start + len(TABLES)]
        bookings = [await desk.held([number]) for number in TABLES]
        sent: list[list[bytes]] = []
        for booking, order in zip(bookings, orders, strict=True):
            intent = await _shown(desk, booking, happened)
            sent.append([desk.event(kind, intent, f"dp_{intent}") for kind in order])
        for bodies in sent:
            assert [await desk.tell(body) for body in bodies] == [True] * len(KINDS)
        while await desk.worked():
            pass
        for bodies in sent:
            assert [await desk.tell(body) for body in reversed(bodies)] == [False] * len(KINDS)
        assert await desk.worked() == 0
        assert Counter([await _state(desk, one) for one in bookings]) == {END: len(bookings)}
        for booking in bookings:
            await desk.cancel_by_staff(booking)  # the evening has begun: all of it is kept
    await desk.agrees()


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_told_while_it_happens_ends_the_same(desk: Till, seed: int) -> None:
    """Each event comes one to three times under new ids, at any time after it happened, with work
    and the hourly comparison in between."""
    chance = random.Random(seed)
    booking = await desk.held([7])
    await desk.begin(booking)
    intent = await desk.intent_of(booking)
    dispute = f"dp_{intent}"
    waiting: list[bytes] = []

    async def meanwhile() -> None:
        while waiting and chance.random() < 0.6:
            await desk.tell(waiting.pop(chance.randrange(len(waiting))))
        if chance.random() < 0.5:
            await desk.worked()
        if chance.random() < 0.2:
            await desk.compared()

    for kind in KINDS:
        if kind == "payment_intent.succeeded":
            await desk.paid_unseen(booking, "declined")
            await meanwhile()
            await desk.paid_unseen(booking)
        elif kind == "charge.refunded":
            await desk.given_by_hand(intent, GIVEN_BACK)
        elif kind == "charge.dispute.created":
            desk.side.disputes[dispute] = SeenDispute(dispute, intent, 2000, "needs_response")
        waiting += [desk.event(kind, intent, dispute) for _ in range(chance.randint(1, 3))]
        await meanwhile()
    while waiting:
        await desk.tell(waiting.pop())
    while await desk.worked():
        pass
    assert await _state(desk, booking) == END
    await desk.agrees()


async def test_an_intent_that_nobody_paid_ends_cancelled_whatever_is_told_of_it(desk: Till) -> None:
    for order in permutations(KINDS[:3]):
        booking = await desk.held([7])
        await desk.begin(booking)
        intent = await desk.intent_of(booking)
        await desk.house.later(minutes=31)  # six times: it is before last entry still
        for kind in order:
            await desk.tell(desk.event(kind, intent))
        await desk.swept()
        while await desk.work():
            pass
        row = await desk.row(booking)
        assert (row["status"], row["payments"], row["tables"]) == ("expired", [], [])
        assert (await desk.fetched(intent)).status == "canceled"
        assert await desk.messages(booking) == Counter()
    await desk.agrees()


async def test_disputes_only_go_on(desk: Till) -> None:
    booking = await desk.paid([7])
    intent = await desk.intent_of(booking)

    async def told(status: str) -> bool:
        desk.side.disputes["dp_1"] = SeenDispute("dp_1", intent, 2000, status)
        await desk.tell(desk.event("charge.dispute.updated", intent, "dp_1"))
        await desk.worked()
        return bool((await desk.row(booking))["disputed"])

    found = [await told(s) for s in ("needs_response", "under_review", "won", "needs_response")]
    assert found == [True, True, False, False]
    assert (await desk.house.kinds()).count("PAYMENT_DISPUTED") == 3
    await desk.agrees()


async def test_ids_that_others_wrote_into_this_account_are_none_of_ours(desk: Till) -> None:
    """Somebody else's integration of the same account: what its metadata says is no id of ours,
    or is that of no booking. One such event would else be looked into for ever."""
    for written in ("42", "x' OR 1", "0b8a1f4e-53a5-4f0e-9d55-1c0c0ad0f111", "é" * 100):
        made = await desk.side.create_intent(
            key=f"theirs:{written.encode().hex()[:60]}:{time.monotonic_ns()}", amount_pence=500,
            currency="gbp", metadata={"booking_id": written, "deposit_id": written},
        )  # fmt: skip
        await desk.tell(desk.event("payment_intent.succeeded", made.stripe_id))
        assert await desk.worked() == 1
    assert await desk.compared() == 0
    async with desk.house.looking() as conn:
        found = await conn.fetch("SELECT outcome FROM stripe_inbox WHERE done_at IS NOT NULL")
        assert [row["outcome"] for row in found] == ["unknown"] * 4
        assert await conn.fetchval("SELECT count(*) FROM payment") == 0


async def test_an_event_that_kills_whoever_looks_into_it_is_given_up(desk: Till) -> None:
    booking = await desk.paid([7])
    await desk.tell(desk.event("payment_intent.succeeded", await desk.intent_of(booking)))
    async with desk.house.looking() as conn:
        await conn.execute("UPDATE stripe_inbox SET attempts = $1", work.TRIES_MAX)
    calls = len(desk.side.asked)
    await desk.worked()
    assert len(desk.side.asked) == calls
    async with desk.house.looking() as conn:
        assert await conn.fetchval("SELECT outcome FROM stripe_inbox") == "refused: tried_too_often"


# -- what somebody makes up ------------------------------------------------------------------------


# The intent that a good body names is of one that was made up well but for the rest.
ODD_KEPT = "SELECT count(*) FROM stripe_inbox WHERE intent <> 'pi_1' OR dispute IS NOT NULL"


async def test_nothing_odd_is_kept_and_nothing_is_answered_as_an_error_of_ours(
    settings: Settings,
) -> None:
    secret, other = "whsec_of_this_club", "whsec_of_another"
    changed = {"stripe_api_key": "sk_test_x", "stripe_webhook_secrets": (secret,)}
    sign = stripe.WebhookSignature.generate_signature_header
    event: dict[str, Any] = {
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False,
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }  # fmt: skip
    about = event["data"]
    text = json.dumps(event)
    now = int(time.time())
    bad = {
        "unsigned": (text, None),
        "empty signature": (text, ""),
        "of another": (text, sign(text, other)),
        "301 s old": (text, sign(text, secret, now - 301)),
        "ahead": (text, sign(text, secret, now + 360)),  # it comes nearer while this runs
        "changed afterwards": (text.replace("evt_1", "evt_2"), sign(text, secret)),
        "no text": ("\ud800", sign(text, secret)),
        "live": (json.dumps({**event, "livemode": True}), None),
        "huge": (json.dumps({**event, "id": "evt_huge", "pad": "x" * 600_000}), None),
        "nothing": ("", None),
        "no event": ("[1]", None),
        "deep": ("[" * 50_000, None),
        "a number too large": (text.replace("false", "1e999"), None),
    }
    odd = {
        "NUL in the intent": {**about, "object": {"id": "pi_\x00", "object": "payment_intent"}},
        "NUL in a charge": {"object": {"object": "charge", "payment_intent": "pi_\x00"}},
        "NUL in a dispute": {
            "object": {"object": "dispute", "id": "dp_\x00", "payment_intent": "pi_1"}
        },
        "no id": {"object": {"object": "payment_intent"}},
        "wrong types": {"object": {"object": 7, "id": [], "payment_intent": {"id": 1.5}}},
        "lone surrogate": {"object": {"object": "charge", "payment_intent": "pi_\ud800"}},
    }
    async with opened(settings, **changed) as club:
        stripe_itself = await club.client()

        async def post(body: str, signature: str | None) -> int:
            headers = {} if signature is None else {"Stripe-Signature": signature}
            content = body.encode("utf-8", "surrogatepass")
            answer = await stripe_itself.post(
                "/v1/stripe/webhook", content=content, headers=headers
            )
            return answer.status_code

        for name, (body, signature) in bad.items():
            unsigned = signature is None and name != "unsigned"
            answered = await post(body, sign(body, secret) if unsigned else signature)
            assert answered == 400, name
        async with club.parts.db.begun(club.parts.db.jobs) as conn:
            assert await conn.fetchval("SELECT count(*) FROM stripe_inbox") == 0
        for number, (name, data) in enumerate(odd.items()):
            body = json.dumps({**event, "id": f"evt_odd_{number}", "data": data})
            assert await post(body, sign(body, secret)) in (200, 400), name
        async with club.parts.db.begun(club.parts.db.jobs) as conn:
            assert await conn.fetchval(ODD_KEPT) == 0
        unknown = json.dumps({**event, "id": "evt_new", "type": "moon.landed"})
        assert await post(unknown, sign(unknown, secret)) == 200
        assert await post(text, sign(text, secret, now - 290)) == 200


async def test_a_body_that_was_kept_already_is_answered_and_not_kept_again(desk: Till) -> None:
    body = desk.event("payment_intent.succeeded", "pi_1")
    assert await desk.tell(body)
    assert not await desk.tell(body)
    with pytest.raises(Malformed):
        await receive(desk.money, body, desk.signed(body, at=int(time.time()) - 301))
    async with desk.house.looking() as conn:
        kept = await conn.fetch("SELECT * FROM stripe_inbox")
    assert len(kept) == 1
    assert "Lovelace" not in str(dict(kept[0]))  # the body itself is not kept
