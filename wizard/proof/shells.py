"""The proof that a fresh shell hands the variables on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wizard.answers import Answers
from wizard.machine.fresh_shell import Seen, ask_fresh_shell, assignments
from wizard.machine.model import Machine, Shell
from wizard.machine.shell_trace import find_culprit
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
    """Start this shell afresh, with and without a login, and say whether its programs get the variables; if not, why.

    Where a line of the user's takes them away, the verdict names it.
    """
    check = f"proof.{name}"
    shell = next((each for each in machine.shells if each.name == name), None)
    if shell is None or shell.program is None:
        return not_tried(
            check, f"{name} is not on this machine.", f"Install {name}, or take it off the list of shells."
        )
    try:
        asked = [(login, await _ask(shell.program, wanted, machine, login=login)) for login in _modes(shell)]
        judged = [(login, *_judge(shell, seen, wanted, answers, machine)) for login, seen in asked]
        bad = [each for each in judged if each[1] != "shell-ok"]
        login, verdict, facts = (bad or judged)[0]
        if verdict in _HAS_A_CULPRIT:
            verdict, facts = await _with_culprit(verdict, facts, shell, answers, machine, login=login)
    except OSError as error:
        return not_startable(check, str(shell.program), error)
    label = name if len(bad) != 1 or len(judged) == 1 else f"{'login' if login else 'non-login'} {name}"
    good = [("login" if each else "non-login") for each, kind, _ in judged if kind == "shell-ok"]
    ms = sum(seen.seconds for _, seen in asked) * 1000
    return judge(CATALOGUE, check, verdict, ms=ms, **{"shell": label, "modes": ", ".join(good), **facts})


def _modes(shell: Shell) -> tuple[bool, ...]:
    """Return with which values of `login` a shell is to see our lines: bash reads other files without a login."""
    if shell.name == "bash" and all(each.name != ".bashrc" for each in shell.rc_files):
        return (True,)
    return True, False


async def _ask(program: Path, wanted: Wanted, machine: Machine, *, login: bool) -> Seen:
    return await ask_fresh_shell(program, (*wanted, _CONFIG_DIR), machine, login=login)


async def shell_off_verdict(name: str, answers: Answers, machine: Machine) -> Verdict:
    """Start this shell afresh and say whether it is free of the variables that lead to the gateway."""
    check = f"proof.{name}"
    shell = next((each for each in machine.shells if each.name == name), None)
    if shell is None or shell.program is None:
        return not_tried(check, f"{name} is not on this machine.")
    names = [each for each in exports(answers, machine, 0) if each.startswith(("ANTHROPIC_", "CLAUDE_CODE_"))]
    try:
        seen = await ask_fresh_shell(shell.program, names, machine)
    except OSError as error:
        return not_startable(check, str(shell.program), error)
    left = [each for each in names if (seen.exported or {}).get(each)]
    if seen.exported is None:
        return judge(CATALOGUE, check, "shell-mute", shell=name)
    if not left:
        return judge(CATALOGUE, check, "shell-free", ms=seen.seconds * 1000, shell=name)
    where = ", ".join(dict.fromkeys(place for each in left for place in assignments(shell, each, machine)))
    return judge(
        CATALOGUE,
        check,
        "shell-still",
        shell=name,
        names=", ".join(left),
        where=where or "A file that this shell reads",
    )


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
            found = redact(exported[name])
            return "shell-differs", {"name": name, "names": name, "found": found, "wanted": value, "where": where}
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


_HAS_A_CULPRIT: Final = {
    "shell-hangs": "shell-hangs-at",
    "shell-silent": "shell-ended-at",
    "shell-lacks": "shell-taken",
    "shell-differs": "shell-differs",
}
"""Verdicts for which a line is to blame, and what they become once it is found."""


async def _with_culprit(
    verdict: str,
    facts: Mapping[str, object],
    shell: Shell,
    answers: Answers,
    machine: Machine,
    *,
    login: bool,
) -> tuple[str, Mapping[str, object]]:
    """Name the line that is to blame, when the shell's trace tells it."""
    names = str(facts["names"]).split(", ") if "names" in facts else ()
    ours = {machine.expand(answers.write.setup_script)}
    culprit = await find_culprit(shell, names, ours, machine, login=login)
    if culprit is None:
        return verdict, facts
    return _HAS_A_CULPRIT[verdict], {**facts, "where": culprit.where(machine)}


def _has_our_lines(shell: Shell) -> bool:
    for file in shell.rc_files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if BLOCK_BEGIN in text or is_ours(text):
            return True
    return False
