"""What we wrote on this machine, and what of it changed since."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from wizard.apply import managed_block
from wizard.apply.change import Role, digest, unified
from wizard.apply.errors import PlanError, Unwritable
from wizard.apply.files import look
from wizard.apply.journal import DamagedState, Ledger, Owned, Run, Store
from wizard.apply.managed_block import BlockProblem
from wizard.apply.recovery import BLOCK
from wizard.apply.settings_edit import key_of, name_of, part_digest, read, shown_value, value_at
from wizard.machine.model import Machine
from wizard.record import dataclass, field

Kind = Literal["changed", "gone", "broken"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One file that is no longer as we wrote it: `text` says what changed, `line` where its markers are broken.

    `was` is our text as we wrote it, None when that is not known; `now` is what stands in its place, None for nothing.
    """

    path: Path
    role: Role
    kind: Kind
    text: str
    was: bytes | None = field(default=None, repr=False)
    now: bytes | None = field(default=None, repr=False)
    line: int = 0

    def diff(self, shown_path: str) -> str:
        """Return the change as a unified diff, credentials masked; empty where our own text is not known."""
        if self.was is None or self.kind == "broken":
            return ""
        return unified(self.was, self.now, (f"{shown_path} (as the wizard wrote it)", f"{shown_path} (now)"))


@dataclass(frozen=True, slots=True)
class Known:
    """What on this machine we wrote, an interrupted run included."""

    ledger: Ledger = field(default_factory=Ledger)
    run: Run | None = None

    @classmethod
    def load(cls, machine: Machine) -> Known:
        """Read it. Raises PlanError when the records are damaged."""
        store = Store(machine.state_dir)
        try:
            return cls(store.ledger(), store.interrupted())
        except DamagedState as error:
            text = "It is damaged. Delete it; the wizard then asks about every file that it wrote earlier."
            raise PlanError(str(error.path), text) from None
        except Unwritable as error:
            raise PlanError(str(error.path), error.text) from None

    def contents(self, path: Path) -> frozenset[str]:
        """Return the fingerprints of every text that we may have left in a file that is wholly ours."""
        found = {self.ledger.files[path].content} if path in self.ledger.files else set()
        for each in self.run.receipt.written if self.run else ():
            if each.path == path:
                found |= {each.before, *each.states}
        return frozenset(found - {""})

    def parts(self, path: Path) -> Mapping[str, Collection[str]]:
        """Return the fingerprints of what we may have left in our parts of a shared file."""
        found = {name: {value} for name, value in self.ledger.parts(path).items()}
        for each in self.run.receipt.written if self.run else ():
            if each.path == path:
                for name, value in each.parts.items():
                    found.setdefault(name, set()).add(value)
        return found

    def text(self, path: Path, part: str = "") -> bytes | None:
        """Return what we rendered last for a file or a part of it; None when that is not known."""
        texts = self.ledger.files[path].texts if path in self.ledger.files else {}
        return texts[part].encode() if part in texts else None

    def kept(self, path: Path, part: str = "") -> str:
        """Return the fingerprint of the user's own version of a text that was kept or merged; empty for none."""
        text = self.text(path, part)
        if text is None:
            return ""
        owned = self.ledger.files[path]
        now = owned.parts.get(part, "") if part else owned.content
        return now if now != digest(text) else ""

    def stale(self, role: Role, present: Collection[Path]) -> Iterator[Path]:
        """Yield the files of a role that we wrote earlier and the answers name no more."""
        yield from (path for path, each in self.ledger.files.items() if each.role == role and path not in present)


def drifts(machine: Machine, known: Known | None = None) -> tuple[Drift, ...]:
    """Return every file that is no longer as we wrote it. Reads only. Raises PlanError for damaged records."""
    known = known or Known.load(machine)
    found = (_drift(path, owned, known) for path, owned in known.ledger.files.items())
    return tuple(each for each in found if each is not None)


def _drift(path: Path, owned: Owned, known: Known) -> Drift | None:
    try:
        now = look(path).content
    except (OSError, Unwritable):
        return None  # the plan says why it can't be read
    if owned.role == "settings":
        return _settings(path, now, known)
    if owned.role == "rc-block":
        return _block(path, now, known)
    if digest(now) in known.contents(path):
        return None
    if now is None:
        return Drift(path, owned.role, "gone", "It is gone.", known.text(path))
    return Drift(path, owned.role, "changed", "It changed since this wizard wrote it.", known.text(path), now)


def _block(path: Path, now: bytes | None, known: Known) -> Drift | None:
    was = known.text(path, BLOCK)
    try:
        block = managed_block.current(now)
    except BlockProblem as error:
        return Drift(path, "rc-block", "broken", f"Line {error.line}: {error.text}", was, now, error.line)
    if digest(block) in known.parts(path).get(BLOCK, ()):
        return None
    if block is None:
        return Drift(path, "rc-block", "gone", "Our lines are no longer in it.", was)
    return Drift(path, "rc-block", "changed", "The lines between our markers changed.", was, block)


def _settings(path: Path, now: bytes | None, known: Known) -> Drift | None:
    table, was, is_now, names = read(now), [], [], []
    for name, fingerprints in known.parts(path).items():
        key = key_of(name)
        value = value_at(table, key)
        if part_digest(value) in fingerprints:
            continue
        text = known.text(path, name)
        names.append(name_of(key))
        if text is not None:
            was.append(f"{name} = {shown_value(key, json.loads(text))}")
        if value is not None:
            is_now.append(f"{name} = {shown_value(key, value)}")
    if not names:
        return None
    kind: Kind = "changed" if is_now else "gone"
    verb = "changed" if is_now else ("is gone" if len(names) == 1 else "are gone")
    return Drift(path, "settings", kind, f"{', '.join(names)} {verb}.", _text(was), _text(is_now))


def _text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
