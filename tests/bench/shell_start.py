"""What our lines add to the start of a shell, when the gateway is dead and every file of ours is missing or there.

`python -m tests.bench.shell_start` prints the figures.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wizard.answers import Answers, Gateway, Key, Write
from wizard.machine.model import Machine, Shell, ShellName
from wizard.render.shell import fish_file, rc_block, setup_script

STARTS: Final[tuple[tuple[ShellName, tuple[str, ...]], ...]] = (
    ("bash", ("-l",)),
    ("bash", ("-i",)),
    ("zsh", ("-i",)),
    ("fish", ()),
)
STATES: Final = ("everything there", "setup script missing", "helper missing")
DEAD: Final = "http://127.0.0.1:9"
"""Nothing listens there."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two homes for one shell that differ in our lines only, and how it is started."""

    program: Path
    flags: tuple[str, ...]
    without: Path
    ours: Path

    def started(self, home: Path, script: str = "") -> subprocess.CompletedProcess[str]:
        """Start the shell once and give it a line to read; without one it ends at once."""
        env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TERM": "dumb", "XDG_CONFIG_HOME": str(home / ".config")}
        return subprocess.run(
            [self.program, *self.flags, "-c", script or ":"],
            env=env,
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            start_new_session=True,
        )

    def added(self, rounds: int) -> list[float]:
        """Return by how many seconds a start with our lines was longer, pair by pair; either goes first in turn."""
        found = []
        for turn in range(rounds):
            order = (self.without, self.ours) if turn % 2 else (self.ours, self.without)
            took = {home: self._seconds(home) for home in order}
            found.append(took[self.ours] - took[self.without])
        return found

    def _seconds(self, home: Path) -> float:
        began = time.perf_counter()
        self.started(home)
        return time.perf_counter() - began


def pair(shell: ShellName, program: Path, flags: tuple[str, ...], state: str, folder: Path) -> Pair:
    """Furnish two homes below a folder: one with what `apply` writes, one without."""
    without, ours = folder / "without", folder / "ours"
    rc = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/conf.d/claude-litellm-wizard.fish"}[shell]
    for home in (without, ours):
        (home / ".config/fish/conf.d").mkdir(parents=True)
        (home / ".profile").write_text(". ~/.bashrc\n")
        (home / ".bashrc").write_text("alias ll='ls -l'\n")
        (home / ".zshrc").write_text("setopt autocd\n")
    machine = _machine(ours, shell, program, ours / rc)
    answers = Answers(Gateway(url=DEAD), Key("env-file"), write=Write(shells=(shell,), helper="~/bin/key.sh"))
    with (ours / rc).open("a") as file:
        file.write(fish_file(answers, machine, 1000) if shell == "fish" else rc_block(answers, machine))
    if state != "setup script missing":
        (ours / ".config/claude").mkdir()
        (ours / ".config/claude/setup-litellm.sh").write_text(setup_script(answers, machine, 1000))
    if state != "helper missing":
        (ours / "bin").mkdir()
        (ours / "bin/key.sh").write_text("#!/bin/sh\nsleep 60\n")
        (ours / "bin/key.sh").chmod(0o700)
    return Pair(program, flags, without, ours)


def _machine(home: Path, shell: ShellName, program: Path, rc: Path) -> Machine:
    return Machine(
        home=home, env={"HOME": str(home)}, platform="linux", wsl=False, uid=os.geteuid(), login_shell=shell,
        shells=(Shell(shell, program, (rc,)),), claude_dir=home / ".claude", claude=None, programs={},
    )  # fmt: skip


def table(rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return the medians as lines."""
    return "\n".join(
        f"{name:<42} {statistics.median(found) * 1000:+6.2f} ms in {len(found)} pairs" for name, found in rows
    )


def main() -> None:
    """Measure every start in every state."""
    import shutil

    rows = []
    for shell, flags in STARTS:
        program = shutil.which(shell)
        for state in STATES:
            if program is not None:
                with tempfile.TemporaryDirectory() as folder:
                    made = pair(shell, Path(program), flags, state, Path(folder))
                    rows.append((f"{shell} {' '.join(flags)}, {state}", made.added(30)))
    print(table(rows), file=sys.stdout)


if __name__ == "__main__":
    main()
