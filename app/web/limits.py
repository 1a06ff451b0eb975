"""How often somebody may ask: counted in Redis for all workers, by Redis' own clock.

Strangers are counted by address, staff by person, devices by a bucket of their own. When Redis is
away, whoever is signed in passes (their actions are held by constraints anyway) and strangers'
writes are counted by this worker alone, so that losing Redis opens no door.
"""

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError

from app.errors import TooMany

logger = logging.getLogger(__name__)


class Window(Struct, frozen=True):
    """At most `most` in any `seconds`, sliding."""

    name: str
    most: int
    seconds: int


class Bucket(Struct, frozen=True):
    """`burst` at once, then `per_second`."""

    name: str
    burst: int
    per_second: float


Limit = Window | Bucket

# A customer who books reads a few times a minute and writes a handful of times.
STRANGER_READS: Final = Window("stranger-reads", 300, 60)
STRANGER_WRITES: Final = Window("stranger-writes", 100, 15 * 60)
# One screen reads a few times a minute; a fast member of staff writes once a second.
STAFF_READS: Final = Window("staff-reads", 1200, 60)
STAFF_WRITES: Final = Window("staff-writes", 600, 60)
# A turnstile with a camera: two people a second, and an upload after a time offline.
DEVICE_CALLS: Final = Bucket("device", 30, 10.0)
# A tablet pairs in one try; sixty a minute leave room for a few beside somebody who guesses, and
# guessing one of 2^80 codes none.
PAIRINGS: Final = Window("pairings", 60, 60)
# Each one costs 30 ms of a core; failures of one account are counted apart, in Postgres.
SIGN_INS: Final = Window("sign-ins", 30, 15 * 60)
# A browser on which somebody has signed in is counted by itself: the whole venue has one address,
# and whoever uses that up from the dance floor must not keep the manager out.
KNOWN_SIGN_INS: Final = Window("known-sign-ins", 30, 15 * 60)

# The sliding window is estimated from this window's count and the last one's, weighted by how much
# of it is still inside: two numbers instead of one entry for each request.
_WINDOW: Final = """
local now = redis.call('TIME')
local seconds = tonumber(ARGV[2])
local t = tonumber(now[1]) + tonumber(now[2]) / 1000000
local index = math.floor(t / seconds)
local kept = redis.call('HMGET', KEYS[1], 'index', 'count', 'before')
local count, before = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
local behind = index - (tonumber(kept[1]) or index)
if behind == 1 then before, count = count, 0 elseif behind ~= 0 then before, count = 0, 0 end
local inside = 1 - (t / seconds - index)
if before * inside + count >= tonumber(ARGV[1]) then
  local free = inside * seconds
  if count < tonumber(ARGV[1]) and before > 0 then
    free = (inside - (tonumber(ARGV[1]) - count) / before) * seconds
  end
  return math.max(1, math.ceil(free))
end
redis.call('HSET', KEYS[1], 'index', index, 'count', count + 1, 'before', before)
redis.call('EXPIRE', KEYS[1], seconds * 2)
return 0
"""
_BUCKET: Final = """
local now = redis.call('TIME')
local t = tonumber(now[1]) + tonumber(now[2]) / 1000000
local burst, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1]) or burst
tokens = math.min(burst, tokens + math.max(0, t - (tonumber(kept[2]) or t)) * rate)
if tokens < 1 then return math.max(1, math.ceil((1 - tokens) / rate)) end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens - 1), 'at', string.format('%.6f', t))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 1)
return 0
"""

_PURPOSE: Final = b"backroom limits"
REDIS_PAUSE_SECONDS: Final = 1.0  # after a failure Redis is not asked again for so long
ASKED_AT_ONCE: Final = 64  # calls counted by one message to Redis
# Calls that wait to be; some 100 ms of work for Redis. One more is as if Redis were away.
ASKED_MOST: Final = 4096
OWN_COUNTS_MAX: Final = 10_000  # addresses that this worker counts by itself; the oldest goes


class Asked(Struct, frozen=True):
    """A call that waits to be counted."""

    script: Any
    key: str
    given: tuple[float, ...]
    answer: "asyncio.Future[int]"


class Limiter:
    """Counts for all workers in Redis; alone when Redis is away."""

    def __init__(self, redis: Redis, secret: str) -> None:
        self._key = hmac.digest(bytes.fromhex(secret), _PURPOSE, "sha256")
        self._redis = redis
        self._window: Any = redis.register_script(_WINDOW)
        self._bucket: Any = redis.register_script(_BUCKET)
        self._asked: list[Asked] = []
        self._asking: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._own: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def spend(self, limit: Limit, who: str, *, stranger_writes: bool = False) -> None:
        """One call counts against the limit. Raises TooMany with the seconds to wait.

        An address is personal data: Redis gets a digest under a key, so that nobody who reads it
        can try the four billion there are.
        """
        key = self.key_of(limit, who)
        if time.monotonic() >= self._away_until:
            try:
                wait = await self._ask(limit, key)
            except (RedisError, OSError, TimeoutError) as error:
                self._away_until = time.monotonic() + REDIS_PAUSE_SECONDS
                logger.warning("limits are counted by this worker alone: %s", error)
            else:
                if wait:
                    raise _too_many(wait)
                return
        if stranger_writes and isinstance(limit, Window):
            self._spend_alone(limit, key)

    def key_of(self, limit: Limit, who: str) -> str:
        """What counts somebody's calls in Redis."""
        return f"limit:{limit.name}:{hmac.digest(self._key, who.encode(), 'sha256').hex()[:20]}"

    async def _ask(self, limit: Limit, key: str) -> int:
        """The seconds to wait, 0 for none. Whoever asks while Redis is asked goes along with the
        next message to it: a message of our client costs as much as ten of its commands."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        given: tuple[float, float]
        if isinstance(limit, Window):
            script, given = self._window, (limit.most, limit.seconds)
        else:
            script, given = self._bucket, (limit.burst, limit.per_second)
        if len(self._asked) >= ASKED_MOST:
            raise RedisError(f"{ASKED_MOST} calls wait for it already")
        self._asked.append(Asked(script, key, given, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        return await answer

    async def _ask_all(self) -> None:
        while self._asked:
            asked, self._asked = self._asked[:ASKED_AT_ONCE], self._asked[ASKED_AT_ONCE:]
            try:
                answers = await self._send(asked)
            except BaseException as error:
                # Whoever came meanwhile would wait for the same failure once more.
                waiting, self._asked = [*asked, *self._asked], []
                for one in waiting:
                    if not one.answer.done():
                        one.answer.set_exception(
                            error if isinstance(error, Exception) else RedisError("not asked")
                        )
                if not isinstance(error, Exception):
                    raise
                continue
            for one, answer in zip(asked, answers, strict=True):
                if not one.answer.done():  # who asked may be gone meanwhile
                    one.answer.set_result(int(answer))

    async def _send(self, asked: list[Asked]) -> list[Any]:
        if len(asked) == 1:
            return [await asked[0].script(keys=[asked[0].key], args=asked[0].given)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for one in asked:
                _ = pipe.evalsha(one.script.sha, 1, one.key, *one.given)  # sent by execute
            answers = await pipe.execute(raise_on_error=False)
        for place, (one, answer) in enumerate(zip(asked, answers, strict=True)):
            if isinstance(answer, NoScriptError):  # a Redis that was emptied, or is another
                answers[place] = await one.script(keys=[one.key], args=one.given)
            elif isinstance(answer, Exception):
                raise answer
        return answers

    def _spend_alone(self, limit: Window, key: str) -> None:
        now = time.monotonic()
        began, count = self._own.get(key, (now, 0))
        if now - began >= limit.seconds:
            began, count = now, 0
        if count >= limit.most:
            raise _too_many(int(began + limit.seconds - now) + 1)
        self._own[key] = (began, count + 1)
        self._own.move_to_end(key)
        if len(self._own) > OWN_COUNTS_MAX:
            self._own.popitem(last=False)


def _too_many(seconds: int) -> TooMany:
    return TooMany(
        "too_many_requests",
        f"Too many requests. Try again in {seconds} s.",
        retry_after_seconds=seconds,
    )
