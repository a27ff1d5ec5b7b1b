"""What several key backends share: a look at files with secrets, and pieces of sh."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wizard.fields import Value
from wizard.keys.backend import Options
from wizard.keys.catalogue import found
from wizard.machine.model import Machine
from wizard.pattern import pattern
from wizard.verdict import Verdict

FILE_CAP: Final = 1024 * 1024
"""Bytes read of a file with a secret; more is not what it is taken for."""

SH_PROGRAM: Final = """\
# Prints where a program is: the place known from set-up, else what PATH has now.
program() {
  if [ -f "$1" ] && [ -x "$1" ]; then printf '%s\\n' "$1"; else command -v "$2"; fi
}
"""

SH_FIND_PROGRAM: Final = """\
# Sets found: where a program is, the place known from set-up, else what PATH has now.
find_program() {
  if [ -f "$2" ] && [ -x "$2" ]; then found=$2; else found=$(command -v "$1"); fi
}
"""
"""As `SH_PROGRAM`, without the start of a subshell, which takes a millisecond."""


def sh_limited(name: str = "limited", seconds: int = 8) -> str:
    """Return sh that defines a function which runs a program and ends it after so many seconds, one more if it must."""
    return f"""\
# Runs a program for at most {seconds} seconds, then ends it; timeout ends what it started, too.
{name}() {{
  if [ -x "$timeout_path" ]; then
    "$timeout_path" -k 1 {seconds} "$@"
    return
  fi
  exec 4<&0 # a job in the background would get an empty stdin
  "$@" <&4 4<&- &
  child=$!
  exec 4<&-
  {{
    nap=
    trap 'kill "$nap"; exit' TERM # the sleep would outlive the helper
    sleep {seconds} & nap=$!
    wait "$nap"
    kill "$child"
    sleep 1
    kill -KILL "$child"
  }} >/dev/null 2>&1 3>&- &
  watch=$!
  wait "$child"
  ended=$?
  kill "$watch" 2>/dev/null
  return "$ended"
}}
"""


SH_LIMITED: Final = sh_limited()

SH_SHOWN: Final = "# shellcheck disable=SC2088 # it is only shown\nshown="

_KEY: Final = pattern(r"[!-~]+")


def script(assignments: Iterable[str], *pieces: str) -> str:
    """Return a helper's body: the assignments, then the pieces of sh, one empty line between each."""
    return "\n\n".join(("\n".join(assignments), *(piece.strip("\n") for piece in pieces)))


def text(options: Options, name: str) -> str:
    """Return an answer that is text; empty when it was not given."""
    value = options.get(name, "")
    return value if isinstance(value, str) else ""


def is_key(value: str) -> bool:
    """Say whether a value can be sent as a key: printable ASCII without blanks, as the key helper demands."""
    return _KEY.fullmatch(value) is not None


def variable_name(value: Value) -> str:
    """Check the name of an environment variable; return a sentence with the fix for a bad one."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(value)):
        return ""
    return "It is not a variable's name. Use letters, digits and _, not starting with a digit."


def read_secret_file(path: Path) -> bytes:
    """Read a file with a secret. Raises OSError, also for anything but a regular file and for more than 1 MiB."""
    if not path.is_file():
        raise FileNotFoundError(path) if not path.exists() else OSError("it is not a regular file")
    with path.open("rb") as file:
        content = file.read(FILE_CAP + 1)
    if len(content) > FILE_CAP:
        raise OSError("it is larger than 1 MiB")
    return content


def look_at_file(check: str, path: Path, machine: Machine) -> tuple[Verdict, bytes | None]:
    """Judge a file with a secret (there, readable, its mode) and return its content; None when there is none."""
    shown = machine.short(path)
    try:
        content = read_secret_file(path)
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return found(check, "file-missing", file=shown), None
    except OSError as error:
        reason = error.strerror.lower() if error.strerror else str(error)
        return found(check, "file-unreadable", file=shown, reason=reason), None
    if mode & 0o077:
        return found(check, "file-wide", file=shown, mode=f"{mode:04o}"), content
    return found(check, "file-good", file=shown), content
