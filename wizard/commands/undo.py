"""`undo`: gives back what was there before."""

from __future__ import annotations

import argparse

from wizard.apply.transaction import Refused, WriteFailed
from wizard.apply.undo import list_receipts, undo_last
from wizard.commands.shared import OK, REFUSED, WRITE_FAILED, Stop, machine_to_write_on, print_json, this_machine
from wizard.machine.model import Machine


def run(arguments: argparse.Namespace) -> int:
    """List what can be undone, or undo the last write."""
    if arguments.list:
        return _list(this_machine(), arguments.json)
    return _undo(machine_to_write_on(), arguments.json)


def _list(machine: Machine, as_json: bool) -> int:
    receipts = list_receipts(machine)
    if as_json:
        print_json([each.as_json() for each in receipts])
        return OK
    for each in receipts:
        print(each.line(machine))
    return OK


def _undo(machine: Machine, as_json: bool) -> int:
    if not list_receipts(machine):
        raise Stop(REFUSED, "There is nothing to undo: this wizard has written nothing here.")
    try:
        outcome = undo_last(machine)
    except Refused as error:
        raise Stop(REFUSED, str(error)) from None
    except WriteFailed as error:
        raise Stop(WRITE_FAILED, str(error)) from None
    if as_json:
        print_json(outcome.as_json())
    else:
        print("\n".join(outcome.lines(machine)))
    return OK
