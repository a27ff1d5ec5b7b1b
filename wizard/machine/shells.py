"""The user's shells, and the start-up files that a terminal window and a fresh login shell really read."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from wizard.machine.files import read_small, read_text
from wizard.machine.model import Shell, ShellName, shell_name
from wizard.marks import SET_ASIDE, SIGNATURE
from wizard.pattern import pattern

Find = Callable[[str], Path | None]
"""Finds a program on PATH."""

BASH_LOGIN_FILES: Final = (".bash_profile", ".bash_login", ".profile")
"""What a login bash looks for in the home folder; it reads the first that is readable, and nothing else."""

_ZSH_SYSTEM_FILES: Final = tuple(map(Path, ("/etc/zshenv", "/etc/zsh/zshenv", "/etc/zprofile", "/etc/zsh/zprofile")))
_ZSH_NEEDS: Final = frozenset({"PATH", "USER", "LOGNAME", "LANG", "ZDOTDIR", "TMPDIR"})
_ZSH_LIMIT: Final = 2.0
"""Seconds that zsh may take to say where its files are."""

_WORD: Final = r"""(?:"[^"]*"|'[^']*'|\\.|\$\{[^{}]*\}|[^\s;&|(){}"'\\])+"""
_SOURCED: Final = pattern(
    rf"(?:^|[;&|{{()]|\bthen\b|\bdo\b|\belse\b)\s*(?:\\?\.|source|builtin\s+source)\s+(?P<path>{_WORD})"
)
_ZDOTDIR: Final = pattern(
    rf"^\s*(?:(?:export|typeset|declare)\s+(?:-\w+\s+)*)?ZDOTDIR=(?P<path>{_WORD})"
    r"|^\s*:\s+\"?\$\{ZDOTDIR:?=(?P<default>[^{}]+)\}\"?"
)
_GUARD: Final = pattern(
    rb"^[ \t]*(?:case|if|test|\[)[^\n#]*\$(?:-|\{-\}|PS1\b|\{PS1\b)[^\n]*(?:\n[^\n#]*){0,3}?\b(?:return|exit)\b",
    re.MULTILINE,
)
_PIECE: Final = pattern(r"""'(?P<literal>[^']*)'|"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<plain>[^'"\\]+)""")
_VARIABLE: Final = pattern(r"\$(?:\{(?P<braced>\w+)(?::?[-=](?P<default>[^{}]*))?\}|(?P<plain>\w+))")


def has_guard(text: bytes) -> bool:
    """Say whether a .bashrc goes on for interactive shells only, as Debian's and Ubuntu's do."""
    return _GUARD.search(text) is not None


def shells(env: Mapping[str, str], home: Path, platform: Literal["linux", "darwin"], find: Find) -> tuple[Shell, ...]:
    """Return bash, zsh and fish, as far as they are installed, with the files our part goes into."""
    files: dict[ShellName, Callable[[], tuple[Path, ...]]] = {
        "bash": lambda: bash_files(home, platform),
        "zsh": lambda: _zsh_files(env, home, find("zsh")),
        "fish": lambda: (fish_folder(env, home) / "conf.d" / f"{SIGNATURE}.fish",),
    }
    found = ((name, find(name)) for name in get_args(ShellName))
    return tuple(Shell(name, program, files[name]()) for name, program in found if program)


def other_shell(env: Mapping[str, str]) -> str:
    """Return the name of the login shell when it is none of ours; empty when it is, or when nobody says."""
    name = Path(env.get("SHELL", "")).name
    return name if name.isprintable() and shell_name(name) is None else ""


def bash_files(home: Path, platform: Literal["linux", "darwin"]) -> tuple[Path, ...]:
    """Return the files that reach both a terminal window's bash and a login bash.

    A terminal window on Linux reads `.bashrc`; a login shell (ssh, macOS Terminal) the first of the login files, which
    usually sources `.bashrc`. Where it does not, our part goes into both. A `.bash_profile` is never created, because
    it would shadow `.profile`; with no login file at all it is `.profile` that gets ours.
    """
    bashrc = home / ".bashrc"
    login = next((home / name for name in BASH_LOGIN_FILES if read_small(home / name) is not None), None)
    if login is not None and reaches(login, bashrc, home):
        return (bashrc,)
    login = login or home / ".profile"
    if platform == "darwin" and read_small(bashrc) is None:
        return (login,)
    return (bashrc, login)


def reaches(start: Path, target: Path, home: Path) -> bool:
    """Say whether a start-up file sources another one, itself or through files that it sources."""
    todo, seen = [start], {start}
    while todo and len(seen) < 20:
        for path in sourced(read_text(todo.pop()), home):
            if path == target:
                return True
            if path not in seen:
                seen.add(path)
                todo.append(path)
    return False


def sourced(text: str, home: Path) -> tuple[Path, ...]:
    """Return the files that a start-up file sources by a name that can be told without running it."""
    lines = (line for line in text.splitlines() if (". " in line or "source" in line) and not _is_off(line))
    found = (_path(match["path"], home) for line in lines for match in _SOURCED.finditer(line))
    return tuple(path for path in found if path is not None)


def _is_off(line: str) -> bool:
    return line.lstrip().startswith(("#", SET_ASIDE))


def zsh_folder(env: Mapping[str, str], home: Path) -> Path:
    """Return the folder of `.zshrc`: `ZDOTDIR` as exported, or as `.zshenv` assigns it, else the home folder.

    A folder that does not exist is still the one zsh reads from (5.9).
    """
    exported = env.get("ZDOTDIR", "")
    folder = Path(exported) if exported.startswith("/") and "\0" not in exported else None
    for line in read_text((folder or home) / ".zshenv").splitlines():
        if found := _ZDOTDIR.match(line):
            folder = _path(found["path"] or found["default"], home, env) or folder
    return folder or home


def _zsh_files(env: Mapping[str, str], home: Path, program: Path | None) -> tuple[Path, ...]:
    """Return the `.zshrc` of a terminal window, and that of a login shell where it is another one."""
    told = zsh_folder(env, home)
    if program is None or not _speaks_of_zdotdir(told, home):
        return (told / ".zshrc",)
    asked = (_ask_zsh_folder(program, env, home, login=login) or told for login in (False, True))
    return tuple(dict.fromkeys(folder / ".zshrc" for folder in asked))


def _speaks_of_zdotdir(folder: Path, home: Path) -> bool:
    """Say whether a file that zsh reads before `.zshrc`, or one that it sources, may choose the folder."""
    first = [*_ZSH_SYSTEM_FILES, *(each / name for each in {folder, home} for name in (".zshenv", ".zprofile"))]
    texts = {path: read_text(path) for path in first}
    inner = (path for text in texts.values() for path in sourced(text, home))
    return any("ZDOTDIR" in text for text in (*texts.values(), *map(read_text, inner)))


def _ask_zsh_folder(program: Path, env: Mapping[str, str], home: Path, *, login: bool) -> Path | None:
    """Have zsh itself say where it will look for `.zshrc`; None when it does not say so within two seconds."""
    import secrets
    import signal
    import subprocess

    mark = secrets.token_hex(8)
    argv = [str(program), *(["-l"] if login else []), "-c", f'print -rn -- "{mark}${{ZDOTDIR-$HOME}}{mark}"']
    clean = {name: value for name, value in env.items() if name in _ZSH_NEEDS or name.startswith("XDG_")}
    try:
        with subprocess.Popen(
            argv,
            env=clean | {"HOME": str(home)},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as asked:
            try:
                out, _ = asked.communicate(timeout=_ZSH_LIMIT)
            except subprocess.TimeoutExpired:
                return None
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(asked.pid, signal.SIGKILL)
    except OSError:
        return None
    _, _, rest = out.decode("utf-8", "surrogateescape").partition(mark)
    folder, found, _ = rest.partition(mark)
    return Path(folder) if found and folder.startswith("/") and "\0" not in folder else None


def fish_folder(env: Mapping[str, str], home: Path) -> Path:
    """Return the folder of fish's own files."""
    base = env.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else home / ".config") / "fish"


def _path(word: str, home: Path, env: Mapping[str, str] | None = None) -> Path | None:
    """Return the absolute path that a shell word stands for; None when only the shell could tell."""
    known = {"XDG_CONFIG_HOME": str(home / ".config"), **(env or {}), "HOME": str(home)}
    if word == "~" or word.startswith("~/"):
        word = f"$HOME{word[1:]}"
    pieces = [_expanded(piece, known) for piece in _PIECE.finditer(word)]
    if any(piece is None for piece in pieces):
        return None
    text = "".join(piece for piece in pieces if piece)
    return Path(text) if text.startswith("/") and "\0" not in text else None


def _expanded(piece: re.Match[str], known: Mapping[str, str]) -> str | None:
    literal = piece["literal"] if piece["literal"] is not None else piece["escaped"]
    if literal is not None:
        return literal
    text = _VARIABLE.sub(lambda found: _value(found, known), piece["quoted"] or piece["plain"] or "")
    return None if any(character in text for character in "$`*?[") else text


def _value(found: re.Match[str], known: Mapping[str, str]) -> str:
    name = found["braced"] or found["plain"]
    if name in known:
        return known[name]
    if found["default"] is None:
        return found[0]
    return _VARIABLE.sub(lambda inner: known.get(inner["plain"] or "", inner[0]), found["default"])
