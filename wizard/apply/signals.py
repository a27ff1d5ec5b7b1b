"""Keeps a signal from ending or stopping the process in the middle of a write."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


@contextlib.contextmanager
def held_back() -> Iterator[list[signal.Signals]]:
    """Hold SIGINT, SIGTERM, SIGHUP and SIGTSTP back until the block ends; whoever handled them before then gets them.

    Only the main thread can do this: when the work runs in another, enter it around waiting for that one. In any other
    thread it does nothing. Yields the list of the signals that came.
    """
    came: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def note(number: int, _: FrameType | None) -> None:
        came.append(signal.Signals(number))

    before = {each: signal.signal(each, note) for each in _SIGNALS}
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)
        for each in dict.fromkeys(came):
            os.kill(os.getpid(), each)
