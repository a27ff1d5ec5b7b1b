"""Runs the installed Claude Code: what it read from its settings, and one answer through the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from wizard.machine.process import Finished, run
from wizard.record import dataclass, field

STATUS_LIMIT: Final = 20.0
ANSWER_LIMIT: Final = 90.0
"""Seconds."""

PROMPT: Final = "Reply with the one word: pong"

_ASK: Final = ("-p", PROMPT, "--output-format", "json", "--max-turns", "1", "--tools", "")
_LEAVE_NO_TRACE: Final = ("--strict-mcp-config", "--no-session-persistence")
_OUTER_SESSION: Final = ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT")
"""Set by a Claude Code session around us; a second one inside would take itself for a part of it."""


@dataclass(frozen=True, slots=True)
class AuthStatus:
    """What `claude auth status` tells; `problem` is its output when that can't be read, None when it was killed."""

    method: str = ""
    provider: str = ""
    source: str = ""
    base_url: str = ""
    problem: str | None = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ClaudeAnswer:
    """What `claude -p` came back with.

    `text` is the answer or the error, as it is. `http_status` is the gateway's, None when there was none. `complaint`
    is its stderr; `readable` is False when the output was no result at all.
    """

    ok: bool
    text: str = field(repr=False)
    http_status: int | None = None
    model: str = ""
    complaint: str = field(default="", repr=False)
    timed_out: bool = False
    readable: bool = True
    seconds: float = 0.0


async def auth_status(program: Path, env: Mapping[str, str], folder: Path) -> AuthStatus:
    """Ask Claude Code which credential and which server it would use. It contacts nobody. Raises OSError.

    Only its JSON names the method in a stable word, and only its text names the server (2.1.197, 2.1.330).
    """
    quiet = _without_outer_session(env)
    as_json, as_text = await asyncio.gather(
        run([program, "auth", "status"], env=quiet, cwd=folder, limit=STATUS_LIMIT),
        run([program, "auth", "status", "--text"], env=quiet, cwd=folder, limit=STATUS_LIMIT),
    )
    seconds = max(as_json.seconds, as_text.seconds)
    if as_json.timed_out or as_text.timed_out:
        return AuthStatus(problem=None, seconds=seconds)
    told = _json_object(as_json.out)
    if told is None or "authMethod" not in told:
        return AuthStatus(problem=_said(as_json), seconds=seconds)
    return AuthStatus(
        method=str(told["authMethod"]),
        provider=str(told.get("apiProvider") or ""),
        source=str(told.get("apiKeySource") or ""),
        base_url=_base_url(as_text.out),
        seconds=seconds,
    )


async def one_answer(program: Path, env: Mapping[str, str], folder: Path) -> ClaudeAnswer:
    """Have Claude Code answer one short prompt, with no tools, in one turn, without retries. Raises OSError.

    This is a real call through the gateway: it may cost money. `folder` should be empty.
    """
    quiet = {**_without_outer_session(env), "CLAUDE_CODE_MAX_RETRIES": "0"}
    done = await run([program, *_ASK, *_LEAVE_NO_TRACE], env=quiet, cwd=folder, limit=ANSWER_LIMIT)
    if done.timed_out:
        return ClaudeAnswer(False, "", timed_out=True, seconds=done.seconds)
    told = _json_object(done.out)
    if told is None or "is_error" not in told:
        return ClaudeAnswer(False, _said(done), readable=False, seconds=done.seconds)
    status = told.get("api_error_status")
    models = told.get("modelUsage")
    return ClaudeAnswer(
        ok=told["is_error"] is False and done.code == 0,
        text=str(told.get("result") or ""),
        http_status=status if isinstance(status, int) else None,
        model=next(iter(models), "") if isinstance(models, dict) else "",
        complaint=done.err.decode("utf-8", "replace"),
        seconds=done.seconds,
    )


def _without_outer_session(env: Mapping[str, str]) -> dict[str, str]:
    rest = {name: value for name, value in env.items() if name not in _OUTER_SESSION}
    return {**rest, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


def _json_object(output: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(output)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _base_url(text: bytes) -> str:
    for line in text.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(": ")
        if colon and name.endswith("base URL"):
            return value.strip()
    return ""


def _said(done: Finished) -> str:
    return (done.err.strip() or done.out.strip()).decode("utf-8", "replace")
