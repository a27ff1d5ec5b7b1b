"""Asks a shell whether it can read a start-up file to its end, without running anything in it."""

from __future__ import annotations

import subprocess
from typing import Final

from wizard.machine.model import Shell
from wizard.pattern import pattern
from wizard.record import dataclass
from wizard.secret import redact

LIMIT_SECONDS: Final = 5.0

_NO_START: Final = {
    "bash": ("--norc", "--noprofile", "-O", "extglob", "-n"),
    "zsh": ("-f", "-n"),
    "fish": ("--no-config", "--no-execute"),
}
_LINE: Final = pattern(r":\s*(?:line )?(\d+): (.*)")
_HEREDOC: Final = pattern(r"here-document at line (\d+) delimited by end-of-file")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a shell says against a text, in its own words, and the line (0: it names none)."""

    line: int
    text: str


def complaint(shell: Shell, text: bytes) -> Complaint | None:
    """Return why a shell stops reading before the end of a text; None when it doesn't, or can't be asked.

    `-n` reads and runs nothing (bash 5.2, zsh 5.9, fish 3.6). A here-document that never ends is told by bash alone.
    """
    if shell.program is None:
        return None
    try:
        done = subprocess.run(
            [shell.program, *_NO_START[shell.name]],
            input=text,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            timeout=LIMIT_SECONDS,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stderr.decode("utf-8", "replace")
    if found := _HEREDOC.search(said):
        return Complaint(int(found[1]), "the here-document that begins here never ends")
    if done.returncode == 0:
        return None
    found = _LINE.search(said)
    return Complaint(int(found[1]), redact(found[2], limit=80)) if found else Complaint(0, "it can't be read")
