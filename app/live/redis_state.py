"""The copy of the live state in Redis: the only module that knows its keys.

For each night, under one hash tag so that a cluster keeps them together:

    {night:2026-11-21}:head     hash: epoch, version
    {night:2026-11-21}:tables   hash: the state in its flat form (see `messages`)
    {night:2026-11-21}:log      stream: the last messages, entry id "<version>-0"
    {night:2026-11-21}:live     channel: each message when it is applied; a shard's own (SPUBLISH)
                                where the server offers it, so that in a cluster a message goes to
                                the nodes of its night's shard and not to all

Everything here can be deleted at any moment: it is rebuilt from Postgres under the same epoch and
version. Redis never decides anything.
"""

import enum
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from app.live.messages import (
    Message,
    MessageUnreadable,
    decode_message,
    encode_message,
    fields_of,
    state_of,
)
from floorplan.state import NightState

KEEP_SECONDS: Final = 7 * 86_400  # a night that nobody touches for a week leaves Redis
LOG_LENGTH: Final = 2000  # about 3.5 KB each: 7 MB for a busy night
ANSWER_SECONDS: Final = 1.0  # a Redis that takes longer is away; the usual answer takes 0.2 ms

# Redis 7 has sharded channels and says its version to scripts; 6.2 has neither. `apply.lua` asks
# the same, so that who publishes and who hears agree, whatever server it is after a reconnect.
OFFERS_SHARDS: Final = "return redis.REDIS_VERSION_NUM and 1 or 0"

# What a call may raise when Redis is away, slow, loading or read-only.
AWAY: Final = (RedisError, OSError, TimeoutError)


class Applied(enum.Enum):
    """What Redis said of a write."""

    OK = "OK"
    DUP = "DUP"  # it had all of it
    GAP = "GAP"  # it lacks versions before these
    COLD = "COLD"  # it has nothing of this night
    EPOCH = "EPOCH"  # what it has is of another epoch


class Answer(NamedTuple):
    word: Applied
    version: int  # of the head, after the call


class Stored(NamedTuple):
    """A night as Redis has it; `log` holds the newest messages, oldest first."""

    epoch: str
    state: NightState
    log: list[Message]


class Subscription:
    """What other nodes publish of the nights that are followed, over one connection.

    A channel for each night, since a shard knows no patterns; and where a server holds many venues
    it need not try the patterns of all on each message.
    """

    def __init__(
        self,
        pubsub: Any,
        channel: Callable[[str], str],
        on_message: Callable[[bytes], None],
        *,
        sharded: bool,
    ) -> None:
        self._pubsub = pubsub
        self._channel = channel
        self._on_message = on_message
        self._subscribe = pubsub.ssubscribe if sharded else pubsub.subscribe
        self._unsubscribe = pubsub.sunsubscribe if sharded else pubsub.unsubscribe
        self.followed: frozenset[str] = frozenset()
        self.sharded = sharded

    async def follow(self, nights: Collection[str]) -> None:
        """These nights and no others are heard. Call it as often as they may have changed."""
        # Of no night nothing is published: it keeps the connection while there is no night.
        wanted = frozenset((*nights, ""))
        if wanted == self.followed:
            return
        for night in wanted - self.followed:
            await self._subscribe(self._channel(night))
        for night in self.followed - wanted:
            await self._unsubscribe(self._channel(night))
        self.followed = wanted

    async def hear(self, timeout: float) -> bool:
        """Hand the messages of one call on, if any comes within the timeout; whether one came."""
        message = await self._pubsub.get_message(timeout=timeout)
        if message is None:
            return False
        if message["type"] in ("message", "smessage"):
            # A line each: JSON has no line break of its own.
            for line in message["data"].split(b"\n"):
                self._on_message(line)
        return True


class RedisState:
    """`prefix` keeps several installations, or tests, apart in one Redis."""

    def __init__(self, client: Redis, *, prefix: str = "") -> None:
        # Its types are those of a client that decodes and that may be synchronous: ours is neither.
        self._redis: Any = client
        self._prefix = prefix
        self._apply = client.register_script(_lua("apply"))
        self._load = client.register_script(_lua("load"))
        self._read = client.register_script(_lua("read"))

    async def apply(self, epoch: str, night: str, messages: Iterable[Message]) -> Answer:
        """The messages, consecutive, in one atomic call: written, logged and published."""
        arguments: list[Any] = [self.channel(night), epoch, KEEP_SECONDS, LOG_LENGTH]
        for message in messages:
            arguments += (message.version, encode_message(message), len(message.patch))
            for field, value in message.patch.items():
                arguments += (field, bytes(value))
        return _answer(await self._apply(keys=self._keys(night), args=arguments))

    async def load(self, epoch: str, state: NightState, *, force: bool = False) -> Answer:
        """The whole state, if Redis has an older one or none; forced, over whatever it has."""
        arguments: list[Any] = [epoch, state.version, KEEP_SECONDS, "1" if force else "0"]
        for field, value in fields_of(state).items():
            arguments += (field, value)
        return _answer(await self._load(keys=self._keys(state.night), args=arguments))

    async def read(self, night: str, log_length: int = LOG_LENGTH) -> Stored | None:
        """The night as Redis has it, or None. Raises MessageUnreadable: of another release."""
        found = await self._read(keys=self._keys(night), args=[log_length])
        if not found or not found[2]:
            return None
        epoch, _, flat, log = found
        try:
            fields = dict(zip(map(bytes.decode, flat[::2]), flat[1::2], strict=True))
            messages = [decode_message(entry[1][1]) for entry in reversed(log)]
            return Stored(epoch.decode(), state_of(fields), messages)
        except UnicodeDecodeError as error:
            raise MessageUnreadable(str(error)) from error

    async def read_heads(self, nights: Iterable[str]) -> dict[str, tuple[str, int] | None]:
        """Epoch and version of each night; None where Redis has nothing, half of it, or no head."""
        wanted = list(nights)
        pipeline = self._redis.pipeline(transaction=False)
        for night in wanted:
            head, tables, _ = self._keys(night)
            pipeline.hmget(head, ["epoch", "version"])
            pipeline.type(tables)
        answers = await pipeline.execute(raise_on_error=False)
        return {
            night: _head(head, kind)
            for night, head, kind in zip(wanted, answers[::2], answers[1::2], strict=True)
        }

    @asynccontextmanager
    async def subscribed(
        self, on_message: Callable[[bytes], None]
    ) -> AsyncIterator["Subscription"]:
        """A subscription to no night yet, in the way that `apply` publishes on this server.

        Raises what AWAY lists, as all that is done with it does.
        """
        sharded = await self._redis.eval(OFFERS_SHARDS, 0)
        pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            yield Subscription(pubsub, self.channel, on_message, sharded=bool(sharded))
        finally:
            await pubsub.aclose()

    def channel(self, night: str) -> str:
        return f"{self._prefix}{{night:{night}}}:live"

    def _keys(self, night: str) -> list[str]:
        tag = f"{self._prefix}{{night:{night}}}"
        return [f"{tag}:head", f"{tag}:tables", f"{tag}:log"]


def connect(url: str) -> Redis:
    """A client whose calls end within ANSWER_SECONDS, answered or not."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=ANSWER_SECONDS,
        health_check_interval=5,
        retry=Retry(NoBackoff(), 0),  # who calls knows better when to try again
    )
    return client


def whole_log(log: list[Message], state: NightState) -> list[Message]:
    """The newest part of the log that leads without a hole to the state's version."""
    newest: list[Message] = []
    version = state.version
    for message in reversed(log):
        if message.version != version:
            break
        newest.append(message)
        version -= 1
    newest.reverse()
    return newest


def _head(head: Any, kind: Any) -> tuple[str, int] | None:
    """What HMGET and TYPE said of a night. Raises what AWAY lists: they did not say it."""
    for answer in (head, kind):
        if isinstance(answer, ResponseError) and str(answer).startswith("WRONGTYPE"):
            return None
        if isinstance(answer, Exception):
            raise answer
    epoch, version = head
    if kind != b"hash" or not epoch or not version or not version.isdigit():
        return None
    return epoch.decode(errors="replace"), int(version)


def _lua(name: str) -> str:
    return files("app.live").joinpath("lua", f"{name}.lua").read_text("utf-8")


def _answer(found: list[Any]) -> Answer:
    return Answer(Applied(found[0].decode()), int(found[1]))
