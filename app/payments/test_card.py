"""The test form: a card of what stands in for Stripe, chosen by what it does.

No card number passes through this service, not even a made-up one from outside: the form names what
its card is to do, and the numbers of the stand-in's cards stand here.
"""

from typing import Any, Final

import httpx

from app.actions.act import Answered, Caller
from app.errors import Conflict
from app.payments.deposits import find_own_intent, pay_hold
from app.payments.money import Money
from app.payments.side import TRY_SECONDS, away

# What the stand-in does by a card's number.
CARDS: Final = {
    "pays": "4242424242424242",
    "declined": "4000000000000341",
    "asks": "4000002500003155",
}


async def use_test_card(money: Money, caller: Caller, booking_id: str, card: str) -> Answered:
    """The stand-in was told to confirm; the booking as it is after it.

    Raises Conflict `no_test_cards`: real money moves here. NotReady: it does not answer.
    """
    if money.how != "test":
        raise Conflict("no_test_cards", "This club takes real cards: use the card form.")
    intent = await find_own_intent(money, caller.principal, booking_id)
    if intent is not None and intent.stripe_id is not None and intent.is_live:
        try:
            await _use(money, intent.stripe_id, card)
        except httpx.HTTPError as error:
            raise away(1) from error
    return await pay_hold(money, caller, booking_id)


async def _use(money: Money, intent: str, card: str) -> None:
    """What it answers is looked at as everything of Stripe's: by fetching the intent again."""
    settings = money.settings
    async with httpx.AsyncClient(
        base_url=settings.stripe_api_url,
        headers={"Authorization": f"Bearer {settings.stripe_api_key}"},
        timeout=TRY_SECONDS,
    ) as stand_in:

        async def told(path: str, **fields: Any) -> Any:
            return (await stand_in.post(path, json=fields)).json()

        way = f"/v1/payment_intents/{intent}"
        if card not in CARDS:
            found = (await stand_in.get(way)).json()
            secret = found.get("client_secret", "")
            await told(f"{way}/_authenticate", client_secret=secret, success=card == "approve")
            return
        made = await told(
            "/v1/payment_methods",
            type="card",
            card={"number": CARDS[card], "exp_month": 12, "exp_year": 2090, "cvc": "123"},
        )
        # Unlike Stripe it cannot try a declined intent again before it has forgotten the charge.
        await told(way, payment_method=made["id"], latest_charge=None, next_action=None)
        await told(f"{way}/confirm")
