"""The plan: what the answers say should stand on disk, against what stands there. Reads files and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from wizard.answers import Answers, dumps
from wizard.apply import managed_block
from wizard.apply.change import (
    KEPT_MODE,
    REPLACE_ONLY,
    WHOLLY_OURS,
    Change,
    Choices,
    Migration,
    Plan,
    Question,
    Role,
    Transform,
    Way,
    digest,
    nothing_to_ask,
)
from wizard.apply.drift import Drift, Known, drifts
from wizard.apply.errors import PlanError, Unwritable
from wizard.apply.files import Found, look, obstacle, why_in_place
from wizard.apply.managed_block import BlockProblem
from wizard.apply.masking import mask_line, mask_lines
from wizard.apply.migration import Offers, offers
from wizard.apply.own_text import OwnText
from wizard.apply.recovery import BLOCK
from wizard.apply.settings_edit import Key, SettingsEdit, name_of, names_helper, part_digest, read, value_at
from wizard.apply.start_up import StartUpEdit
from wizard.keys.backend import NoProgramError, backend
from wizard.machine.leftover_advice import leftovers_for
from wizard.machine.model import Machine, Shell
from wizard.machine.shells import has_guard, other_shell
from wizard.machine.survey import wrong_user
from wizard.machine.syntax import complaint
from wizard.net.address import AddressError
from wizard.record import dataclass, replace
from wizard.render.claude import HELPER_KEY, settings_edits
from wizard.render.helper import origin_line, render_helper
from wizard.render.json_edit import JsonProblem
from wizard.render.refresh import refresh_seconds
from wizard.render.shell import fish_file, lines_to_paste, rc_block, setup_script

__all__ = ["Change", "Choices", "Drift", "Migration", "Plan", "PlanError", "Role", "digest", "make_plan", "mask_line"]

Named = tuple[tuple[str, str], ...]
"""Values by the name of a part of a file."""

NOTHING_CHOSEN: Final = Choices()

_TTL: Final[Key] = ("env", "CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
_MODES: Final[Mapping[Role, int]] = {
    "helper": 0o700,
    "settings": 0o600,
    "setup-script": 0o600,
    "rc-block": 0o644,
    "fish": 0o644,
    "answers": 0o600,
    "secrets": 0o600,
}


def make_plan(
    answers: Answers, machine: Machine, *, life_seconds: int | None = None, choices: Choices = NOTHING_CHOSEN
) -> Plan:
    """Return what would change on disk for these answers; `life_seconds` is how long a key was seen to live.

    `choices` are what the user chose on seeing an earlier plan. Raises PlanError when a file is not what it should be,
    may not be written or can't be read.
    """
    known = Known.load(machine)
    leftovers = leftovers_for(answers, machine)
    wanted = _wanted_settings(answers, machine, known, life_seconds)
    to_set = wanted.edits if answers.write.settings else ()
    offered = offers(leftovers, machine, to_set, choices.migrate)
    planner = _Planner(answers, machine, known, life_seconds, choices, offered)
    changes = tuple(planner.changes())
    if any(not each.is_noop for each in changes):
        changes += tuple(_unused_helpers(machine, known, {each.path for each in changes}))
    return Plan(
        changes=_with_drift(changes, machine, known),
        leftovers=leftovers,
        blockers=tuple(_blockers(machine, wanted)),
        notes=tuple(_notes(answers, machine, changes, wanted, known)),
        migrations=offered.items,
    )


def _with_drift(changes: Iterable[Change], machine: Machine, known: Known) -> tuple[Change, ...]:
    found = {each.path: each for each in drifts(machine, known)}
    return tuple(replace(each, drift=found.get(each.path)) for each in changes)


# ── the changes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Planner:
    answers: Answers
    machine: Machine
    known: Known
    life_seconds: int | None
    choices: Choices
    offers: Offers

    def changes(self) -> Iterator[Change]:
        """Yield every file the answers govern, in the order it is shown."""
        present: set[Path] = set()
        for change in self._wanted():
            if change.path not in present:
                present.add(change.path)
                yield change
        for change in self._unwanted(present):
            present.add(change.path)
            yield change
        for path in self.offers.lines(self.choices.migrate):
            if path not in present:
                yield self._start_up(path, None)

    def _wanted(self) -> Iterator[Change]:
        answers, machine = self.answers, self.machine
        ttl_ms = _ttl_ms(answers, machine, self.known, self.life_seconds)
        yield self._ours(machine.expand(answers.helper_path), "helper", self._helper_text())
        if answers.write.settings or self._drops(_look(machine.settings_file).content):
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
                    yield self._start_up(path, _rendered(lambda: rc_block(answers, machine)).encode(), shell)
        yield self._ours(machine.answers_file, "answers", dumps(answers))

    def _unwanted(self, present: Collection[Path]) -> Iterator[Change]:
        """Yield what we wrote for earlier answers: blocks to take out, files to remove."""
        for path in self.known.stale("rc-block", present):
            yield self._start_up(path, None)
        roles: tuple[Role, ...] = ("fish", "setup-script")
        for role in roles:
            for path in self.known.stale(role, present):
                yield _removal(path, role, self.known)

    def _helper_text(self) -> str:
        chosen = backend(self.answers.key.backend)
        try:
            body = chosen.helper_body(self.answers.key.options, self.machine)
        except NoProgramError as error:
            raise PlanError(str(self.machine.expand(self.answers.helper_path)), str(error)) from None
        return _rendered(lambda: render_helper(chosen, body, self.answers, self.machine))

    def _ours(self, path: Path, role: Role, text: str) -> Change:
        wanted = text.encode()
        texts = (("", text),)
        if role == "answers":
            return _change(path, role, lambda _: wanted, texts=texts)
        now = _look(path).content
        edit = OwnText(
            wanted,
            self.known.text(path),
            self.known.contents(path),
            self.known.kept(path),
            self.choices.ways.get(path),
            digest(now),
            origin_line(self.answers).encode() if role == "helper" else b"",
        )
        return _change(path, role, edit, question=edit.question, texts=texts, ways=edit.ways(now), way=edit.chosen(now))

    def _drops(self, settings: bytes | None) -> Mapping[Key, str]:
        return self.offers.drops(self.choices.migrate, settings)

    def _settings(self) -> Change:
        path = self.machine.settings_file
        content = _look(path).content
        wanted = _wanted_settings(self.answers, self.machine, self.known, self.life_seconds)
        parts: Mapping[str, str] = {}
        if not self.answers.write.settings:
            parts = self.known.ledger.parts(path)
            wanted = replace(wanted, edits={}, ours={})
        wanted = replace(wanted, drop=self._drops(content)).choosing(self.choices.ways.get(path), content)
        return _change(
            path,
            "settings",
            wanted,
            question=wanted.question,
            parts=tuple({**parts, **wanted.parts(content)}.items()),
            texts=tuple((wanted.texts() or wanted.rendered).items()),
            ways=wanted.ways(content),
            way=wanted.way,
        )

    def _start_up(self, path: Path, block: bytes | None, shell: Shell | None = None) -> Change:
        """Return the change of a start-up file: our block put there, or taken out, and lines set aside."""
        found = _look(path).content
        aside = self.offers.lines(self.choices.migrate).get(path, ())
        way = self.choices.ways.get(path)
        edit = StartUpEdit(aside=aside, way=way, seen=digest(found))
        if block is not None or path in self.known.ledger.files:
            edit = replace(edit, block=self._own_block(path, block, found, way), wrote=self._blocks(path, block))
        if block is not None and shell is not None and not edit.is_broken(found):
            edit = replace(edit, swallowed=_swallowed(shell, found))
        change = _change(path, "rc-block", edit, question=edit.question, ways=edit.ways(found))
        chosen = edit.chosen(found)
        if shell is not None and chosen is None and not change.is_noop:
            _refuse_broken(shell, change)
        parts, texts = _block_parts(change.after, block or self.known.text(path, BLOCK) or b"")
        return replace(change, way=chosen, parts=parts, texts=texts)

    def _own_block(self, path: Path, block: bytes | None, found: bytes | None, way: Way | None) -> OwnText:
        known = set(self.known.parts(path).get(BLOCK, ()))
        verb = "replaced" if block is not None else "taken out"
        text = f"The lines between our markers are not as this wizard wrote them, and would be {verb}."
        return OwnText(
            block,
            self.known.text(path, BLOCK),
            known,
            self.known.kept(path, BLOCK),
            way,
            digest(_block_in(found)),
            edited=text,
            foreign=text,
        )

    def _blocks(self, path: Path, block: bytes | None) -> tuple[bytes, ...]:
        return tuple(each for each in (block, self.known.text(path, BLOCK)) if each)


def _block_in(text: bytes | None) -> bytes | None:
    try:
        return managed_block.current(text)
    except BlockProblem:
        return None


def _block_parts(after: bytes | None, rendered: bytes) -> tuple[Named, Named]:
    """Return the fingerprint of our block as it will stand, and what we rendered for it; nothing where none stands."""
    stands = _block_in(after)
    return ((BLOCK, digest(stands)),), () if stands is None else ((BLOCK, rendered.decode()),)


def _swallowed(shell: Shell, found: bytes | None) -> str:
    """Return why a shell would not read lines at the end of a file that has no block of ours yet."""
    if not found or _block_in(found) is not None:
        return ""
    if problem := complaint(shell, found):
        place = f"Line {problem.line}: " if problem.line else ""
        return f"{place}{shell.name} stops reading this file there ({problem.text}), before any lines at its end."
    line = managed_block.endless_heredoc(found) if shell.name == "zsh" else None
    if line is None:
        return ""
    return f"Line {line}: a here-document begins there and never ends; it would take lines at the end for its text."


def _refuse_broken(shell: Shell, change: Change) -> None:
    """Refuse to make a file unreadable that its shell could read before."""
    if change.before and change.after and not complaint(shell, change.before):
        problem = complaint(shell, change.after)
        if problem is not None:
            text = f"With these changes {shell.name} would stop reading it at line {problem.line}. Choose fewer lines."
            raise PlanError(str(change.path), text)


def _change(
    path: Path,
    role: Role,
    transform: Transform,
    *,
    question: Question = nothing_to_ask,
    parts: Named = (),
    texts: Named = (),
    ways: Mapping[Way, str] = REPLACE_ONLY,
    way: Way | None = None,
) -> Change:
    found = _look(path)
    try:
        after = transform(found.content)
        asks = after != found.content or "replace" not in ways
        conflict = question(found.content) if asks else ""
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
        texts=texts,
        ways=ways,
        way=way,
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


def _removal(path: Path, role: Role, known: Known) -> Change:
    """Return the removal of a file that is wholly ours, as long as it is as we wrote it."""
    ours = known.contents(path) - {known.kept(path)}
    rendered = (("", (known.text(path) or b"").decode()),)
    return _change(path, role, lambda found: None if digest(found) in ours else found, texts=rendered)


def _unused_helpers(machine: Machine, known: Known, present: Collection[Path]) -> Iterator[Change]:
    """Yield the helpers of earlier answers that no settings name any more; those of the last ones still are in use."""
    layers = [_look(path).content for path in {machine.settings_file, *(each.path for each in machine.layers)}]
    for path in known.stale("helper", present):
        if not any(names_helper(layer, str(path)) for layer in layers):
            yield _removal(path, "helper", known)


# ── the settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _wanted_settings(answers: Answers, machine: Machine, known: Known, life_seconds: int | None) -> SettingsEdit:
    helper = machine.expand(answers.helper_path)
    ttl_ms = _ttl_ms(answers, machine, known, life_seconds)
    try:
        edits = settings_edits(answers, machine, helper, ttl_ms)
    except AddressError as error:
        raise PlanError("gateway.url", str(error)) from None
    except ValueError as error:
        raise PlanError(str(helper), str(error)) from None
    path = machine.settings_file
    rendered = known.ledger.files[path].texts if path in known.ledger.files else {}
    return SettingsEdit(edits, known.parts(path), rendered)


def _ttl_ms(answers: Answers, machine: Machine, known: Known, life_seconds: int | None) -> int:
    """Return the refresh interval; one that we wrote stays when this time nobody knows how long a key lives."""
    life = life_seconds or backend(answers.key.backend).life_seconds(answers.key.options)
    if life is None and answers.key.refresh_seconds is None:
        written = value_at(read(_look(machine.settings_file).content), _TTL)
        ours = known.parts(machine.settings_file).get(name_of(_TTL), ())
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
    if role == "rc-block" and found.path.name == ".bashrc" and has_guard(found.content or b""):
        yield (
            "Scripts and ssh commands stop reading it before its end, so they don't get these values."
            " Claude Code doesn't need them: it reads its settings."
        )


def _notes(
    answers: Answers, machine: Machine, changes: Collection[Change], wanted: SettingsEdit, known: Known
) -> Iterator[str]:
    if known.run is not None:
        yield "An earlier write was interrupted. It is taken back before this one starts."
    if not answers.write.settings:
        yield f"{machine.short(machine.settings_file)} is left alone. Add these lines to it:\n{_to_paste(wanted)}"
    installed = {shell.name for shell in machine.shells}
    for name in answers.write.shells:
        if name not in installed:
            yield f"{name} is not installed here, so nothing is written for it."
    if shell := other_shell(machine.env):
        ttl_ms = _ttl_ms(answers, machine, known, None)
        lines = _rendered(lambda: lines_to_paste(shell, answers, machine, ttl_ms))
        yield (
            f"Your shell is {shell}, whose start-up files this wizard does not write. Claude Code reads settings.json"
            " in any case. For what else needs the variables, add this yourself, and remove it after off or undo:\n"
            f"{lines}"
        )
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
