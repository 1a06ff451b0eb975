"""What stands in for Stripe on this machine: localstripe, as a process of its own.

It listens on loopback only, keeps its data in the data directory, and tells the service what
happens by signed webhooks, as Stripe does. Four things that it lacks or does otherwise are mended
here, because the service relies on Stripe's way: idempotency keys, the name of the list of allowed
payment methods, webhooks of cancelled intents and of refunds.

It never stands in for Stripe where anybody else can reach the service (`app.settings` sees to it):
its cards pay nothing.
"""

import contextlib
import importlib.util
import json
import os
import pickle
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.settings import Settings

# Beyond so many objects the oldest are forgotten: a demo runs for days.
OBJECTS_MAX: Final = 20_000
KEYS_MAX: Final = 5_000
DATA_FILE: Final = "stripe-stand-in.pickle"

# localstripe has no types, and is not installed where only the locked runtime is.
Store = Any
Handler = Callable[[Any], Awaitable[Any]]


def is_installed() -> bool:
    """Whether there is anything that could stand in."""
    return importlib.util.find_spec("localstripe") is not None


def serve(settings: Settings) -> None:
    """Answer as Stripe at `settings.stripe_api_url` until SIGTERM."""
    from aiohttp import web  # noqa: PLC0415 - comes with localstripe
    from localstripe import resources, webhooks  # noqa: PLC0415

    place = urlsplit(settings.stripe_api_url)
    _keep_in(resources.Store, resources.store, settings.data_dir / DATA_FILE)
    _accept_allowed_methods(resources.PaymentIntent)
    _tell_more(resources, webhooks)
    from localstripe import server  # noqa: PLC0415 - makes its routes of what is mended above

    server.app.middlewares.append(_idempotent(web))
    webhooks.register_webhook(
        "backroom",
        f"{settings.public_url}/v1/stripe/webhook",
        settings.stripe_webhook_secrets[0],
        None,
    )
    web.run_app(server.app, host=place.hostname, port=place.port, access_log=None, print=None)


def _keep_in(kind: Any, store: Store, file: Path) -> None:
    """The objects are read from the file, and written there after each request that changes any.

    localstripe's own place is one file in the temporary folder, for everybody on the machine.
    """
    kind.__setitem__ = dict.__setitem__  # else it writes once more for each object
    kind.__delitem__ = dict.__delitem__

    def dump(self: Store) -> None:
        for key in list(self)[: max(0, len(self) - OBJECTS_MAX)]:
            del self[key]
        new = file.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            pickle.dump(dict(self), stream, protocol=pickle.HIGHEST_PROTOCOL)
        new.replace(file)

    kind.dump_to_disk = dump
    with contextlib.suppress(FileNotFoundError):
        store.update(pickle.loads(file.read_bytes()))  # noqa: S301 - written by ourselves, mode 600


def _accept_allowed_methods(kind: Any) -> None:
    """Stripe's present API calls it so; the older name is an error there."""
    create = kind._api_create.__func__  # noqa: SLF001

    def create_with(cls: Any, /, allowed_payment_method_types: Any = None, **data: Any) -> Any:
        return create(cls, payment_method_types=allowed_payment_method_types, **data)

    kind._api_create = classmethod(create_with)  # noqa: SLF001


def _tell_more(resources: Any, webhooks: Any) -> None:
    """A cancelled intent and a refund are told like the rest."""
    cancel = resources.PaymentIntent._api_cancel  # noqa: SLF001
    refund = resources.Refund._api_create.__func__  # noqa: SLF001

    def cancel_and_tell(**data: Any) -> Any:
        done = cancel(**data)
        webhooks.schedule_webhook(resources.Event("payment_intent.canceled", done))
        return done

    def refund_and_tell(cls: Any, /, **data: Any) -> Any:
        made = refund(cls, **data)
        charge = resources.Charge._api_retrieve(made.charge)  # noqa: SLF001
        webhooks.schedule_webhook(resources.Event("charge.refunded", charge))
        return made

    way = "/v1/payment_intents/{id}/cancel"
    others = [one for one in resources.extra_apis if one[1] != way]
    resources.extra_apis[:] = [*others, ("POST", way, cancel_and_tell)]
    resources.Refund._api_create = classmethod(refund_and_tell)  # noqa: SLF001


def _idempotent(web: Any) -> Any:
    """A repeated Idempotency-Key gets the first answer, and does nothing again."""
    kept: dict[str, tuple[int, bytes]] = {}

    @web.middleware  # type: ignore[untyped-decorator]
    async def middleware(request: Any, handler: Handler) -> Any:
        key = request.headers.get("Idempotency-Key")
        if request.method != "POST" or key is None:
            return await handler(request)
        if key not in kept:
            answer = await handler(request)
            while len(kept) >= KEYS_MAX:
                del kept[next(iter(kept))]
            kept[key] = (answer.status, answer.body)
        status, body = kept[key]
        return web.json_response(json.loads(body), status=status)

    return middleware
