"""Removes what a write left for later: helpers that nothing names any more, and what a killed run left beside files."""

from __future__ import annotations

from pathlib import Path

from wizard.apply.change import digest
from wizard.apply.files import Found, Writer, look, temporary_name
from wizard.apply.journal import Ledger, Run
from wizard.apply.order import is_generation
from wizard.apply.settings_edit import merged, names_helper
from wizard.apply.swap import set_aside
from wizard.machine.model import Machine
from wizard.record import replace


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
    """Remove what one run left beside the files, which carries its token, and give back what is not the run's own.

    A foreign write that ours displaced goes back to its place when ours still stands there, and is brought in when
    it does not. Raises Unwritable, OSError.
    """
    for path in (*run.receipt.paths, *run.receipt.generations):
        real = look(path).real
        temporary = look(temporary_name(real.parent, run.token))
        if temporary.content is not None:
            writer.remove(temporary)
        for displaced in set_aside(real, run.token):
            _settle(run, path, look(displaced), writer)


def _settle(run: Run, path: Path, displaced: Found, writer: Writer) -> None:
    """Remove a displaced text that is the run's own or from before it; anything else is somebody's write."""
    record, now = run.record(path), look(path)
    ours = set(record.states) if record else set()
    theirs = displaced.content
    if theirs is None:
        return
    before = record.before if record else ""
    if digest(theirs) in {before, *ours, digest(now.content)} or is_generation(path, theirs):
        writer.remove(displaced)
    elif now.content is None or digest(now.content) in ours:
        writer.system.rename(displaced.real, now.real)  # ours gives way; the run is taken back from there
        writer.sync_folder(now.real.parent)
    elif record and record.role == "settings":
        content = merged(now.content, None, theirs)
        if content is not None and content != now.content:
            writer.replace(now, content, now.mode or 0o600)
        writer.remove(displaced)
