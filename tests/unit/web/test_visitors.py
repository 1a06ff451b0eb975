"""Whose request it is, told from the connection and from headers that may lie."""

import ipaddress
from dataclasses import replace
from typing import Any

import pytest

from app.settings import Settings
from app.web.visitors import Hosts, Visitor, client_of, grouped, name_of

PROXIES = (ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8"))
SETTINGS = replace(
    Settings.from_environment({}), public_url="https://tables.example.com", trusted_proxies=PROXIES
)


def visit(settings: Settings = SETTINGS, peer: str | None = "10.1.0.5", **headers: str) -> Visitor:
    lines = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()]
    scope: dict[str, Any] = {
        "type": "http", "scheme": "http", "headers": lines,
        "client": None if peer is None else (peer, 1234),
    }  # fmt: skip
    return Hosts(settings).visitor(scope)


def test_the_peer_is_the_visitor_when_no_proxy_is_trusted() -> None:
    alone = replace(SETTINGS, trusted_proxies=())
    found = visit(alone, "192.0.2.9", x_forwarded_for="198.51.100.1", x_forwarded_proto="https")
    assert (found.address, found.scheme) == ("192.0.2.9", "http")


def test_a_trusted_proxy_speaks_for_its_client() -> None:
    found = visit(x_forwarded_for="198.51.100.1", x_forwarded_proto="https", host="x.example:443")
    assert (found.address, found.scheme, found.host) == ("198.51.100.1", "https", "x.example")
    assert found.origin == "https://x.example:443"
    assert not found.is_near


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("192.0.2.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1,10.1.2.3", "198.51.100.1"),
        ("evil, 198.51.100.1, fd00::1", "198.51.100.1"),
        ("198.51.100.1, evil", None),
        ("", None),
        ("10.1.2.3", None),
        ("[2001:db8::1]", "2001:db8::1"),
        ("unknown", None),
    ],
)
def test_the_right_most_stranger_of_a_chain_is_the_client(chain: str, client: str | None) -> None:
    assert client_of(chain.split(","), PROXIES) == client


def test_this_machine_and_the_proxy_itself_are_near_and_their_clients_are_not() -> None:
    assert visit(peer="127.0.0.1").is_near
    assert visit(peer="::1").is_near
    assert visit(peer="10.1.0.5").is_near
    assert not visit(peer="10.1.0.5", x_forwarded_for="198.51.100.1").is_near
    assert not visit(peer="192.0.2.9").is_near
    assert not visit(peer=None).is_near


def test_whatever_was_passed_on_is_not_near_even_if_nobody_is_named_as_a_proxy() -> None:
    alone = replace(SETTINGS, trusted_proxies=())
    assert visit(alone, "127.0.0.1").is_near
    for header in ("x_forwarded_for", "x_forwarded_proto", "x_forwarded_host", "forwarded"):
        assert not visit(alone, "127.0.0.1", **{header: "for=192.0.2.1"}).is_near
    # A guest whose address lies among the proxies', and one that writes no address at all.
    for chain in ("10.1.7.7", "unknown"):
        assert not visit(peer="10.1.0.5", x_forwarded_for=chain).is_near


def test_a_proxy_that_does_not_name_the_scheme_serves_the_public_one() -> None:
    assert visit(x_forwarded_for="198.51.100.1").scheme == "https"
    assert visit(x_forwarded_for="198.51.100.1", x_forwarded_proto="ftp").scheme == "https"
    assert visit(x_forwarded_for="198.51.100.1", x_forwarded_proto="http").scheme == "http"
    assert visit(peer="192.0.2.9", x_forwarded_for="198.51.100.1").scheme == "http"


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_an_address_is_grouped_as_one_person_has_it(address: str, group: str) -> None:
    assert grouped(address) == group


@pytest.mark.parametrize(
    ("netloc", "name"),
    [
        ("tables.example.com", "tables.example.com"),
        ("Tables.Example.com:443", "tables.example.com"),
        ("[::1]:8000", "::1"),
        ("[::1", ""),
        ("", ""),
        ("[::1]", "::1"),
        ("user@tables.example.com", ""),
        ("tables.example.com:port", ""),
        ("tables.example.com/health/live?x=", ""),
        ("tables.example.com;script-src *", ""),
        ("tables.example.com: *; script-src *", ""),
        ("tables.example.com:443 evil.example", ""),
        ("tables.example.com, evil.example", ""),
        ("tables.example.com:443\n", ""),
    ],
)
def test_a_host_is_read_without_its_port_and_nothing_else_is_a_host(netloc: str, name: str) -> None:
    assert name_of(netloc.lower()) == name


def test_two_hosts_are_none() -> None:
    scope = {
        "type": "http", "scheme": "http", "client": ("192.0.2.9", 1),
        "headers": [(b"host", b"tables.example.com"), (b"host", b"evil.example")],
    }  # fmt: skip
    assert Hosts(SETTINGS).visitor(scope).host == ""


def test_the_names_of_loopback_count_only_where_it_is_listened_on() -> None:
    near = Hosts(SETTINGS)
    far = Hosts(replace(SETTINGS, host="0.0.0.0"))
    assert near.is_ours("localhost")
    assert near.is_ours("tables.example.com")
    assert not far.is_ours("localhost")
    assert far.is_ours("tables.example.com")
    assert not far.is_ours("")
