"""Argon2id in two threads behind a queue that ends: hashing never holds up the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from app.domain.passwords import hash_password, verify_password
from app.errors import NotReady

THREADS: Final = 2
# At 30 ms each and two at a time the last in the queue waits a quarter of a second; a flood of
# sign-ins beyond it is told to come back instead of taking the cores from the floor.
QUEUED_MAX: Final = 16

Result = TypeVar("Result", bool, str)


class Hashing:
    """The threads that hash; one for each worker."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0

    async def verify(self, stored: str, password: str) -> bool:
        """Whether the password is the hashed one. Raises NotReady: too many wait already."""
        return await self._run(lambda: verify_password(stored, password))

    async def hash(self, password: str) -> str:
        """The password's hash. Raises NotReady: too many wait already."""
        return await self._run(lambda: hash_password(password))

    def close(self) -> None:
        """No further work is taken; what runs ends in some 30 ms."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= QUEUED_MAX:
            raise NotReady(
                "sign_in_busy",
                "Too many people sign in at this moment. Try again.",
                retry_after_seconds=1,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
