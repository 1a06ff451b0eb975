"""The door's release: its page with every file that it needs, each with its hash.

The service worker keeps them on the tablet (`static/js/door/service-worker.js`). The list is found
by walking from the page: what it links, what scripts import, what style sheets name; only what
scripts start by an address of their own is written down here.
"""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec
from starlette.types import Receive, Scope, Send

from app.web.answers import Answer, send_answer
from app.web.floor import matches
from app.web.visitors import values

PAGE: Final = "/door"
PAGE_FILE: Final = "pages/door.html"
WORKER_FILE: Final = "js/door/service-worker.js"
STARTED: Final = (  # by js/door/reader.js and js/door/reading.js
    "/static/js/door/reader-worker.js",
    "/static/vendor/zxing-wasm/reader/zxing_reader.wasm",
)
POLICY: Final = "default-src 'none'; script-src 'self'; connect-src 'self'"

_LINKED: Final = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_IMPORTED: Final = re.compile(r'(?:^|[\s;}])(?:from|import)\s*"(\.{1,2}/[^"]+)"')
_NAMED: Final = re.compile(r'url\("?(/static/[^")]+)"?\)')
_ICONS: Final = re.compile(r'"src":\s*"(/static/[^"]+)"')
FILES_MOST: Final = 200


def release_of(static: Path) -> dict[str, str]:
    """The address of each file of the release, with the SHA-256 of its bytes. Some 20 ms.

    Raises FileNotFoundError: a file names one that is not there.
    """
    found = {PAGE: _hash(static / PAGE_FILE)}
    todo = [*_names(PAGE, static / PAGE_FILE), *STARTED]
    while todo:
        address = todo.pop()
        if address in found:
            continue
        file = static / address.removeprefix("/static/")
        found[address] = _hash(file)
        todo += _names(address, file)
        if len(found) > FILES_MOST:
            raise ValueError(f"the door's release has more than {FILES_MOST} files")
    return dict(sorted(found.items()))


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _names(address: str, file: Path) -> list[str]:
    """The addresses that the file names."""
    if file.suffix == ".html":
        return _LINKED.findall(file.read_text())
    if file.suffix == ".css":
        return _NAMED.findall(file.read_text())
    if file.suffix == ".webmanifest":
        return _ICONS.findall(file.read_text())
    if file.suffix != ".js":
        return []
    folder = Path(address).parent
    return [_plain(folder / path) for path in _IMPORTED.findall(file.read_text())]


def _plain(path: Path) -> str:
    parts: list[str] = []
    for part in path.as_posix().split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


class DoorWorker:
    """`/door-worker.js`: the service worker with the release that it keeps, written above it.

    It is made again at each request, so that a changed file is a new release without a restart; a
    tablet asks twice an hour.
    """

    def __init__(self, static: Path) -> None:
        self._static = static

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        body = await asyncio.to_thread(self._script)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Content-Security-Policy": POLICY}
        seen = values(scope["headers"], b"if-none-match")
        if seen and matches(seen[0], tag):
            await send_answer(send, Answer(304, headers=headers, cache_control="no-cache"))
            return
        await send_answer(
            send,
            Answer(
                200, body, content_type="text/javascript; charset=utf-8", headers=headers,
                cache_control="no-cache",
            ),
        )  # fmt: skip

    def _script(self) -> bytes:
        files = release_of(self._static)
        name = hashlib.sha256(msgspec.json.encode(files)).hexdigest()[:16]
        release = {"name": name, "page": PAGE, "files": files}
        head = b"const RELEASE = " + msgspec.json.encode(release) + b";\n"
        return head + (self._static / WORKER_FILE).read_bytes()
