"""`undo`: gives back what was there before the last write, or before the very first."""

from __future__ import annotations

import argparse
import sys

from wizard.apply.errors import Refused, WriteFailed
from wizard.apply.undo import (
    Undone,
    Way,
    kept_lines,
    list_receipts,
    look_all_the_way_back,
    look_back,
    undo_all,
    undo_last,
    why_nothing,
)
from wizard.commands.shared import (
    OK,
    REFUSED,
    USAGE,
    WRITE_FAILED,
    Stop,
    is_somebody_there,
    is_yes,
    machine_to_write_on,
    print_json,
    this_machine,
)
from wizard.machine.model import Machine


def run(arguments: argparse.Namespace) -> int:
    """List what can be undone, show what an undo would do, or undo."""
    try:
        if arguments.list:
            return _list(this_machine(), arguments.json)
        return _undo(arguments, this_machine() if arguments.dry_run else machine_to_write_on())
    except Refused as error:
        raise Stop(REFUSED, str(error)) from None
    except WriteFailed as error:
        raise Stop(WRITE_FAILED, str(error)) from None


def _list(machine: Machine, as_json: bool) -> int:
    receipts = list_receipts(machine)
    if as_json:
        print_json([each.as_json() for each in receipts])
        return OK
    for each in receipts:
        print(each.line(machine))
    if not receipts:
        print(why_nothing(machine), file=sys.stderr)
    return OK


def _undo(arguments: argparse.Namespace, machine: Machine) -> int:
    way = look_all_the_way_back(machine) if arguments.all else look_back(machine)
    asks = not arguments.yes and not arguments.dry_run
    if arguments.dry_run or (asks and is_somebody_there()):
        _show(way, machine, as_json=arguments.json, to_stdout=arguments.dry_run)
    if arguments.dry_run:
        print("This was a dry run. Nothing was changed.", file=sys.stderr)
        return OK
    if asks:
        _confirm(everything=arguments.all)
    outcome = undo_all(machine) if arguments.all else undo_last(machine)
    _tell(outcome, machine, as_json=arguments.json)
    return OK


def _show(way: Way, machine: Machine, *, as_json: bool, to_stdout: bool) -> None:
    """Show the way back as a plan is shown: on stdout when it is all that was asked for."""
    out = sys.stdout if to_stdout else sys.stderr
    if as_json and to_stdout:
        changes = [{"path": str(each.path), "role": each.role, "state": each.state} for each in way.changes]
        kept = [{"path": str(path), "what": what} for path, what in way.kept]
        print_json({"changes": changes, "kept": kept, "keychain": list(way.key_lines)})
        return
    for change in way.pending:
        path = machine.short(change.path)
        print(f"{path}: {change.state}\n{change.diff(path)}\n", file=out)
    for line in (*way.key_lines, *kept_lines(way.kept, machine)):
        print(line, file=out)
    out.flush()


def _confirm(*, everything: bool) -> None:
    """Ask for the yes. In a pipe the word `undo` is one; what no command brings back needs `--yes` there."""
    if not is_somebody_there():
        if everything:
            text = "This takes every write back and forgets the answers and backups."
            raise Stop(USAGE, f"{text} Nobody is there to answer. Add --yes, or --dry-run to see what would change.")
        return
    question = "Take every write back, and forget the answers and backups?" if everything else "Take this write back?"
    if not is_yes(question):
        raise Stop(REFUSED, "Nothing was changed.")


def _tell(outcome: Undone, machine: Machine, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome.as_json())
    else:
        print("\n".join(outcome.lines(machine)))
