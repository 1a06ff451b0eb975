"""A customer pays the deposit: an intent at Stripe, the way to confirm it, and what became of it.

    note the try and its key (commit) -> create at Stripe -> note Stripe's id (commit) -> answer

Whatever dies in between, the same call made again goes on from there: the key is the same, so
Stripe gives the same intent. The page calls once more when the card form is done; then the intent
is looked at, and nobody waits for a webhook.
"""

import msgspec

from app.actions.act import Answered, Caller, spliced
from app.actions.deposits import begin_deposit, confirm_free, settle_intent
from app.actions.holds import answer_of
from app.db.listings import BookingRow, find_booking
from app.db.payments import Intent, find_latest_intent, open_intent, supersede_intents
from app.domain.payments import CURRENCY, SeenIntent
from app.domain.principals import Principal
from app.errors import Conflict, NotFound
from app.payments.money import Money
from app.payments.side import AnsweredBroken, Refused, Side, away
from app.wire import DepositStep


async def pay_hold(money: Money, caller: Caller, booking_id: str) -> Answered:
    """The booking with the next step of its payment; without one when it is paid.

    Raises NotReady `payments_away`: Stripe is out of reach, and nothing was begun or lost.
    Conflict `pay_at_the_desk`: the club takes no cards online here. `hold_expired`.
    """
    who = caller.principal
    booking, intent = await _found(money, who, booking_id)
    owed = booking.deposit_pence - booking.paid_pence
    if booking.status == "pending" and owed <= 0:
        await begin_deposit(money.db, money.venue, caller, booking_id)
        await confirm_free(money.db, money.venue, money.vault, booking_id)
        return await _as_it_is(money, who, booking_id)
    if money.side is None:
        raise Conflict("pay_at_the_desk", "Cards are not taken online here. Pay at the desk.")
    side = money.side
    side.judge()
    # What an intent has brought that is known, and still something is owed, was other money.
    if (
        intent is not None
        and intent.stripe_id is not None
        and intent.status != "succeeded"
        and booking.status != "confirmed"
    ):
        seen = await _looked_at(money, side, intent)
        if seen is not None and seen.status == "succeeded":
            return await _as_it_is(money, who, booking_id)
    answered = await begin_deposit(money.db, money.venue, caller, booking_id)
    _, intent = await _found(money, who, booking_id)
    if intent is None or not intent.is_live:
        return await _as_it_is(money, who, booking_id)
    seen = await _at_stripe(money, side, who, booking, intent)
    return _with_step(money, answered, seen)


async def find_own_intent(money: Money, who: Principal, booking_id: str) -> Intent | None:
    """The last try to pay the booking, which `who` must see. Raises NotFound."""
    return (await _found(money, who, booking_id))[1]


async def _found(money: Money, who: Principal, booking_id: str) -> tuple[BookingRow, Intent | None]:
    async with money.db.acting(who) as conn:
        booking = await find_booking(conn, booking_id)
        intent = await find_latest_intent(conn, booking_id)
    if booking is None:
        raise NotFound("booking_not_found", "There is no such booking.")
    return booking, intent


async def _looked_at(money: Money, side: Side, intent: Intent) -> SeenIntent | None:
    """The intent as Stripe has it now, with what is new of it in our rows; None: gone there."""
    assert intent.stripe_id is not None
    try:
        seen = await side.fetch_intent(intent.stripe_id)
    except Refused:
        return None
    await settle_intent(money.db, money.venue, money.vault, seen)
    return seen


async def _at_stripe(
    money: Money, side: Side, who: Principal, booking: BookingRow, intent: Intent
) -> SeenIntent:
    """The live intent at Stripe, made there if nobody knows that it was."""
    try:
        if intent.stripe_id is not None:
            return await side.fetch_intent(intent.stripe_id)
        seen = await side.create_intent(
            key=intent.key,
            amount_pence=intent.amount_pence,
            currency=CURRENCY,
            metadata={
                "booking_id": booking.booking_id,
                "deposit_id": intent.id,
                "tables": "+".join(map(str, booking.tables)),
                "night": booking.night,
            },
        )
    except (Refused, AnsweredBroken) as error:
        # Its key, or the object itself, is of no use any more; the next try has new ones. Nobody
        # was given the secret of what Stripe may have made.
        async with money.db.acting(who) as conn:
            await supersede_intents(conn, booking.booking_id)
        raise away(1) from error
    async with money.db.acting(who) as conn:
        await open_intent(conn, intent.id, seen.stripe_id)
    return seen


def _with_step(money: Money, answered: Answered, seen: SeenIntent) -> Answered:
    """The step stands in front of the answer and is never stored: it has the client's secret."""
    state = {"succeeded": "processing", "failed": "failed"}.get(seen.status, "waiting")
    if seen.needs_action:
        state = "action"
    step = DepositStep(
        how="test" if money.how == "test" else "stripe",
        state=state,  # type: ignore[arg-type]
        amount_pence=seen.amount_pence,
        client_secret=seen.client_secret,
        publishable_key=money.settings.stripe_publishable_key or None,
        why=seen.failure,
    )
    body = spliced(answered.body, {"deposit": step})
    return msgspec.structs.replace(answered, body=body)


async def _as_it_is(money: Money, who: Principal, booking_id: str) -> Answered:
    """The booking after what has just happened to it."""
    row, _ = await _found(money, who, booking_id)
    return Answered(200, msgspec.json.encode(answer_of(row)), row.version)
