"""What a command needs behind it: servers, the secret, and the schema.

Each function raises CannotServe with a sentence for the person at the terminal. What is heavy is
imported where it is used: nothing of the embedded servers when both URLs are given, no database
driver for `--help`.
"""

import asyncio
import contextlib
import hmac
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.settings import Settings

if TYPE_CHECKING:
    from app.embedded.servers import EmbeddedServers


class CannotServe(Exception):
    """The command cannot start or go on; the text says why and what to do."""


def say(sentence: str) -> None:
    """A line for the person at the terminal; logs go to standard error."""
    # A terminal that was closed has nobody to tell, and stopping in order matters more.
    with contextlib.suppress(OSError):
        print(sentence, flush=True)


@contextlib.contextmanager
def reaching_servers(settings: Settings) -> Iterator[Settings]:
    """Settings complete with servers, for a command that runs beside the service or without it.

    Embedded ones are used where they run, and otherwise started for as long as this lasts. Raises
    CannotServe.
    """
    judge_keys(settings)
    servers = embedded_servers(settings)
    if servers is None:
        yield with_kept_keys(settings)
        return
    from app.embedded.binaries import AlreadyRunning  # noqa: PLC0415 - loaded by now

    with refusing():
        try:
            urls = servers.start()
        except AlreadyRunning:
            urls = servers.attach()
    try:
        yield with_servers(settings, servers, urls.environment())
    finally:
        servers.stop()


def embedded_servers(settings: Settings) -> "EmbeddedServers | None":
    """The servers that the settings leave to us, not yet started; None if both URLs are given.

    The only place that imports them: with both URLs given nothing of theirs is loaded.
    """
    if settings.database_url and settings.redis_url:
        return None
    from app.embedded.servers import EmbeddedServers  # noqa: PLC0415

    return EmbeddedServers(
        settings.data_dir,
        with_postgres=not settings.database_url,
        with_redis=not settings.redis_url,
    )


def with_stand_in(settings: Settings) -> Settings:
    """Settings by which something stands in for Stripe, where nothing else is set and only this
    machine can reach the service; unchanged elsewhere, and then deposits are paid at the desk."""
    if settings.stripe_api_key or not settings.is_for_this_machine or settings.tls_certificate:
        return settings
    from app.embedded.stand_in import is_installed  # noqa: PLC0415

    if not is_installed():
        return settings
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = hmac.digest(bytes.fromhex(settings.secret), b"stand-in", "sha256").hex()
    return replace(
        settings,
        stripe_api_key=f"sk_test_{secret[:24]}",
        stripe_webhook_secrets=(f"whsec_{secret}",),
        stripe_api_url=f"http://127.0.0.1:{port}",
    )


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What an embedded server says against it becomes the command's own refusal."""
    from app.embedded.binaries import EmbeddedServerError  # noqa: PLC0415 - loaded by now

    try:
        yield
    except EmbeddedServerError as error:
        raise CannotServe(str(error)) from error


def find_psql() -> str:
    """The machine's psql, else the one that came with the embedded Postgres."""
    found = shutil.which("psql")
    if found is not None:
        return found
    from app.embedded.binaries import find_postgres  # noqa: PLC0415 - only without a psql

    with refusing():
        return str(find_postgres() / "bin" / "psql")


def with_servers(
    settings: Settings, servers: "EmbeddedServers", environment: dict[str, str]
) -> Settings:
    """The settings completed by what embedded servers there are."""
    return replace(
        settings,
        database_url=settings.database_url or environment["DATABASE_URL"],
        owner_database_url=settings.owner_database_url or environment["OWNER_DATABASE_URL"],
        listen_database_url=settings.listen_database_url or environment["DATABASE_URL"],
        jobs_database_url=settings.jobs_database_url or environment["JOBS_DATABASE_URL"],
        auth_database_url=settings.auth_database_url or environment["AUTH_DATABASE_URL"],
        redis_url=settings.redis_url or environment["REDIS_URL"],
        secret=settings.secret or servers.secret(),
        person_keys=settings.person_keys or servers.person_keys(),
    )


def with_kept_keys(settings: Settings) -> Settings:
    """The settings with key material of their own, beside servers that are not ours."""
    return replace(
        settings,
        secret=settings.secret
        or kept_key(settings.data_dir / "secret", "BACKROOM_SECRET", lambda: secrets.token_hex(32)),
        person_keys=settings.person_keys or kept_person_keys(settings.data_dir),
    )


def judge_keys(settings: Settings) -> None:
    """Raises CannotServe: a venue's database is elsewhere, and its keys would be made up here.

    A second node would make others, and a lost disk would take every name with it. What an earlier
    version made and kept is still taken. A demo may make its own.
    """
    if not settings.database_url or settings.demo:
        return
    kept = {"BACKROOM_SECRET": "secret", "PERSON_KEYS": "person-keys"}
    given = {"BACKROOM_SECRET": settings.secret, "PERSON_KEYS": settings.person_keys}
    missing = [
        variable
        for variable, file in kept.items()
        if not given[variable] and not (settings.data_dir / file).is_file()
    ]
    if missing:
        raise CannotServe(
            f"With a DATABASE_URL of your own, set {' and '.join(missing)} too, the same on every "
            "node, and keep a copy apart from the database: BACKROOM_SECRET=$(openssl rand -hex "
            "32), PERSON_KEYS=first:$(openssl rand -hex 32)."
        )


def kept_person_keys(data_dir: Path, *, first: str | None = None) -> str:
    """The keys for people's data beside servers that are not ours, with a new `first` one."""
    from app.domain.sealing import make_outer_key  # noqa: PLC0415 - brings the cryptography

    file = data_dir / "person-keys"
    keys = kept_key(file, "PERSON_KEYS", make_outer_key)
    if first is None:
        return keys
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(f"{first},{keys}\n")
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
    return f"{first},{keys}"


def kept_key(file: Path, variable: str, make: Callable[[], str]) -> str:
    """What the file holds for the variable; made on the first start."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = make()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another start was first by a moment
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(made + "\n")
        stream.flush()
        os.fsync(stream.fileno())  # what is sealed under a lost key is lost
    say(f"Made a secret in {file}. Every other node needs the same one, in {variable}.")
    return made


@contextlib.contextmanager
def reaching_postgres() -> Iterator[None]:
    """What keeps the owner from its database becomes the command's own refusal."""
    import asyncpg  # noqa: PLC0415 - loaded when it is needed

    try:
        yield
    except (
        OSError,
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.CannotConnectNowError,
        asyncpg.TooManyConnectionsError,
    ) as error:
        raise CannotServe(
            f"Postgres at OWNER_DATABASE_URL (or DATABASE_URL) cannot be used: {error}"
        ) from error


def apply_migrations(settings: Settings) -> list[str]:
    """The schema is this version's; the names of the migrations applied now. Raises CannotServe."""
    import asyncpg  # noqa: PLC0415 - loaded when it is needed

    from app.db.migrate import MigrationChanged, migrate  # noqa: PLC0415

    with reaching_postgres():
        try:
            return asyncio.run(migrate(settings.owner_database_url))
        except (MigrationChanged, asyncpg.RaiseError) as error:
            # A migration says itself what it finds and what to do.
            raise CannotServe(str(error)) from error


def judge_schema(settings: Settings) -> None:
    """For a command that reads and writes as this version does, and migrates nothing.

    Raises CannotServe: the schema is an older version's, or a newer one's that this one cannot use.
    """
    from app.db.migrate import read_schema  # noqa: PLC0415 - brings the database driver

    with reaching_postgres():
        missing, newer = asyncio.run(read_schema(settings.owner_database_url))
    if missing and newer:
        raise CannotServe(
            f"The schema of this database is a newer version's (it has {newer[-1]}): run this "
            "command from that version."
        )
    if missing:
        raise CannotServe(
            f"This database lacks {len(missing)} files of this version's schema (the first is "
            f"{missing[0]}): run `backroom migrate`, then this command again."
        )


async def _begin_sealing(settings: Settings) -> None:
    import asyncpg  # noqa: PLC0415 - loaded when it is needed

    from app.actions.keys import begin_sealing  # noqa: PLC0415
    from app.domain.sealing import Vault  # noqa: PLC0415

    conn = await asyncpg.connect(settings.owner_database_url)
    try:
        await begin_sealing(conn, Vault.from_text(settings.person_keys, settings.secret))
    finally:
        await conn.close()


def prepare_keys(settings: Settings) -> None:
    """What is to be sealed is, under keys that are at hand. Raises CannotServe."""
    from app.actions.keys import KeysUnknown  # noqa: PLC0415 - after the migrations

    try:
        asyncio.run(_begin_sealing(settings))
    except KeysUnknown as error:
        raise CannotServe(
            f"Names in this database are sealed under keys that are not among PERSON_KEYS: {error}."
            " Without them nobody can read a guest's name. Set PERSON_KEYS as on the other nodes, "
            "or bring the keys back that were kept with this database."
        ) from error


def prepare_database(settings: Settings, *, external: bool, play: bool) -> None:
    """Migrate, and keep demo data and a venue's apart. Raises CannotServe."""
    # asyncpg is loaded when it is needed, not for --help.
    from app.actions.administration import note_settings  # noqa: PLC0415
    from app.db.installation import become_demo, is_demo  # noqa: PLC0415

    applied = apply_migrations(settings)
    if applied:
        say(f"The schema is up to date: applied {len(applied)} files.")
    prepare_keys(settings)
    asyncio.run(note_settings(settings.owner_database_url, settings.audited()))
    if play:
        if not asyncio.run(become_demo(settings.owner_database_url)):
            raise CannotServe(
                "This database holds a venue's staff or bookings; a demo would add made-up ones. "
                "Set BACKROOM_DATA (or DATABASE_URL) to another place for the demo."
            )
        _begin_clock(settings)
    elif (external or not settings.is_for_this_machine) and asyncio.run(
        is_demo(settings.owner_database_url)
    ):
        place = "at DATABASE_URL" if external else f"in {settings.data_dir}"
        raise CannotServe(
            f"The database {place} holds demo accounts, with which anybody could sign in. "
            "Use an empty database for a venue, or `backroom demo` to go on with this one."
        )


def _begin_clock(settings: Settings) -> None:
    """The demo's clock goes on where its last night stood, before a worker reads it.

    It walks until the player is there: at sixty times the speed the start would take minutes.
    """
    from app.db.demo_clock import begin_clock  # noqa: PLC0415
    from app.demo.calendar import opening  # noqa: PLC0415
    from floorplan.venue import load_venue  # noqa: PLC0415

    venue, real = load_venue(), datetime.now(UTC)
    begun = begin_clock(
        settings.owner_database_url, lambda last: opening(last, real, venue), speed=1
    )
    shown_at = asyncio.run(begun).astimezone(venue.zone)
    say(f"The demo's clock shows {shown_at:%H:%M on %A %-d %B %Y}.")
