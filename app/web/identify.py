"""Who sends a request: staff by their session's cookie, devices and owners by a bearer token."""

from typing import Final

import msgspec
from msgspec import Struct

from app.actions.devices import DEVICE_PREFIX, find_device
from app.actions.guests import find_guest
from app.actions.identity import find_session
from app.actions.links import find_link_owner
from app.actions.offer_links import find_offered
from app.db.bookings import is_owner
from app.db.pool import Database
from app.db.waitlist import is_waiting
from app.domain.principals import ANONYMOUS, Principal
from app.domain.signed_links import GUEST, MANAGE, OFFER
from app.domain.tokens import token_hash
from app.errors import NotAllowed, NotSignedIn
from app.web.cookies import find_cookie
from app.web.visitors import Hosts, Visitor, values

Headers = list[tuple[bytes, bytes]]

# With the prefix a browser takes the cookie only over TLS and for this host alone; loopback HTTP
# cannot have it.
COOKIES: Final = ("__Host-sid", "sid")
KNOWN_COOKIES: Final = ("__Host-known", "known")  # by which a browser is known at sign-in
TOKEN_LENGTH_MAX: Final = 512


class Identified(Struct, frozen=True):
    """Who it is; or, with no principal, a token that counts for nobody.

    `revoked` is the device whose token is over. `person` is who holds the tablet that the principal
    is, by PIN.
    """

    principal: Principal | None
    by_cookie: bool = False
    revoked: Principal | None = None
    person: Principal | None = None

    def acting_with(self, permission: str | None) -> Principal:
        """Whose act it is: the person's on the tablet, where they may; else the tablet's own.

        Raises NotSignedIn as `get`.
        """
        if self.person is not None and permission is not None and self.person.may(permission):
            return self.person
        return self.get()

    def get(self) -> Principal:
        """The principal. Raises NotSignedIn: the token is unknown, over or revoked."""
        if self.revoked is not None:
            raise NotSignedIn(
                "device_revoked", "This device's pairing has ended. Ask a manager to pair it again."
            )
        if self.principal is None:
            raise NotSignedIn("token_refused", "This token is not valid any more. Sign in again.")
        return self.principal


async def identify(db: Database, headers: Headers, secret: str | None = None) -> Identified:
    """Who sends these headers. A bearer token counts before a cookie.

    `secret` is the service's, by which links are signed; without it none of them counts, as on a
    socket, where their holders see what everybody sees.

    A cookie that is over makes its sender nobody, as if it had none: the public page still works.
    """
    tokens = values(headers, b"authorization")
    if tokens:
        scheme, _, token = tokens[0].partition(" ")
        token = token.strip()
        if len(tokens) > 1 or scheme.lower() != "bearer" or not token.isascii():
            return Identified(None)
        if token.startswith(DEVICE_PREFIX) and len(token) <= TOKEN_LENGTH_MAX:
            device = await find_device(db, token)
            if device is not None and device.over:
                return Identified(None, revoked=device.principal)
            if device is None:
                return Identified(None)
            person = await person_on(db, device.principal, headers)
            return Identified(device.principal, person=person)
        return Identified(await principal_of(db, token, secret))
    cookie = cookie_of(headers)
    if cookie is not None:
        found = await find_session(db, cookie)
        # A session by PIN counts beside its tablet's token alone.
        if found is not None and found.principal.device is None:
            return Identified(found.principal, by_cookie=True)
    return Identified(ANONYMOUS)


async def person_on(db: Database, tablet: Principal, headers: Headers) -> Principal | None:
    """Who holds the tablet by PIN, at the tablet's door; None: nobody does any more."""
    cookie = cookie_of(headers)
    found = None if cookie is None else await find_session(db, cookie)
    if found is None or found.principal.device != tablet.id:
        return None
    return msgspec.structs.replace(found.principal, door=tablet.door)


async def principal_of(db: Database, token: str, secret: str | None = None) -> Principal | None:
    """The device, owner or guest that the bearer token makes; None: it makes nobody.

    An owner is whoever has the token of a hold; whose booking it is, is asked where it matters. A
    manage link (signed under `secret`) says itself which booking it is of, and an offer's link
    which place on the waitlist.
    """
    if not 20 <= len(token) <= TOKEN_LENGTH_MAX:
        return None
    if token.startswith(DEVICE_PREFIX):
        device = await find_device(db, token)
        return None if device is None or device.over else device.principal
    if token.startswith(MANAGE.prefix):
        return None if secret is None else await find_link_owner(db, MANAGE.key(secret), token)
    if token.startswith(GUEST.prefix):
        return None if secret is None else await find_guest(db, secret, token)
    if token.startswith(OFFER.prefix):
        return None if secret is None else await find_offered(db, secret, token)
    return Principal("owner", token_hash(token).hex(), "OWNER")


async def waits(db: Database, principal: Principal, entry_id: str) -> bool:
    """Whether the owner's token, or the link of an offer, is that of this place on the waitlist."""
    async with db.reading() as conn:
        return await is_waiting(conn, entry_id, bytes.fromhex(principal.id))


async def owns(db: Database, principal: Principal, booking_id: str) -> bool:
    """Whether the owner's token, or link, is that of this booking."""
    if principal.booking_id is not None:
        return principal.booking_id == booking_id
    async with db.reading() as conn:
        return await is_owner(conn, booking_id, bytes.fromhex(principal.id))


def cookie_of(headers: Headers, names: tuple[str, ...] = COOKIES) -> str | None:
    """The session's cookie, or the one of other names."""
    return find_cookie(headers, names)


def judge_site(headers: Headers, visitor: Visitor, hosts: Hosts, *, by_cookie: bool) -> None:
    """Refuse a write that another site's page makes a visitor's browser send.

    Fetch metadata decides where the browser sends it (it cannot be forged by a page); else Origin
    must be ours. A browser sends one of the two; without both a cookie does not count, and a
    program that uses one has to send Origin. Source: OWASP CSRF Prevention Cheat Sheet.
    """
    sites = values(headers, b"sec-fetch-site")
    if sites:
        good = sites in (["same-origin"], ["none"])
    elif origins := values(headers, b"origin"):
        good = len(origins) == 1 and hosts.is_own_origin(origins[0], visitor)
    else:
        good = not by_cookie
    if not good:
        raise NotAllowed(
            "cross_site",
            "This came from another site. Use the club's own pages; a program that signs in with "
            "a cookie sends this service's address as Origin.",
        )
