"""What we wrote and what stood there before: the journal of a run, the receipts for undo, the ledger of what is ours.

All of it lives in the wizard's own 0700 folder:

    journal.json         the run under way; there only while one is, or after one was killed
    receipts/000007.json one per finished run, the newest five
    backups/000007/      what that run's files held, 0600
    backups/origins/     what files held before our very first write to them, 0600; kept until that is undone
    ledger.json          fingerprints of everything on this machine that we wrote
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from wizard.apply.change import Role, digest
from wizard.apply.files import TEMPORARY_PREFIX, Writer, look
from wizard.keys.kept import KeptKey
from wizard.machine.model import Machine
from wizard.machine.private import sweep_private_folders
from wizard.marks import UNFINISHED
from wizard.record import dataclass, field, replace

KEEP: Final = 5
"""Runs whose backups are kept."""

EVERYTHING: Final = -1
"""Stands in `Run.undoes` for every run there was."""

_VERSION: Final = 1
T = TypeVar("T")


class DamagedState(Exception):  # noqa: N818 - reads as the finding it is
    """A file of our own state folder that can't be read; `path` names it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is damaged.")
        self.path = path


@dataclass(frozen=True, slots=True)
class Written:
    """One file of a run.

    `before` and `after` are fingerprints, `states` those of every text the run may have put there, `backup` the name of
    the copy of what stood there before. `parts` are the fingerprints of our parts of a shared file. `copies` are the
    names of the new texts of a file that is written in place, so that a mix can be told from an edit. `exact` is False
    once somebody else wrote in between: then only our parts can be given back.
    """

    path: Path
    role: Role
    before: str
    before_mode: int | None
    after: str
    after_mode: int | None
    states: tuple[str, ...] = ()
    backup: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    in_place: bool = False
    copies: tuple[str, ...] = ()
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Owned:
    """What the ledger knows of one file: its fingerprint when it is wholly ours, those of our parts when it is not.

    `texts` are what we rendered for it, by part ("" for the whole file), so that an edit can be shown and merged; none
    holds a secret. Where a text's fingerprint is another than the one beside it, the user's own version was kept.
    """

    role: Role
    content: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a file was before the wizard's very first write to it, and what its last write left there.

    `before` is a fingerprint and names the kept copy; `parts` are the fingerprints of every part of ours there ever
    was. `exact` is False once somebody else wrote between two of our writes: the copy lacks what they wrote.
    """

    role: Role
    before: str
    before_mode: int | None
    after: str
    after_mode: int | None
    parts: Mapping[str, str] = field(default_factory=dict)
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything on this machine that we wrote, and the helper generations that may still be in use.

    `origins` and `folders` are what `undo --all` goes by: what stood there before, and the folders that we made. `off`
    says that the set-up is suspended. `keys` are what we put into the keychain, the newest last.
    """

    files: Mapping[Path, Owned] = field(default_factory=dict)
    generations: tuple[Path, ...] = ()
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    off: bool = False
    keys: tuple[KeptKey, ...] = ()

    def parts(self, path: Path) -> Mapping[str, str]:
        """Return the fingerprints of our parts of a shared file."""
        return self.files[path].parts if path in self.files else {}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one run wrote. `number` counts the runs of this machine; 0 is a run that had nothing to do.

    `key` is what it put into the keychain, which is all that such a run does.
    """

    number: int
    when: str
    written: tuple[Written, ...]
    folders: tuple[Path, ...] = ()
    generations: tuple[Path, ...] = ()
    ledger_before: Ledger = field(default_factory=Ledger)
    notes: tuple[str, ...] = ()
    key: KeptKey | None = None

    @property
    def is_store(self) -> bool:
        """Whether it stored a key or made a secrets file private, which leaves the set-up as it was."""
        return self.key is not None or all(each.role == "secrets" for each in self.written)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files it changed."""
        return tuple(each.path for each in self.written)

    def line(self, machine: Machine) -> str:
        """Return the run as one line for a list."""
        names = ", ".join(machine.short(path) for path in self.paths)
        if self.key:
            names = f"the keychain ({self.key.place})"
        return f"{self.number:>4}  {self.when}  {names}"

    def as_json(self) -> dict[str, object]:
        """Return the run as `--json` prints it."""
        files = [{"path": str(each.path), "role": each.role, "existed": each.before != ABSENT} for each in self.written]
        kept = {"keychain": {"service": self.key.service, "account": self.key.account}} if self.key else {}
        return {"number": self.number, "when": self.when, "files": files, **kept}


ABSENT: Final = digest(None)


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way. `undoes` is the number of the run that it takes back; `ledger_after` holds once it is done.

    What it adds to the origins is not in `ledger_after` yet: only a finished run tells what it left in a file.
    """

    receipt: Receipt
    token: str
    kind: Literal["apply", "undo"] = "apply"
    undoes: int = 0
    ledger_after: Ledger = field(default_factory=Ledger)

    def record(self, path: Path) -> Written | None:
        """Return what the run says about a file; None for one that is not the user's, like a helper's generation."""
        return next((each for each in self.receipt.written if each.path == path), None)

    def with_written(self, written: Written) -> Run:
        """Return the run with what it says about one file replaced."""
        files = tuple(written if each.path == written.path else each for each in self.receipt.written)
        return replace(self, receipt=replace(self.receipt, written=files))


# ── as JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _dump_ledger(ledger: Ledger) -> dict[str, Any]:
    files = {
        str(path): {
            "role": each.role,
            "content": each.content,
            "parts": dict(each.parts),
            "texts": dict(each.texts),
        }
        for path, each in ledger.files.items()
    }
    return {
        "files": files,
        "generations": [str(each) for each in ledger.generations],
        "origins": {str(path): _dump_origin(each) for path, each in ledger.origins.items()},
        "folders": [str(each) for each in ledger.folders],
        "off": ledger.off,
        "keys": [_dump_key(each) for each in ledger.keys],
    }


def _load_ledger(table: Mapping[str, Any]) -> Ledger:
    files = {
        Path(path): Owned(each["role"], each["content"], dict(each["parts"]), dict(each.get("texts", {})))
        for path, each in table["files"].items()
    }
    origins = {Path(path): Origin(**each) for path, each in table["origins"].items()}
    folders = tuple(map(Path, table["folders"]))
    keys = tuple(KeptKey(**each) for each in table.get("keys", ()))
    return Ledger(files, tuple(map(Path, table["generations"])), origins, folders, bool(table["off"]), keys)


def _dump_key(key: KeptKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in ("service", "account", "fingerprint", "salt", "aside")}


def _dump_origin(origin: Origin) -> dict[str, Any]:
    names = ("role", "before", "before_mode", "after", "after_mode", "exact")
    return {name: getattr(origin, name) for name in names} | {"parts": dict(origin.parts)}


def _dump_written(written: Written) -> dict[str, Any]:
    names = ("role", "before", "before_mode", "after", "after_mode", "backup", "in_place", "exact")
    table = {name: getattr(written, name) for name in names}
    lists = {"states": list(written.states), "copies": list(written.copies), "parts": dict(written.parts)}
    return {"path": str(written.path), **table, **lists}


def _load_written(table: Mapping[str, Any]) -> Written:
    lists = {"path": Path(table["path"]), "states": tuple(table["states"]), "copies": tuple(table["copies"])}
    return Written(**{**table, **lists})


def _dump_receipt(receipt: Receipt) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "number": receipt.number,
        "when": receipt.when,
        "written": [_dump_written(each) for each in receipt.written],
        "folders": [str(each) for each in receipt.folders],
        "generations": [str(each) for each in receipt.generations],
        "ledger_before": _dump_ledger(receipt.ledger_before),
        "notes": list(receipt.notes),
        "key": _dump_key(receipt.key) if receipt.key else None,
    }


def _load_receipt(table: Mapping[str, Any]) -> Receipt:
    return Receipt(
        number=int(table["number"]),
        when=str(table["when"]),
        written=tuple(_load_written(each) for each in table["written"]),
        folders=tuple(map(Path, table["folders"])),
        generations=tuple(map(Path, table["generations"])),
        ledger_before=_load_ledger(table["ledger_before"]),
        notes=tuple(table["notes"]),
        key=KeptKey(**table["key"]) if table.get("key") else None,
    )


def _dump_run(run: Run) -> dict[str, Any]:
    own = {"token": run.token, "kind": run.kind, "undoes": run.undoes, "ledger_after": _dump_ledger(run.ledger_after)}
    return {"receipt": _dump_receipt(run.receipt), **own}


def _load_run(table: Mapping[str, Any]) -> Run:
    return Run(
        _load_receipt(table["receipt"]),
        str(table["token"]),
        table["kind"],
        int(table["undoes"]),
        _load_ledger(table["ledger_after"]),
    )


# ── before the very first write ──────────────────────────────────────────────────────────────────────────────────────


def with_origins(ledger: Ledger, receipt: Receipt) -> Ledger:
    """Return the ledger with what a finished run tells about the files and folders before it."""
    origins = dict(ledger.origins)
    for each in receipt.written:
        origins[each.path] = _origin(origins.get(each.path), each)
    return replace(ledger, origins=origins, folders=tuple(dict.fromkeys((*ledger.folders, *receipt.folders))))


def _origin(known: Origin | None, written: Written) -> Origin:
    after, mode = written.after, written.after_mode
    if known is None:
        before, before_mode = written.before, written.before_mode
        return Origin(written.role, before, before_mode, after, mode, written.parts, written.exact)
    exact = known.exact and written.exact and known.after == written.before
    return replace(known, after=after, after_mode=mode, parts={**known.parts, **written.parts}, exact=exact)


# ── on disk ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Store:
    """The state folder. Reading needs no lock; whoever writes holds it."""

    def __init__(self, folder: Path, writer: Writer | None = None) -> None:
        self.folder = folder
        self._writer = writer or Writer()

    @property
    def lock_file(self) -> Path:
        """The file that the lock is on."""
        return self.folder / "lock"

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.json"

    @property
    def _ledger(self) -> Path:
        return self.folder / "ledger.json"

    def prepare(self) -> tuple[Path, ...]:
        """Make the folder, private, and return what had to be made, outermost first. Raises Unwritable, OSError."""
        missing = look(self._journal).missing
        self._writer.make_folders(missing)
        if self.folder.stat().st_mode & 0o077:
            self._writer.system.chmod(self.folder, 0o700)
        return missing

    def remember_folders(self, made: tuple[Path, ...]) -> None:
        """Note the folders that `prepare` made, so that `undo --all` can remove them. Needs the lock."""
        if made:
            ledger = self.ledger()
            self.save_ledger(replace(ledger, folders=tuple(dict.fromkeys((*ledger.folders, *made)))))

    def ledger(self) -> Ledger:
        """Return what is ours, an interrupted run's part included. Raises DamagedState."""
        return self._read(self._ledger, _load_ledger) or Ledger()

    def interrupted(self) -> Run | None:
        """Return the run that was killed, if one was. Raises DamagedState."""
        return self._read(self._journal, _load_run)

    def receipts(self) -> tuple[Receipt, ...]:
        """Return the finished runs that can be undone, the newest first. Raises DamagedState."""
        found = (self._read(path, _load_receipt) for path in sorted(self._receipt_files(), reverse=True))
        return tuple(each for each in found if each is not None)

    def next_number(self) -> int:
        """Return the number of the next run; those of runs that were undone are used again."""
        return max((int(path.stem) for path in self._receipt_files()), default=0) + 1

    def save_journal(self, run: Run) -> None:
        """Write the journal, to last, before the first change that it is about."""
        self._save(self._journal, _dump_run(run))

    def backup(self, number: int, name: str, content: bytes) -> None:
        """Keep a copy of what a file holds."""
        found = look(self._backups(number) / name)
        self._writer.replace(found, content, 0o600)

    def restore(self, number: int, name: str) -> bytes:
        """Return a kept copy. Raises DamagedState when it is gone."""
        path = self._backups(number) / name
        content = look(path).content
        if content is None:
            raise DamagedState(path)
        return content

    def finish(self, run: Run) -> None:
        """Turn the journal into a receipt (or take back the receipt that was undone) and settle what is ours."""
        ledger = run.ledger_after
        if run.kind == "apply":
            self._keep_origins(run)
            ledger = with_origins(ledger, run.receipt)
            self._save(self._receipts / f"{run.receipt.number:06d}.json", _dump_receipt(run.receipt))
        self._save(self._ledger, _dump_ledger(ledger))
        if run.kind == "undo":
            self._forget(run.undoes)
        self._remove(self._journal)
        self._prune()

    def finish_key(self, receipt: Receipt, ledger: Ledger) -> None:
        """Note, before it happens, what is put into the keychain: undo asks the keychain whether it came to that."""
        self._save(self._receipts / f"{receipt.number:06d}.json", _dump_receipt(receipt))
        self._save(self._ledger, _dump_ledger(ledger))
        self._prune()

    def forget_key(self, receipt: Receipt) -> None:
        """Forget a run that put a key into the keychain."""
        self._save(self._ledger, _dump_ledger(receipt.ledger_before))
        self._forget(receipt.number)

    def abandon(self, ledger: Ledger) -> None:
        """Forget a run that has been taken back; `ledger` is what is ours now."""
        if ledger != self.ledger():
            self._save(self._ledger, _dump_ledger(ledger))
        self._remove(self._journal)
        self._prune()

    def save_ledger(self, ledger: Ledger) -> None:
        """Settle what is ours."""
        self._save(self._ledger, _dump_ledger(ledger))

    def sweep(self) -> None:
        """Remove what a killed run left in this folder: temporary files, and backups that no receipt refers to."""
        for path in self.folder.glob(f"**/{TEMPORARY_PREFIX}*.tmp"):
            self._remove(path)
        sweep_private_folders(self.folder)
        self._prune()

    @property
    def _receipts(self) -> Path:
        return self.folder / "receipts"

    def _receipt_files(self) -> list[Path]:
        return [path for path in self._receipts.glob("*.json") if path.stem.isdigit()]

    @property
    def _backups_folder(self) -> Path:
        return self.folder / "backups"

    def _backup_folders(self) -> list[Path]:
        return [each for each in self._backups_folder.glob("*") if each.name.isdigit()]

    def _backups(self, number: int) -> Path:
        return self._backups_folder / f"{number:06d}"

    @property
    def _origins(self) -> Path:
        return self._backups_folder / "origins"

    def _keep_origins(self, run: Run) -> None:
        """Copy what the files of a run held, where no earlier run wrote to them."""
        for each in run.receipt.written:
            known = run.ledger_after.origins.get(each.path)
            if not each.backup or (known is not None and known.before != each.before):
                continue
            copy = look(self._origins / each.before)
            if copy.content is None:
                self._writer.replace(copy, self.restore(run.receipt.number, each.backup), 0o600)

    def origin_copy(self, origin: Origin) -> bytes | None:
        """Return what a file held before our very first write; None for no file. Raises DamagedState."""
        if origin.before == ABSENT:
            return None
        path = self._origins / origin.before
        content = look(path).content
        if content is None and origin.role == "secrets":  # it only got another mode, for which nothing is copied
            return None
        if digest(content) != origin.before:
            raise DamagedState(path)
        return content

    def origin_path(self, origin: Origin) -> Path:
        """Return where the copy of what a file held is."""
        return self._origins / origin.before

    def clear(self) -> None:
        """Remove everything that this module, the lock and a killed run leave in the folder, and the folder itself.

        What is not ours stays, and the folder with it.
        """
        for path in self.folder.glob(f"**/{TEMPORARY_PREFIX}*.tmp"):
            self._remove(path)
        sweep_private_folders(self.folder)
        for folder in (*self._backup_folders(), self._origins, self._backups_folder, self._receipts):
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.is_file():
                    self._remove(path)
            self._writer.remove_folder(folder)
        for path in (self.lock_file, self._ledger, self.folder / UNFINISHED):
            self._remove(path)
        self._writer.remove_folder(self.folder)

    def _forget(self, number: int) -> None:
        every = self._receipt_files() if number == EVERYTHING else [self._receipts / f"{number:06d}.json"]
        for path in every:
            self._remove(path)

    def _prune(self) -> None:
        """Keep the newest receipts, and the backups that they refer to."""
        for path in sorted(self._receipt_files(), reverse=True)[KEEP:]:
            self._remove(path)
        kept = {int(path.stem) for path in self._receipt_files()}
        for folder in self._backup_folders():
            if int(folder.name) in kept:
                continue
            for path in folder.iterdir():
                self._remove(path)
            self._writer.remove_folder(folder)
        self._prune_origins()

    def _prune_origins(self) -> None:
        """Remove the copies that neither the present nor an undo can ask for."""
        copies = list(self._origins.glob("*"))
        if not copies:
            return
        try:
            ledgers = [self.ledger(), *(each.ledger_before for each in self.receipts())]
        except DamagedState:
            return
        named = {each.before for ledger in ledgers for each in ledger.origins.values()}
        for path in copies:
            if path.name not in named:
                self._remove(path)

    def _save(self, path: Path, table: Mapping[str, Any]) -> None:
        text = json.dumps(table, ensure_ascii=True, indent=1) + "\n"
        self._writer.replace(look(path), text.encode(), 0o600)

    def _remove(self, path: Path) -> None:
        found = look(path)
        if found.content is not None:
            self._writer.remove(found)

    def _read(self, path: Path, load: Callable[[Mapping[str, Any]], T]) -> T | None:
        content = look(path).content
        if content is None:
            return None
        try:
            return load(json.loads(content))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise DamagedState(path) from None
