"""The commands: `backroom serve | migrate | demo | verify`, also as `python -m app ...`."""

import argparse
import gc
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from app.backing import (
    CannotServe,
    apply_migrations,
    find_psql,
    judge_schema,
    prepare_keys,
    reaching_servers,
)
from app.leash import tie_to_parent
from app.settings import Settings, SettingsError
from app.supervisor import DRAIN_SECONDS, Supervisor
from floorplan.venue import VenueInvalid, load_venue

DESCRIPTION = "The live floor of the night: tables, bookings, the door."

EPILOG = """\
Without DATABASE_URL and REDIS_URL the service runs a Postgres and a Redis of its own, with all data
in one folder (BACKROOM_DATA, by default .data). Every setting is listed in docs/operations.md.
"""


def _parser() -> argparse.ArgumentParser:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="backroom", description=DESCRIPTION, epilog=EPILOG, formatter_class=style
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def listening(command: argparse.ArgumentParser) -> None:
        command.add_argument("--host", help="address to listen on (HOST, 127.0.0.1)")
        command.add_argument("--port", help="port to listen on (PORT, 8000)")
        command.add_argument("--workers", help="processes that answer requests (WORKERS, 1)")

    serve = commands.add_parser(
        "serve",
        help="run the service for a venue",
        description="Run the service until Ctrl-C or SIGTERM. Migrates first. Servers of its own "
        "are started only where DATABASE_URL or REDIS_URL is not set.",
    )
    listening(serve)

    demo = commands.add_parser(
        "demo",
        help="play a Saturday night, sixty times as fast, and watch it on the floor map",
        description="Run the service with demo data and play a simulated Saturday night on it, "
        "through the public interfaces. Prints sign-in links that work once.",
    )
    listening(demo)
    demo.add_argument("--speed", help="demo seconds per second (BACKROOM_DEMO_SPEED, 60)")
    demo.add_argument("--seed", help="which night is played (BACKROOM_DEMO_SEED, 1)")
    demo.add_argument("--quiet", action="store_true", help="tell nothing of the night")

    commands.add_parser(
        "migrate",
        help="bring the database to this version's schema",
        description="Apply the migrations that are missing, as OWNER_DATABASE_URL, and name them.",
    )

    verify = commands.add_parser(
        "verify",
        help="check that rows, book, live copy, hash chain and anchors say the same",
        description="Check each night: the rows against the fold of its events, Redis against "
        "both, the hash chain, and the anchors outside the database. Exit status 1 if anything "
        "differs. Works beside a running service.",
    )
    verify.add_argument(
        "--night", action="append", default=[], metavar="DATE", help="only this one; repeatable"
    )
    verify.add_argument(
        "--rebuild",
        action="store_true",
        help="also make bookings, claims, tickets and headcount again from the events, and compare",
    )
    verify.add_argument(
        "--write",
        action="store_true",
        help="with --rebuild: drop these rows and keep the ones made; stops writers meanwhile",
    )

    psql = commands.add_parser(
        "psql",
        help="open psql on the database",
        description="Open psql as one of the service's roles. What follows -- is psql's own: "
        "backroom psql -- -c 'SELECT name, version FROM book'",
    )
    psql.add_argument(
        "--role",
        choices=("owner", "app", "jobs", "auth"),
        default="owner",
        help="whose rights it has: owner sees and may change every row (default), app answers "
        "requests, jobs works in the background, auth signs in",
    )
    psql.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="passed on to psql")

    admin = commands.add_parser(
        "admin",
        help="create the first account that may sign in, or recover one",
        description="create: an account; the password is asked for, or read from the input. "
        "recover: a link for somebody who lost their second factor, which is reset.",
    )
    admin.add_argument(
        "deed",
        choices=("create", "recover"),
        help="a new account, or a new second factor for one that is there",
    )
    admin.add_argument("username", help="what is typed to sign in")
    admin.add_argument("--name", help="how the person is called; default: the user name")
    admin.add_argument(
        "--role",
        choices=("SUPER_ADMIN", "MANAGER", "DOOR_STAFF"),
        default="SUPER_ADMIN",
        help="create: what the account may do: everything, accounts of the staff included "
        "(default), run the nights, or let guests in",
    )

    keys = commands.add_parser(
        "keys",
        help="make a new key for people's data, and put everything under it",
        description="make: add a key, the first from the next start on. rotate: wrap what other "
        "keys have wrapped by the first one, while the service runs. See docs/operations.md.",
    )
    keys.add_argument(
        "deed", choices=("make", "rotate"), help="add a key, or put everything under the first one"
    )

    erasures = commands.add_parser(
        "erasures",
        help="after a restore: erase again who was erased",
        description="Erase everybody whom the erasure log names, in a database that was restored "
        "from an older dump, before the service is started on it.",
    )
    erasures.add_argument(
        "deed", choices=("replay",), help="erase everybody whom the logs name, once more"
    )
    erasures.add_argument(
        "--file", action="append", default=[], type=Path, metavar="FILE",
        help="the log of a node (ERASURE_LOG); repeatable",
    )  # fmt: skip

    # What the parent starts; not for people, so not listed.
    worker = commands.add_parser("worker")
    worker.add_argument("--fd", type=int, required=True, help="the socket that it answers on")
    worker.add_argument("--node", required=True, help="its name in logs and metrics")
    stand_in, play = commands.add_parser("stand-in"), commands.add_parser("play")
    for started in (worker, stand_in, play):
        started.add_argument(
            "--parent", type=int, required=True, help="the process with which it ends"
        )
    return parser


OPTIONS = {
    "host": "HOST",
    "port": "PORT",
    "workers": "WORKERS",
    "speed": "BACKROOM_DEMO_SPEED",
    "seed": "BACKROOM_DEMO_SEED",
}


def _settings(options: argparse.Namespace) -> Settings:
    """The environment's settings; an option of the command line wins, checked the same way."""
    environment = dict(os.environ)
    for option, variable in OPTIONS.items():
        if value := getattr(options, option, None):
            environment[variable] = value
    if options.command == "demo":
        environment["BACKROOM_DEMO"] = "1"
        if options.quiet:
            environment["BACKROOM_DEMO_QUIET"] = "1"
        # A line for each of the player's requests would bury the links; LOG_LEVEL=info shows them.
        environment.setdefault("LOG_LEVEL", "warning")
    return Settings.from_environment(environment)


def _serve(settings: Settings, _options: argparse.Namespace) -> int:
    load_venue()  # told here, once, and not by each worker after the servers were started
    return Supervisor(settings).run()


def _demo(settings: Settings, _options: argparse.Namespace) -> int:
    import ipaddress  # noqa: PLC0415 - only the demo needs these
    import secrets  # noqa: PLC0415

    load_venue()
    # The player is many guests: each has an address of its own, as behind a proxy on this machine.
    near = tuple(ipaddress.ip_network(name) for name in ("127.0.0.1", "::1"))
    played = replace(
        settings,
        demo_token=secrets.token_hex(32),
        trusted_proxies=(*settings.trusted_proxies, *near),
    )
    return Supervisor(played, play=True).run()


def _migrate(settings: Settings, _options: argparse.Namespace) -> int:
    with reaching_servers(settings) as complete:
        applied = apply_migrations(complete)
        prepare_keys(complete)
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("Nothing to do: the schema is this version's.")
    return 0


def _verify(settings: Settings, options: argparse.Namespace) -> int:
    from app import rebuild, verify  # noqa: PLC0415

    with reaching_servers(settings) as complete:
        judge_schema(complete)
        wrong = verify.main(complete, options.night)
        if options.rebuild:
            wrong |= rebuild.main(complete, options.night, write=options.write)
        return wrong


def _admin(settings: Settings, options: argparse.Namespace) -> int:
    from app import administrator  # noqa: PLC0415

    with reaching_servers(settings) as complete:
        judge_schema(complete)
        if options.deed == "recover":
            return administrator.recover(complete, options.username)
        name = options.name or options.username
        return administrator.create(complete, options.username, name, options.role)


def _keys(settings: Settings, options: argparse.Namespace) -> int:
    from app import keys  # noqa: PLC0415

    if options.deed == "make":
        return keys.make(settings)
    keys.judge_restarted(settings)
    with reaching_servers(settings) as complete:
        judge_schema(complete)
        return keys.rotate(complete)


def _erasures(settings: Settings, options: argparse.Namespace) -> int:
    from app import erasures  # noqa: PLC0415

    with reaching_servers(settings) as complete:
        judge_schema(complete)
        return erasures.replay(complete, options.file)


def _psql(settings: Settings, options: argparse.Namespace) -> int:
    import subprocess  # noqa: PLC0415 - for this command alone
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415

    with reaching_servers(settings) as complete:
        url = getattr(complete, f"{options.role}_database_url", complete.database_url)
        # The password goes by the environment: arguments are for every user of the machine to see.
        password = urlsplit(url).password or ""
        return subprocess.run(
            [find_psql(), url.replace(f":{password}@", "@", 1), *options.arguments],
            env=os.environ | {"PGPASSWORD": unquote(password)},
            check=False,
        ).returncode


def _worker(settings: Settings, options: argparse.Namespace) -> int:
    # What a start makes is nearly all there to stay: `LiveServer.startup` collects once, after it.
    gc.disable()
    from app.main import run_worker  # noqa: PLC0415

    _follow(options.parent)
    with socket.socket(fileno=options.fd) as listener:
        run_worker(settings, listener, node=options.node)
    return 0


def _play(settings: Settings, options: argparse.Namespace) -> int:
    from app.demo import performance  # noqa: PLC0415

    _follow(options.parent)
    performance.main(settings, settings.demo_speed, settings.demo_seed, settings.public_url)
    return 0


def _stand_in(settings: Settings, options: argparse.Namespace) -> int:
    from app.embedded import stand_in  # noqa: PLC0415

    _follow(options.parent)
    stand_in.serve(settings)
    return 0


def _follow(parent_pid: int) -> None:
    """When the parent dies without a word, drain as if told to; and surely end soon after."""
    tie_to_parent(signal.SIGTERM, parent_pid)

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(1.0)
        time.sleep(DRAIN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


COMMANDS = {
    "serve": _serve,
    "demo": _demo,
    "migrate": _migrate,
    "verify": _verify,
    "admin": _admin,
    "keys": _keys,
    "erasures": _erasures,
    "psql": _psql,
    "worker": _worker,
    "play": _play,
    "stand-in": _stand_in,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status (2: settings, venue or call are wrong)."""
    options = _parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](_settings(options), options)
    except (SettingsError, VenueInvalid) as error:
        print(error, file=sys.stderr)
        return 2
    except CannotServe as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
