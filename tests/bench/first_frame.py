"""Starts a program in a terminal of 80x24 and takes the time until its text field shows a key that was typed.

`python -m tests.bench.first_frame` prints the figures of the wizard and of a bare Textual app.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TYPED: Final = "~"
"""A key that stands nowhere on either first screen."""

GIVE_UP: Final = 60.0
TYPE_AGAIN: Final = 0.1

_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P^_].*?(?:\x1b\\|\x07)|[@-Z\\-_]|[ -/]+[0-~])", re.DOTALL)

BARE: Final = (
    "from textual.app import App; from textual.widgets import Input; "
    "type('Bare', (App,), {'compose': lambda self: iter([Input(placeholder='bare')])})().run()"
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start: its arguments to Python, and a text that stands on its first frame beside the field."""

    name: str
    arguments: tuple[str, ...]
    first_text: str


@dataclass(frozen=True, slots=True)
class Figures:
    """Until the field showed the key: seconds, seconds of processor time, and the most memory held, in KiB."""

    seconds: float
    processor: float
    peak_kib: int


BARE_APP: Final = Program("bare Textual", ("-c", BARE), "bare")
_SCRIPT: Final = "import sys; from wizard.cli import main; sys.exit(main())"
"""What the script says that pip puts on PATH."""
WIZARD: Final = Program("wizard", ("-c", _SCRIPT), "Where is your LiteLLM server?")
DEMO: Final = Program("its demo", ("-c", _SCRIPT, "--demo"), "Where is your LiteLLM server?")


def measure(program: Program, home: Path) -> Figures:
    """Start the program afresh and return its figures. Raises AssertionError when the field shows nothing."""
    env = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
    }
    started = time.perf_counter()
    pid, terminal = _start((sys.executable, *program.arguments), env)
    try:
        _type_when_ready(terminal, program, started)
        seconds = time.perf_counter() - started
        return Figures(seconds, _processor(pid), _peak_kib(pid))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)


def _start(argv: tuple[str, ...], env: Mapping[str, str]) -> tuple[int, int]:
    size = struct.pack("HHHH", 24, 80, 0, 0)
    pid, terminal = pty.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.chdir(ROOT)
            os.execve(argv[0], argv, env)
        os._exit(127)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
    return pid, terminal


def _type_when_ready(terminal: int, program: Program, started: float) -> None:
    shown = b""
    next_key = 0.0
    while (now := time.perf_counter()) - started < GIVE_UP:
        if select.select([terminal], [], [], 0.02)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
        text = _ESCAPES.sub("", shown.decode("utf-8", "replace"))
        if next_key and TYPED in text:
            return
        assert next_key or TYPED not in text, f"{program.name} shows {TYPED} before it is typed"
        if program.first_text in text and now >= next_key:
            os.write(terminal, TYPED.encode())
            next_key = now + TYPE_AGAIN
    raise AssertionError(f"{program.name} shows no {TYPED}; its screen: {text[-2000:]!r}")


def _processor(pid: int) -> float:
    """Return the seconds that all threads of a process were at work, to the nanosecond."""
    spent = (each.read_text().split()[0] for each in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(map(int, spent)) / 1e9


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1])


@dataclass
class Pair:
    """The figures of a program and of the one that it is compared with."""

    base: Program
    program: Program
    figures: dict[Program, list[Figures]] = field(init=False)

    def __post_init__(self) -> None:
        self.figures = {self.base: [], self.program: []}

    @property
    def rounds(self) -> int:
        """How often each was measured."""
        return len(self.figures[self.program])

    @property
    def time(self) -> float:
        """How many times the base's time the program's is, by the clock: what a user waits, median against median."""
        return self._ratio(lambda each: each.seconds, statistics.median)

    @property
    def work(self) -> float:
        """The same of processor time, least against least: on a busy machine it is only ever longer than it is."""
        return self._ratio(lambda each: each.processor, min)

    @property
    def memory(self) -> float:
        """How many times the base's memory the program's is."""
        return self._ratio(lambda each: each.peak_kib, statistics.median)

    def _ratio(self, of: Callable[[Figures], float], best: Callable[[Iterable[float]], float]) -> float:
        return best(map(of, self.figures[self.program])) / best(map(of, self.figures[self.base]))

    def measure(self, rounds: int, home: Path) -> Pair:
        """Measure both turn by turn, after one start of each that warms the disk cache and does not count."""
        for program in (self.base, self.program):
            measure(program, home)
        for number in range(rounds):
            for program in (self.base, self.program) if number % 2 else (self.program, self.base):
                self.figures[program].append(measure(program, home))
        return self

    def __str__(self) -> str:
        lines = []
        for program, each in self.figures.items():
            times = sorted(one.seconds * 1000 for one in each)
            processor = min(one.processor for one in each) * 1000
            mib = statistics.median(one.peak_kib for one in each) / 1024
            lines.append(
                f"{program.name:<14}{processor:5.0f} ms of processor time, {statistics.median(times):.0f} by the clock "
                f"({times[0]:.0f} to {times[-1]:.0f}), {mib:.1f} MiB, {len(each)} rounds"
            )
        ratios = f"{self.time:.2f} of the time, {self.work:.2f} of the processor time, {self.memory:.2f} of the memory"
        return "\n".join([*lines, f"{'ratio':<14} {ratios}"])


def main() -> None:
    """Print the figures of the wizard, and of its demo."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else 15
    with tempfile.TemporaryDirectory() as folder:
        for pair in (Pair(BARE_APP, WIZARD), Pair(WIZARD, DEMO)):
            print(pair.measure(rounds, Path(folder)))


if __name__ == "__main__":
    main()
