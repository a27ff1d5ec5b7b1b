"""Carries out a plan: all of it or, as far as anybody can tell afterwards, none of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from wizard.apply import lock
from wizard.apply.change import WHOLLY_OURS, Change, Plan, digest
from wizard.apply.errors import Refused, Unwritable, WriteFailed, reason_of
from wizard.apply.files import Found, System, Writer, look
from wizard.apply.hand import PATIENCE_SECONDS
from wizard.apply.journal import ABSENT, DamagedState, Ledger, Owned, Receipt, Store
from wizard.apply.managed_block import BlockProblem
from wizard.apply.order import Target
from wizard.apply.signals import held_back
from wizard.apply.work import Job, Progress, Stage, Work
from wizard.machine.model import Machine
from wizard.record import replace as replaced
from wizard.render.json_edit import JsonProblem

__all__ = ["Receipt", "Refused", "Stage", "WriteFailed", "at_work", "carry_out", "held_back", "recover"]

_PAUSE = 0.005


def _silent(_: Stage) -> None:
    """Report nothing."""


def carry_out(
    plan: Plan,
    machine: Machine,
    *,
    replace: Collection[Path] | Literal["all"] = (),
    progress: Progress = _silent,
    system: System | None = None,
) -> Receipt:
    """Write what the plan says, in make-before-break order, and return what was written.

    `replace` are the files whose conflict the user said yes to. What somebody else changed since the plan is merged
    where only a part is ours, and refused where the whole is. Signals wait until it is done; a screen that runs this in
    a thread holds them back itself, with `held_back`.

    Raises Refused when nothing was written (exit code 3), and WriteFailed when the system refused a write and all was
    taken back (exit code 4).
    """
    if plan.blockers:
        raise Refused("\n".join(plan.blockers))
    agreed = {
        each.path: each.conflict
        for each in plan.conflicts
        if (replace == "all" or each.path in replace) and "replace" in each.ways
    }
    _refuse_conflicts(plan.conflicts, agreed, machine)
    if plan.is_empty and not plan.is_kept and not machine.journal_file.exists():
        return Receipt(0, "", ())
    with held_back(), at_work(machine, progress, system) as work:
        recovered = work.recover()
        changes = tuple(_as_found(each, recovered, machine) for each in plan.changes)
        _refuse_conflicts([each for each in changes if each.is_conflict], agreed, machine)
        pending = tuple(each for each in changes if not each.is_noop)
        ledger = replaced(_ledger_after(work.store.ledger(), changes), off=plan.off)
        if not pending:
            if plan.is_kept:
                work.store.save_ledger(ledger)
            return Receipt(0, "", ())
        parts = {each.path: dict(each.parts) for each in pending}
        return work.run(Job(tuple(map(Target.of, pending)), ledger, parts))


def recover(machine: Machine) -> tuple[Path, ...]:
    """Finish or take back a write that was killed, if there is one; return the files it was about.

    Raises Refused, WriteFailed.
    """
    if not machine.journal_file.exists():
        return ()
    with held_back(), at_work(machine) as work:
        return work.recover()


@contextlib.contextmanager
def at_work(machine: Machine, progress: Progress = _silent, system: System | None = None) -> Iterator[Work]:
    """Hold the lock and hand out what writes. Raises Refused and WriteFailed for all that goes wrong outside a run."""
    writer = Writer(system or System())
    store = Store(machine.state_dir, writer)
    try:
        made = store.prepare()
        with lock.held(store.lock_file, wait=lock.WAIT_SECONDS):
            if not store.lock_file.exists():
                raise Refused("Another claude-litellm-wizard has just taken everything back. Start again.")
            store.remember_folders(made)
            if store.interrupted() is None:
                store.sweep()
            yield Work(machine, store, writer, progress)
    except DamagedState as error:
        name = machine.short(error.path)
        text = f"{name} is damaged. Delete it; the wizard then asks about every file that it wrote earlier."
        raise Refused(text, [error.path]) from None
    except Unwritable as error:
        raise Refused(f"{machine.short(error.path)}: {error.text}", [error.path]) from None
    except OSError as error:
        path = machine.short(error.filename or machine.state_dir)
        raise WriteFailed(path, reason_of(error), rolled_back=True) from None


def _refuse_conflicts(changes: Iterable[Change], agreed: Mapping[Path, str], machine: Machine) -> None:
    """Refuse what would replace something of the user's and is not, word for word, what the user agreed to."""
    open_ones = [each for each in changes if agreed.get(each.path) != each.conflict]
    if open_ones:
        lines = [f"{machine.short(each.path)}: {each.conflict}" for each in open_ones]
        raise Refused(
            "\n".join([*lines, "Say yes to replacing it, or move it away."]), [each.path for each in open_ones]
        )


def _as_found(change: Change, recovered: Collection[Path], machine: Machine) -> Change:
    """Return a change as it is now: the file is read again, and what others wrote since the plan is merged."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look(change.path)
        if found.content == change.before and found.mode == change.before_mode:
            return change
        name = machine.short(change.path)
        if change.role in WHOLLY_OURS and change.path not in recovered:
            raise Refused(f"{name} changed since the plan was made. Look at the plan again.", [change.path])
        problem = ""
        try:
            if not _emptied(change, found):
                return _merged(change, found)
            problem = "It has been emptied since the plan was made. Restore it, or delete it."
        except JsonProblem as error:
            problem = f"Line {error.line}, column {error.column}: {error.text}"
        except BlockProblem as error:
            problem = f"Line {error.line}: {error.text}"
        if time.monotonic() >= deadline:
            raise Refused(f"{name}: {problem}", [change.path])
        time.sleep(_PAUSE)


def _emptied(change: Change, found: Found) -> bool:
    """Say whether settings that held something hold nothing now: somebody is writing them, or broke them."""
    full_before = bool((change.before or b"").strip())
    return change.role == "settings" and full_before and found.content is not None and not found.content.strip()


def _merged(change: Change, found: Found) -> Change:
    after = change.transform(found.content)
    mode = change.mode
    if found.mode is not None and change.role not in WHOLLY_OURS and change.role != "secrets":
        mode = found.mode
    conflict = "" if after == found.content else change.question(found.content)
    return replaced(change, before=found.content, after=after, before_mode=found.mode, mode=mode, conflict=conflict)


def _ledger_after(ledger: Ledger, changes: Iterable[Change]) -> Ledger:
    """Return what is ours once the changes are made. What already stood there as we want it counts as ours too."""
    files = dict(ledger.files)
    for each in (each for each in changes if each.role != "secrets"):  # those stay the user's
        parts = {name: value for name, value in each.parts if value != ABSENT}
        if each.after is None or (each.role == "rc-block" and not parts):
            files.pop(each.path, None)
        elif each.role in WHOLLY_OURS:
            files[each.path] = Owned(each.role, content=digest(each.after), texts=dict(each.texts))
        else:
            files[each.path] = Owned(each.role, parts=parts, texts=dict(each.texts))
    return replaced(ledger, files=files)
