"""The texts of what this machine's own files say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wizard.verdict import Kind, Verdict, judge

_APPLY: Final = "Run claude-litellm-wizard apply"

CATALOGUE: Final[Mapping[str, Kind]] = {
    "ok": Kind("pass", "{text}"),
    "check-broke": Kind(
        "fail",
        "This check itself failed ({error}), so nothing is known of it: {reason}",
        "Put what claude-litellm-wizard check --report prints into a ticket for the wizard.",
    ),
    "nothing-set-up": Kind("fail", "Nothing is set up yet: {path} is not there.", "Run claude-litellm-wizard."),
    "answers-bad": Kind(
        "fail",
        "{problem}",
        "Mend that file, or delete it and run claude-litellm-wizard.",
        {"problem": "The saved answers can't be used."},
    ),
    "wrong-user": Kind(
        "fail",
        "{problem}",
        "{fix}",
        {
            "problem": "The files would belong to another user.",
            "fix": "Run it as the user whose home folder this is, without sudo.",
        },
    ),
    # Claude Code itself
    "claude-known": Kind("pass", "Claude Code {version} at {program}{wants}."),
    "claude-missing": Kind(
        "fail",
        "Claude Code is not on PATH.",
        "Install it with npm install -g @anthropic-ai/claude-code, then check again.",
    ),
    "claude-version-unknown": Kind(
        "warn", "{program} is there but tells no version.", "Run {program} --version and mend what it says."
    ),
    "claude-old": Kind(
        "warn",
        "Claude Code {version} at {program} is older than {oldest}, the oldest that this wizard was tried with.",
        "Update it with claude update, or the way it was installed.",
    ),
    "claude-several": Kind(
        "warn",
        "There is more than one Claude Code: {programs}. A terminal starts the first, an IDE may start another.",
        "Remove those you do not use.",
    ),
    "claude-state-bad": Kind(
        "warn",
        "{path} can't be used ({problem}), so Claude Code puts it aside and starts as on its first day.",
        "Mend the file, or take the newest good one from {backups}.",
    ),
    "first-run-ahead": Kind(
        "pass",
        "Claude Code's first start still shows a theme, security notes, and whether you trust the folder"
        " (choose Yes: Enter alone may quit).",
    ),
    "first-run-blocked": Kind(
        "fail",
        "Claude Code's first start would ask api.anthropic.com, since no settings file names a key helper.",
        f"{_APPLY}, which names one.",
    ),
    "login-unsent": Kind("pass", "A login of Anthropic's is kept in {where}; {keeper} keeps it from the server."),
    "login-sent": Kind(
        "fail",
        "Claude Code would send the login kept in {where} to {origin}, since no settings file names a key helper.",
        "{fix}",
        {"fix": "Run claude-litellm-wizard apply, which names one; or run claude auth logout."},
    ),
    # settings layers
    "layer-bad": Kind("fail", "Claude Code ignores {path}: {problem}", "Mend the file, then check again."),
    "managed-bad": Kind(
        "fail",
        "Claude Code ignores {path} or refuses to start: {problem}",
        "Ask whoever manages this machine to mend that file.",
    ),
    "managed-wins": Kind(
        "fail",
        "{path}, which manages this machine, decides {names}: {meaning}",
        "Ask whoever manages this machine to take them out, or to change them there.",
    ),
    "project-wins": Kind(
        "fail",
        "In this folder {path} decides {names}: {meaning}",
        "Take them out of that file, or start Claude Code in another folder.",
    ),
    "layer-adds": Kind(
        "warn",
        "{path} also sets {names}, which your answers leave out: {meaning}",
        "Take them out if nobody meant them.",
    ),
    "settings-missing": Kind("fail", "No settings file names {names}.", f"{_APPLY}, which writes them."),
    # drift and leftovers
    "drifted": Kind(
        "warn",
        "{names} no longer as the wizard would write {them}.",
        f"{_APPLY} --dry-run to see the difference, and apply to write {{them}}.",
    ),
    "edited-changed": Kind(
        "warn",
        "{path}: {text}",
        f"{_APPLY} --dry-run to see the difference, and apply with --keep, --merge or --replace and its path.",
    ),
    "edited-broken": Kind(
        "warn", "{path}: {text}", f"{_APPLY} with --merge and its path to put that right, or with --keep to leave it."
    ),
    "edited-gone": Kind("warn", "{path}: {text}", f"{_APPLY} to write it again."),
    "answers-edited": Kind(
        "warn", "{path}: {text}", f"{_APPLY} to put them into effect, or claude-litellm-wizard undo to take them back."
    ),
    "switched-off": Kind(
        "warn", "{text}", "Run claude-litellm-wizard on to bring the set-up back.", {"text": "It is switched off."}
    ),
    "unplannable": Kind("fail", "{path} stands in the way: {problem}", "Mend that, then check again."),
    "profile-differs": Kind(
        "warn",
        "{where} exports {name} as {found}, and {path} says {wanted}. Claude Code follows {path}.",
        "{fix}",
        {"fix": "Correct or remove that line."},
    ),
    "profile-decides": Kind(
        "fail",
        "{where} sends Claude Code to {found}, since no settings file sets {name}.",
        f"{_APPLY}, or correct that line.",
    ),
    "old-script": Kind(
        "warn",
        "{where} sources {script}, which asks the server at every start and ends the shell when it does not answer.",
        "{fix}",
        {"fix": "Remove that line."},
    ),
    "leftover": Kind("warn", "{where} has {name}={value}. {effect}", "{fix}", {"fix": "Remove that line."}),
    "leftover-acts": Kind(
        "fail",
        "{where} has {name}={value}, and no settings file stops it. {effect}",
        "{fix}",
        {"fix": "Run claude-litellm-wizard apply, which cancels it for Claude Code; or remove it."},
    ),
    "leftover-dead": Kind(
        "warn", "{where} has {name}, which no Claude Code reads.", "{fix}", {"fix": "Remove that line."}
    ),
    "leftover-overruled": Kind(
        "warn",
        "{where} has {name}={value}; {path} overrules it for Claude Code.",
        "{fix}",
        {"fix": "Remove that line when nothing else needs it."},
    ),
}


def finding(check: str, verdict: str, **facts: object) -> Verdict:
    """Build a verdict from this catalogue. Raises KeyError for a fact that its texts name and nobody gave."""
    return judge(CATALOGUE, check, verdict, ms=None, **facts)
