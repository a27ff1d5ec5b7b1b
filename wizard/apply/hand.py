"""Writes one file of a run, merging what others write meanwhile, and keeps the journal ahead of the disk."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from typing import Final

from wizard.apply.change import WHOLLY_OURS, digest
from wizard.apply.errors import Unwritable
from wizard.apply.files import Changed, Found, MustWriteInPlace, Writer, look, why_in_place
from wizard.apply.journal import ABSENT, DamagedState, Run, Store, Written
from wizard.apply.managed_block import BlockProblem
from wizard.apply.order import Target
from wizard.apply.settings_edit import merged
from wizard.apply.swap import Overtaken, swap, take_away
from wizard.record import dataclass, replace
from wizard.render.json_edit import JsonProblem

PATIENCE_SECONDS: Final = 1.0
"""How long a file may be unreadable because somebody is in the middle of writing it."""

ECHO_SECONDS: Final = 0.25
"""How long a program that read the file in the instant of our switch may take until it writes it."""

_PAUSE: Final = 0.005
_MOMENT: Final = 0.001
_ROUNDS: Final = 500


class StepFailed(Exception):  # noqa: N818 - reads as the finding it is
    """A file could not be written; `path` says which, `cause` why."""

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause


class ForeignHand(Exception):  # noqa: N818 - reads as the finding it is
    """A file that is wholly ours was changed by somebody else while we wrote."""


@dataclass(frozen=True, slots=True)
class _Met:
    """A write of another program that ours hid for an instant; until then one may come that knows nothing of it."""

    path: Path
    base: bytes | None
    theirs: bytes
    until: float


class Hand:
    """Writes targets. `written` is what it left in each file: fingerprint and mode (None: no file)."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self.written: dict[Path, tuple[str, int | None]] = {}
        self._met: list[_Met] = []
        self._store = store
        self._writer = writer

    def put(self, target: Target, run: Run | None) -> Run | None:
        """Make a file what its target says; return the run with what had to be noted about it.

        Without a run nothing is noted: that is the way back. Raises StepFailed.
        """
        try:
            return self._put(target, run)
        except (OSError, Unwritable, JsonProblem, BlockProblem, DamagedState, ForeignHand) as error:
            raise StepFailed(target.path, error) from None

    def _put(self, target: Target, run: Run | None) -> Run | None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        for _ in range(_ROUNDS):
            found = look(target.path)
            if self._kept_in(target, found):
                continue
            try:
                content = self._made(target, found, run)
            except (JsonProblem, BlockProblem, Unwritable):
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)
                continue
            mode = target.mode_for(found.mode)
            if content == found.content and (content is None or mode == found.mode):
                if not self._watches(target):
                    return run
                time.sleep(_PAUSE)
                continue
            run = self._noted(target, found, content, run)
            try:
                run = self._written(target, found, content, mode, run, wait=time.monotonic() < deadline)
            except (Changed, Overtaken) as met:
                self._give_way(target, found, met)
                continue
            self.written[target.path] = (digest(content), None if content is None else mode)
            if not self._watches(target):
                return run
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    def _made(self, target: Target, found: Found, run: Run | None) -> bytes | None:
        """Make the new text; a file that is empty because somebody is just writing it can't be read yet."""
        record = run.record(target.path) if run else None
        emptied = found.content is not None and not found.content.strip() and target.role == "settings"
        if record and emptied and digest(found.content) not in (record.before, *record.states):
            raise Unwritable(target.path, "It has been emptied meanwhile. Restore it, or delete it.")
        return target.make(found.content)

    def _written(
        self, target: Target, found: Found, content: bytes | None, mode: int, run: Run | None, *, wait: bool
    ) -> Run | None:
        if content is None:
            take_away(self._writer, found, wait=wait)
            return run
        if target.role == "secrets" and content == found.content:
            self._writer.change_mode(found, mode)
            return run
        if target.role == "secrets" or not why_in_place(found):
            try:
                swap(self._writer, found, content, mode, wait=wait)
                return run
            except MustWriteInPlace:
                if target.role == "secrets":  # a copy of the new text would be a copy of the key
                    raise Unwritable(target.path, "It can't be replaced by a new file. Choose another place.") from None
                run = self._noted_in_place(target, content, run)
        self._writer.overwrite(found, content, mode)
        return run

    def _give_way(self, target: Target, found: Found, met: Changed | Overtaken) -> None:
        """Remember what others wrote while ours stood there, and bring in what came on top of ours."""
        if met.theirs is not None:
            self._remember(target, found.content, met.theirs)
        if isinstance(met, Overtaken):
            self._remember(target, met.ours, met.kept.read_bytes())
            self._bring_in(target, met)
        time.sleep(_MOMENT)

    def _remember(self, target: Target, base: bytes | None, theirs: bytes) -> None:
        if target.role == "settings":
            self._met.append(_Met(target.path, base, theirs, time.monotonic() + ECHO_SECONDS))

    def _watches(self, target: Target) -> bool:
        self._met = [each for each in self._met if each.until > time.monotonic()]
        return any(each.path == target.path for each in self._met)

    def _kept_in(self, target: Target, found: Found) -> bool:
        """Put back what a program wrote out of the file because it had read ours and not the write that ours hid."""
        content = found.content
        for met in self._met:
            if met.path == target.path:
                content = merged(content, met.base, met.theirs, gently=True)
        if content is None or content == found.content:
            return False
        try:
            swap(self._writer, found, content, found.mode or target.mode)
        except (Changed, Overtaken) as again:
            self._give_way(target, found, again)
        return True

    def _bring_in(self, target: Target, met: Overtaken) -> None:
        """Bring in what another program wrote on top of ours while the write of a third was put back."""
        for _ in range(_ROUNDS):
            found, other = look(target.path), met.kept.read_bytes()
            if target.role == "settings":
                content = merged(found.content, met.ours, other)
            else:
                content = found.content if met.ours is None else other  # the last one to write has it
            try:
                if content is not None and content != found.content:
                    swap(self._writer, found, content, found.mode or target.mode)
            except (Changed, Overtaken) as again:
                self._give_way(target, found, again)
                continue
            self._writer.discard(met.kept)
            return
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    def _noted(self, target: Target, found: Found, content: bytes | None, run: Run | None) -> Run | None:
        """Write down, before it happens, a text that the journal does not foresee because somebody else wrote too."""
        record = run.record(target.path) if run else None
        if run is None or record is None:
            return run
        now, new = digest(found.content), digest(content)
        expected = self.written.get(target.path, (record.before, None))[0]
        if now == expected and new in record.states:
            return run
        if target.role in WHOLLY_OURS:
            raise ForeignHand
        if now != expected:
            record = self._rebased(record, found, run)
        record = replace(record, states=(*record.states, new))
        if record.in_place:
            record = self._with_copy(record, content or b"", run)
        return self._saved(run.with_written(record))

    def _rebased(self, record: Written, found: Found, run: Run) -> Written:
        """Take what somebody else wrote as what was there before; after our own first write only our parts go back."""
        if record.path in self.written:
            return replace(record, exact=False)
        if found.content is None:
            return replace(record, before=ABSENT, before_mode=None, backup="")
        name = record.backup or f"late-{len(run.receipt.written)}"
        self._store.backup(run.receipt.number, name, found.content)
        return replace(record, before=digest(found.content), before_mode=found.mode, backup=name)

    def _noted_in_place(self, target: Target, content: bytes, run: Run | None) -> Run | None:
        record = run.record(target.path) if run else None
        if run is None or record is None:
            return run
        return self._saved(run.with_written(self._with_copy(replace(record, in_place=True), content, run)))

    def _with_copy(self, record: Written, content: bytes, run: Run) -> Written:
        name = f"new-{len(record.copies):02d}-{digest(str(record.path).encode())[:8]}"
        self._store.backup(run.receipt.number, name, content)
        return replace(record, copies=(*record.copies, name))

    def _saved(self, run: Run) -> Run:
        self._store.save_journal(run)
        return run
