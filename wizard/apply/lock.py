"""One wizard writes at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from wizard.apply.errors import Refused
from wizard.apply.exchange import NOT_OFFERED, rename_new
from wizard.machine.private import is_running

WAIT_SECONDS: Final = 10.0
"""How long a second wizard waits for the first."""

_SOMEBODY_HAS_IT: Final = (errno.EAGAIN, errno.EACCES, errno.EINTR)
_TRY_SECONDS: Final = 2.0
_PAUSE: Final = 0.05

Flock = Callable[[int, int], None]


class LockHeld(Refused):
    """Another wizard is writing; `pid` is its process, None when the lock does not say."""

    def __init__(self, pid: int | None) -> None:
        who = f" (process {pid})" if pid else ""
        super().__init__(f"Another claude-litellm-wizard is writing{who}. Wait until it is done, or end it.")
        self.pid = pid


@contextlib.contextmanager
def held(path: Path, *, wait: float = WAIT_SECONDS, flock: Flock = fcntl.flock) -> Iterator[None]:
    """Hold the lock of this file, in an existing folder of ours; `wait` is in seconds.

    The system releases it when the holder dies. Where the file system has no locks, or a try does not return (NFS), a
    second file that only one process can create takes its place. Raises LockHeld, OSError.
    """
    deadline = time.monotonic() + wait
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    locks = True
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask took away
        while True:
            outcome = _try(descriptor, flock, min(_TRY_SECONDS, max(deadline - time.monotonic(), _PAUSE)))
            if outcome != "held":
                break
            if time.monotonic() >= deadline:
                raise LockHeld(_read_pid(path))
            time.sleep(_PAUSE)
        locks = outcome == "ours"
        if locks:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
            return
    finally:
        # A try that hangs still uses the descriptor: it is closed when this process ends.
        if locks:
            os.close(descriptor)
    with _created(path.with_name(path.name + ".pid"), deadline):
        yield


def _try(descriptor: int, flock: Flock, limit: float) -> str:
    """Try once; return `ours`, `held` or `none` (no locks here, or the try hangs)."""
    outcome: list[str] = []

    def attempt() -> None:
        try:
            flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            outcome.append("ours")
        except OSError as error:
            outcome.append("held" if error.errno in _SOMEBODY_HAS_IT else "none")

    thread = threading.Thread(target=attempt, daemon=True, name="lock")
    thread.start()
    thread.join(limit)
    return outcome[0] if outcome else "none"


@contextlib.contextmanager
def _created(path: Path, deadline: float) -> Iterator[None]:
    while not _create(path):
        pid = _read_pid(path)
        if pid is not None and not is_running(pid):
            _clear(path, pid)
            continue
        if time.monotonic() >= deadline:
            raise LockHeld(pid) from None
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    """Make the file with our number in it, in one step: a holder that dies never leaves one without. Raises OSError."""
    own = path.with_name(f"{path.name}.{os.getpid()}")
    own.unlink(missing_ok=True)
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{os.getpid()}\n".encode())
        os.close(descriptor)
        rename_new(own, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise
        return _linked(own, path)
    finally:
        own.unlink(missing_ok=True)
    return True


def _linked(own: Path, path: Path) -> bool:
    try:
        os.link(own, path)
    except FileExistsError:
        return False
    return True


def _clear(path: Path, dead: int) -> None:
    """Take a dead holder's file away, and give it back if somebody else's has come in its place meanwhile."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.dead")
    with contextlib.suppress(FileNotFoundError):
        os.replace(path, aside)  # noqa: PTH105
    if _read_pid(aside) != dead:
        with contextlib.suppress(OSError):
            os.link(aside, path)
    aside.unlink(missing_ok=True)


def _read_pid(path: Path) -> int | None:
    try:
        text = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdigit() else None
