"""Reading of small files that may be anything: never waits, never raises."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

LARGEST: Final = 1024 * 1024
"""Bytes; what is larger is no start-up or settings file."""


def read_small(path: Path) -> bytes | None:
    """Return a regular file's content, None for anything that can't be read as one (no waiting on a FIFO)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            return None
        return _read_whole(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _read_whole(descriptor: int) -> bytes:
    content = bytearray()
    while len(content) <= LARGEST and (chunk := os.read(descriptor, LARGEST)):
        content += chunk
    return bytes(content)


def read_text(path: Path) -> str:
    """Return a small file as text, "" when there is none; odd bytes become escapes."""
    return (read_small(path) or b"").decode("utf-8", "backslashreplace")


def is_program(path: Path) -> bool:
    """Say whether a path is a file that this user may execute."""
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except (OSError, ValueError):
        return False
