"""What the commands share: exit codes, the machine, the answers, and how results are printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from wizard.answers import Answers, from_table, loads
from wizard.fields import AnswersError
from wizard.machine.model import Machine
from wizard.machine.survey import survey, wrong_user
from wizard.verdict import Verdict, worst

OK: Final = 0
CHECK_FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
WRITE_FAILED: Final = 4
INTERRUPTED: Final = 130

PROGRAM: Final = "claude-litellm-wizard"


class Stop(Exception):  # noqa: N818 - it ends a command, and is not always an error
    """Ends the command with an exit code and a sentence on stderr."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def is_somebody_there() -> bool:
    """Say whether a question reaches a person, and an answer comes back."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def is_yes(question: str) -> bool:
    """Ask on the terminal; only a yes in so many letters is one."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def print_json(value: object) -> None:
    """Print one JSON object on stdout."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def exit_code(verdicts: tuple[Verdict, ...]) -> int:
    """Return the exit code that a set of verdicts stands for."""
    return CHECK_FAILED if worst(verdicts) == "fail" else OK


def this_machine() -> Machine:
    """Return the machine this process runs on."""
    return survey(os.environ)


def machine_to_write_on(look: Callable[[Mapping[str, str]], Machine] = survey) -> Machine:
    """Return this machine, ready to be written on: the right user, and no write that was killed half-way.

    `look` is how closely it is looked at: `survey`, or `glance` where the rest can come later. Raises Stop for the
    wrong user (root through sudo, another user's home) and for a write that can't be settled.
    """
    machine = look(os.environ)
    if reason := wrong_user(machine):
        raise Stop(REFUSED, reason)
    if not machine.journal_file.exists():
        return machine
    from wizard.apply.transaction import Refused, WriteFailed, recover

    try:
        settled = recover(machine)
    except Refused as error:
        raise Stop(REFUSED, str(error)) from None
    except WriteFailed as error:
        raise Stop(WRITE_FAILED, str(error)) from None
    names = ", ".join(machine.short(each) for each in settled)
    print(f"An earlier write was interrupted. It has been settled: {names}.", file=sys.stderr)
    return look(os.environ)


def read_table(path: Path) -> dict[str, Any]:
    """Read a TOML file of answers as a table. Raises Stop."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Stop(USAGE, f"{path}: {error.strerror}. Give a file with answers.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Stop(USAGE, f"{path} is not TOML: {error}. Mend that line.") from None


def answers_from(table: Mapping[str, Any]) -> Answers:
    """Build answers from a table. Raises Stop with one line per bad field."""
    try:
        return from_table(table)
    except AnswersError as error:
        raise Stop(USAGE, "\n".join(map(str, error.problems))) from None


def saved_answers(machine: Machine) -> tuple[Answers | None, str]:
    """Return the saved answers, or none and what is wrong with them."""
    path = machine.answers_file
    try:
        return loads(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{machine.short(path)} can't be read: {error.strerror}."
    except UnicodeDecodeError:
        return None, f"{machine.short(path)} is not UTF-8 text."
    except AnswersError as error:
        return None, f"{machine.short(path)} can't be used: {error.problems[0]}"


def needed_answers(machine: Machine) -> Answers:
    """Return the saved answers. Raises Stop when there are none."""
    saved, trouble = saved_answers(machine)
    if saved is not None:
        return saved
    nothing = f"Nothing is set up yet: {machine.short(machine.answers_file)} is not there."
    raise Stop(USAGE, f"{trouble or nothing} Run {PROGRAM} first.")
