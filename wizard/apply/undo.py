"""Gives back what was there before the last write, or before the very first, as far as nobody changed it since."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from wizard.apply.change import WHOLLY_OURS, Change
from wizard.apply.errors import Refused, Unwritable
from wizard.apply.files import System, Writer, look
from wizard.apply.journal import ABSENT, EVERYTHING, DamagedState, Ledger, Origin, Receipt, Store, Written
from wizard.apply.managed_block import BlockProblem
from wizard.apply.order import Target, is_generation
from wizard.apply.recovery import OUR_LINES, Back, ways_back
from wizard.apply.suspend import OPEN_TERMINALS
from wizard.apply.transaction import at_work, held_back
from wizard.apply.work import Job, Progress, Stage
from wizard.keys.kept import KeptKey
from wizard.machine.model import Machine
from wizard.record import dataclass, replace
from wizard.render.json_edit import JsonProblem

NOTHING: Final = "There is nothing to undo: nothing that this wizard wrote is left here."
ONLY_ALL: Final = (
    "There is nothing to undo by itself any more. claude-litellm-wizard undo --all gives back what was there before the"
    " first write."
)
"""Said once the kept writes are undone and older ones are still in effect."""

Kept = tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class Way:
    """What an undo would do: the changes, and what stays because somebody changed it since.

    `number` is the run that is taken back, EVERYTHING for all of them. `keys` go out of the keychain.
    """

    number: int
    changes: tuple[Change, ...]
    kept: Kept = ()
    keys: tuple[KeptKey, ...] = ()

    @property
    def key_lines(self) -> tuple[str, ...]:
        """What is taken out of the keychain, as long as nobody changed it there, as lines for a person."""
        return tuple(
            f"The keychain ({each.place}): {'what was there before comes back' if each.aside else 'the key goes'}."
            for each in self.keys
        )

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that change something."""
        return tuple(each for each in self.changes if not each.is_noop)


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: the run it took back, the files given back or removed again, and what stays and why.

    `copies` are where the state folder still holds what a file that stays was before the first run. `off` says that
    nothing leads shells to the gateway any more. `keychain` are lines that say what came of the keys in the keychain.
    """

    number: int
    restored: tuple[Path, ...]
    removed: tuple[Path, ...]
    kept: Kept
    copies: tuple[tuple[Path, Path], ...] = ()
    off: bool = False
    keychain: tuple[str, ...] = ()

    def lines(self, machine: Machine) -> tuple[str, ...]:
        """Return it as lines for a person."""
        lines = [f"{machine.short(path)} is as it was before." for path in self.restored]
        lines += [f"{machine.short(path)} is gone again." for path in self.removed]
        lines += kept_lines(self.kept, machine)
        lines += [f"What {machine.short(path)} held before is in {machine.short(copy)}." for path, copy in self.copies]
        lines += self.keychain
        lines += [OPEN_TERMINALS] * self.off
        return tuple(lines) or ("Everything already is as it was before.",)

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {
            "number": self.number,
            "all": self.number == EVERYTHING,
            "restored": [str(path) for path in self.restored],
            "removed": [str(path) for path in self.removed],
            "kept": [{"path": str(path), "what": what} for path, what in self.kept],
            "copies": [{"path": str(path), "copy": str(copy)} for path, copy in self.copies],
            "keychain": list(self.keychain),
        }


def kept_lines(kept: Kept, machine: Machine) -> list[str]:
    """Return what stays, as lines for a person."""
    return [f"{machine.short(path)}: {_stays(what)}" for path, what in kept]


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


# ── the last run ─────────────────────────────────────────────────────────────────────────────────────────────────────


def look_back(machine: Machine) -> Way:
    """Return what `undo_last` would do now; reads only. Raises Refused."""
    last = _last(list_receipts(machine), machine)
    if last.key:
        return Way(last.number, (), keys=(last.key,))
    try:
        return _way(last.number, ways_back(last, Store(machine.state_dir)), machine)
    except DamagedState as error:
        raise Refused(f"{machine.short(error.path)} is gone or damaged, so nothing can be undone.") from None


def undo_last(
    machine: Machine, *, number: int | None = None, progress: Progress = _silent, system: System | None = None
) -> Undone:
    """Take the last write back: byte for byte where a file still is what we wrote, else our parts only.

    With `number` it has to be that run, else somebody has written since. Settings go first, so that a helper is never
    missing while they name it. Raises Refused when there is nothing to undo or a file can't be read, and WriteFailed
    when the system refused a write and all is as before the undo.
    """
    with held_back(), at_work(machine, progress, system) as work:
        work.recover()
        last = _last(work.store.receipts(), machine)
        if number not in (None, last.number):
            raise Refused("Another claude-litellm-wizard has written since. Look at undo --list.")
        if last.key:
            said = _out_of_keychain(last.key, machine)
            work.store.forget_key(last)
            return Undone(last.number, (), (), (), keychain=(said,))
        backs = ways_back(last, work.store)
        way = _way(last.number, backs, machine)
        parts = {each.path: dict(each.parts) for each in last.written}
        targets = tuple(each.target() for each in backs)
        work.run(Job(targets, last.ledger_before, parts, undoes=last.number, folders=last.folders))
        return _undone(way)


def _out_of_keychain(key: KeptKey, machine: Machine) -> str:
    """Take a key out of the keychain; return a line that says what came of it. Raises Refused."""
    from wizard.keys.keychain_access import KeychainError, take_back

    try:
        taken = take_back(key, machine)
    except KeychainError as error:
        raise Refused(f"{error} The key for {key.place} stays until then.") from None
    stays = f" What was there before is under the account {key.aside}." if key.aside else ""
    texts = {
        "restored": f"The keychain holds what it held before ({key.place}).",
        "removed": f"The key is out of the keychain again ({key.place}).",
        "gone": f"The keychain holds nothing any more ({key.place}).{stays}",
        "changed": f"The keychain ({key.place}) holds another key by now, which stays.{stays}",
    }
    return texts[taken]


def why_nothing(machine: Machine) -> str:
    """Say why no write can be taken back by itself: nothing is left of any, or only those that are too old."""
    try:
        return ONLY_ALL if Store(machine.state_dir).ledger().files else NOTHING
    except (DamagedState, Unwritable):
        return NOTHING


def _last(receipts: tuple[Receipt, ...], machine: Machine) -> Receipt:
    if not receipts:
        raise Refused(why_nothing(machine))
    return receipts[0]


def _way(number: int, backs: Iterable[Back], machine: Machine) -> Way:
    changes: list[Change] = []
    stays: list[tuple[Path, str]] = []
    for back in backs:
        path = back.written.path
        found = look(path)
        target = back.target()
        try:
            after = target.make(found.content)
            stays += [(path, what) for what in back.kept(found.content)]
        except JsonProblem as error:
            text = f"Line {error.line}, column {error.column}: {error.text}"
            raise Refused(f"{machine.short(path)}: {text}", [path]) from None
        except BlockProblem as error:
            raise Refused(f"{machine.short(path)}: Line {error.line}: {error.text}", [path]) from None
        mode = target.mode_for(found.mode)
        changes.append(Change(path, back.written.role, found.content, after, found.mode, mode, target.make))
    return Way(number, tuple(changes), tuple(stays))


def _undone(way: Way) -> Undone:
    changed = [each for each in way.changes if each.before != each.after]
    removed = tuple(each.path for each in changed if each.after is None)
    restored = tuple(each.path for each in changed if each.after is not None)
    off = any(each.after is None and each.role in ("setup-script", "fish") for each in changed)
    return Undone(way.number, restored, removed, way.kept, off=off)


# ── every run ────────────────────────────────────────────────────────────────────────────────────────────────────────


def look_all_the_way_back(machine: Machine) -> Way:
    """Return what `undo_all` would do now; reads only. Raises Refused."""
    if not machine.state_dir.exists():
        raise Refused(NOTHING)
    store = Store(machine.state_dir)
    try:
        ledger = store.ledger()
        return replace(_way(EVERYTHING, _origins_back(ledger, store), machine), keys=ledger.keys[::-1])
    except DamagedState as error:
        raise Refused(f"{machine.short(error.path)} is gone or damaged, so nothing can be undone.") from None
    except Unwritable as error:
        raise Refused(f"{machine.short(error.path)}: {error.text}", [error.path]) from None


def undo_all(machine: Machine, *, progress: Progress = _silent, system: System | None = None) -> Undone:
    """Take every write back, however many there were, and remove all that this wizard made, its records included.

    What somebody changed since stays, and with it the copy of what that file was before the first run. Raises Refused
    and WriteFailed as `undo_last` does.
    """
    if not machine.state_dir.exists():
        raise Refused(NOTHING)
    with held_back(), at_work(machine, progress, system) as work:
        work.recover()
        ledger = work.sweep_generations()
        backs = _origins_back(ledger, work.store)
        way = _way(EVERYTHING, backs, machine)
        stays = {path for path, _ in way.kept}
        origins = {path: each for path, each in ledger.origins.items() if path in stays and each.before != ABSENT}
        after = Ledger(origins=origins, folders=ledger.folders if origins else ())
        if backs:
            targets = (*(each.target() for each in backs), *map(_generation_gone, ledger.generations))
            parts = {path: dict(each.parts) for path, each in ledger.origins.items()}
            work.run(Job(targets, after, parts, undoes=EVERYTHING, folders=ledger.folders))
        said = tuple(_out_of_keychain_if_it_can_be(each, machine) for each in ledger.keys[::-1])
        places = ((path, work.store.origin_path(each)) for path, each in origins.items())
        copies = tuple((path, place) for path, place in places if place.exists())
        if not copies:
            work.store.clear()
            _remove_folders(ledger.folders, system)
    undone = _undone(way)
    gone = () if machine.state_dir.exists() else (machine.state_dir,)
    return replace(undone, removed=(*undone.removed, *gone), copies=copies, keychain=said)


def _out_of_keychain_if_it_can_be(key: KeptKey, machine: Machine) -> str:
    """Take a key out of the keychain; a keychain that is gone for good must not keep everything else from going."""
    try:
        return _out_of_keychain(key, machine)
    except Refused as error:
        return str(error).replace("stays until then", "stays")


def _origins_back(ledger: Ledger, store: Store) -> tuple[Back, ...]:
    return tuple(Back(_as_written(path, each), store.origin_copy(each)) for path, each in ledger.origins.items())


def _as_written(path: Path, origin: Origin) -> Written:
    """Return every write to a file as if it had been one.

    A file that is wholly ours goes back as long as it is what we last left there; in a shared one that others wrote to
    between our writes, only our parts do.
    """
    exact = origin.exact or origin.role in WHOLLY_OURS
    after, mode = origin.after, origin.after_mode
    return Written(path, origin.role, origin.before, origin.before_mode, after, mode, parts=origin.parts, exact=exact)


def _generation_gone(path: Path) -> Target:
    """Return the removal of a helper's generation, which nothing names once the settings are given back."""
    return Target(path, "helper", lambda found: None if is_generation(path, found) else found, 0o700)


def _remove_folders(folders: tuple[Path, ...], system: System | None) -> None:
    writer = Writer(system or System())
    for folder in reversed(folders):
        writer.remove_folder(folder)
