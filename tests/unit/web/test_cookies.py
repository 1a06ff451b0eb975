"""Cookies: what is found, what is not, and which of them count over TLS."""

import pytest

from app.web.cookies import find_cookie, only_guarded

NAMES = ("__Host-sid", "sid")


def sent(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"cookie", line.encode("latin-1")) for line in lines]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["sid=abc"], "abc"),
        (["a=b; sid=abc; c=d"], "abc"),
        (["a=b;sid=abc"], "abc"),
        (["a=b", "sid=abc"], "abc"),
        (["sid=plain; __Host-sid=guarded"], "guarded"),
        (["sid=first; sid=second"], "first"),
        (["sid=a=b"], "a=b"),
        (["sid=" + "a" * 512], "a" * 512),
        (["sid=" + "a" * 513], None),
        (["sid="], None),
        (["sid"], None),
        (["SID=abc"], None),
        (["xsid=abc"], None),
        (['sid="abc"'], None),
        (["sid=a b"], None),
        (["sid=caf\xe9"], None),
        (["sid=a\x00b"], None),
        ([";;=;=;"], None),
        ([], None),
    ],
)
def test_a_cookie_is_found_by_its_exact_name_and_only_with_a_plain_value(
    lines: list[str], found: str | None
) -> None:
    assert find_cookie(sent(*lines), NAMES) == found


def test_only_guarded_cookies_are_left_and_every_other_header() -> None:
    headers = [(b"host", b"a"), *sent("sid=x; __Host-sid=y; __host-sid=z", "a=b")]
    assert only_guarded(headers) == [(b"host", b"a"), (b"cookie", b"__Host-sid=y")]
