"""One look at the user's computer: files and PATH only.

Nothing is run but zsh, and that only where its files leave open which folder holds them.
"""

from __future__ import annotations

import os
import pwd
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from wizard.machine.model import ClaudeCode, Machine, ShellName, shell_name
from wizard.record import replace

CLAUDE_PLACES: Final = (".local/bin/claude", ".claude/local/claude")
"""Where Claude Code's own installers put it, below the home folder."""

_VERSION_LIMIT: Final = 10.0


def glance(env: Mapping[str, str]) -> Machine:
    """Return what the first frame needs of this computer, and nothing that takes a look into files or PATH."""
    home = _home(env)
    return Machine(
        home=home,
        env=dict(env),
        platform="darwin" if sys.platform == "darwin" else "linux",
        wsl=False,
        uid=os.geteuid(),
        login_shell=_login_shell(env),
        shells=(),
        claude_dir=_claude_dir(env, home),
        claude=None,
        programs={},
    )


def survey(
    env: Mapping[str, str],
    *,
    cwd: Path | None = None,
    root: Path = Path("/"),
    programs: Iterable[str] | None = None,
) -> Machine:
    """Look at this computer and return what concerns us; odd files are passed over, never an error.

    `cwd` is the folder whose project settings count, `root` where system files are looked for, `programs` the names
    looked for on PATH at once (default: each when it is asked for).
    """
    from wizard.machine.files import is_program, read_text
    from wizard.machine.leftovers import find_leftovers
    from wizard.machine.programs import Programs, SearchPath
    from wizard.machine.settings_layers import settings_layers
    from wizard.machine.shells import shells

    first = glance(env)
    home, platform, claude_dir = first.home, first.platform, first.claude_dir
    path = SearchPath(env)
    claude = path.find("claude") or next((home / place for place in CLAUDE_PLACES if is_program(home / place)), None)
    layers = settings_layers(claude_dir, cwd or _cwd(home), platform, root)
    return replace(
        first,
        wsl=platform == "linux" and "microsoft" in read_text(root / "proc/version").lower(),
        shells=shells(env, home, platform, path.find),
        claude=ClaudeCode(claude, None) if claude else None,
        programs=Programs(path) if programs is None else path.find_all(programs),
        layers=layers,
        leftovers=find_leftovers(env, home, layers, root=root),
    )


async def with_claude_version(machine: Machine) -> Machine:
    """Return the machine with Claude Code's version filled in, asking `claude --version` (at most 10 s)."""
    from wizard.machine.process import run

    if machine.claude is None:
        return machine
    program = machine.claude.program
    try:
        finished = await run([program, "--version"], env=machine.env, cwd=machine.home, limit=_VERSION_LIMIT)
    except OSError:
        return machine
    found = re.match(rb"\s*([0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*)", finished.out)
    version = found[1].decode() if found and finished.code == 0 else None
    return replace(machine, claude=ClaudeCode(program, version))


def wrong_user(machine: Machine) -> str:
    """Return why this user must not set up this home folder, with the fix; an empty string when all is well."""
    owner = machine.env.get("SUDO_UID", "0")
    if machine.uid == 0 and owner not in ("", "0"):
        who = machine.env.get("SUDO_USER", "") or f"user {owner}"
        return f"You run this through sudo, so the files would belong to root. Run it again as {who}, without sudo."
    try:
        home_owner = machine.home.stat().st_uid
    except OSError:
        return f"The home folder {machine.home} can't be read. Set HOME to your own home folder."
    if home_owner != machine.uid:
        return f"The home folder {machine.home} belongs to somebody else. Run this as that user, or set HOME to yours."
    return ""


def _home(env: Mapping[str, str]) -> Path:
    named = env.get("HOME", "")
    if named.startswith("/"):
        return Path(os.path.normpath(named))
    return Path(getattr(_passwd(), "pw_dir", "/"))


def _claude_dir(env: Mapping[str, str], home: Path) -> Path:
    named = env.get("CLAUDE_CONFIG_DIR", "")
    return Path(os.path.normpath(named)) if named.startswith("/") else home / ".claude"


def _cwd(home: Path) -> Path:
    try:
        return Path.cwd()
    except OSError:
        return home


def _passwd() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(os.getuid())
    except KeyError:
        return None


def _login_shell(env: Mapping[str, str]) -> ShellName | None:
    return shell_name(env.get("SHELL") or str(getattr(_passwd(), "pw_shell", "")))
