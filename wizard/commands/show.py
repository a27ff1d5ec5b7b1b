"""`show`: the answers and the files they govern."""

from __future__ import annotations

import argparse
from typing import Final

from wizard.answers import Answers, dumps, to_table
from wizard.apply.plan import PlanError, make_plan
from wizard.apply.suspend import SENTENCE, is_off
from wizard.commands.shared import CHECK_FAILED, OK, PROGRAM, Stop, needed_answers, print_json, this_machine
from wizard.machine.model import Machine

_WORDS: Final = {"unchanged": "as written", "new": "missing", "changed": "differs", "removed": "to be removed"}


def run(arguments: argparse.Namespace) -> int:
    """Print the answers, and of each file whether it still is as the wizard would write it."""
    machine = this_machine()
    answers = needed_answers(machine)
    if arguments.share:
        return _share(answers, machine, as_json=arguments.json)
    try:
        changes = make_plan(answers, machine).changes
    except PlanError as error:
        raise Stop(CHECK_FAILED, f"{machine.short(error.path)}: {error.text}") from None
    off = is_off(machine)
    if arguments.json:
        files = [{"path": str(each.path), "role": each.role, "state": each.state} for each in changes]
        print_json({"answers": to_table(answers), "off": off, "files": files})
        return OK
    print(dumps(answers))
    if off:
        print(f"{SENTENCE} {PROGRAM} on brings it back.\n")
    for each in changes:
        print(f"{_WORDS[each.state]:<13} {machine.short(each.path)}")
    return OK


def _share(answers: Answers, machine: Machine, *, as_json: bool) -> int:
    """Print the answers for colleagues."""
    from wizard.sharing import as_toml, share

    table, left_out = share(answers, machine)
    if as_json:
        print_json({"answers": table, "left_out": list(left_out)})
    else:
        print(as_toml(table, left_out), end="")
    return OK
