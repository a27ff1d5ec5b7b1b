"""Makes a file with a secret private: chmod 600, on request, and known to undo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wizard.apply.change import Change
from wizard.apply.confirmed import Confirmed, found_secrets, written
from wizard.apply.errors import PlanError

if TYPE_CHECKING:
    from wizard.apply.files import System
    from wizard.machine.model import Machine


def plan_private(path: Path, machine: Machine, system: System | None = None) -> Confirmed:
    """Return the write that lets only you read a file; its content stays. Raises PlanError where that would be wrong.

    What a link leads to gets the mode, as long as it is a regular file of yours.
    """
    shown = machine.short(path)
    found = found_secrets(path, machine)
    if found.content is None or found.mode is None:
        raise PlanError(shown, "It does not exist. Give the file that others can read.")
    mode = found.mode & 0o700
    change = Change(path, "secrets", found.content, found.content, found.mode, mode, lambda content: content)
    real = f" ({machine.short(found.real)})" if found.real != path else ""
    line = f"{shown}{real} gets mode {mode:04o} (now {found.mode:04o}): only you can read it then."
    return Confirmed(
        lines=(f"Only you can read {shown} already (mode {mode:04o}).",) if change.is_noop else (line,),
        question=f"Make {shown} private?",
        done=f"Only you can read {shown} now (mode {mode:04o}).",
        write=lambda: written(change, machine, system),
        is_noop=change.is_noop,
    )
