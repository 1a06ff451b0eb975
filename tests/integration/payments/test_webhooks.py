"""What Stripe tells, in every order and as often as it likes, and what somebody else makes up."""

import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count, permutations
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import stripe
from msgspec.structs import replace

from app.actions.act import Act
from app.actions.refunds import apply_refunds
from app.db.payments import PaymentRow
from app.db.stripe_inbox import InboxRow, claim_inbox, put_in_inbox
from app.domain import messages
from app.domain.facts import BookingFact
from app.domain.payments import IntentStatus, SeenDispute, SeenIntent
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
# What the book says of a payment whose object was looked at when all had happened.
LINES = ("PAYMENT_PROCESSED", "BOOKING_CONFIRMED", "PAYMENT_REFUNDED", "PAYMENT_DISPUTED")

Told = list[tuple[dict[str, Any], str, tuple[str, ...]]]  # booking, intent, order


async def _assert_told_ends_the_same(desk: Till, told: Told, *, anew: bool = True) -> None:
    """Each order is told whole, then looked into; told again backwards, which nobody keeps; and,
    `anew`, once more under new ids, which is looked into as well."""
    sent = [[desk.event(kind, it, f"dp_{it}") for kind in order] for _, it, order in told]
    for bodies in sent:
        assert [await desk.tell(body) for body in bodies] == [True] * len(KINDS)
    while await desk.worked():
        pass
    assert Counter([await _state(desk, one) for one, _, _ in told]) == {END: len(told)}
    for bodies in sent:
        assert [await desk.tell(body) for body in reversed(bodies)] == [False] * len(KINDS)
    assert await desk.worked() == 0
    for _, it, order in told if anew else ():
        for kind in reversed(order):
            await desk.tell(desk.event(kind, it, f"dp_{it}"))
    while await desk.worked():
        pass
    assert Counter([await _state(desk, one) for one, _, _ in told]) == {END: len(told)}
    for booking, _, _ in told:
        assert (await desk.lines_of(booking))[-len(LINES) :] == LINES


async def _happened_once(desk: Till) -> SeenIntent:
    """What happened at Stripe is made there once; the other intents are shown with the same."""
    first = await desk.held([9])
    happened = await desk.fetched(await _happened(desk, first))
    desk.side.shown[happened.stripe_id] = happened
    await desk.compared()
    assert (await desk.row(first))["payments"] == [(8000, 8000 - GIVEN_BACK, 0, GIVEN_BACK)]
    return happened


async def _all_shown(desk: Till, orders: list[tuple[str, ...]], happened: SeenIntent) -> Told:
    bookings = [await desk.held([number]) for number in TABLES[: len(orders)]]
    return [
        (one, await _shown(desk, one, happened), order)
        for one, order in zip(bookings, orders, strict=True)
    ]


async def test_every_order_of_a_payments_events_ends_the_same(desk: Till) -> None:
    """All 120 orders of what may be told of a paid intent, a cancellation (which was never) too."""
    every = list(permutations(KINDS))
    assert len(every) == 120
    happened = await _happened_once(desk)
    for start in range(0, len(every), len(TABLES)):
        told = await _all_shown(desk, every[start : start + len(TABLES)], happened)
        # Of what was looked into nothing is kept but where the rows stand, and that is the same.
        await _assert_told_ends_the_same(desk, told, anew=start % (4 * len(TABLES)) == 0)
        for booking, _, _ in told:
            await desk.cancel_by_staff(booking)  # the evening has begun: all of it is kept
    await desk.agrees()


# Each of them puts the money first, so that what is told of it afterwards is at stake.
FEW = [order for order in permutations(KINDS) if order[0] == KINDS[0]][: len(TABLES)]


async def test_without_fetching_what_is_told_too_early_is_lost(
    desk: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of fetching: each event is believed for what it says and no more."""
    happened = await _happened_once(desk)
    told = await _all_shown(desk, [order[::-1] for order in FEW], happened)
    whole = dict(desk.side.shown)

    async def believed(conn: asyncpg.Connection) -> InboxRow | None:
        row = await claim_inbox(conn)
        if row is not None and row.intent is not None:
            kind = await conn.fetchval(
                "SELECT type FROM stripe_inbox WHERE event_id = $1", row.event_id
            )
            desk.side.shown[row.intent] = _as_told(kind, whole[row.intent])
        return row

    monkeypatch.setattr("app.db.stripe_inbox.claim_inbox", believed)
    with pytest.raises(AssertionError):
        await _assert_told_ends_the_same(desk, told)


def _as_told(kind: str, whole: SeenIntent) -> SeenIntent:
    """What the event itself says: of the intent its state, or of its charge what came back."""
    if kind.startswith("charge"):
        return replace(whole, status="waiting")
    status: IntentStatus = "succeeded"
    if kind != "payment_intent.succeeded":
        status = "failed" if kind.endswith("failed") else "canceled"
    return replace(whole, status=status, refunds=())


async def _none(*_: object) -> None:
    return None


async def _told_each_time(act: Act, booking: BookingFact, payment: PaymentRow, seen: Any) -> Any:
    """A message with each look at what came back, and not with the line that says it did."""
    for one in seen:
        act.send(messages.refunded(booking.id, str(uuid4()), one.amount_pence))
    return await apply_refunds(act, booking, payment, seen)


async def _nothing(*_: object) -> list[object]:
    return []


@pytest.mark.parametrize(
    ("guard", "off", "constraint"),
    [
        ("app.actions.deposits.rows.find_payment_of_intent", _none, "payment_of_intent"),
        ("app.actions.refunds.rows.list_refunds", _nothing, "refund_of_stripe"),
        ("app.actions.deposits.dispute_moves", lambda *_: True, None),
        ("app.actions.deposits.apply_refunds", _told_each_time, None),
        ("app.payments.webhook.put_in_inbox", None, None),
    ],
    ids=["money once", "back once", "disputes go on", "one message", "each id once"],
)
async def test_without_this_guard_the_orders_do_not_end_the_same(
    desk: Till, monkeypatch: pytest.MonkeyPatch, guard: str, off: Any, constraint: str | None
) -> None:
    """The negative controls of the state machine: one guard is off, and its constraint with it."""
    happened = await _happened_once(desk)
    told = await _all_shown(desk, FEW, happened)
    await _assert_told_ends_the_same(desk, told[: len(told) // 2])  # the guard is on
    if constraint is not None:
        async with desk.house.looking() as conn:
            table = "payment" if constraint.startswith("payment") else "refund"
            await conn.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint} CASCADE")
            if table == "refund":
                await conn.execute("ALTER TABLE refund DROP CONSTRAINT refund_key_is_unique")
    monkeypatch.setattr(guard, off or _kept_always())
    with pytest.raises(AssertionError):
        await _assert_told_ends_the_same(desk, told[len(told) // 2 :])


def _kept_always() -> Callable[..., Awaitable[bool]]:
    """An inbox that knows no id again."""
    number = count()

    async def kept(conn: asyncpg.Connection, event_id: str, *rest: Any) -> bool:
        return await put_in_inbox(conn, f"{event_id}_{next(number)}", *rest)

    return kept


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
    """Every third order of the five, in which each stands at each place; the holds end before,
    between, or after what is told."""
    every = list(permutations(KINDS))[::3]
    for start in range(0, len(every), len(TABLES)):
        orders = every[start : start + len(TABLES)]
        bookings = [await desk.held([number]) for number in TABLES]
        intents = []
        for booking in bookings:
            await desk.begin(booking)
            intents.append(await desk.intent_of(booking))
        when = start // len(TABLES) % 3  # how much is told before the holds' end
        for place in range(len(KINDS)):
            if place == when * 2:
                await desk.all_ran_out(bookings)
            for intent, order in zip(intents, orders, strict=True):
                await desk.tell(desk.event(order[place], intent, f"dp_{intent}"))
            if place == when * 2:
                await desk.worked()
        while await desk.work():
            pass
        for booking, intent in zip(bookings, intents, strict=True):
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
