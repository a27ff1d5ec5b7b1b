"""No command: the screens. Refused without a capable terminal, before Textual is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from wizard.answers import Answers, Write
from wizard.commands.shared import PROGRAM, USAGE, Stop, machine_to_write_on, saved_answers
from wizard.flow import Draft
from wizard.machine.model import Machine
from wizard.machine.survey import glance
from wizard.origins import origins

if TYPE_CHECKING:
    import argparse


def run(_: argparse.Namespace) -> int:
    """Show the screens, prefilled from the answers and the machine."""
    if reason := why_no_screens(os.environ, sys.stdin, sys.stdout):
        raise Stop(USAGE, f"{reason} Use {PROGRAM} apply, which needs no screens; {PROGRAM} apply --help says how.")
    machine = machine_to_write_on(glance)
    from wizard.tui.app import run_screens

    saved, trouble = saved_answers(machine)
    return run_screens(first_draft(machine, saved), trouble=trouble)


def why_no_screens(env: Mapping[str, str], stdin: TextIO, stdout: TextIO) -> str:
    """Return why the screens can't be shown here, empty when they can."""
    if not (stdin.isatty() and stdout.isatty()):
        return "The screens need a terminal, and this is none."
    if env.get("TERM", "") in ("", "dumb"):
        return f"The screens need a capable terminal, and TERM is {env.get('TERM') or 'not set'}."
    return ""


def first_draft(machine: Machine, saved: Answers | None) -> Draft:
    """Return the draft the screens begin with: the saved answers, or fresh ones for the login shell."""
    fresh = Answers(write=Write(shells=(machine.login_shell,) if machine.login_shell else ()))
    return Draft(saved or fresh, machine, saved, confirmed=origins(saved) if saved else frozenset())
