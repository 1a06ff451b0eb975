"""Passwords are hashed beside the event loop, and never more at once than was decided."""

import asyncio
import threading

import pytest

from app.actions import hashing
from app.actions.hashing import QUEUED_MAX, THREADS, Hashing
from app.domain.passwords import DUMMY_HASH, hash_password, needs_rehash, verify_password
from app.errors import NotReady


def test_a_password_is_known_again_and_another_is_not() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_password(stored, "correct horse")
    assert not verify_password(stored, "correct horse ")
    assert not needs_rehash(stored)


def test_the_dummy_costs_what_a_real_one_costs() -> None:
    assert not verify_password(DUMMY_HASH, "anything")
    assert not needs_rehash(DUMMY_HASH)


async def test_beyond_the_queue_one_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    at_once, most = 0, 0
    lock = threading.Lock()

    def slow(stored: str, password: str) -> bool:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        gate.wait(10)
        with lock:
            at_once -= 1
        return True

    monkeypatch.setattr(hashing, "verify_password", slow)
    made = Hashing()
    try:
        waiting = [asyncio.create_task(made.verify("stored", "x")) for _ in range(QUEUED_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(NotReady) as refused:
            await made.verify("stored", "x")
        assert refused.value.reason == "sign_in_busy"
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * QUEUED_MAX
        assert most <= THREADS
        assert await made.verify("stored", "x")
    finally:
        gate.set()
        made.close()
