"""A write outside of the plan: shown and confirmed at that moment, one thing at a time, and known to undo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wizard.apply.change import Change, Plan
from wizard.apply.errors import PlanError, Unwritable
from wizard.apply.files import Found, System, look, obstacle
from wizard.apply.journal import Receipt
from wizard.apply.suspend import is_off
from wizard.apply.transaction import carry_out
from wizard.machine.model import Machine
from wizard.record import dataclass, field


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What is to be written, before it is said yes to.

    `lines` say what is written where, `question` asks for the yes, and `done` says what came of it. `write` does it and
    raises Refused (nothing was written) and WriteFailed (all is as before). `is_noop` says that there is nothing to do.
    """

    lines: tuple[str, ...]
    question: str
    done: str
    write: Callable[[], Receipt] = field(repr=False)
    is_noop: bool = False


def found_secrets(path: Path, machine: Machine) -> Found:
    """Look at a secrets file that is to be written. Raises PlanError where that would be wrong."""
    try:
        found = look(path)
        problem = obstacle(found)
    except Unwritable as error:
        raise PlanError(machine.short(path), error.text) from None
    except OSError as error:
        raise PlanError(machine.short(path), f"It can't be read: {error.strerror}. Check its owner and mode.") from None
    if problem:
        raise PlanError(machine.short(path), problem)
    return found


def written(change: Change, machine: Machine, system: System | None = None) -> Receipt:
    """Write one file, by the same transaction as a plan; a set-up that is switched off stays so."""
    return carry_out(Plan((change,), off=is_off(machine)), machine, system=system)
