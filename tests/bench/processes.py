"""Starts programs from a process that is small itself, and says what each took.

What a program holds at most is counted from the moment it is forked, and then it still holds all of its parent: pytest
with this project loaded is larger than the programs that are to be measured. `python processes.py` is that small
process; it reads one job as JSON from each line and answers with one line.
"""

from __future__ import annotations

import json
import os
import sys
import time

if __name__ != "__main__":
    import subprocess
    from collections.abc import Mapping, Sequence
    from dataclasses import dataclass
    from pathlib import Path
    from typing import Self

    @dataclass(frozen=True, slots=True)
    class Took:
        """Of one run: seconds by the clock, seconds of processor time with its children, KiB at most, and its end."""

        seconds: float
        processor: float
        peak_kib: int
        code: int

    class Runner:
        """The small process, while it is needed."""

        def __enter__(self) -> Self:
            argv = [sys.executable, "-I", "-S", __file__]
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            return self

        def __exit__(self, *_: object) -> None:
            self._process.communicate(timeout=60)

        def run(self, argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path, output: Path) -> Took:
            """Run a program to its end, with no input, and with all it says in a file."""
            job = {"argv": [str(each) for each in argv], "env": dict(env), "cwd": str(cwd), "output": str(output)}
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            return Took(*json.loads(self._process.stdout.readline()))


def measure(argv: list[str], env: dict[str, str], cwd: str, output: str) -> tuple[float, float, int, int]:
    """Run one program; return its figures in the order of `Took`."""
    os.chdir(cwd)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    started = time.perf_counter()
    _, status, used = os.wait4(os.posix_spawn(argv[0], argv, env, file_actions=files), 0)
    seconds = time.perf_counter() - started
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(measure(**json.loads(line))), flush=True)
