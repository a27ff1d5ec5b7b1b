"""What goes into a ticket: versions, verdicts, files and variable names; no secret, no user name, no home folder."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import platform
import ssl
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wizard import __version__
from wizard.answers import Answers
from wizard.doctor.masking import Mask
from wizard.keys.backend import backend
from wizard.machine.claude_state import login_file, state_file
from wizard.machine.files import read_text
from wizard.machine.model import Machine, Shell
from wizard.machine.process import run
from wizard.machine.survey import with_claude_version
from wizard.marks import BLOCK_BEGIN, is_ours
from wizard.verdict import GLYPHS, Verdict

_VERSION_LIMIT: Final = 5.0
"""Seconds a shell may take to tell its version."""

_PACKAGES: Final = ("textual", "hvac", "requests", "cryptography")


async def collect(answers: Answers | None, machine: Machine, verdicts: tuple[Verdict, ...]) -> dict[str, Any]:
    """Gather the report as one JSON-ready object; what can't be learned is left out, and nothing is raised for it."""
    machine = await with_claude_version(machine)
    mask = Mask.of(machine, answers)
    claude = machine.claude
    told = {
        "wizard": {"version": __version__, "python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
        | dict(_packages()),
        "system": {"os": _os(), "kernel": platform.release(), "machine": platform.machine(), "wsl": machine.wsl},
        "terminal": _terminal(machine),
        "shells": {"login": machine.login_shell or "unknown", **await _shells(machine)},
        "claude": {"program": machine.short(claude.program), "version": claude.version} if claude else {},
        "answers": _answers(answers),
        "checks": [_without_claims(each.as_json()) for each in verdicts],
        "files": [each for path in _paths(answers, machine) if (each := _file(path, machine))],
        "variables": {name: mask.variable(name, value) for name, value in mask.concerned(machine.env)},
    }
    cleaned: dict[str, Any] = mask.clean(told)
    return cleaned


def _without_claims(check: dict[str, Any]) -> dict[str, Any]:
    """Keep of a token's claims only the names: who it is for may be anybody's name."""
    if check["verdict"] != "shape-jwt":
        return check
    names = sorted(check["facts"]["claims"])
    header = {name: check["facts"]["header"].get(name) for name in ("alg", "typ")}
    return check | {"cause": f"A JWT with {', '.join(names)}.", "facts": {"header": header, "claims": names}}


def as_text(told: Mapping[str, Any]) -> str:
    """Return the report as text for a ticket."""
    return "\n".join(_lines(told)) + "\n"


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    yield "claude-litellm-wizard check --report"
    yield "Secrets, your user name and your home folder are left out. Read it before you paste it."
    for title in ("wizard", "system", "terminal", "shells", "claude", "answers"):
        yield ""
        yield title.capitalize()
        yield from _pairs(told[title])
    yield ""
    yield "Checks"
    for each in told["checks"]:
        yield from _check_lines(each)
    yield ""
    yield "Files"
    width = max([0, *(len(each["path"]) for each in told["files"])])
    for each in told["files"]:
        yield f"  {each['path']:<{width}}  {each['mode']}  {each['size']:>7}  {each['note']}".rstrip()
    yield ""
    yield "Environment"
    yield from _pairs(told["variables"])


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    if not table:
        yield "  none"
    width = max([0, *map(len, table)])
    for name, value in table.items():
        yield f"  {name:<{width}}  {_word(value)}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _check_lines(check: Mapping[str, Any]) -> Iterator[str]:
    took = "" if check["ms"] is None else f" ({check['ms']:.0f} ms)"
    yield f"  {GLYPHS[check['status']]} {check['status'].upper()} {check['id']} [{check['verdict']}]{took}"
    yield f"      {check['cause']}"
    for name, value in check["facts"].items():
        if value not in (None, "", [], {}) and _word(value) not in check["cause"]:
            yield f"      {name}: {_word(value)}"


def _packages() -> Iterator[tuple[str, str]]:
    for name in _PACKAGES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, "missing"


def _os() -> str:
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _terminal(machine: Machine) -> dict[str, object]:
    env = machine.env
    kinds = {"tmux": "TMUX", "ssh": "SSH_CONNECTION", "vs code": "VSCODE_PID", "container": "container"}
    program = f"{env.get('TERM_PROGRAM', '')} {env.get('TERM_PROGRAM_VERSION', '')}".strip()
    return {
        "TERM": env.get("TERM", ""),
        "program": program or "unknown",
        "colours": env.get("COLORTERM", "") or "not told",
        "inside": [name for name, variable in kinds.items() if env.get(variable)],
        "encoding": (sys.stdout.encoding or "unknown").lower(),
        "tty": sys.stdout.isatty(),
    }


async def _shells(machine: Machine) -> dict[str, str]:
    told = await asyncio.gather(*(_shell_version(each, machine) for each in machine.shells))
    return {shell.name: version for shell, version in zip(machine.shells, told, strict=True)}


async def _shell_version(shell: Shell, machine: Machine) -> str:
    if shell.program is None:
        return "missing"
    plain = {"HOME": "/nonexistent", "PATH": machine.env.get("PATH", ""), "LANG": "C"}
    try:
        done = await run([shell.program, "--version"], env=plain, cwd=Path("/"), limit=_VERSION_LIMIT)
    except OSError:
        return "can't be started"
    lines = done.out.decode("utf-8", "replace").splitlines()
    return lines[0] if lines else "tells no version"


def _answers(answers: Answers | None) -> dict[str, object]:
    """Return what was chosen, without what may name a person: options are told by their names only."""
    if answers is None:
        return {}
    gateway, key, write = answers.gateway, answers.key, answers.write
    return {
        "url": gateway.url,
        "route": gateway.route,
        "extras": [
            name
            for name in ("allow_http", "ca_file", "client_cert", "client_key", "proxy", "no_proxy", "timeout_ms")
            if getattr(gateway, name)
        ],
        "key": key.backend or "none",
        "key options": sorted(key.options),
        "refresh_seconds": key.refresh_seconds or "derived",
        "models": [each for each in (answers.models.opus, answers.models.sonnet, answers.models.haiku) if each],
        "shells": list(write.shells),
        "settings": write.settings,
        "cancel_stale": write.cancel_stale,
    }


def _paths(answers: Answers | None, machine: Machine) -> Iterator[Path]:
    found = [machine.settings_file, *(layer.path for layer in machine.layers), state_file(machine), login_file(machine)]
    found += [path for shell in machine.shells for path in shell.rc_files]
    if answers is not None:
        gateway = answers.gateway
        named = [answers.write.setup_script, gateway.ca_file, gateway.client_cert, gateway.client_key]
        if answers.key.backend:
            named.append(answers.helper_path)
            fields = backend(answers.key.backend).fields
            named += [str(answers.key.options.get(each.name) or "") for each in fields if each.kind == "path"]
        found += [machine.expand(each) for each in named if each]
    found += [machine.answers_file, machine.state_dir, machine.journal_file]
    yield from dict.fromkeys(found)


def _file(path: Path, machine: Machine) -> dict[str, object]:
    shown = machine.short(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        return {"path": shown, "mode": "----", "size": 0, "note": "missing"}
    except (OSError, ValueError) as error:
        return {"path": shown, "mode": "----", "size": 0, "note": getattr(error, "strerror", "") or "unreadable"}
    notes = []
    if status.st_uid != machine.uid:
        notes.append("somebody else's")
    if path.is_symlink():
        notes.append("a link")
    if not os.access(path, os.R_OK):
        notes.append("can't be read")
    elif stat.S_ISREG(status.st_mode):
        notes += _whose(read_text(path))
    elif not stat.S_ISDIR(status.st_mode):
        notes.append("not a regular file")
    return {
        "path": shown,
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "size": status.st_size,
        "note": ", ".join(notes),
    }


def _whose(text: str) -> Iterator[str]:
    if is_ours(text):
        yield "the wizard's"
    if BLOCK_BEGIN in text:
        yield "holds the wizard's block"
