"""Removes what a write left for later: helpers that nothing names any more, and the temporary files of a killed run."""

from __future__ import annotations

from dataclasses import replace

from wizard.apply.files import Writer, look, temporary_name
from wizard.apply.journal import Ledger, Run
from wizard.apply.order import is_generation
from wizard.apply.settings_edit import names_helper
from wizard.machine.model import Machine


def without_unused(ledger: Ledger, machine: Machine, writer: Writer) -> Ledger:
    """Remove the helper generations that no settings layer names; return the ledger with those that stay.

    One that somebody edited is theirs: it stays on disk and is forgotten. Raises Unwritable, OSError.
    """
    layers = [look(path).content for path in {machine.settings_file, *(each.path for each in machine.layers)}]
    used = []
    for path in dict.fromkeys(ledger.generations):
        found = look(path)
        if any(names_helper(layer, str(path)) for layer in layers):
            used.append(path)
        elif is_generation(path, found.content):
            writer.remove(found)
    return replace(ledger, generations=tuple(used))


def sweep_temporaries(run: Run, writer: Writer) -> None:
    """Remove the temporary files of one run, which carry its token. Raises Unwritable, OSError."""
    for path in (*run.receipt.paths, *run.receipt.generations):
        temporary = look(temporary_name(look(path).real.parent, run.token))
        if temporary.content is not None:
            writer.remove(temporary)
