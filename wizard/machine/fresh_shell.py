"""Asks a fresh interactive login shell what it hands to the programs it starts: the only judge of start-up files."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from wizard.machine.leftovers import find_leftovers
from wizard.machine.model import Machine, Shell
from wizard.machine.process import run
from wizard.pattern import pattern
from wizard.record import dataclass, field

LIMIT: Final = 5.0
"""Seconds a shell may take to come up and answer."""

_SESSION: Final = pattern(r"HOME|PATH|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|ZDOTDIR|XDG_\w+|SSH_AUTH_SOCK|WSL\w*")
"""What a login session has before any start-up file is read."""

_FILE_MARKS: Final = {"bash": r"/\.?(bash|profile)", "zsh": r"/\.?(z(shenv|profile|shrc|login))", "fish": r"/fish/"}
"""What the names of each shell's start-up files have in common."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a fresh shell's child process saw.

    `exported` holds the variables asked for that are set; None when the shell never came to the question. `code` is
    None when it was killed at the limit. `complaint` is what it wrote on stderr, as it is.
    """

    exported: Mapping[str, str] | None = field(repr=False)
    code: int | None
    complaint: str = field(repr=False)
    seconds: float


async def ask_fresh_shell(program: Path, names: Collection[str], machine: Machine, *, login: bool = True) -> Seen:
    """Start bash, zsh or fish interactively, though without a terminal, and have a child of it tell these variables.

    With `login` it starts as at a login (ssh, a terminal window of macOS), else as in a terminal window of Linux. The
    shell gets the variables of a login session and none of the terminal the wizard runs in, a session of its own, an
    empty stdin and five seconds. Raises OSError when it can't be started.
    """
    mark = f"--{secrets.token_hex(8)}--"
    told = "".join(f' "{mark}{name}${{{name}+=}}${{{name}-}}"' for name in names)
    # One text for three shells: they agree on '…' around what holds no quote, backslash or exclamation mark.
    question = f"/bin/sh -c 'printf %s{told} \"{mark}\"'"
    mode = ("-l", "-i") if login else ("-i",)
    done = await run([program, *mode, "-c", question], env=session(program, machine), cwd=machine.home, limit=LIMIT)
    exported = _read(done.out.decode("utf-8", "replace"), mark)
    return Seen(exported, done.code, done.err.decode("utf-8", "replace"), done.seconds)


def session(program: Path, machine: Machine) -> dict[str, str]:
    """Return the environment of a login session, before any start-up file is read."""
    env = {name: value for name, value in machine.env.items() if _SESSION.fullmatch(name)}
    return env | {"HOME": str(machine.home), "SHELL": str(program), "TERM": "dumb"}


def _read(output: str, mark: str) -> dict[str, str] | None:
    _, *entries = output.split(mark)
    if len(entries) < 2:
        return None
    pairs = (entry.partition("=") for entry in entries[:-1])
    return {name: value for name, equals, value in pairs if equals}


def assignments(shell: Shell, name: str, machine: Machine) -> tuple[str, ...]:
    """Return where the shell's start-up files, and what they source, set a variable, as `~/.bashrc:12`."""
    others = re.compile("|".join(mark for other, mark in _FILE_MARKS.items() if other != shell.name))
    found = (each.where for each in find_leftovers(machine.env, machine.home) if each.name == name)
    return tuple(where for where in found if where != "environment" and not others.search(where))
