"""No command: the screens, or the same as plain lines without a capable terminal, before Textual is imported."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TextIO

from wizard.answers import Answers, Write, to_table
from wizard.commands.shared import PROGRAM, USAGE, Stop, machine_to_write_on, saved_answers
from wizard.flow import Draft
from wizard.machine.model import Machine
from wizard.machine.survey import glance

if TYPE_CHECKING:
    import argparse

    from wizard.plain.console import Console
    from wizard.resume import Unfinished
    from wizard.team import Team

_ELSE: Final = f"Use {PROGRAM} apply, which asks nothing with --yes; {PROGRAM} apply --help says how."


def run(arguments: argparse.Namespace) -> int:
    """Show the screens, prefilled from the answers and the machine; plain lines where they can't be shown."""
    if arguments.plain or why_no_screens(os.environ, sys.stdin, sys.stdout):
        return _plain_lines(arguments.team)
    machine = machine_to_write_on(glance)
    from wizard.tui.app import run_screens

    saved, trouble = saved_answers(machine)
    team = _team(arguments.team, machine, saved)
    unfinished = None if team else _unfinished(machine, saved)
    draft = first_draft(machine, saved)
    if team is not None and not team.open_asks(to_table(saved) if saved else {}):
        from wizard.team import begin

        draft, team = begin(draft, team, ()), None
    return run_screens(draft, trouble=trouble, team=team, unfinished=unfinished, keep_on=machine)


def _plain_lines(team_file: str | None) -> int:
    """Ask the same as lines; refuse where nobody can answer."""
    console = console_here(_ELSE)
    from wizard.plain.run import run_plain
    from wizard.services import REAL

    machine = machine_to_write_on(glance)
    saved, trouble = saved_answers(machine)
    team = _team(team_file, machine, saved)
    unfinished = None if team else _unfinished(machine, saved)
    draft = first_draft(machine, saved)
    return run_plain(draft, REAL, console, trouble=trouble, team=team, unfinished=unfinished, keep=True)


def _team(where: str | None, machine: Machine, saved: Answers | None) -> Team | None:
    if where is None:
        return None
    from wizard.commands.team import team_at

    return team_at(where, machine, saved)


def _unfinished(machine: Machine, saved: Answers | None) -> Unfinished | None:
    """Return the run that was left early, if there is one; the usual start pays one look at the disk for it."""
    if not machine.unfinished_file.exists():
        return None
    from wizard.resume import find

    return find(machine, saved)


def console_here(instead: str) -> Console:
    """Return where lines go and come from. Raises Stop, naming what to do instead, where nobody can answer."""
    if not can_be_asked(sys.stdin, sys.stdout):
        reason = why_no_screens(os.environ, sys.stdin, sys.stdout)
        raise Stop(USAGE, f"{reason} Nobody answers here either. {instead}".strip())
    from wizard.machine.memory import keep_private
    from wizard.plain.console import Console

    keep_private()
    return Console(sys.stdin, sys.stdout, echo=not sys.stdin.isatty())


def can_be_asked(stdin: TextIO | None, stdout: TextIO | None) -> bool:
    """Say whether answers can come: from a terminal, or from a pipe or file that is not at its end already."""
    if stdin is None or stdout is None or stdin.closed or stdout.closed:
        return False
    if stdin.isatty():
        return True
    import select

    ready, _, _ = select.select([stdin], [], [], 0)  # a pipe that somebody may still type into is not waited for
    buffer = getattr(stdin, "buffer", None)
    return not ready or not isinstance(buffer, io.BufferedReader) or bool(buffer.peek(1))


def why_no_screens(env: Mapping[str, str], stdin: TextIO | None, stdout: TextIO | None) -> str:
    """Return why the screens can't be shown here, empty when they can."""
    if stdin is None or stdout is None or not (stdin.isatty() and stdout.isatty()):
        return "The screens need a terminal, and this is none."
    if env.get("TERM", "") in ("", "dumb"):
        return f"The screens need a capable terminal, and TERM is {env.get('TERM') or 'not set'}."
    return ""


def first_draft(machine: Machine, saved: Answers | None) -> Draft:
    """Return the draft the screens begin with: the saved answers, or fresh ones for the login shell."""
    if saved is None:
        return Draft(Answers(write=Write(shells=(machine.login_shell,) if machine.login_shell else ())), machine)
    from wizard.origins import origins

    return Draft(saved, machine, saved, confirmed=origins(saved))
