"""The embedded Postgres and Redis: who may reach them, what they survive, what they leave behind.

Goal: two commands on a fresh machine are enough, and nothing that happens to the parent or to the
servers loses a committed row or leaves a process. Method: real servers in folders of their own;
each fault is checked to have happened.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from app.embedded import home as homes
from app.embedded import processes
from app.embedded.binaries import AlreadyRunning, EmbeddedServerError
from app.embedded.postgres import SOCKET_LOCK
from app.embedded.servers import RESTARTS_MAX, EmbeddedServers, URLs
from tests.probes import PARENT, is_alive, query, running

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    """Starts a process of its own that runs the servers of a data directory."""
    started: list[subprocess.Popen[str]] = []

    def start(data_dir: Path) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(data_dir)],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def said_by(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, "the process ended early"
    return line


def told(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_they_answer_by_socket_and_stopping_leaves_no_process(folder: Path) -> None:
    servers = EmbeddedServers(folder / "data", scratch=True)
    urls = servers.start()
    assert str(query(urls.app, "SHOW server_version")).startswith("18")
    assert query(urls.app, "SHOW listen_addresses") == ""
    with redis.Redis.from_url(urls.redis) as client:
        assert client.ping()
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert int(client.config_get("maxmemory")["maxmemory"]) > 0
    assert len(running(servers)) >= 2
    servers.stop()
    assert running(servers) == []
    assert not list((folder / "data" / "servers" / "run").glob("*.sock"))


def test_no_role_of_the_service_is_a_superuser_and_the_superuser_cannot_log_in(
    servers: URLs, embedded: EmbeddedServers
) -> None:
    for role, url in (("app", servers.app), ("jobs", servers.jobs), ("auth", servers.auth)):
        assert query(url, "SELECT current_user") == role
        assert query(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            query(url, "CREATE TABLE mine (id int)", "SELECT 1")
    assert query(servers.owner, "SELECT rolsuper FROM pg_roles WHERE rolname = 'owner'") is False
    # Even the right password would not do: the role may not log in, and the host file refuses it.
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        query(servers.owner.replace("//owner:", "//postgres:"), "SELECT 1")


def test_a_wrong_password_is_refused(servers: URLs) -> None:
    right = servers.app.split(":")[2].split("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        query(servers.app.replace(right, "0" * 64), "SELECT 1")
    wrong = servers.redis.replace(servers.redis.split(":")[2].split("@")[0], "0" * 64)
    with redis.Redis.from_url(wrong) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_a_second_start_finds_the_data_and_the_passwords_of_the_first(data: Path) -> None:
    servers = EmbeddedServers(data)
    first = servers.start()
    query(first.owner, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    servers.stop()
    second = servers.start()
    try:
        assert second == first
        assert query(second.owner, "SELECT n FROM kept") == 7
        assert query(second.owner, "SHOW fsync") == "on"
    finally:
        servers.stop()


def test_committed_rows_survive_a_kill_of_postgres(data: Path) -> None:
    with EmbeddedServers(data, with_redis=False) as servers:
        url = servers.urls().owner
        query(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
        assert servers.tend() == []
        assert servers.postgres is not None
        killed = servers.postgres.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert processes.wait_until(lambda: not is_alive(killed), 10)
        assert servers.tend() == ["Postgres had ended and was started again."]
        assert servers.postgres.pid != killed
        assert query(url, "SELECT n FROM kept") == 7


def test_a_server_that_keeps_ending_is_given_up_with_a_message(data: Path) -> None:
    with EmbeddedServers(data, with_postgres=False) as servers:
        assert servers.redis is not None

        def kill() -> None:
            assert servers.redis is not None
            assert servers.redis.pid is not None
            os.kill(servers.redis.pid, signal.SIGKILL)
            assert processes.wait_until(
                lambda: servers.redis is not None and not servers.redis.is_running, 10
            )

        for _ in range(RESTARTS_MAX):
            kill()
            assert servers.tend() == ["Redis had ended and was started again."]
        kill()
        with pytest.raises(EmbeddedServerError, match=r"Redis ended 20 times .*redis\.log"):
            servers.tend()


def test_killing_the_parent_ends_the_servers_and_the_next_start_works(
    data: Path, elsewhere: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    parent = elsewhere(data)
    pids = json.loads(said_by(parent))
    assert all(is_alive(pid) for pid in pids)
    parent.kill()
    parent.wait()
    assert processes.wait_until(lambda: not any(is_alive(pid) for pid in pids), 20)
    with EmbeddedServers(data, scratch=True) as servers:
        assert query(servers.urls().app, "SELECT 1") == 1


def test_servers_left_over_by_an_earlier_run_are_stopped_first(
    data: Path, elsewhere: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    parent = elsewhere(data)
    pids = json.loads(said_by(parent))
    told(parent, "forget")
    assert said_by(parent) == "forgotten\n"
    assert all(is_alive(pid) for pid in pids), "there is nothing left over to be stopped"
    with EmbeddedServers(data, scratch=True) as servers:
        assert not any(is_alive(pid) for pid in pids)
        assert query(servers.urls().app, "SELECT 1") == 1


def test_a_second_start_on_the_same_folder_is_refused_and_disturbs_nothing(
    data: Path, elsewhere: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    parent = elsewhere(data)
    pids = json.loads(said_by(parent))
    second = EmbeddedServers(data, scratch=True)
    with pytest.raises(AlreadyRunning, match=rf"already running .*process {parent.pid}"):
        second.start()
    assert all(is_alive(pid) for pid in pids)
    assert query(second.attach().app, "SELECT 1") == 1
    second.stop()
    assert all(is_alive(pid) for pid in pids)


def test_two_folders_run_at_the_same_time(data: Path, servers: URLs) -> None:
    which = "SELECT system_identifier FROM pg_control_system()"
    with EmbeddedServers(data, scratch=True) as others:
        assert query(others.urls().app, which) != query(servers.app, which)


@pytest.mark.parametrize("kept_by", ["data", "socket"])
def test_a_lock_file_that_names_a_stranger_neither_stops_the_start_nor_the_stranger(
    data: Path, kept_by: str
) -> None:
    servers = EmbeddedServers(data, with_redis=False, scratch=True)
    servers.start()
    place = servers.home
    uid = place.uid
    stale = {
        "data": place.top / "postgres" / "postmaster.pid",
        "socket": place.sockets / SOCKET_LOCK,
    }[kept_by]
    lines = stale.read_text().splitlines()
    servers.stop()
    # The stranger runs as the servers' own user: for anybody else Postgres itself would see that
    # the number means nothing.
    stranger = subprocess.Popen(["/bin/sleep", "300"], user=uid if os.geteuid() == 0 else None)
    try:
        stale.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        os.chown(stale, uid, -1)
        servers.start()
        assert query(servers.urls().app, "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        servers.stop()
        stranger.kill()
        stranger.wait()


def test_only_a_process_of_the_right_name_mark_and_user_is_taken_for_a_leftover(
    tmp_path: Path,
) -> None:
    program = tmp_path / "redis-server"
    shutil.copy2("/bin/sleep", program)
    mine = subprocess.Popen([str(program), "300"])
    other_mark = subprocess.Popen([program.name, "301"], executable=str(program))
    other_name = subprocess.Popen([str(tmp_path), "302"], executable="/bin/sleep")
    everybody = (mine, other_mark, other_name)
    try:
        kind = processes.Kind("redis-server", str(tmp_path), os.geteuid())
        assert processes.wait_until(lambda: kind.find() == [mine.pid], 5)
        assert processes.Kind("redis-server", str(tmp_path), os.geteuid() + 1).find() == []
        assert processes.stop_leftovers(kind, mine.pid, ((signal.SIGTERM, 5.0),)) == [mine.pid]
        assert [process.poll() for process in everybody] == [-signal.SIGTERM, None, None]
    finally:
        for process in everybody:
            process.kill()
            process.wait()


def test_data_of_another_version_is_refused_with_what_to_do(data: Path) -> None:
    servers = EmbeddedServers(data, with_redis=False, scratch=True)
    servers.start()
    version = servers.home.top / "postgres" / "PG_VERSION"
    servers.stop()
    version.write_text("17\n")
    with pytest.raises(EmbeddedServerError, match="made by Postgres 17, and this is 18"):
        servers.start()
    assert running(servers) == []


def test_a_start_that_fails_shows_the_servers_own_words(data: Path) -> None:
    servers = EmbeddedServers(data, with_redis=False, scratch=True)
    servers.start()
    control = servers.home.top / "postgres" / "global" / "pg_control"
    servers.stop()
    control.unlink()
    with pytest.raises(EmbeddedServerError, match="pg_control"):
        servers.start()


def test_half_made_data_is_made_again(folder: Path) -> None:
    place = homes.prepare_home(folder / "data")
    (place.own_folder("postgres.new") / "PG_VERSION").write_text("18\n")
    with EmbeddedServers(folder / "data", with_redis=False, scratch=True) as servers:
        assert query(servers.urls().app, "SELECT 1") == 1


def test_a_log_is_cut_at_its_limit_and_its_end_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES_MAX", 10)
    log = tmp_path / "some.log"
    log.write_text("0123456789")
    processes.bound_log(log)
    assert log.read_text() == "0123456789"
    with log.open("a") as stream:
        stream.write("abc")
        stream.flush()
        processes.bound_log(log)
        assert (log.read_text(), (tmp_path / "some.log.1").read_text()) == ("", "3456789abc")
        stream.write("def")
    assert log.read_text() == "def"


def test_the_leash_survives_a_parent_that_is_already_gone(tmp_path: Path) -> None:
    """The parent may die between fork and the leash's own call; that counts as dead, too."""
    code = (
        "import os, subprocess, sys; from app.leash import leashed; import signal;"
        "line = leashed(['/bin/sleep', '300'], stop_signal=signal.SIGKILL);"
        "line[5] = '1999999999'; "  # a parent that this child does not have
        "sys.exit(subprocess.run(line).returncode != -9)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=30)
    assert done.returncode == 0
