"""A program on a terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path


def type_at(
    argv: Sequence[str], said: Iterable[tuple[str, str]], *, env: Mapping[str, str], cwd: Path
) -> tuple[int, str]:
    """Type each answer, as it stands, once its question has come since the last one.

    Returns the exit code and all that the terminal showed.
    """
    main, side = pty.openpty()
    process = subprocess.Popen(
        argv, env=dict(env), cwd=cwd, stdin=side, stdout=side, stderr=side, start_new_session=True
    )
    os.close(side)
    heard, past, rest = "", 0, list(said)
    try:
        while part := _shown(main):
            heard += part
            if rest and (at := heard.find(rest[0][0], past)) >= 0:
                past = at + len(rest[0][0])
                os.write(main, rest.pop(0)[1].encode())
    finally:
        os.close(main)
    return process.wait(60), heard


def _shown(terminal: int) -> str:
    assert select.select([terminal], [], [], 60)[0], "it says nothing"
    try:
        return os.read(terminal, 65536).decode("utf-8", "replace")
    except OSError:  # Linux says so at the end of a terminal
        return ""
