"""`private`: lets only you read the files with secrets that your answers name, or the ones you name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wizard.apply.errors import PlanError
from wizard.apply.private_mode import plan_private
from wizard.commands.shared import (
    OK,
    REFUSED,
    USAGE,
    Stop,
    is_somebody_there,
    machine_to_write_on,
    needed_answers,
    print_json,
)
from wizard.commands.store import carried_out
from wizard.keys.private_files import secret_files, wide_files

if TYPE_CHECKING:
    from wizard.apply.confirmed import Confirmed
    from wizard.machine.model import Machine


def run(arguments: argparse.Namespace) -> int:
    """Make files private, each after a yes."""
    machine = machine_to_write_on()
    writes = list(_writes(arguments, machine))
    if not is_somebody_there() and not (arguments.yes or arguments.dry_run) and not all(e.is_noop for e in writes):
        raise Stop(USAGE, "Nobody is there to say yes. Add --yes, or --dry-run to see what would change.")
    for confirmed in writes:
        carried_out(confirmed, arguments)
    return OK


def _writes(arguments: argparse.Namespace, machine: Machine) -> Iterator[Confirmed]:
    for path in _paths(arguments, machine):
        try:
            yield plan_private(path, machine)
        except PlanError as error:
            raise Stop(REFUSED, f"{error.path}: {error.text} Nothing was changed.") from None


def _paths(arguments: argparse.Namespace, machine: Machine) -> tuple[Path, ...]:
    if arguments.file:
        return tuple(Path.cwd() / path for path in arguments.file)
    answers = needed_answers(machine)
    options = answers.key.options
    wide = wide_files(answers.key.backend, options, machine)
    if not wide:
        known = secret_files(answers.key.backend, options, machine)
        names = ", ".join(machine.short(path) for path in known) or "Your answers name no file with a secret."
        print(f"Nobody else can read what your answers name: {names}" if known else names, file=sys.stderr)
        if arguments.json:
            print_json({"written": False, "what": []})
    return wide
