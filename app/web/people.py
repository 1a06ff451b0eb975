"""One's own session over HTTP: signing in, the second factor, the step-up, and out again."""

import asyncio
from typing import Final

from app.actions import credentials, pins, second_factor, sign_in
from app.actions.act import Answered
from app.actions.identity import Session, find_session
from app.actions.sign_in import KNOWN_LASTS, Browser, SignedIn
from app.domain.principals import Principal
from app.errors import NotSignedIn
from app.web.answers import Answer, encoded
from app.web.identify import COOKIES, KNOWN_COOKIES
from app.web.operations import Call
from app.wire.staff import EnrolmentAnswer, PinHolders, SessionAnswer
from floorplan.nights import instant_text
from scanners.codes.drawing import draw_address

KNOWN_SECONDS: Final = int(KNOWN_LASTS.total_seconds())


async def post_session(call: Call) -> Answer:
    """A new session; its cookie is in the answer. One that the caller had is over."""
    parts = call.parts
    return await _began(
        call,
        await sign_in.sign_in(parts.db, parts.hashing, call.caller, call.body, browser_of(call)),
    )


async def get_session(call: Call) -> Answer:
    """Who acts, and what they may do."""
    if call.principal.kind == "device":
        return encoded(device_answer(call.principal))
    found = await find_session(call.parts.db, call.token or "")
    if found is None:
        raise NotSignedIn("not_signed_in", "Sign in first.")
    return encoded(session_answer(found, call.principal))


async def delete_session(call: Call) -> Answer:
    """The session is over, and its screens are closed."""
    await sign_in.sign_out(call.parts.db, call.caller, call.token or "")
    return Answer(204, cookies=(cookie_line(call, COOKIES, "", seconds=0),))


async def post_enrolment(call: Call) -> Answer:
    """A seed for an authenticator app, as a picture and as text; a code of it enrols."""
    parts = call.parts
    proposed = await second_factor.propose(parts.db, parts.vault, call.caller)
    svg = await asyncio.to_thread(draw_address, proposed.uri, "Code for an authenticator app")
    return encoded(EnrolmentAnswer(secret=proposed.secret, uri=proposed.uri, svg=svg), 201)


async def post_totp(call: Call) -> Answer:
    """The session is complete and has another cookie; the recovery codes, if this enrolled."""
    parts = call.parts
    given = await second_factor.give(
        parts.db, parts.vault, call.caller, call.body, browser_of(call)
    )
    return await _began(call, given.signed_in, given.recovery_codes, status=200)


async def post_elevation(call: Call) -> Answer:
    """The session may do what needs a fresh proof, and has another cookie."""
    parts = call.parts
    signed_in = await second_factor.elevate(
        parts.db,
        parts.vault,
        parts.hashing,
        parts.settings.secret,
        call.caller,
        call.body,
        browser_of(call),
    )
    return await _began(call, signed_in, status=200)


async def post_password(call: Call) -> Answer:
    """The new password; the caller's other screens are closed."""
    parts = call.parts
    await credentials.change_password(
        parts.db, parts.hashing, call.caller, call.body, browser_of(call)
    )
    return Answer(204)


async def post_own_pin(call: Call) -> Answer:
    parts = call.parts
    await credentials.set_own_pin(
        parts.db, parts.hashing, parts.settings.secret, call.caller, call.body.pin
    )
    return Answer(204)


async def get_pins(call: Call) -> Answer:
    return encoded(PinHolders(staff=await pins.list_pins(call.parts.db, call.principal)))


async def post_pin(call: Call) -> Answer:
    """The tablet is in somebody's hands; their cookie counts beside the tablet's token alone."""
    parts = call.parts
    signed_in = await pins.take_tablet(
        parts.db, parts.hashing, parts.settings.secret, call.caller, call.body, browser_of(call)
    )
    return await _began(call, signed_in, door=call.principal.door)


def browser_of(call: Call) -> Browser:
    """What the browser brought along."""
    return Browser(call.token, call.known, call.agent)


async def _began(
    call: Call,
    signed_in: SignedIn,
    recovery_codes: list[str] | None = None,
    *,
    status: int = 201,
    door: str | None = None,
) -> Answer:
    """The session as it is now, with its new cookie."""
    found = await find_session(call.parts.db, signed_in.token)
    if found is None:
        raise NotSignedIn("not_signed_in", "The session was ended meanwhile. Sign in again.")
    answer = encoded(
        session_answer(found, found.principal, door=door, recovery_codes=recovery_codes), status
    )
    cookies = [cookie_line(call, COOKIES, signed_in.token)]
    if signed_in.known is not None:
        cookies.append(cookie_line(call, KNOWN_COOKIES, signed_in.known, seconds=KNOWN_SECONDS))
    return Answer(answer.status, answer.body, cookies=tuple(cookies))


def session_answer(
    session: Session,
    principal: Principal,
    *,
    door: str | None = None,
    recovery_codes: list[str] | None = None,
) -> SessionAnswer:
    """The session as its owner sees it."""
    until = principal.elevated_until
    return SessionAnswer(
        kind="staff",
        name=principal.name,
        role=principal.role,
        permissions=sorted(principal.permissions),
        second_factor=principal.second_factor,
        staff_id=principal.id,
        session_id=principal.session_id,
        expires_at=instant_text(session.expires_at),
        elevated_until=None if until is None else instant_text(until),
        began=session.began,
        demo=session.demo,
        has_password=session.has_password,
        has_totp=session.has_totp,
        has_pin=session.has_pin,
        device_id=principal.device,
        door=principal.door or door,
        floor=principal.scope.floor,
        scope_door=principal.scope.door,
        night=principal.scope.night,
        recovery_codes=recovery_codes,
    )


def device_answer(tablet: Principal) -> SessionAnswer:
    """What a tablet or camera is, and where it stands."""
    return SessionAnswer(
        kind="device",
        name=tablet.name,
        role=tablet.role,
        permissions=sorted(tablet.permissions),
        second_factor="none",
        device_id=tablet.id,
        door=tablet.door,
        floor=tablet.scope.floor,
        scope_door=tablet.scope.door,
        night=tablet.scope.night,
    )


def cookie_line(call: Call, names: tuple[str, str], token: str, seconds: int | None = None) -> str:
    """Set-Cookie by the first name over TLS, else by the second: this host only, out of reach of
    scripts and of other sites.

    Without an age it ends with the browser, and the server ends it sooner.
    """
    secure = call.visitor.scheme == "https"
    name = names[0] if secure else names[1]
    line = f"{name}={token}; Path=/; HttpOnly; SameSite=Strict"
    if secure:
        line += "; Secure"
    return line if seconds is None else f"{line}; Max-Age={seconds}"


def acted(answered: Answered) -> Answer:
    """An action's answer; `Idempotency-Replayed` tells that it is a stored one."""
    headers = {"Idempotency-Replayed": "true"} if answered.replayed else {}
    return Answer(answered.status, answered.body, headers=headers)
