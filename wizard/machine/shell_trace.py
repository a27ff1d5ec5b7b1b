"""Finds the line of a start-up file that takes a variable away or ends the reading, by having the shell tell its way.

What a trace says may hold secrets of the user: it is looked through here, and only places leave this module.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from wizard.machine.files import read_small, read_text
from wizard.machine.fresh_shell import session
from wizard.machine.model import Machine, Shell
from wizard.machine.process import run
from wizard.machine.shells import BASH_LOGIN_FILES, fish_folder
from wizard.marks import is_ours
from wizard.pattern import pattern
from wizard.quoting import sh_quote
from wizard.record import dataclass, field

LIMIT: Final = 5.0
"""Seconds a traced shell may take; where it hangs, the last line it came to is the answer."""

_BROKEN: Final = pattern(
    r"^(?:\S*bash: )?(?P<bash>/[^:\n]+): line (?P<bash_line>\d+): (?:unexpected EOF|syntax error)"
    r"|^(?P<zsh>/[^:\n]+):(?P<zsh_line>\d+): (?:parse error|unmatched)",
    re.MULTILINE,
)
_HIJACKED: Final = pattern(r"\s*(?:alias\s+(?:-\S+\s+)*export=|(?:function\s+)?export\s*\(\)|function\s+export\b)")
_FROZEN: Final = pattern(r"\b(?:readonly|(?:declare|typeset)\s+-\w*r)")
_FISH_ENDS: Final = pattern(r"(?:^|;)\s*(?:exec|exit|return)\b")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a start-up file."""

    file: Path
    line: int

    def where(self, machine: Machine) -> str:
        """Return it as people write it: `~/.bashrc:12`."""
        return f"{machine.short(self.file)}:{self.line}"


@dataclass(frozen=True, slots=True)
class _Step(Place):
    """A command that a shell ran while it started."""

    text: str = field(repr=False)


async def find_culprit(
    shell: Shell, names: Collection[str], ours: Collection[Path], machine: Machine, *, login: bool = True
) -> Place | None:
    """Return the line that keeps these variables from what a fresh shell starts; None when none can be told.

    `ours` are the files with our exports. That is the last line after them that speaks of a variable, or one before
    that made it read-only; where they are never read, or without `names`, the line at which the reading ended. Raises
    OSError.
    """
    if shell.program is None:
        return None
    if shell.name == "fish":
        return _in_fish(names, machine)
    steps, broken = await _trace(shell, shell.program, machine, login=login)
    last = max((place for place, step in enumerate(steps) if step.file in ours), default=None)
    if last is None or not names:
        return broken or _last_of_the_users(steps, shell, machine)
    mentions = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
    after = [each for each in steps[last + 1 :] if mentions.search(each.text)]
    before = [each for each in steps[:last] if each.file not in ours]
    frozen = [each for each in before if mentions.search(each.text) and _FROZEN.search(each.text)]
    return next(iter((*reversed(after), *frozen)), None) or _hijack(before)


def _last_of_the_users(steps: Sequence[_Step], shell: Shell, machine: Machine) -> Place | None:
    """Return the last line that ran in a file which holds our lines, else in any file of the user's."""
    own = [each for each in steps if each.file in shell.rc_files]
    users = [each for each in steps if each.file.is_relative_to(machine.home)]
    return next(iter((*reversed(own or users),)), None)


def _hijack(steps: Sequence[_Step]) -> Place | None:
    """Return where `export` itself was made something else."""
    for file in dict.fromkeys(each.file for each in steps):
        for number, line in enumerate(read_text(file).splitlines(), 1):
            if _HIJACKED.match(line):
                return Place(file, number)
    return None


async def _trace(
    shell: Shell, program: Path, machine: Machine, *, login: bool
) -> tuple[tuple[_Step, ...], Place | None]:
    """Start the shell with its trace on; return the commands it ran, and the line it could not read."""
    mark = f"--{secrets.token_hex(8)}--"
    env = session(program, machine)
    if shell.name == "zsh":
        env["PS4"] = f"+{mark}%x:%I:"
        argv = [str(program), "-x", *(["-l"] if login else []), "-i", "-c", ":"]
    else:  # bash run by root takes no PS4 from its environment, so it is told to read its files with one
        reads = "; ".join(f". {sh_quote(str(each))}" for each in _bash_reads(machine, login=login))
        told = f"PS4='+{mark}${{BASH_SOURCE-}}:${{LINENO}}:'; set -x; {reads}"
        argv = [str(program), "--noprofile", "--norc", *(["-l"] if login else []), "-i", "-c", told]
    done = await run(argv, env=env, cwd=machine.home, limit=LIMIT)
    said = done.err.decode("utf-8", "replace")
    return tuple(_steps(said, mark)), _broken(said, shell)


def _bash_reads(machine: Machine, *, login: bool) -> Iterator[Path]:
    """Yield what bash reads when it starts, in order."""
    if login:
        own = [machine.home / name for name in BASH_LOGIN_FILES if read_small(machine.home / name) is not None]
        files = [Path("/etc/profile"), *own[:1]]
    else:
        files = [Path("/etc/bash.bashrc"), machine.home / ".bashrc"]
    yield from (each for each in files if each.is_file())


def _steps(said: str, mark: str) -> Iterator[_Step]:
    for line in said.splitlines():
        _, found, rest = line.partition(mark)
        file, _, more = rest.partition(":")
        number, _, text = more.partition(":")
        if found and file.startswith("/") and number.isdigit():
            yield _Step(Path(file), int(number), text)


def _broken(said: str, shell: Shell) -> Place | None:
    for found in _BROKEN.finditer(said):
        file = Path(found["bash"] or found["zsh"])
        if file in shell.rc_files:
            return Place(file, int(found["bash_line"] or found["zsh_line"]))
    return None


def _in_fish(names: Collection[str], machine: Machine) -> Place | None:
    """Return the line of fish's files that speaks of a variable after ours, or may end the reading before."""
    folder = fish_folder(machine.env, machine.home)
    files = [*sorted(folder.glob("conf.d/*.fish")), folder / "config.fish"]
    texts = {each: read_text(each) for each in files}
    ours = next((place for place, each in enumerate(files) if is_ours(texts[each])), -1)
    mentions = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")
    if not names:
        return next((each for file in files for each in _lines(file, texts[file], _FISH_ENDS)), None)
    later = [each for file in files[ours + 1 :] for each in _lines(file, texts[file], mentions)]
    earlier = [each for file in files[: ours + 1] for each in _lines(file, texts[file], _FISH_ENDS)]
    return next(iter((*reversed(later), *earlier)), None)


def _lines(file: Path, text: str, wanted: re.Pattern[str]) -> Iterator[Place]:
    for number, line in enumerate(text.splitlines(), 1):
        if wanted.search(line) and not line.lstrip().startswith("#"):
            yield Place(file, number)
