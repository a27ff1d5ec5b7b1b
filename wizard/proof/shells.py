"""The proof that a fresh shell hands the variables on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from wizard.answers import Answers
from wizard.machine.fresh_shell import Seen, ask_fresh_shell, assignments
from wizard.machine.model import Machine, Shell
from wizard.marks import BLOCK_BEGIN, is_ours
from wizard.proof.catalogue import CATALOGUE, not_startable, not_tried
from wizard.proof.settings import Settings
from wizard.render.claude import exports
from wizard.secret import redact
from wizard.verdict import Verdict, judge

Wanted = Mapping[str, str | None]
"""What a new shell must have; None stands for any value."""

_TTL: Final = "CLAUDE_CODE_API_KEY_HELPER_TTL_MS"
_CONFIG_DIR: Final = "CLAUDE_CONFIG_DIR"
_THEIRS_IF_SET: Final = frozenset({"AWS_REGION"})
"""Variables that keep the user's own value in a shell that has one."""


def wanted_exports(answers: Answers, machine: Machine, settings: Settings) -> Wanted:
    """Return what a new shell must have. Raises AddressError when the answers hold no usable URL.

    The refresh interval depends on the key's life at the time of writing, so it is taken from settings.json.
    """
    ttl = settings.env.get(_TTL, "")
    known = exports(answers, machine, int(ttl) if ttl.isdecimal() else 0)
    free = _THEIRS_IF_SET if ttl.isdecimal() else _THEIRS_IF_SET | {_TTL}
    return {name: None if name in free else value for name, value in known.items()}


async def shell_verdict(name: str, wanted: Wanted, answers: Answers, machine: Machine) -> Verdict:
    """Start this shell afresh and say whether its programs get the variables, and where not, why."""
    check = f"proof.{name}"
    shell = next((each for each in machine.shells if each.name == name), None)
    if shell is None or shell.program is None:
        return not_tried(
            check, f"{name} is not on this machine.", f"Install {name}, or take it off the list of shells."
        )
    try:
        seen = await ask_fresh_shell(shell.program, (*wanted, _CONFIG_DIR), machine)
    except OSError as error:
        return not_startable(check, str(shell.program), error)
    verdict, facts = _judge(shell, seen, wanted, answers, machine)
    return judge(CATALOGUE, check, verdict, ms=seen.seconds * 1000, shell=shell.name, **facts)


def _judge(
    shell: Shell, seen: Seen, wanted: Wanted, answers: Answers, machine: Machine
) -> tuple[str, Mapping[str, object]]:
    files = " and ".join(machine.short(each) for each in shell.rc_files)
    exported = seen.exported
    if exported is None and seen.code is None:
        return "shell-hangs", {"files": files}
    if exported is None:
        said = redact(seen.complaint) or "it said nothing."
        return "shell-silent", {"files": files, "code": seen.code, "said": said}
    lacking = [name for name in wanted if not exported.get(name)]
    if lacking:
        kind, facts = _why_lacking(shell, exported, answers, machine)
        return kind, {"names": ", ".join(lacking), "files": files, **facts}
    for name, value in wanted.items():
        if value is not None and exported[name] != value:
            where = ", ".join(assignments(shell, name, machine)) or "A file that this shell reads"
            return "shell-differs", {"name": name, "found": redact(exported[name]), "wanted": value, "where": where}
    return "shell-ok", {"count": len(wanted), "names": ", ".join(wanted)}


def _why_lacking(
    shell: Shell, exported: Mapping[str, str], answers: Answers, machine: Machine
) -> tuple[str, Mapping[str, object]]:
    helper = machine.expand(answers.helper_path)
    if not os.access(helper, os.X_OK):
        return "shell-lacks-helper", {"helper": machine.short(helper)}
    if not _has_our_lines(shell):
        return "shell-lacks-lines", {}
    folder = exported.get(_CONFIG_DIR) or str(machine.home / ".claude")
    if folder.rstrip("/") != str(machine.claude_dir):
        found = redact(machine.short(folder))
        return "shell-other-folder", {"found": found, "folder": machine.short(machine.claude_dir)}
    return "shell-lacks", {}


def _has_our_lines(shell: Shell) -> bool:
    for file in shell.rc_files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if BLOCK_BEGIN in text or is_ours(text):
            return True
    return False
