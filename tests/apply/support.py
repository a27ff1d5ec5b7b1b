"""A home folder to write into, and the ways to look at it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wizard.answers import Answers, from_table
from wizard.apply.files import System
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out
from wizard.machine.model import Machine
from wizard.machine.programs import SearchPath
from wizard.machine.shells import shells
from wizard.machine.survey import survey
from wizard.record import replace

OLD: Final = "https://old.corp.example:4000"
NEW: Final = "https://new.corp.example:4000"

BASHRC: Final = (
    b"# ~/.bashrc\nalias ll='ls -l'\nexport NAME='\xe9'\r\n# >>> conda initialize >>>\n# <<< conda initialize <<<"
)
SETTINGS: Final = (
    b'{\n\t"model": "opus",\n\t"number": 1.10,\n\t"na\xc3\xafve": ["\xc3\xa9"],\n\t"env": {"MINE": "1"}\n}'
)

CALLS: Final = (
    *("open", "close", "write", "ftruncate", "fsync", "fchmod", "fchown", "chmod"),
    *("rename", "rename_new", "exchange", "link", "unlink", "mkdir", "rmdir", "setxattr", "removexattr"),
)
"""Every call of `System`."""


def machine_of(home: Path, **env: str) -> Machine:
    """Survey a home folder as if its user, who has bash, zsh and fish, had started the wizard.

    Of these, a shell that this machine lacks just can't be asked whether it could read a file.
    """
    given = {"HOME": str(home), "PATH": os.environ["PATH"], "SHELL": "/bin/bash", **env}
    nowhere = home / "no-such-root"
    machine = survey(given, cwd=home, root=nowhere)
    find = SearchPath(given).find
    return replace(machine, shells=shells(given, home, machine.platform, lambda name: find(name) or nowhere / name))


def answers_for(
    url: str = OLD, *, shells: tuple[str, ...] = ("bash", "zsh"), variable: str = "", **write: Any
) -> Answers:
    """Return answers with the env-file backend, which needs no program."""
    return from_table(
        {
            "gateway": {"url": url},
            "key": {"backend": "env-file", "env-file": {"variable": variable} if variable else {}},
            "write": {"shells": list(shells), **write},
        }
    )


def furnish(home: Path) -> None:
    """Put a user's own files into a home folder."""
    (home / ".bashrc").write_bytes(BASHRC)
    (home / ".profile").write_bytes(b". ~/.bashrc\n")
    (home / ".zshrc").write_bytes(b"setopt autocd\n")
    (home / ".claude").mkdir(mode=0o755)
    (home / ".claude/settings.json").write_bytes(SETTINGS)
    (home / ".claude/settings.json").chmod(0o640)


@contextlib.contextmanager
def in_memory() -> Iterator[Path]:
    """Make a throw-away folder in memory where there is such a place, for tests that write thousands of times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="wizard-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


Picture = dict[str, tuple[int, bytes | str | None]]


def picture(folder: Path, *, without: str = ".local/state/claude-litellm-wizard") -> Picture:
    """Return everything below a folder: modes, contents and links; our own state folder is left out."""
    found: Picture = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(without) or without.startswith(name):
            continue
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_symlink():
            found[name] = (mode, str(path.readlink()))
        else:
            found[name] = (mode, path.read_bytes() if path.is_file() else None)
    return found


def without_generations(folder: Path) -> Picture:
    """Return the picture without helpers under a generation name, which go at a later write."""
    return {name: value for name, value in picture(folder).items() if not re.fullmatch(r"bin/.*\.[0-9a-f]{8}", name)}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return inode and modification time of every file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def temporaries(folder: Path) -> list[Path]:
    """Return the temporary files of ours that lie about."""
    return [path for path in folder.rglob(".claude-litellm-wizard-*") if path.is_file()]


class Watched(System):
    """Runs a hook before and after every call; the hook gets the call's number, its name and the moment."""

    def __init__(self, hook: Callable[[int, str, str], None]) -> None:
        self._hook = hook
        self.count = 0
        self.fail_at = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CALLS:
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            number = self.count
            self._hook(number, name, "before")
            if number == self.fail_at:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            result = found(*arguments, **named)
            self._hook(number, name, "after")
            return result

        return call


def failing(at: int, code: int, *, ever_after: bool = False) -> Watched:
    """Return calls of which one fails with an error number, or that one and all that follow."""

    def hook(number: int, _: str, moment: str) -> None:
        if moment == "before" and (number == at or (ever_after and number > at)):
            raise OSError(code, os.strerror(code))

    return Watched(hook)


# ── the invariants ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Home:
    """A home folder that is being written to, and what must always hold in it."""

    folder: Path
    url_before: str | None
    url_after: str

    def complaints(self) -> Iterator[str]:
        """Yield what is broken, without any recovery having run."""
        yield from self._settings()
        yield from self._bashrc()
        if (self.folder / ".zshrc").read_bytes().count(b"# >>> claude-litellm-wizard >>>") > 1:
            yield "two blocks in .zshrc"
        for path in (self.folder / "bin").glob("*"):
            if path.name.startswith(".claude-litellm-wizard-"):
                continue
            if stat.S_IMODE(path.stat().st_mode) != 0o700:
                yield f"{path.name} has mode {path.stat().st_mode:o}"
            if not path.read_bytes().endswith(b"\n"):
                yield f"{path.name} is cut short"

    def _settings(self) -> Iterator[str]:
        path = self.folder / ".claude/settings.json"
        text = path.read_bytes()
        try:
            table = json.loads(text)
        except ValueError:
            yield f"settings.json is not JSON ({len(text)} bytes)"
            return
        if table.get("model") != "opus" or table["env"].get("MINE") != "1" or b"1.10" not in text:
            yield "settings.json lost a key of the user's"
        if stat.S_IMODE(path.stat().st_mode) != 0o640:
            yield "settings.json changed its mode"
        url = table["env"].get("ANTHROPIC_BASE_URL")
        if url not in (self.url_before, self.url_after):
            yield f"settings.json names {url}"
        if url is None:
            if "apiKeyHelper" in table:
                yield "a helper without a URL"
            return
        yield from self._helper(table.get("apiKeyHelper"), url)

    def _helper(self, command: str | None, url: str) -> Iterator[str]:
        if not command:
            yield "a URL without a helper"
            return
        helper = Path(shlex.split(command)[0])
        if not helper.is_file() or not os.access(helper, os.X_OK):
            yield f"settings.json names {helper.name}, which can't be run"
            return
        origin = re.search(rb"^origin='(.*)'$", helper.read_bytes(), re.MULTILINE)
        if origin is None or origin[1].decode() != url:
            yield f"settings.json names {url}, and its helper is for {origin and origin[1]!r}"

    def _bashrc(self) -> Iterator[str]:
        text = (self.folder / ".bashrc").read_bytes()
        if not text.startswith(BASHRC):
            yield "a byte of .bashrc is lost"
        if text.count(b"# >>> claude-litellm-wizard >>>") != text.count(b"# <<< claude-litellm-wizard <<<"):
            yield "half a block in .bashrc"


def errors() -> tuple[int, ...]:
    """Return the error numbers that disks give."""
    return errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES


def apply(machine: Machine, url: str = OLD, *shells: str) -> None:
    """Write a set-up for these shells, replacing what stands in the way."""
    plan = make_plan(answers_for(url, shells=shells or ("bash", "zsh", "fish")), machine)
    carry_out(plan, machine, replace="all")
