"""The processor time that a command spends on itself: beyond Python, and beyond the standard library that it imports.

`python -m tests.bench.own_time` prints the figures of each command.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.processes import Runner, Took

ROOT: Final = Path(__file__).parents[2]
SET_UP: Final = ("apply", "--yes", "--skip-checks", "--server", "http://127.0.0.1:9", "--key", "env-file")
"""Writes a whole set-up and has it tried by a new shell, without a word to any server."""

_ENDING: Final = """
import atexit, os, sys, time
def tell():
    spent = time.process_time()
    names = sorted(each for each in sys.modules if each.partition(".")[0] in sys.stdlib_module_names)
    with open(os.environ["FIGURES"], "w") as file:
        print(spent, *(each for each in names if each != "__main__"), file=file)
atexit.register(tell)
"""
"""Tells at the very end what this process alone has spent, and what of the standard library it holds."""
_COMMAND: Final = _ENDING + "{slower}\nfrom wizard.cli import main\nsys.exit(main(sys.argv[1:]))"
_BARE: Final = _ENDING + "import {modules}"


@dataclass
class Figures:
    """Seconds of every round: of the command's own process, and of Python with the same parts of its library."""

    command: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def own_ms(self) -> float:
        """What the command adds. Other programs of the machine only ever slow down, so the least of each counts."""
        return (min(self.command) - min(self.bare)) * 1000

    def __str__(self) -> str:
        return f"{self.own_ms:.0f} ms over {min(self.bare) * 1000:.0f} ms of Python in {len(self.bare)} rounds"


def add(figures: Figures, words: Sequence[str], folder: Path, rounds: int, *, slower: str = "pass") -> Figures:
    """Run a command and a bare Python turn by turn, each time in a fresh home; `slower` is run before the command."""
    with Runner() as runner:
        for _ in range(rounds):
            home = fresh_home(folder)
            spent, modules = _spent(runner, [_COMMAND.format(slower=slower), *words], home)
            figures.command.append(spent)
            figures.bare.append(_spent(runner, [_BARE.format(modules=", ".join(modules))], home)[0])
    return figures


def fresh_home(folder: Path, secret: str = "sk-own-time-7d1e5b3c9a2f4068") -> Path:
    """Return a home that holds a key and nothing else."""
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    (home / ".secrets").mkdir(parents=True, mode=0o700)
    key = home / ".secrets/litellm.env"
    key.touch(mode=0o600)
    key.write_text(f"LITELLM_API_KEY={secret}\n")
    return home


def environment(home: Path) -> dict[str, str]:
    """Return what a measured command sees."""
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "SHELL": "/bin/bash", "TERM": "xterm"}


def _spent(runner: Runner, arguments: Sequence[str], home: Path) -> tuple[float, list[str]]:
    told = home.parent / "figures"
    told.unlink(missing_ok=True)
    env = {**environment(home), "PYTHONPATH": str(ROOT), "FIGURES": str(told)}
    output = home.parent / "output"
    took: Took = runner.run([sys.executable, "-c", *arguments], env, home, output)
    assert took.code == 0, output.read_text()[-3000:]
    spent, *modules = told.read_text().split()
    return float(spent), modules


def main() -> None:
    """Print the figures of the commands that need no server."""
    with tempfile.TemporaryDirectory() as folder:
        for words in (SET_UP, ("--help",)):
            print(f"{words[0]:<14}{add(Figures(), words, Path(folder), 15)}")


if __name__ == "__main__":
    main()
