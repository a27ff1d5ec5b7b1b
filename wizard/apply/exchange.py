"""What the system offers against losing another program's write, and Python does not: exchange, and leases on files.

renameat2(2) with RENAME_EXCHANGE and RENAME_NOREPLACE on Linux, renamex_np(2) with RENAME_SWAP and RENAME_EXCL on
macOS, file leases (fcntl(2), F_SETLEASE) on Linux.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

NOT_OFFERED: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What a system or a file system answers that knows no exchange."""

_HERE: Final = -100
"""AT_FDCWD: the paths are absolute or relative to the working folder."""

_LINUX: Final = {"exchange": 2, "no-replace": 1}
_MACOS: Final = {"exchange": 2, "no-replace": 4}


def exchange(one: Path, other: Path) -> None:
    """Let two files change their names in one step. Raises OSError, one of NOT_OFFERED where there is no such call."""
    _rename("exchange", one, other)


def rename_new(old: Path, new: Path) -> None:
    """Rename a file to a name that nothing has. Raises FileExistsError, OSError, one of NOT_OFFERED as above."""
    _rename("no-replace", old, new)


def _rename(how: str, old: Path, new: Path) -> None:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(old), os.fsencode(new))
    call: Callable[[], int]
    if sys.platform == "linux" and hasattr(libc, "renameat2"):
        call = lambda: int(libc.renameat2(_HERE, names[0], _HERE, names[1], _LINUX[how]))  # noqa: E731
    elif sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        call = lambda: int(libc.renamex_np(names[0], names[1], _MACOS[how]))  # noqa: E731
    else:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(old))
    if call() != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(old))


class OpenForWriting(Exception):  # noqa: N818 - reads as the finding it is
    """Another program has the file open for writing."""


class Watch:
    """Keeps other programs from opening a file for writing, and knows when one waits to."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def broken(self) -> bool:
        """Whether a program waits to write; it may as soon as the watch ends."""
        if self._descriptor is None or sys.platform != "linux":
            return False
        return bool(fcntl.fcntl(self._descriptor, fcntl.F_GETLEASE) != fcntl.F_RDLCK)


@contextlib.contextmanager
def watched(path: Path) -> Iterator[Watch]:
    """Watch a file; where the system has no leases, or none on this file, the watch sees nothing.

    A program that opens the file for writing waits until the watch ends, which is a matter of milliseconds. Raises
    OpenForWriting, OSError.
    """
    if sys.platform != "linux":
        yield Watch(None)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    leased = False
    try:
        leased = _leased(descriptor)
        yield Watch(descriptor if leased else None)
    finally:
        if leased:  # not left to the close: a child started meanwhile has the descriptor too
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(descriptor)


def _leased(descriptor: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)  # its default is to be ignored; that of SIGIO is death
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            raise OpenForWriting from None
        return False
    return True
