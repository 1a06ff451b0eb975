"""The folder in which the embedded servers live, and the user that they run as.

    <home>/            ours, 0700 (as root: 0710, its group is the service user's)
      secrets.json     0600: the passwords; made once per data directory
      postgres/        the server's own, 0700: its data
      redis/           the server's own, 0700
      run/             the server's own, 0700: the sockets
      log/             what the servers say, bounded
      programs/        as root, where the service user cannot read the environment: copies

An ordinary user's home is `<data directory>/servers`. Postgres refuses to run as root, so root's
servers run as a service user, and their home must be one that this user can reach: the same folder
if every folder above it lets others pass, else `/var/lib/backroom-<hash of the data directory>`,
with a symbolic link to it in the data directory. The mode of an existing folder is never changed.
"""

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.domain.sealing import make_outer_key
from app.embedded.binaries import AlreadyRunning, EmbeddedServerError

SERVICE_USER = "backroom"

# sun_path of a Unix socket's address is 108 bytes with the closing NUL (unix(7)).
SOCKET_PATH_BYTES_MAX = 107
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"

SECRET_NAMES = ("owner", "app", "jobs", "auth", "redis", "service", "person_keys")


@dataclass(frozen=True)
class Account:
    """The user that root's servers run as."""

    name: str
    uid: int
    gid: int

    @property
    def user(self) -> tuple[int, int]:
        return self.uid, self.gid


@dataclass(frozen=True)
class Home:
    """A prepared home; `account` is None when the servers run as the user who starts them."""

    top: Path
    sockets: Path
    account: Account | None

    @property
    def uid(self) -> int:
        """The user that the servers run as."""
        return os.geteuid() if self.account is None else self.account.uid

    @property
    def mark(self) -> str:
        """A name that no other home on this machine has."""
        return f"{SERVICE_USER}-{_digest(self.top)}"

    def own_folder(self, name: str) -> Path:
        """A folder under `top` that belongs to the servers, made if it is missing, 0700."""
        return _make_private(self.top / name, self.account)

    def secrets(self) -> dict[str, str]:
        """The passwords and keys of this home, made when they are first asked for.

        48 hexadecimal digits or more each; `person_keys` in the form of PERSON_KEYS.
        """
        return _read_or_make_secrets(self.top / "secrets.json")

    def add_person_key(self, key: str) -> None:
        """The key stands before the others in `person_keys`."""
        known = self.secrets()
        keys = {"person_keys": f"{key},{known['person_keys']}"}
        _write_secrets(self.top / "secrets.json", known | keys)

    def secrets_are_older_than_lock(self) -> bool:
        """Whether whoever holds the lock took it after the secrets were written last."""
        secrets_at = (self.top / "secrets.json").stat().st_mtime_ns
        return secrets_at <= (self.top / "lock").stat().st_mtime_ns

    def lock(self) -> int:
        """Take this home for this process; the descriptor holds it until it is closed.

        The kernel gives it back when the process ends, however it ends. Raises AlreadyRunning:
        another process has it.
        """
        file = self.top / "lock"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise AlreadyRunning(
                f"The service is already running on {self.top.parent} (process {holder}). Stop it "
                "first, or set BACKROOM_DATA (and PORT) to run a second one beside it."
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor

    def may_read(self, path: Path) -> bool:
        """True if the servers' user can reach and read `path`."""
        return self.account is None or (
            _may_pass(path.parent, self.account) and _allows(path.stat(), self.account, 0o4)
        )


def prepare_home(data_dir: Path) -> Home:
    """Make (or find) the servers' home of a data directory; safe to call again.

    Raises EmbeddedServerError: no service user can be had, or a folder belongs to someone else.
    """
    account = _service_account() if os.geteuid() == 0 else None
    if not data_dir.exists():
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        data_dir.mkdir(mode=0o700)
        if account is not None:
            os.chown(data_dir, 0, account.gid)
            data_dir.chmod(0o710)
    top = data_dir / "servers"
    if account is not None and not _may_pass(data_dir, account):
        top = _home_elsewhere(data_dir, top)
    if not top.exists():
        top.mkdir(mode=0o700)
        if account is not None:
            os.chown(top, 0, account.gid)
            top.chmod(0o710)
    if top.stat().st_uid != os.geteuid():
        raise EmbeddedServerError(
            f"{top} belongs to {_name_of(top.stat().st_uid)}, who started the service here before. "
            "Start it as that user, or choose another folder with BACKROOM_DATA."
        )
    log = top / "log"
    log.mkdir(mode=0o700, exist_ok=True)
    sockets = top / "run"
    if len(os.fsencode(sockets / LONGEST_SOCKET_NAME)) > SOCKET_PATH_BYTES_MAX:
        sockets = _short_socket_folder(top, account)
    else:
        _make_private(sockets, account)
    return Home(top=top, sockets=sockets, account=account)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]


def _home_elsewhere(data_dir: Path, link: Path) -> Path:
    elsewhere = Path("/var/lib") / f"{SERVICE_USER}-{_digest(data_dir)}"
    # Made from the path and never read from the link: a copied checkout gets a home of its own.
    if link.is_symlink() and link.readlink() != elsewhere:
        link.unlink()
    if not link.is_symlink():
        link.symlink_to(elsewhere)
    return elsewhere


def _short_socket_folder(top: Path, account: Account | None) -> Path:
    name = f"{SERVICE_USER}-{os.geteuid()}-{_digest(top)}"
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - checked by _make_private
        folder = Path(parent) / name
        if len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX and (
            account is None or _may_pass(Path(parent), account)
        ):
            return _make_private(folder, account)
    raise EmbeddedServerError(
        f"The path {top} is too long for a socket ({SOCKET_PATH_BYTES_MAX} bytes) and no short "
        "temporary folder was found. Choose a shorter folder with BACKROOM_DATA."
    )


def _make_private(folder: Path, account: Account | None) -> Path:
    """Make `folder` 0700 for the servers' user; one that is already there must be just that.

    Somebody else may have made it first (the temporary folder is everybody's), hence the check.
    """
    wanted = os.geteuid() if account is None else account.uid
    try:
        folder.mkdir(mode=0o700)
        if account is not None:
            os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != wanted or found.st_mode & 0o077:
        raise EmbeddedServerError(
            f"{folder} must be a folder of {_name_of(wanted)} with mode 0700. Move it away, or "
            "choose another data directory with BACKROOM_DATA."
        )
    return folder


def _service_account() -> Account:
    """The user `backroom`, made if it can be, else `nobody`.

    Not a number without a name: initdb and Postgres look their user up.
    """
    for name in (SERVICE_USER, None, "nobody"):
        if name is None:
            _try_to_add_user()
            name = SERVICE_USER  # noqa: PLW2901 - looked up again after it was added
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedServerError(
        "Postgres does not run as root, and no service user could be made. Add one "
        f"(useradd --system {SERVICE_USER}), or start the service as an ordinary user."
    )


def _try_to_add_user() -> None:
    for command in (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
         "--shell", "/usr/sbin/nologin", SERVICE_USER],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", SERVICE_USER],  # busybox
    ):  # fmt: skip
        program = shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin")
        if program is None:
            continue
        done = subprocess.run([program, *command[1:]], capture_output=True, check=False)
        if done.returncode == 0:
            return


def _may_pass(folder: Path, account: Account) -> bool:
    """True if `account` can search `folder` and every folder above it (access lists aside)."""
    resolved = folder.resolve()
    return all(_allows(each.stat(), account, 0o1) for each in (resolved, *resolved.parents))


def _allows(found: os.stat_result, account: Account, bit: int) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & (bit << 6))
    if found.st_gid == account.gid:
        return bool(found.st_mode & (bit << 3))
    return bool(found.st_mode & bit)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _read_or_make_secrets(file: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in SECRET_NAMES if name not in known]
    if missing:
        _write_secrets(file, known | {name: _make_secret(name) for name in missing})
        known = json.loads(file.read_text())
    return known


def _make_secret(name: str) -> str:
    return make_outer_key() if name == "person_keys" else secrets.token_hex(32)


def _write_secrets(file: Path, known: dict[str, str]) -> None:
    # Written beside and renamed: a crash leaves either no secrets or all of them.
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(known, stream)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
