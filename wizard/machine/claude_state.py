"""What Claude Code remembers beside its settings: first-run screens passed, folders trusted, logins kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wizard.machine.files import read_small
from wizard.machine.model import Machine
from wizard.record import dataclass

_OAUTH_TOKEN: Final = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105 - a variable's name


@dataclass(frozen=True, slots=True)
class ClaudeState:
    """Claude Code's memory (2.1.197, 2.1.330).

    `logins` names each place that holds a login or a key of Anthropic's own, never its value. `problem` is a sentence
    when the file can't be used.
    """

    path: Path
    onboarded: bool = False
    trusted: frozenset[str] = frozenset()
    logins: tuple[str, ...] = ()
    problem: str = ""


def claude_state(machine: Machine) -> ClaudeState:
    """Read it; whatever the files hold, nothing is raised. A login in the keychain of a Mac shows by its account."""
    path = state_file(machine)
    content = read_small(path)
    table, problem = ({}, "") if content is None else _object(content)
    projects = _table(table.get("projects"))
    return ClaudeState(
        path=path,
        onboarded=table.get("hasCompletedOnboarding") is True,
        trusted=frozenset(
            name for name, each in projects.items() if _table(each).get("hasTrustDialogAccepted") is True
        ),
        logins=tuple(_logins(machine, path, table)),
        problem=problem,
    )


def state_file(machine: Machine) -> Path:
    """Return where that memory is: beside `~/.claude`, but inside a folder that CLAUDE_CONFIG_DIR names."""
    named = machine.env.get("CLAUDE_CONFIG_DIR", "").startswith("/")
    return machine.claude_dir / ".claude.json" if named else machine.home / ".claude.json"


def login_file(machine: Machine) -> Path:
    """Return where a claude.ai login is kept on Linux."""
    return machine.claude_dir / ".credentials.json"


def _logins(machine: Machine, path: Path, table: Mapping[str, Any]) -> Iterator[str]:
    stored, _ = _object(read_small(login_file(machine)) or b"")
    if _table(stored.get("claudeAiOauth")).get("accessToken"):
        yield machine.short(login_file(machine))
    elif machine.platform == "darwin" and table.get("oauthAccount"):
        yield "the keychain"
    if table.get("primaryApiKey"):
        yield machine.short(path)
    if machine.env.get(_OAUTH_TOKEN):
        yield f"{_OAUTH_TOKEN} in the environment"
    for layer in machine.layers:
        if layer.env.get(_OAUTH_TOKEN):
            yield f"{_OAUTH_TOKEN} in {machine.short(layer.path)}"


def _object(content: bytes) -> tuple[dict[str, Any], str]:
    if not content.strip():
        return {}, ""
    try:
        table = json.loads(content.decode("utf-8-sig", "replace"))
    except json.JSONDecodeError as error:
        return {}, f"it is not JSON (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError):
        return {}, "it is not JSON that can be read"
    return (table, "") if isinstance(table, dict) else ({}, "it is no JSON object")


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
