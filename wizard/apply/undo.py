"""Gives back what was there before the last write, as far as nobody changed it since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wizard.apply.errors import Refused, Unwritable
from wizard.apply.files import System, look
from wizard.apply.journal import DamagedState, Receipt, Store
from wizard.apply.managed_block import BlockProblem
from wizard.apply.recovery import OUR_LINES, backwards, kept
from wizard.apply.transaction import at_work, held_back
from wizard.apply.work import Job, Progress, Stage
from wizard.machine.model import Machine
from wizard.render.json_edit import JsonProblem


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: the run it took back, the files given back or removed again, and what stays and why."""

    number: int
    restored: tuple[Path, ...]
    removed: tuple[Path, ...]
    kept: tuple[tuple[Path, str], ...]

    def lines(self, machine: Machine) -> tuple[str, ...]:
        """Return it as lines for a person."""
        lines = [f"{machine.short(path)} is as it was before." for path in self.restored]
        lines += [f"{machine.short(path)} is gone again." for path in self.removed]
        lines += [f"{machine.short(path)}: {_stays(what)}" for path, what in self.kept]
        return tuple(lines) or ("Everything already is as it was before.",)

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {
            "number": self.number,
            "restored": [str(path) for path in self.restored],
            "removed": [str(path) for path in self.removed],
            "kept": [{"path": str(path), "what": what} for path, what in self.kept],
        }


def _stays(what: str) -> str:
    plural = what == OUR_LINES
    return f"{what} {'stay' if plural else 'stays'}, because {'they' if plural else 'it'} changed since."


def list_receipts(machine: Machine) -> tuple[Receipt, ...]:
    """Return the writes that can be undone, the newest first. Raises Refused when the records are damaged."""
    try:
        return Store(machine.state_dir).receipts()
    except DamagedState as error:
        raise Refused(f"{machine.short(error.path)} is damaged. Delete it.", [error.path]) from None
    except Unwritable as error:
        raise Refused(f"{machine.short(error.path)}: {error.text}", [error.path]) from None


def _silent(_: Stage) -> None:
    """Report nothing."""


def undo_last(machine: Machine, *, progress: Progress = _silent, system: System | None = None) -> Undone:
    """Take the last write back: byte for byte where a file still is what we wrote, else our parts only.

    Settings go first, so that a helper is never missing while they name it. Raises Refused when there is nothing to
    undo or a file can't be read, and WriteFailed when the system refused a write and all is as before the undo.
    """
    with held_back(), at_work(machine, progress, system) as work:
        work.recover()
        receipts = work.store.receipts()
        if not receipts:
            raise Refused("There is nothing to undo.")
        last = receipts[0]
        outcome = _outcome(last, work.store, machine)
        targets = backwards(last, work.store)
        parts = {each.path: dict(each.parts) for each in last.written}
        work.run(Job(targets, last.ledger_before, parts, undoes=last.number, folders=last.folders))
        return outcome


def _outcome(receipt: Receipt, store: Store, machine: Machine) -> Undone:
    restored: list[Path] = []
    removed: list[Path] = []
    stays: list[tuple[Path, str]] = []
    for written, target in zip(receipt.written, backwards(receipt, store), strict=True):
        found = look(written.path)
        try:
            after = target.make(found.content)
            stays += [(written.path, what) for what in kept(receipt, store, written, found.content)]
        except (JsonProblem, BlockProblem) as error:
            raise Refused(f"{machine.short(written.path)}: {error}", [written.path]) from None
        if after == found.content:
            continue
        (removed if after is None else restored).append(written.path)
    return Undone(receipt.number, tuple(restored), tuple(removed), tuple(stays))
