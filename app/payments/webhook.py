"""What Stripe tells: believed when it is signed, kept by its id, and looked into afterwards.

Nothing of the body is kept or believed but which object changed: it has names and addresses, may
be old, and comes in any order. Source: Stripe, "Receive Stripe events in your webhook endpoint".
"""

import re
import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
import stripe
from msgspec import Meta, Struct

from app.db.stripe_inbox import put_in_inbox
from app.domain.principals import STRIPE
from app.errors import Malformed
from app.payments.money import Money

# A signature is good for so long; sent again later the same bytes are nothing.
WINDOW_SECONDS: Final = 300
IGNORED: Final = "ignored"

_INTENT: Final = re.compile(r"pi_[A-Za-z0-9_]{1,240}")
_DISPUTE: Final = re.compile(r"(?:dp|du)_[A-Za-z0-9_]{1,240}")


class _Object(Struct, frozen=True):
    """The object that an event is about; all else of it is not read.

    Anything may stand here: of objects that are not ours neither the ids nor their shapes are
    known, and whoever told of one is not to try again for three days.
    """

    object: Any = None
    id: Any = None
    payment_intent: Any = None


class _Data(Struct, frozen=True):
    object: _Object


class _Event(Struct, frozen=True):
    id: Annotated[str, Meta(pattern=r"^evt_[A-Za-z0-9_]{1,240}\Z")]
    type: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]{0,99}\Z")]
    livemode: bool
    data: _Data


_EVENTS: Final = msgspec.json.Decoder(_Event)


async def receive(money: Money, body: bytes, signature: str | None) -> bool:
    """The event is in the inbox; False: it was there before.

    Raises Malformed `webhook_not_valid` for whatever is not an event signed by Stripe within the
    last five minutes. NotReady: the database is away, and Stripe sends it again.
    """
    judge_signature(body, signature, money.settings.stripe_webhook_secrets)
    event = read_event(body)
    if event.livemode != money.settings.stripe_is_live:
        raise _not_valid("it is of another mode than this service's key")
    intent, dispute = subject_of(event)
    outcome = IGNORED if intent is None else None
    async with money.db.acting(STRIPE, money.db.jobs) as conn:
        new = await put_in_inbox(conn, event.id, event.type, intent, dispute, outcome)
    money.bell.set()
    return new


def judge_signature(body: bytes, signature: str | None, secrets: Sequence[str]) -> None:
    """Raises Malformed: the bytes were signed with none of the secrets within the window.

    The library takes what is dated ahead; a clock that is so far off is refused here.
    """
    if not secrets or not signature or not signature.isascii() or len(signature) > 2000:
        raise _not_valid("it has no signature")
    if not any(_is_signed(body, signature, secret) for secret in secrets):
        raise _not_valid("its signature is not Stripe's, or is older than five minutes")
    dates = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    if len(dates) != 1 or int(dates[0]) - time.time() > WINDOW_SECONDS:
        raise _not_valid("its signature is dated ahead")


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    try:
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret, WINDOW_SECONDS))
    except (stripe.SignatureVerificationError, ValueError, TypeError, OverflowError):
        return False


def read_event(body: bytes) -> _Event:
    """Raises Malformed: it is signed and yet no event."""
    try:
        return _EVENTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_valid("it is no event") from error


def subject_of(event: _Event) -> tuple[str | None, str | None]:
    """The PaymentIntent and the dispute that the event is about, by their ids; None: of neither."""
    about = event.data.object
    named = about.id if about.object == "payment_intent" else about.payment_intent
    if isinstance(named, dict):
        named = named.get("id")
    intent = _id(_INTENT, named)
    if intent is None or about.object != "dispute":
        return intent, None
    return intent, _id(_DISPUTE, about.id)


def _id(form: re.Pattern[str], named: Any) -> str | None:
    return named if isinstance(named, str) and form.fullmatch(named) else None


def _not_valid(why: str) -> Malformed:
    return Malformed("webhook_not_valid", f"This is not taken for a message of Stripe's: {why}.")
