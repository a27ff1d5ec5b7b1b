"""Keeps this process's memory, and the keys in it, out of core files and away from other programs of the same user."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2), linux/prctl.h."""


def leave_no_core_dump() -> None:
    """Write no core file when the process crashes."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def keep_private() -> None:
    """Write no core file, not even to a program that takes them all, and let no debugger of this user attach.

    Programs that are started from here are not affected. Only Linux knows the second half; a system without it is none
    the worse.
    """
    leave_no_core_dump()
    if sys.platform != "linux":
        return
    import ctypes  # costs a fiftieth of a first frame, so the screens call this once that stands

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
