"""`backroom demo`'s player: signs in, tells where the screens are, and plays night after night."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.demo.crew import PLAYER, Crew
from app.demo.evening import Evening
from app.demo.interface import CannotSignIn, Interface
from app.demo.pace import CannotSetClock, Pace
from app.demo.player import play
from app.demo.programme import NoTime, Programme, VenueClock
from app.settings import Settings
from floorplan.venue import load_venue

WEEK = timedelta(days=7)
SCREENS = (
    ("MANAGER", "managers", "/floor"),
    ("DOOR_STAFF", "the door", "/door"),
    ("SUPER_ADMIN", "the owner", "/admin"),
)


def main(settings: Settings, speed: float, seed: int, base_url: str) -> None:
    """Play until SIGTERM: one Saturday after another, at so many demo seconds per second.

    Acts only through the interface at `base_url`, reached on this machine. Ends with status 1, and
    a sentence, when the service gives it no session: its parent starts it again.
    """
    try:
        asyncio.run(_until_told(_perform(settings, speed, seed, base_url)))
    except (CannotSignIn, CannotSetClock, NoTime) as error:
        print(f"The demo cannot be played: {error}.", file=sys.stderr)
        sys.exit(1)


async def _until_told(work: Coroutine[None, None, None]) -> None:
    """Run the work until it ends, or SIGTERM or SIGINT comes: both are a good end."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _perform(settings: Settings, speed: float, seed: int, base_url: str) -> None:
    venue = load_venue()
    voice = Voice(venue.zone, quiet=settings.demo_quiet)
    interface = Interface(settings, base_url)
    pacing: asyncio.Task[None] | None = None
    try:
        crew = Crew(interface, settings.demo_token)
        clock = VenueClock(interface)
        pace = Pace(interface, crew, clock, speed)
        if settings.listens_on_loopback:
            # Two of each: whoever looks at two browsers side by side signs in twice.
            links = [*await crew.links(), *await crew.links()]
            print(links_text(base_url, links), flush=True)
        await crew.sign_in()
        await crew.set_up_devices()
        programme = Programme(interface, crew, venue, seed, pace.set_clock)
        plan = await programme.begin(await clock.now())
        pacing = asyncio.create_task(pace.keep())
        while True:
            voice.say(f"{date.fromisoformat(plan.night):%A %-d %B %Y}, from the evening on")
            evening = await play(interface, crew, venue, plan, clock, voice.tell)
            await programme.end(plan, clock)
            voice.say(closing(evening))
            plan = await programme.evening_of(date.fromisoformat(plan.night) + WEEK)
            # A session that nobody touched for half an hour is over, and its link was used.
            if settings.listens_on_loopback:
                voice.say(links_text(base_url, await crew.links()))
    finally:
        if pacing is not None:
            pacing.cancel()
        await interface.close()


def links_text(origin: str, links: list[dict[str, str]]) -> str:
    """The sign-in links for people, one a line; each works once. The PINs stay the same."""
    lines = ["Sign in with one of these; each works once:"]
    for role, who, screen in SCREENS:
        lines += [
            f"  {who:9}  {origin}/sign-in#link={one['link']}   then {screen}   PIN {one['pin']}"
            for one in links
            if one["role"] == role and one["name"] != PLAYER
        ]
    return "\n".join(lines) + "\n"


def closing(evening: Evening) -> str:
    """The night in one sentence."""
    refused = sum(evening.refused.values())
    sentence = f"{evening.night} is over and sealed; the floor said no {refused} times"
    if evening.faults:
        sentence += f", and {len(evening.faults)} answers were faults: {evening.faults[0]}"
    return sentence


class Voice:
    """A calm line for each notable thing, with the venue's local time."""

    def __init__(self, zone: ZoneInfo, *, quiet: bool) -> None:
        self._zone = zone
        self._quiet = quiet

    def tell(self, at: datetime, sentence: str) -> None:
        self.say(f"{at.astimezone(self._zone):%H:%M}  {sentence}")

    def say(self, sentence: str) -> None:
        if not self._quiet:
            print(sentence, flush=True)
