"""Where a request comes from: its address behind trusted proxies, its scheme, its host.

Nothing that a stranger can write into a header is believed: `X-Forwarded-For` and
`X-Forwarded-Proto` count only when the connection itself comes from a trusted proxy, and then from
the right, up to the first address that is not one. A Host that is not ours is refused (421), so
that no answer, link or cache can be made to carry another name.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.types import Scope

from app.settings import Network, Settings

# RFC 9110 section 7.2, without the names that no DNS has.
_HOST: Final = re.compile(
    r"(?:(?P<name>[a-z0-9._-]+)|\[(?P<literal>[0-9a-f:.]+)\])(?::[0-9]{1,5})?"
)
FORWARDING: Final = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded")
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


class Visitor(Struct, frozen=True):
    """`address` is the client's (an IPv6 one as its /64 network, since one person has all of it);
    `host` is the Host header without its port; `origin` is what a page of ours would send."""

    address: str
    scheme: str
    host: str
    origin: str
    is_near: bool  # this machine, or a trusted proxy, asks for itself: it may read the metrics


class Hosts:
    """The names that this service answers to, and the proxies that it believes."""

    def __init__(self, settings: Settings) -> None:
        names = {urlsplit(settings.public_url).hostname or "", *settings.allowed_hosts}
        if settings.listens_on_loopback:
            names.update(LOOPBACK_NAMES)
        self._names = frozenset(names - {""})
        self._proxies = settings.trusted_proxies
        self._public_origin = settings.public_url.lower()

    def is_ours(self, host: str) -> bool:
        """Whether the service answers to the host, given without its port."""
        return host in self._names

    def is_own_origin(self, origin: str, visitor: Visitor) -> bool:
        """Whether a page of this service sent the Origin."""
        return origin.lower() in (visitor.origin, self._public_origin)

    @property
    def public_origin(self) -> str:
        return self._public_origin

    def visitor(self, scope: Scope) -> Visitor:
        """Who is at the other end of this connection."""
        peer = str(scope["client"][0] or "") if scope.get("client") else ""
        scheme = str(scope["scheme"])
        scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
        headers = scope["headers"]
        address = peer
        # Believed or not: whoever passes requests on does not ask for itself. A proxy on this
        # machine that nobody named as trusted would else make every stranger a neighbour.
        forwarded = any(name in FORWARDING for name, _ in headers)
        if is_among(peer, self._proxies):
            chain = ",".join(values(headers, b"x-forwarded-for")).split(",")
            address = client_of(chain, self._proxies) or peer
            said = values(headers, b"x-forwarded-proto")
            if said and said[-1].strip() in ("http", "https"):
                scheme = said[-1].strip()
            elif forwarded:
                # Without the header the public origin tells: a cookie must not lose its guard.
                scheme = urlsplit(self._public_origin).scheme
        hosts = values(headers, b"host")
        netloc = hosts[0].lower() if len(hosts) == 1 else ""
        near = not forwarded and (is_loopback(peer) or is_among(peer, self._proxies))
        return Visitor(grouped(address), scheme, name_of(netloc), f"{scheme}://{netloc}", near)


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Every value of the header, in order."""
    return [value.decode("latin-1") for key, value in headers if key == name]


def name_of(netloc: str) -> str:
    """The host without port and brackets; "" when it is anything but a host and its port.

    What follows a slash, a semicolon or an @ would else come along into the visitor's origin, and
    from there into the page's policy.
    """
    matched = _HOST.fullmatch(netloc)
    return "" if matched is None else (matched["name"] or matched["literal"])


def client_of(chain: list[str], proxies: Collection[Network]) -> str | None:
    """The right-most address of the chain that is no trusted proxy.

    None: the chain has none, or something unreadable stands before one was found.
    """
    for step in reversed(chain):
        address = step.strip().strip("[]")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return None
        if not is_among(address, proxies):
            return address
    return None


def is_among(address: str, networks: Collection[Network]) -> bool:
    """Whether the address lies in one of the networks; a text that is none lies nowhere."""
    if not networks:
        return False
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


def is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def grouped(address: str) -> str:
    """What the limits count by: the IPv4 address, or the /64 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))
