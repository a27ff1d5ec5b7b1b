"""What a helper does, seen by strace: the programs it starts, the files it makes, the servers it speaks to."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.keys.helpers import OTHER_SHELLS, SHELLS, write_helper
from tests.keys.stages import Case
from tests.programs import require

_CALLS: Final = "execve,execveat,open,openat,creat,chmod,fchmod,fchmodat,umask,connect,sendto,sendmsg"
_LINE: Final = re.compile(r"^(\d+) +(\w+)\((.*)$")
_MADE: Final = re.compile(r"O_CREAT[A-Z_|]*, (0\d+)|^\"[^\"]*\", (0\d+)\)")
_SERVER: Final = re.compile(r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )\"([^\"]+)\"")
_STRICT: Final = 0o077


@dataclass(frozen=True, slots=True)
class Watched:
    """A helper's run: the key it printed, and what strace saw of it and of all that it started."""

    key: str = field(repr=False)
    trace: str = field(repr=False)
    left: tuple[str, ...]
    """Files left in the home folder that others may read."""

    @property
    def started(self) -> str:
        """Every start of a program, with its arguments (and with its environment, where that was asked for)."""
        return "\n".join(line for line in self.trace.splitlines() if " execve" in line)

    def wide(self) -> list[str]:
        """Return each file made or changed so that others may read it: right then, or left so."""
        return [*_wide(self.trace), *self.left]

    def strangers(self, servers: tuple[str, ...]) -> set[str]:
        """Return each `host:port` spoken to that is none of the servers."""
        known = {each.rpartition("//")[2].partition("/")[0] for each in servers}
        return {f"{host}:{port}" for port, host in _SERVER.findall(self.trace)} - known


def watched(case: Case, home: Path, shell: str, *options: str) -> Watched:
    """Run a helper under strace; with `-v` environments are seen, too. Fails unless it ended well."""
    strace, program = require("strace", shell)
    trace, path = home / "trace", write_helper(case.text, home)
    before = _readable(home)
    argv: list[str | Path] = [strace, "-f", "-y", "--seccomp-bpf", *options, "-e", f"trace={_CALLS}", "-s", "100000"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(home), "token": "exported", "item": "exported", **case.env}
    words = [*argv, "-o", trace, program, *{**SHELLS, **OTHER_SHELLS}[shell][1:], path]
    done = subprocess.run(words, env=env, capture_output=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    left = tuple(sorted(_readable(home) - before - {str(trace)}))
    return Watched(done.stdout.decode().strip(), trace.read_text(errors="replace"), left)


def _readable(home: Path) -> set[str]:
    """Return the files in a folder that others may read."""
    files = (each for each in home.rglob("*") if not each.is_symlink() and each.is_file())
    return {str(each) for each in files if each.stat().st_mode & _STRICT}


def _wide(trace: str) -> Iterator[str]:
    masks: dict[str, int] = {}
    for line in trace.splitlines():
        found = _LINE.match(line)
        if not found or ") = -1 " in line:
            continue
        process, call, rest = found.groups()
        if call == "umask":
            masks[process] = int(rest.partition(")")[0], 8)
        elif call.endswith(("chmod", "chmodat")):
            mode = re.search(r", (0\d+)", rest)
            if mode and int(mode[1], 8) & _STRICT:
                yield line
        elif call in ("open", "openat", "creat"):
            mode = _MADE.search(rest)
            if mode and int(mode[1] or mode[2], 8) & ~masks.get(process, _STRICT) & _STRICT:
                yield line
