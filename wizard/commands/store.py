"""`store`: puts a key from a hidden prompt or a pipe where the key helper finds it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wizard.answering import STORABLE
from wizard.apply.errors import PlanError, Refused, WriteFailed
from wizard.apply.store import plan_store
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
    saved_answers,
)
from wizard.fields import AnswersError
from wizard.keys.pasted import LONGEST, NoKey, NotHidden, ask_unseen, read_pasted
from wizard.outcome import UNDO

if TYPE_CHECKING:
    from wizard.apply.confirmed import Confirmed
    from wizard.apply.journal import Receipt
    from wizard.fields import Value
    from wizard.machine.model import Machine
    from wizard.secret import Secret


def run(arguments: argparse.Namespace) -> int:
    """Store one key after a yes."""
    machine = machine_to_write_on()
    name, options = _place(arguments, machine)
    if not is_somebody_there() and not (arguments.yes or arguments.dry_run):
        raise Stop(USAGE, "Nobody is there to say yes. Add --yes, and send the key to stdin.")
    try:
        confirmed = plan_store(name, options, _read_key(), machine)
    except PlanError as error:
        raise Stop(REFUSED, f"{error.told} Nothing was stored.") from None
    return carried_out(confirmed, arguments)


def carried_out(confirmed: Confirmed, arguments: argparse.Namespace) -> int:
    """Show a write outside of the plan, ask for the yes, write, and say how to undo it. Shared with `private`."""
    for line in confirmed.lines:
        print(line, file=sys.stderr)
    if confirmed.is_noop or arguments.dry_run:
        print("Nothing was changed.", file=sys.stderr)
        return _finished(confirmed, None, arguments)
    if not arguments.yes and not is_yes(confirmed.question):
        raise Stop(REFUSED, "Nothing was changed.")
    try:
        receipt = confirmed.write()
    except Refused as error:
        raise Stop(REFUSED, str(error)) from None
    except WriteFailed as error:
        raise Stop(WRITE_FAILED, str(error)) from None
    if not arguments.json:
        print(confirmed.done)
    print(UNDO, file=sys.stderr)
    return _finished(confirmed, receipt, arguments)


def _finished(confirmed: Confirmed, receipt: Receipt | None, arguments: argparse.Namespace) -> int:
    if arguments.json:
        print_json({"written": receipt is not None, "what": list(confirmed.lines), **_record(receipt)})
    return OK


def _record(receipt: Receipt | None) -> dict[str, object]:
    return {"receipt": receipt.as_json()} if receipt else {}


def _place(arguments: argparse.Namespace, machine: Machine) -> tuple[str, Mapping[str, Value]]:
    """Return the key backend and its answers: those saved, with what the command line says over them."""
    from wizard.fields import read_table
    from wizard.keys.backend import backend

    saved, _ = saved_answers(machine)
    name = arguments.key or (saved.key.backend if saved else "")
    if name not in STORABLE:
        here = (
            f"Your answers get the key from {name}, where nothing can be stored." if name else "Nothing is set up yet."
        )
        raise Stop(USAGE, f"{here} Say where: --key keychain or --key env-file.")
    table: dict[str, Any] = dict(saved.key.tables.get(name, {})) if saved else {}
    table |= _given(arguments.set, name)
    values, problems = read_table(backend(name).fields, table, f"key.{name}")
    if problems:
        raise Stop(USAGE, "\n".join(map(str, problems)))
    return name, values


def _given(assignments: list[str], name: str) -> dict[str, Any]:
    """Return what `--set` says of one backend. Raises Stop for anything else."""
    from wizard.answers import assign

    table: dict[str, Any] = {}
    try:
        for each in assignments:
            table = assign(table, each)
    except AnswersError as error:
        raise Stop(USAGE, str(error)) from None
    key = table.pop("key", {})
    given = key.pop(name, {})
    if table or key or not isinstance(given, dict):
        raise Stop(USAGE, f"Here --set takes answers of key.{name} only, like key.{name}.… = value.")
    return given


def _read_key() -> Secret:
    """Read the key where nobody sees it: never from the arguments. Raises Stop."""
    try:
        return read_pasted(_typed() if sys.stdin.isatty() else _piped())
    except (NoKey, NotHidden) as error:
        raise Stop(USAGE, f"{error} Nothing was stored.") from None


def _typed() -> str:
    try:
        return ask_unseen("Paste the key (it is not shown): ", sys.stderr)
    except EOFError:
        return ""


def _piped() -> str:
    return sys.stdin.buffer.read(LONGEST + 2).decode("utf-8", "replace")
