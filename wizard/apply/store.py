"""Stores a pasted key where a key helper finds it: in a secrets file or in the keychain."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wizard.apply.change import Change, digest
from wizard.apply.confirmed import Confirmed, found_secrets, written
from wizard.apply.errors import PlanError, Refused
from wizard.apply.files import Found, System, why_in_place
from wizard.apply.journal import Receipt
from wizard.apply.signals import held_back
from wizard.apply.transaction import at_work
from wizard.keys.encrypted_file import program_of
from wizard.keys.parts import text
from wizard.keys.seal import seal_of
from wizard.keys.secret_files import CantHold, put_variable, value_in
from wizard.record import replace

if TYPE_CHECKING:
    from wizard.keys.backend import Options
    from wizard.machine.model import Machine
    from wizard.secret import Secret

_MODE: Final = 0o600


def plan_store(
    backend: str, options: Options, key: Secret, machine: Machine, system: System | None = None
) -> Confirmed:
    """Return the write that stores a key for a backend and its answers. Writes nothing itself.

    Raises PlanError where it can't be stored there, and KeyError for a backend that stores nothing.
    """
    return _PLANS[backend](options, key, machine, system)


# ── in a secrets file ────────────────────────────────────────────────────────────────────────────────────────────────


def _in_file(options: Options, key: Secret, machine: Machine, system: System | None) -> Confirmed:
    path, variable = machine.expand(text(options, "file")), text(options, "variable")
    shown = machine.short(path)
    found = found_secrets(path, machine)
    if seal := program_of(options) or seal_of(found.content):
        raise PlanError(shown, f"It is encrypted with {seal}, so the wizard can't add to it. Use {seal} itself.")
    if reason := why_in_place(found):
        raise PlanError(shown, f"{reason} A copy of your key would lie in the backups. Choose another file.")
    change = _file_change(path, found, variable, key, shown)
    return Confirmed(
        lines=_file_lines(change, found, variable, key, shown),
        question=f"Write the key into {shown}?",
        done=f"{shown} holds the key now (mode 0600).",
        write=lambda: written(change, machine, system),
        is_noop=change.is_noop,
    )


def _file_change(path: Path, found: Found, variable: str, key: Secret, shown: str) -> Change:
    def transform(content: bytes | None) -> bytes:
        return put_variable(content, variable, key)

    try:
        after = transform(found.content)
    except CantHold as error:
        raise PlanError(shown, str(error)) from None
    parts = ((variable, digest(key.reveal().encode())),)
    return Change(path, "secrets", found.content, after, found.mode, _MODE, transform, parts=parts)


def _file_lines(change: Change, found: Found, variable: str, key: Secret, shown: str) -> tuple[str, ...]:
    if change.is_noop:
        return (f"{shown} sets {variable} to this key already.",)
    lines = []
    if found.content is None:
        lines.append(f"{shown} is new, with mode 0600: only you can read it.")
    elif found.mode is not None and found.mode != _MODE:
        lines.append(f"{shown} gets mode 0600 (now {found.mode:04o}): only you can read it then.")
    known = value_in(found.content, variable)
    verb = "sets" if known is None else "sets, instead of another value,"
    lines.append(f"{shown} {verb} {variable} to {key.hint()}.")
    if found.content is not None:
        lines.append("Every other line stays. What it holds now goes into the backup, mode 0600.")
    return tuple(lines)


# ── in the keychain ──────────────────────────────────────────────────────────────────────────────────────────────────


def _in_keychain(options: Options, key: Secret, machine: Machine, system: System | None) -> Confirmed:
    from wizard.keys.keychain_access import KeychainError, holds

    service, account = text(options, "service"), text(options, "account")
    place = f"service {service}, account {account}"
    try:
        now = holds(service, account, key, machine)
    except KeychainError as error:
        raise PlanError("keychain", str(error)) from None
    lines = {
        "same": ("The keychain holds this key already.",),
        "nothing": (f"The keychain gets {key.hint()} for {place}.",),
        "other": (
            f"The keychain gets {key.hint()} for {place}.",
            "What it holds there now stays in the keychain under another account, until you undo this.",
        ),
    }
    return Confirmed(
        lines=lines[now],
        question="Put the key into the keychain?",
        done=f"The keychain holds the key now ({place}).",
        write=lambda: _put(service, account, key, machine, system),
        is_noop=now == "same",
    )


def _put(service: str, account: str, key: Secret, machine: Machine, system: System | None) -> Receipt:
    """Put the key into the keychain; the receipt is written first, so that no key is there that nobody knows of."""
    from wizard.keys.keychain_access import KeychainError, holds, kept_key, put

    with held_back(), at_work(machine, system=system) as work:
        work.recover()
        store = work.store
        ledger, number = store.ledger(), store.next_number()
        try:
            now = holds(service, account, key, machine)
            if now == "same":
                return Receipt(0, "", ())
            moment = datetime.now(UTC)
            aside = f"{account} (before {moment:%Y-%m-%dT%H:%M:%S.%fZ})" if now == "other" else ""
            kept = kept_key(service, account, key, aside)
            receipt = Receipt(number, f"{moment:%Y-%m-%dT%H:%M:%SZ}", (), ledger_before=ledger, key=kept)
            store.finish_key(receipt, replace(ledger, keys=(*ledger.keys, kept)))
            try:
                put(kept, key, machine)
            except KeychainError as error:
                if error.is_sure:
                    store.forget_key(receipt)
                raise
        except KeychainError as error:
            raise Refused(str(error)) from None
        return receipt


_PLANS: Final = {"env-file": _in_file, "keychain": _in_keychain}
