"""One run with the lock held: journal first, then file by file, and the way back when one of them fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from wizard.apply.change import digest
from wizard.apply.errors import Refused, Unwritable, WriteFailed, reason_of
from wizard.apply.files import Found, Writer, check_space, look, obstacle, why_in_place
from wizard.apply.hand import ForeignHand, Hand, StepFailed
from wizard.apply.journal import DamagedState, Ledger, Receipt, Run, Store, Written
from wizard.apply.order import Target, in_order
from wizard.apply.recovery import backwards
from wizard.apply.sweep import sweep_temporaries, without_unused
from wizard.machine.model import Machine
from wizard.record import dataclass, replace

_STATE_BYTES: Final = 128 * 1024
"""What journal, receipt and ledger take at most, in bytes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a write: the file it is about, and a text for the user."""

    path: Path
    text: str


Progress = Callable[[Stage], None]
Texts = Mapping[Path, Sequence[bytes | None]]


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is to do. `parts` are fingerprints of our parts of shared files, `ledger` what is ours afterwards.

    `undoes` is the number of the run that is taken back, 0 for an apply; `folders` are then the ones that it made.
    """

    targets: tuple[Target, ...]
    ledger: Ledger
    parts: Mapping[Path, Mapping[str, str]]
    undoes: int = 0
    folders: tuple[Path, ...] = ()


class Work:
    """What a wizard does to the disk. Whoever makes one holds the lock."""

    def __init__(self, machine: Machine, store: Store, writer: Writer, progress: Progress) -> None:
        self.machine = machine
        self.store = store
        self._writer = writer
        self._progress = progress

    def run(self, job: Job) -> Receipt:
        """Write the targets in their order. Raises Refused and WriteFailed, after which all is as before."""
        founds = {each.path: self._fit(look(each.path)) for each in job.targets}
        steps = in_order(job.targets, lambda path: founds[path].content)
        texts = _forecast(steps, founds)
        self._check_space(founds, texts)
        ledger = self.sweep_generations()
        generations = tuple(dict.fromkeys(each.path for each in steps if each.path not in founds))
        number = self.store.next_number()
        written = tuple(
            self._record(number, place, each, founds[each.path], texts[each.path], job.parts.get(each.path, {}))
            for place, each in enumerate(job.targets)
        )
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        receipt = Receipt(number, when, written, _missing(founds.values()), generations, ledger)
        ledger_after = replace(job.ledger, generations=(*ledger.generations, *generations))
        run = Run(receipt, self._writer.token, "undo" if job.undoes else "apply", job.undoes, ledger_after)
        self.store.save_journal(run)
        return self._carried_through(run, steps, job.folders)

    def _carried_through(self, run: Run, steps: Sequence[Target], folders: tuple[Path, ...]) -> Receipt:
        hand = Hand(self.store, self._writer)
        try:
            for step in steps:
                self._progress(Stage(step.path, step.text or _TEXTS.get(step.role, "")))
                run = hand.put(step, run) or run
            for folder in reversed(folders):
                self._writer.remove_folder(folder)
            run = _settled(run, hand)
            self.store.finish(run)
        except BaseException as error:
            raise self._explained(error, rolled_back=self._rolled_back(run)) from None
        return run.receipt

    def _explained(self, error: BaseException, *, rolled_back: bool) -> BaseException:
        if isinstance(error, OSError | DamagedState | Unwritable):
            error = StepFailed(self.store.folder, error)
        if not isinstance(error, StepFailed):
            return error
        path, cause = self.machine.short(error.path), error.cause
        if isinstance(cause, OSError):
            return WriteFailed(path, reason_of(cause), rolled_back=rolled_back)
        reason = str(cause)
        if isinstance(cause, ForeignHand):
            reason = "Another program changed it meanwhile. Look at the plan again."
        if isinstance(cause, Unwritable):
            reason = cause.text
        return (
            Refused(f"{path}: {reason}", [error.path]) if rolled_back else WriteFailed(path, reason, rolled_back=False)
        )

    def _rolled_back(self, run: Run) -> bool:
        try:
            self.take_back(run)
        except (OSError, StepFailed, Unwritable, DamagedState):
            return False
        return True

    def take_back(self, run: Run) -> None:
        """Give back what was there before an unfinished run, as far as nobody changed it since, and forget the run."""
        sweep_temporaries(run, self._writer)
        targets = backwards(run.receipt, self.store)
        founds = {each.path: look(each.path) for each in targets}
        steps = in_order(targets, lambda path: founds[path].content)
        if (foreseen := _foreseen(run, _forecast(steps, founds))) != run:
            self.store.save_journal(foreseen)
        hand = Hand(self.store, self._writer)
        for step in steps:
            hand.put(step, None)
        made = (each.path for each in steps if each.path not in founds)
        before = run.receipt.ledger_before
        generations = (*before.generations, *run.receipt.generations, *made)
        ledger = without_unused(replace(before, generations=generations), self.machine, self._writer)
        sweep_temporaries(run, self._writer)
        for folder in reversed(run.receipt.folders):
            self._writer.remove_folder(folder)
        self.store.abandon(ledger)

    def recover(self) -> tuple[Path, ...]:
        """Finish or take back a run that was killed; return the files it was about. Raises Refused, WriteFailed."""
        run = self.store.interrupted()
        if run is None:
            return ()
        sweep_temporaries(run, self._writer)
        try:
            if all(digest(look(each.path).content) == each.after for each in run.receipt.written):
                self.store.finish(run)
            else:
                self.take_back(run)
        except StepFailed as error:
            raise self._explained(error, rolled_back=False) from None
        return run.receipt.paths

    def sweep_generations(self) -> Ledger:
        """Remove the helper generations that no settings layer names any more; return the ledger without them."""
        ledger = self.store.ledger()
        swept = without_unused(ledger, self.machine, self._writer)
        if swept != ledger:
            self.store.save_ledger(swept)
        return swept

    def _fit(self, found: Found) -> Found:
        if text := obstacle(found):
            raise Refused(f"{self.machine.short(found.path)}: {text}", [found.path])
        return found

    def _check_space(self, founds: Mapping[Path, Found], texts: Texts) -> None:
        writes = [(found, max(len(text or b"") for text in texts[path])) for path, found in founds.items()]
        kept = sum(len(found.content or b"") + 4096 for found in founds.values())
        check_space([*writes, (look(self.store.lock_file), kept + _STATE_BYTES)])

    def _record(
        self,
        number: int,
        place: int,
        target: Target,
        found: Found,
        texts: Sequence[bytes | None],
        parts: Mapping[str, str],
    ) -> Written:
        """Save what a file holds, and describe what will become of it."""
        name = f"{place:02d}-{target.path.name[:100]}"
        kept = found.content is not None and not _is_mode_only(target, found, texts)
        if found.content is not None and kept:
            self.store.backup(number, name, found.content)
        in_place = bool(why_in_place(found)) and target.role != "secrets"
        copies = tuple(f"new-{turn:02d}-{name}" for turn in range(len(texts))) if in_place else ()
        for copy, text in zip(copies, texts, strict=False):
            self.store.backup(number, copy, text or b"")
        return Written(
            path=target.path,
            role=target.role,
            before=digest(found.content),
            before_mode=found.mode,
            after=digest(texts[-1]),
            after_mode=None if texts[-1] is None else target.mode_for(found.mode),
            states=tuple(dict.fromkeys(digest(text) for text in texts)),
            backup=name if kept else "",
            parts=parts,
            in_place=in_place,
            copies=copies,
        )


def _is_mode_only(target: Target, found: Found, texts: Sequence[bytes | None]) -> bool:
    """Say whether a secrets file only gets another mode, for which its secrets need not be copied anywhere."""
    return target.role == "secrets" and all(text == found.content for text in texts)


_TEXTS: Final = {
    "helper": "the key helper",
    "settings": "Claude Code's settings",
    "setup-script": "the setup script",
    "rc-block": "the start-up file",
    "fish": "the file for fish",
    "answers": "your answers",
    "secrets": "the secrets file",
}


def _forecast(steps: Iterable[Target], founds: Mapping[Path, Found]) -> dict[Path, list[bytes | None]]:
    """Return every text that each file will hold on the way, if nobody else writes."""
    texts: dict[Path, list[bytes | None]] = {}
    for step in steps:
        if step.path not in founds:
            continue
        so_far = texts.setdefault(step.path, [])
        so_far.append(step.make(so_far[-1] if so_far else founds[step.path].content))
    return texts


def _settled(run: Run, hand: Hand) -> Run:
    """Return the run with what each file really holds now."""
    for each in run.receipt.written:
        if each.path in hand.written:
            after, mode = hand.written[each.path]
            run = run.with_written(replace(each, after=after, after_mode=mode))
    return run


def _missing(founds: Iterable[Found]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(folder for found in founds for folder in found.missing))


def _foreseen(run: Run, texts: Texts) -> Run:
    """Note the texts of the way back too, so that being killed on it does not make them look like somebody's."""
    noted = run
    for each in run.receipt.written:
        states = dict.fromkeys((*each.states, *(digest(text) for text in texts.get(each.path, ()))))
        if set(states) - {each.before, *each.states}:
            noted = noted.with_written(replace(each, states=tuple(states)))
    return noted
