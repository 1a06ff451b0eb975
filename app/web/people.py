"""Sessions over HTTP."""

from app.actions import identity
from app.actions.act import Answered
from app.domain.principals import ROLES
from app.errors import NotSignedIn
from app.web.answers import Answer, encoded
from app.web.identify import COOKIES
from app.web.operations import Call
from app.wire import SessionAnswer
from floorplan.nights import instant_text


async def post_session(call: Call) -> Answer:
    """A new session; its cookie is in the answer. One that the caller had is over."""
    parts = call.parts
    signed_in = await identity.sign_in(parts.db, parts.hashing, call.body, previous=call.token)
    answer = _session(
        SessionAnswer(
            staff_id=signed_in.principal.id,
            name=signed_in.principal.name,
            role=signed_in.principal.role,
            permissions=sorted(ROLES[signed_in.principal.role]),
            expires_at=instant_text(signed_in.expires_at),
        ),
        201,
    )
    return Answer(
        answer.status, answer.body, headers={"Set-Cookie": cookie_line(call, signed_in.token)}
    )


async def get_session(call: Call) -> Answer:
    """Who is signed in, and what they may do."""
    found = await identity.find_session(call.parts.db, call.token or "")
    if found is None:
        raise NotSignedIn("not_signed_in", "Sign in first.")
    principal, expires_at = found
    return _session(
        SessionAnswer(
            staff_id=principal.id,
            name=principal.name,
            role=principal.role,
            permissions=sorted(ROLES[principal.role]),
            expires_at=instant_text(expires_at),
        )
    )


async def delete_session(call: Call) -> Answer:
    """The session is over, and its screens are closed."""
    await identity.sign_out(call.parts.db, call.token or "")
    await call.parts.live.revoke(call.principal.id)
    return Answer(204, headers={"Set-Cookie": cookie_line(call, "", seconds=0)})


def cookie_line(call: Call, token: str, seconds: int | None = None) -> str:
    """Set-Cookie for the session: this host only, out of reach of scripts and of other sites.

    Over TLS by the name that browsers guard; without an age it ends with the browser, and the
    server ends it sooner.
    """
    secure = call.visitor.scheme == "https"
    name = COOKIES[0] if secure else COOKIES[1]
    line = f"{name}={token}; Path=/; HttpOnly; SameSite=Strict"
    if secure:
        line += "; Secure"
    return line if seconds is None else f"{line}; Max-Age={seconds}"


def _session(answer: SessionAnswer, status: int = 200) -> Answer:
    return encoded(answer, status)


def acted(answered: Answered) -> Answer:
    """An action's answer; `Idempotency-Replayed` tells that it is a stored one."""
    headers = {"Idempotency-Replayed": "true"} if answered.replayed else {}
    return Answer(answered.status, answered.body, headers=headers)
