"""One connected screen as the hub sees it, and what the hub needs of its connection."""

from typing import TYPE_CHECKING, Final, Protocol

from app.domain.principals import ANONYMOUS, Principal

if TYPE_CHECKING:
    from app.live.hub import Hub
    from app.live.rooms import Cohort, Lane, Room

# What a screen missed is sent as one frame up to this size; beyond it a snapshot says more in fewer
# bytes (a manager's on a busy night has about 20 KB).
CATCH_UP_BYTES_MAX: Final = 32_768


class Sink(Protocol):
    """Where whole frames are sent without a question; a socket is one."""

    def send(self, wire: bytes, /) -> int:
        """Returns how many bytes were taken; none when it raises OSError."""


class Watcher(Protocol):
    """Who is told what an outlet still takes."""

    def on_pause(self) -> None:
        """The peer takes no more; `push` refuses until `on_drain`."""

    def on_drain(self) -> None:
        """Everything that was pushed has left."""

    def on_shut(self) -> None:
        """It closes, from either side: nothing may be written from now on."""


class Outlet(Protocol):
    """The sending side of one WebSocket."""

    watcher: Watcher | None

    def push(self, wire: bytes) -> bool:
        """Send whole WebSocket frames; False: the peer takes no more, or is gone: not sent."""

    def sink(self) -> Sink:
        """What leads past `push`.

        To be sent to only while the watcher has heard of neither a pause nor the end. What it did
        not take goes to `write_rest`.
        """

    def write_rest(self, wire: bytes, taken: int) -> None:
        """Send what the sink did not take; the watcher hears of the pause, or of the end."""

    def end(self, code: int, reason: str) -> None:
        """Close; a peer that does not answer, or does not even read, is cut soon after."""


class Client:
    """A screen: which lane it is in, and the version up to which it was sent everything."""

    __slots__ = (
        "_version",
        "acknowledged",
        "address",
        "audience",
        "beat",
        "cohort",
        "drained",
        "ends",
        "follows_tonight",
        "hub",
        "known_at",
        "lane",
        "outlet",
        "owes_snapshot",
        "paused_at",
        "principal",
        "token",
    )

    def __init__(
        self,
        outlet: Outlet,
        audience: str,
        *,
        principal: Principal = ANONYMOUS,
        token: str | None = None,
        address: str = "",
        known_at: int = 0,
        follows_tonight: bool = True,
    ) -> None:
        self.outlet = outlet
        self.audience = audience
        self.principal = principal
        self.token = token  # what the principal was known by; None: the session's cookie
        self.address = address  # what strangers are counted by; "": not counted
        self.known_at = known_at  # the version of the venue's book that its rights are of
        self.follows_tonight = follows_tonight  # it named no night: it moves on at the roll-over
        self.hub: Hub | None = None
        self.lane: Lane | None = None
        self.cohort: Cohort | None = None  # those with whom it is written to; None: fed apart
        self._version = 0
        self.acknowledged = 0  # the version that the screen last said it shows
        self.beat = 0  # its slice of the heartbeat
        self.paused_at: float | None = None  # since when it takes no more
        self.owes_snapshot = False  # it has to start over as soon as it drains
        self.drained = 0  # how often it fell behind and caught up
        self.ends = False  # it was told to go, or goes

    @property
    def version(self) -> int:
        """Up to which it was sent everything."""
        return self._version if self.cohort is None else self.cohort.version

    @version.setter
    def version(self, version: int) -> None:
        self._version = version

    def lane_of(self, room: "Room") -> "Lane":
        return room.lanes[self.audience]

    def on_pause(self) -> None:
        if self.hub is not None:
            self.hub.on_pause(self)

    def on_drain(self) -> None:
        if self.hub is not None:
            self.hub.on_drain(self)

    def on_shut(self) -> None:
        self.ends = True
        if self.lane is not None:
            self.lane.part(self)
