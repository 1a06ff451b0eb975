"""The screens and their files, from `static/`, each under a content security policy of its own.

Files are read when they are asked for and kept while they do not change, so that a changed file
shows without a restart. Nothing is cached without asking (`no-cache`): a screen and its modules are
always of one release, and an unchanged file costs a 304.
"""

import asyncio
import gzip
from pathlib import Path
from typing import Final

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from app.errors import NotFound
from app.settings import CHECKOUT
from app.web.answers import Answer, send_answer
from app.web.floor import hash_of, matches
from app.web.problems import Problem
from app.web.visitors import Visitor, values

STATIC: Final = CHECKOUT / "static"
GZIP_BYTES: Final = 1024

KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
TEXTS: Final = (".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest")


class Needs(Struct, frozen=True):
    """What a page is allowed beyond this service: sources of scripts, connections and frames.

    `trusted_types`: whether strings may become scripts and HTML by our own policy alone.
    """

    scripts: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    trusted_types: bool = True


NOTHING: Final = Needs()
# What Stripe's security guide names for the Payment Element without its search for addresses.
# Its script writes strings into the page where it likes, so Trusted Types can't be asked of it.
STRIPE: Final = Needs(
    scripts=("https://js.stripe.com", "https://*.js.stripe.com"),
    connections=("https://api.stripe.com",),
    frames=("https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com"),
    trusted_types=False,
)

# Path, file below static/, and what it needs.
PAGES: Final[dict[str, tuple[str, Needs]]] = {
    "/": ("pages/public.html", NOTHING),
    "/floor": ("pages/floor.html", NOTHING),
    # It reads codes with the tablet's camera.
    "/door": ("pages/door.html", Needs(scripts=("'wasm-unsafe-eval'",))),
    "/admin": ("pages/admin.html", NOTHING),
    "/sign-in": ("pages/sign-in.html", NOTHING),
    "/manage": ("pages/manage.html", NOTHING),  # a customer's own booking, by its link
    "/pay": ("pages/pay.html", STRIPE),  # the card form, where Stripe takes the cards
    "/guest": ("pages/guest.html", NOTHING),  # one guest of a party, by the booker's link
    "/docs": ("pages/docs.html", NOTHING),
}


# Scripts that run beside a page, each under a policy of its own.
WORKERS: Final[dict[str, str]] = {
    "js/door/reader-worker.js": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
    ),
}


class File(Struct, frozen=True):
    """A file as it was at `stamp`: its bytes, the same compressed where that helps, its ETag."""

    stamp: tuple[int, int]
    body: bytes
    gzipped: bytes | None
    tag: str


class Files:
    """The files below one directory, read once for each of their versions."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._kept: dict[Path, File] = {}

    async def find(self, name: str) -> tuple[File, str] | None:
        """The file and its media type; None: there is none of a kind that is served."""
        if "\x00" in name or "\\" in name:
            return None
        path = (self._root / name).resolve()
        kind = KINDS.get(path.suffix)
        if kind is None or not path.is_relative_to(self._root):
            return None
        try:
            found = path.stat()
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_size)
        kept = self._kept.get(path)
        if kept is None or kept.stamp != stamp:
            if not path.is_file():
                return None
            kept = self._kept[path] = await asyncio.to_thread(_read, path, stamp)
        return kept, kind


def _read(path: Path, stamp: tuple[int, int]) -> File:
    body = path.read_bytes()
    small = len(body) < GZIP_BYTES or path.suffix not in TEXTS
    return File(stamp, body, None if small else gzip.compress(body, 9), f'"{hash_of(body)}"')


class Page:
    """One screen."""

    def __init__(self, files: Files, name: str, needs: Needs) -> None:
        self._files, self._name, self._needs = files, name, needs

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        visitor: Visitor = scope["state"]["visitor"]
        policy = page_policy(self._needs, visitor)
        await serve_file(self._files, self._name, scope, send, policy)


class StaticFiles:
    """Everything below /static/ but the pages, which have addresses of their own."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        name = scope["path_params"]["name"]
        if "pages" in name.split("/"):  # also behind dots, as ./pages/ and js/../pages/
            raise _no_file()
        await serve_file(self._files, name, scope, send, WORKERS.get(name))


async def serve_file(files: Files, name: str, scope: Scope, send: Send, policy: str | None) -> None:
    """The file, 304 when the caller has it. Raises NotFound, Problem 405."""
    if scope["method"] not in ("GET", "HEAD"):
        raise Problem(
            405, "method_not_allowed", "This address takes GET.", headers={"Allow": "GET, HEAD"}
        )
    found = await files.find(name)
    if found is None:
        raise _no_file()
    file, kind = found
    headers = {"ETag": file.tag}
    if policy is not None:
        headers["Content-Security-Policy"] = policy
    seen = values(scope["headers"], b"if-none-match")
    if seen and matches(seen[0], file.tag):
        await send_answer(send, Answer(304, headers=headers, cache_control="no-cache"))
        return
    body = file.body
    takes = ",".join(values(scope["headers"], b"accept-encoding"))
    if file.gzipped is not None and "gzip" in takes:
        body = file.gzipped
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    await send_answer(
        send, Answer(200, body, content_type=kind, headers=headers, cache_control="no-cache")
    )


def page_policy(needs: Needs, visitor: Visitor) -> str:
    """The content security policy of a page: this service and what the page needs, no inline
    script, no string ever made into HTML but by the one policy that parses the floor's drawing."""
    # Safari before 16 does not count wss: as 'self'.
    socket = visitor.origin.replace("http", "ws", 1)
    allowed = [
        "default-src 'none'",
        " ".join(("script-src 'self'", *needs.scripts)),
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        " ".join((f"connect-src 'self' {socket}", *needs.connections)),
        "media-src 'self' blob:",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    ]
    if needs.frames:
        allowed.append(" ".join(("frame-src", *needs.frames)))
    if needs.trusted_types:
        allowed += [
            "require-trusted-types-for 'script'",
            "trusted-types backroom 'allow-duplicates'",
        ]
    return "; ".join(allowed)


def _no_file() -> NotFound:
    return NotFound("file_not_found", "There is no such file.")
