"""Off and on: the set-up is suspended and resumed, and the answers stay.

Off takes out what leads Claude Code to the gateway: our keys of settings.json, the setup script, and fish's file. The
blocks in the start-up files do nothing without the setup script, so the user's own files are not touched. The helper
and the answers wait for on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wizard.apply.change import Change, Plan, Role, Transform, digest
from wizard.apply.errors import PlanError, Unwritable
from wizard.apply.files import look, obstacle
from wizard.apply.journal import DamagedState, Ledger, Owned, Store
from wizard.apply.settings_edit import SettingsEdit, key_of, read, value_at
from wizard.machine.model import Machine
from wizard.record import replace
from wizard.render.json_edit import JsonProblem

SENTENCE: Final = "It is switched off: Claude Code uses its own login."
"""How every command and screen says that the set-up is suspended."""

OPEN_TERMINALS: Final = (
    "Close the terminals and Claude Code sessions that are open: they still hold the gateway's URL, and Claude Code"
    " started from there would send your own login to the gateway."
)

_TTL: Final = ("env", "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
_GOING: Final[tuple[Role, ...]] = ("settings", "setup-script", "fish")


def is_off(machine: Machine) -> bool:
    """Say whether the set-up is suspended; what can't be read is not."""
    try:
        return Store(machine.state_dir).ledger().off
    except (DamagedState, Unwritable, OSError):
        return False


def plan_off(machine: Machine) -> Plan:
    """Return what goes while the set-up is off: of each file only what still is as we wrote it. Raises PlanError."""
    ledger = _ledger(machine)
    found = ((role, path) for role in _GOING for path, each in ledger.files.items() if each.role == role)
    changes = tuple(_without(path, role, ledger.files[path]) for role, path in found)
    going = tuple(each for each in changes if not each.is_noop)
    return Plan(going, notes=tuple(_notes(changes, ledger, machine)), off=True)


def as_before_off(plan: Plan, machine: Machine) -> Plan:
    """Return the plan that brings settings.json back byte for byte, where nobody wrote to it while the set-up was off.

    Where somebody did, or the answers say something else by now, the plan stays as it is.
    """
    return replace(plan, changes=tuple(_as_before(each, machine) for each in plan.changes))


def life_before_off(machine: Machine) -> int | None:
    """Return how long a key lives, in seconds, as far as the refresh interval of the time before off tells."""
    _, text = _settings_before_off(machine)
    written = value_at(read(text), _TTL)
    return int(written) // 1000 * 2 if isinstance(written, str) and written.isdigit() else None


def _ledger(machine: Machine) -> Ledger:
    try:
        return Store(machine.state_dir).ledger()
    except DamagedState as error:
        raise PlanError(str(error.path), "It is damaged, so nobody can say what is the wizard's. Delete it.") from None
    except Unwritable as error:
        raise PlanError(str(error.path), error.text) from None


def _without(path: Path, role: Role, owned: Owned) -> Change:
    """Return the change that takes our part out of a file, or the file away when it is wholly ours."""
    if role != "settings":
        return _change(path, role, lambda found: None if digest(found) == owned.content else found)
    edit = SettingsEdit({}, {name: {value} for name, value in owned.parts.items()})
    change = _change(path, role, lambda found: None if found is None else edit(found))
    return replace(change, parts=tuple(edit.parts(change.before).items()))


def _change(path: Path, role: Role, transform: Transform) -> Change:
    try:
        found = look(path)
        after = transform(found.content)
        text = "" if after == found.content else obstacle(found)
    except JsonProblem as error:
        raise PlanError(str(path), f"Line {error.line}, column {error.column}: {error.text}") from None
    except Unwritable as error:
        raise PlanError(str(path), error.text) from None
    except OSError as error:
        raise PlanError(str(path), f"It can't be read: {error.strerror}. Check its owner and mode.") from None
    if text:
        raise PlanError(str(path), text)
    mode = found.mode or 0o600
    return Change(path, role, found.content, after, found.mode, mode, transform)


def _notes(changes: tuple[Change, ...], ledger: Ledger, machine: Machine) -> Iterator[str]:
    for each in changes:
        path = machine.short(each.path)
        if each.role == "settings":
            table = read(each.after)
            stays = [name for name in ledger.parts(each.path) if value_at(table, key_of(name)) is not None]
            if stays:
                yield f"{path}: {', '.join(stays)} changed since this wizard wrote it and stays."
        elif each.is_noop and each.before is not None:
            yield f"{path} changed since this wizard wrote it and stays."
    yield OPEN_TERMINALS


def _as_before(change: Change, machine: Machine) -> Change:
    fingerprint, text = _settings_before_off(machine)
    if change.role != "settings" or text is None or change.transform(text) != text:
        return change

    def transform(found: bytes | None) -> bytes | None:
        return text if digest(found) == fingerprint else change.transform(found)

    return replace(change, after=transform(change.before), transform=transform)


def _settings_before_off(machine: Machine) -> tuple[str, bytes | None]:
    """Return what off left in settings.json, as a fingerprint, and what stood there before; none when it is not off."""
    store = Store(machine.state_dir)
    try:
        last = next((each for each in store.receipts() if not each.is_store), None)
        for each in last.written if last and store.ledger().off else ():
            if each.role == "settings" and each.exact and each.backup:
                return each.after, store.restore(last.number if last else 0, each.backup)
    except (DamagedState, Unwritable, OSError):
        pass
    return "", None
