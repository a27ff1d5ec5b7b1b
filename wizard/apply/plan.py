"""The plan: what the answers say should stand on disk, against what stands there. Reads files and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wizard.answers import Answers, dumps
from wizard.apply import managed_block
from wizard.apply.change import (
    KEPT_MODE,
    WHOLLY_OURS,
    Change,
    Plan,
    Question,
    Role,
    Transform,
    digest,
    nothing_to_ask,
)
from wizard.apply.errors import PlanError, Unwritable
from wizard.apply.files import Found, look, obstacle, why_in_place
from wizard.apply.journal import DamagedState, Ledger, Run, Store
from wizard.apply.managed_block import BlockProblem
from wizard.apply.masking import mask_line, mask_lines
from wizard.apply.recovery import BLOCK
from wizard.apply.settings_edit import Key, SettingsEdit, name_of, names_helper, part_digest, read, value_at
from wizard.keys.backend import NoProgramError, backend
from wizard.machine.leftover_advice import leftovers_for
from wizard.machine.model import Machine
from wizard.machine.survey import wrong_user
from wizard.net.address import AddressError
from wizard.render.claude import HELPER_KEY, settings_edits
from wizard.render.helper import render_helper
from wizard.render.json_edit import JsonProblem
from wizard.render.refresh import refresh_seconds
from wizard.render.shell import fish_file, rc_block, setup_script

__all__ = ["Change", "Plan", "PlanError", "Role", "digest", "make_plan", "mask_line"]

_TTL: Final[Key] = ("env", "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
_MODES: Final[Mapping[Role, int]] = {
    "helper": 0o700,
    "settings": 0o600,
    "setup-script": 0o600,
    "rc-block": 0o644,
    "fish": 0o644,
    "answers": 0o600,
}


def make_plan(answers: Answers, machine: Machine, *, life_seconds: int | None = None) -> Plan:
    """Return what would change on disk for these answers; `life_seconds` is how long a key was seen to live.

    Raises PlanError when a file is not what it should be, may not be written or can't be read.
    """
    owned = _Owned.load(machine)
    changes = tuple(_Planner(answers, machine, owned, life_seconds).changes())
    if any(not each.is_noop for each in changes):
        changes += tuple(_unused_helpers(machine, owned, {each.path for each in changes}))
    wanted = _wanted_settings(answers, machine, owned, life_seconds)
    return Plan(
        changes=changes,
        leftovers=leftovers_for(answers, machine),
        blockers=tuple(_blockers(machine, wanted)),
        notes=tuple(_notes(answers, machine, changes, wanted, owned)),
    )


# ── what is ours ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Owned:
    """What on this machine we wrote, an interrupted run included."""

    ledger: Ledger = field(default_factory=Ledger)
    run: Run | None = None

    @classmethod
    def load(cls, machine: Machine) -> _Owned:
        store = Store(machine.state_dir)
        try:
            return cls(store.ledger(), store.interrupted())
        except DamagedState as error:
            text = "It is damaged. Delete it; the wizard then asks about every file that it wrote earlier."
            raise PlanError(str(error.path), text) from None
        except Unwritable as error:
            raise PlanError(str(error.path), error.text) from None

    def texts(self, path: Path) -> frozenset[str]:
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

    def stale(self, role: Role, present: Collection[Path]) -> Iterator[Path]:
        """Yield the files of a role that we wrote earlier and the answers name no more."""
        yield from (path for path, each in self.ledger.files.items() if each.role == role and path not in present)


# ── the changes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Planner:
    answers: Answers
    machine: Machine
    owned: _Owned
    life_seconds: int | None

    def changes(self) -> Iterator[Change]:
        """Yield every file the answers govern, in the order it is shown."""
        present: set[Path] = set()
        for change in self._wanted():
            if change.path not in present:
                present.add(change.path)
                yield change
        yield from self._unwanted(present)

    def _wanted(self) -> Iterator[Change]:
        answers, machine = self.answers, self.machine
        ttl_ms = _ttl_ms(answers, machine, self.owned, self.life_seconds)
        yield self._ours(machine.expand(answers.helper_path), "helper", self._helper_text())
        if answers.write.settings:
            yield self._settings()
        if {"bash", "zsh"} & set(answers.write.shells):
            script = _rendered(lambda: setup_script(answers, machine, ttl_ms))
            yield self._ours(machine.expand(answers.write.setup_script), "setup-script", script)
        for shell in machine.shells:
            if shell.name not in answers.write.shells:
                continue
            for path in shell.rc_files:
                if shell.name == "fish":
                    yield self._ours(path, "fish", _rendered(lambda: fish_file(answers, machine, ttl_ms)))
                else:
                    yield self._block(path)
        yield self._ours(machine.answers_file, "answers", dumps(answers))

    def _unwanted(self, present: Collection[Path]) -> Iterator[Change]:
        """Yield what we wrote for earlier answers: blocks to take out, files to remove."""
        for path in self.owned.stale("rc-block", present):
            yield _change(path, "rc-block", _without_block, parts=((BLOCK, digest(None)),))
        roles: tuple[Role, ...] = ("fish", "setup-script")
        for role in roles:
            for path in self.owned.stale(role, present):
                yield _removal(path, role, self.owned)

    def _helper_text(self) -> str:
        chosen = backend(self.answers.key.backend)
        try:
            body = chosen.helper_body(self.answers.key.options, self.machine)
        except NoProgramError as error:
            raise PlanError(str(self.machine.expand(self.answers.helper_path)), str(error)) from None
        return _rendered(lambda: render_helper(chosen, body, self.answers, self.machine))

    def _ours(self, path: Path, role: Role, text: str) -> Change:
        wanted = text.encode()
        question = nothing_to_ask if role == "answers" else _about_file(wanted, self.owned.texts(path))
        return _change(path, role, lambda _: wanted, question=question)

    def _settings(self) -> Change:
        wanted = _wanted_settings(self.answers, self.machine, self.owned, self.life_seconds)
        path = self.machine.settings_file
        content = _look(path).content
        return _change(path, "settings", wanted, question=wanted.question, parts=tuple(wanted.parts(content).items()))

    def _block(self, path: Path) -> Change:
        block = _rendered(lambda: rc_block(self.answers, self.machine))
        question = _about_block(block.encode(), self.owned.parts(path).get(BLOCK, ()))
        parts = ((BLOCK, digest(block.encode())),)
        return _change(path, "rc-block", lambda found: managed_block.put(found, block), question=question, parts=parts)


def _change(
    path: Path,
    role: Role,
    transform: Transform,
    *,
    question: Question = nothing_to_ask,
    parts: tuple[tuple[str, str], ...] = (),
) -> Change:
    found = _look(path)
    try:
        after = transform(found.content)
        conflict = "" if after == found.content else question(found.content)
    except JsonProblem as error:
        raise PlanError(str(path), f"Line {error.line}, column {error.column}: {error.text}") from None
    except BlockProblem as error:
        raise PlanError(str(path), f"Line {error.line}: {error.text}") from None
    mode = found.mode if role in KEPT_MODE and found.mode is not None else _MODES[role]
    change = Change(
        path=path,
        role=role,
        before=found.content,
        after=after,
        before_mode=found.mode,
        mode=mode,
        transform=transform,
        conflict=conflict,
        notes=tuple(_file_notes(found, role)),
        question=question,
        parts=parts,
    )
    if not change.is_noop and (text := obstacle(found)):
        raise PlanError(str(path), text)
    return change


def _look(path: Path) -> Found:
    try:
        return look(path)
    except Unwritable as error:
        raise PlanError(str(path), error.text) from None
    except OSError as error:
        raise PlanError(str(path), f"It can't be read: {error.strerror}. Check its owner and mode.") from None


def _rendered(render: Callable[[], str]) -> str:
    try:
        return render()
    except AddressError as error:
        raise PlanError("gateway.url", str(error)) from None
    except ValueError as error:
        raise PlanError("write", f"A path can't be written down. {error}") from None


def _about_file(wanted: bytes, known: frozenset[str]) -> Question:
    def question(found: bytes | None) -> str:
        if found is None or found == wanted or digest(found) in known:
            return ""
        if known:
            return "It changed since this wizard wrote it. What was changed would be replaced."
        return "This wizard did not write what stands here, and would replace it."

    return question


def _about_block(wanted: bytes, known: Collection[str]) -> Question:
    def question(found: bytes | None) -> str:
        block = managed_block.current(found)
        if block is None or block == wanted or digest(block) in known:
            return ""
        return "The lines between our markers are not as this wizard wrote them, and would be replaced."

    return question


def _without_block(found: bytes | None) -> bytes | None:
    return None if found is None else managed_block.remove(found)


def _removal(path: Path, role: Role, owned: _Owned) -> Change:
    """Return the removal of a file that is wholly ours, as long as it is as we wrote it."""
    known = owned.texts(path)
    return _change(path, role, lambda found: None if digest(found) in known else found)


def _unused_helpers(machine: Machine, owned: _Owned, present: Collection[Path]) -> Iterator[Change]:
    """Yield the helpers of earlier answers that no settings name any more; those of the last ones still are in use."""
    layers = [_look(path).content for path in {machine.settings_file, *(each.path for each in machine.layers)}]
    for path in owned.stale("helper", present):
        if not any(names_helper(layer, str(path)) for layer in layers):
            yield _removal(path, "helper", owned)


# ── the settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _wanted_settings(answers: Answers, machine: Machine, owned: _Owned, life_seconds: int | None) -> SettingsEdit:
    helper = machine.expand(answers.helper_path)
    ttl_ms = _ttl_ms(answers, machine, owned, life_seconds)
    try:
        edits = settings_edits(answers, machine, helper, ttl_ms)
    except AddressError as error:
        raise PlanError("gateway.url", str(error)) from None
    except ValueError as error:
        raise PlanError(str(helper), str(error)) from None
    return SettingsEdit(edits, owned.parts(machine.settings_file))


def _ttl_ms(answers: Answers, machine: Machine, owned: _Owned, life_seconds: int | None) -> int:
    """Return the refresh interval; one that we wrote stays when this time nobody knows how long a key lives."""
    life = life_seconds or backend(answers.key.backend).life_seconds(answers.key.options)
    if life is None and answers.key.refresh_seconds is None:
        written = value_at(read(_look(machine.settings_file).content), _TTL)
        ours = owned.parts(machine.settings_file).get(name_of(_TTL), ())
        if isinstance(written, str) and written.isdigit() and part_digest(written) in ours:
            return int(written)
    return refresh_seconds(answers, life) * 1000


def _blockers(machine: Machine, wanted: SettingsEdit) -> Iterator[str]:
    """Yield the reasons not to write at all."""
    if reason := wrong_user(machine):
        yield reason
    for layer in machine.layers:
        if layer.name != "managed":
            continue
        names = list(_set_otherwise(layer.helper, layer.env, wanted))
        if names:
            path = machine.short(layer.path)
            yield (
                f"{path} sets {', '.join(names)}, and managed settings win over yours. Ask whoever manages this machine"
                " to change it there."
            )


def _set_otherwise(helper: str | None, env: Mapping[str, str], wanted: SettingsEdit) -> Iterator[str]:
    for key, value in wanted.edits.items():
        theirs = helper if key == HELPER_KEY else env.get(key[-1])
        if theirs is not None and theirs != value:
            yield name_of(key)


# ── what to say about it ─────────────────────────────────────────────────────────────────────────────────────────────


def _file_notes(found: Found, role: Role) -> Iterator[str]:
    if found.real != found.path and found.path.is_symlink():
        yield f"It is a link to {found.real}. The target is changed and the link stays."
        if any((folder / ".git").exists() for folder in found.real.parents):
            yield "The target is in a git work tree. What is added holds no secret."
    if text := why_in_place(found):
        yield text
    if role == "rc-block" and found.content and b"\r\n" in found.content:
        yield "Its lines end in CRLF; ours end in LF, which every shell reads."


def _notes(
    answers: Answers, machine: Machine, changes: Collection[Change], wanted: SettingsEdit, owned: _Owned
) -> Iterator[str]:
    if owned.run is not None:
        yield "An earlier write was interrupted. It is taken back before this one starts."
    if not answers.write.settings:
        yield f"{machine.short(machine.settings_file)} is left alone. Add these lines to it:\n{_to_paste(wanted)}"
    installed = {shell.name for shell in machine.shells}
    for name in answers.write.shells:
        if name not in installed:
            yield f"{name} is not installed here, so nothing is written for it."
    for layer in machine.layers:
        if layer.name in ("project", "local") and any(_set_otherwise(layer.helper, layer.env, wanted)):
            yield f"{machine.short(layer.path)} wins over your settings in that folder."
    secret = [machine.short(each.path) for each in changes if not each.is_noop and _holds_credential(each)]
    if secret:
        folder = machine.short(machine.state_dir / "backups")
        yield f"The backup of {', '.join(secret)} in {folder} (mode 0600) holds a credential, as the file does."


def _holds_credential(change: Change) -> bool:
    if change.before is None or change.role in WHOLLY_OURS:
        return False
    lines = change.before.decode("utf-8", "backslashreplace").split("\n")
    return mask_lines(lines) != lines


def _to_paste(wanted: SettingsEdit) -> str:
    table: dict[str, object] = {}
    for key, value in wanted.edits.items():
        place = table
        for name in key[:-1]:
            inner = place.setdefault(name, {})
            assert isinstance(inner, dict)  # noqa: S101 - the table is ours
            place = inner
        place[key[-1]] = value
    return json.dumps(table, indent=2, ensure_ascii=False)
