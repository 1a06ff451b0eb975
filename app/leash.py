"""Run a program that ends when the process that started it ends, however that one ended.

Linux sends the chosen signal to the program as soon as its parent is gone (`prctl(2)`,
PR_SET_PDEATHSIG), so that even a `kill -9` of the parent leaves nothing running. The signal is set
after the change of user, which would clear it, and it survives the exec. It follows the parent's
*thread*: start leashed programs from the main thread only.

Used as a script, by its path, so that nothing else is imported:
`python -I -S leash.py SIGNAL PARENT_PID UID:GID|- PROGRAM [ARGUMENT ...]`. A session of its own
keeps the terminal's Ctrl-C away from the program: its parent stops it, in the right order.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def tie_to_parent(number: int, parent_pid: int) -> None:
    """Ask for signal `number` when the parent dies; the parent being gone already counts."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), number)


def leashed(
    arguments: list[str], *, stop_signal: signal.Signals, user: tuple[int, int] | None = None
) -> list[str]:
    """The command line that runs `arguments` leashed to this process, as `user` (uid, gid)."""
    account = "-" if user is None else f"{user[0]}:{user[1]}"
    script = str(Path(__file__).resolve())
    leash = [sys.executable, "-I", "-S", script, str(int(stop_signal)), str(os.getpid()), account]
    return leash + arguments


def _main() -> None:
    number, parent_pid, account, *arguments = sys.argv[1:]
    os.setsid()
    os.umask(0o077)
    if account != "-":
        uid, gid = (int(part) for part in account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    tie_to_parent(int(number), int(parent_pid))
    os.execv(arguments[0], arguments)


if __name__ == "__main__":
    _main()
