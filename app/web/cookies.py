"""Cookies as this service reads them: strictly, in one pass, and over TLS only guarded ones.

The standard library's parser undoes the escapes of a quoted value in quadratic time: before Python
3.11.10 one request with a cookie of 60 KB, from anybody, kept a worker from everything else for
17 s (CVE-2024-7592). A token of ours is plain ASCII without quotes, so nothing is undone here.
"""

import re
from collections.abc import Iterable
from typing import Final

Headers = list[tuple[bytes, bytes]]

# RFC 6265bis section 4.1.3.2: a browser takes such a cookie only over TLS, from this very host, for
# all of it.
GUARD: Final = b"__Host-"
# RFC 6265 section 4.1.1, without the quotes; ours are base64url.
_VALUE: Final = re.compile(rb"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,512}")


def find_cookie(headers: Headers, names: Iterable[str]) -> str | None:
    """The value of the first of the names that was sent; of one sent twice, its first value.

    None: none of them was sent with a value of 1 to 512 characters that a cookie may have.
    """
    sent: dict[bytes, bytes] = {}
    for header, line in headers:
        if header == b"cookie":
            for pair in line.split(b";"):
                name, _, value = pair.strip(b" \t").partition(b"=")
                sent.setdefault(name, value)
    for wanted in names:
        value = sent.get(wanted.encode(), b"")
        if _VALUE.fullmatch(value):
            return value.decode("ascii")
    return None


def only_guarded(headers: Headers) -> Headers:
    """The headers without every cookie that another site under the same domain could have set.

    `sid=...; Domain=example.com` from a neighbour would else sign a visitor in as the neighbour.
    """
    kept: Headers = []
    for header, line in headers:
        if header != b"cookie":
            kept.append((header, line))
            continue
        pairs = [pair.strip(b" \t") for pair in line.split(b";")]
        guarded = [pair for pair in pairs if pair.startswith(GUARD)]
        if guarded:
            kept.append((header, b"; ".join(guarded)))
    return kept
