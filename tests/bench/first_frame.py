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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """Seconds from the start until the field showed the key, and the most memory held until then, in KiB."""

    seconds: float
    peak_kib: int


BARE_APP: Final = Program("bare Textual", ("-c", BARE), "bare")
WIZARD: Final = Program("wizard", ("-m", "wizard"), "Where is your LiteLLM server?")


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
        return Figures(seconds, _peak_kib(pid))
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


def _peak_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1])


def compare(rounds: int, home: Path) -> dict[Program, list[Figures]]:
    """Measure both programs turn by turn, after one start of each that warms the disk cache and does not count."""
    figures: dict[Program, list[Figures]] = {BARE_APP: [], WIZARD: []}
    for program in figures:
        measure(program, home)
    for number in range(rounds):
        turn = (BARE_APP, WIZARD) if number % 2 else (WIZARD, BARE_APP)
        for program in turn:
            figures[program].append(measure(program, home))
    return figures


def medians(figures: Sequence[Figures]) -> tuple[float, float]:
    """Return the median time in milliseconds and the median peak memory in MiB."""
    return (
        statistics.median(each.seconds for each in figures) * 1000,
        statistics.median(each.peak_kib for each in figures) / 1024,
    )


def ratios(figures: Mapping[Program, Sequence[Figures]]) -> tuple[float, float]:
    """Return how many times the bare app's median time and memory the wizard's are."""
    (bare_ms, bare_mib), (ms, mib) = medians(figures[BARE_APP]), medians(figures[WIZARD])
    return ms / bare_ms, mib / bare_mib


def table(figures: Mapping[Program, Sequence[Figures]]) -> str:
    """Return the figures as lines to read."""
    lines = []
    for program, each in figures.items():
        ms, mib = medians(each)
        times = sorted(one.seconds * 1000 for one in each)
        lines.append(
            f"{program.name:<14}{ms:7.0f} ms ({times[0]:.0f} to {times[-1]:.0f}){mib:8.1f} MiB{len(each):6} rounds"
        )
    time_ratio, memory_ratio = ratios(figures)
    return "\n".join([*lines, f"{'ratio':<14}{time_ratio:7.2f}{memory_ratio:28.2f}"])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(table(compare(int(sys.argv[1]) if sys.argv[1:] else 15, Path(folder))))
