"""The wizard in a real terminal of 80x24, of which every byte is kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass
class Window:
    """A wizard running in a terminal of 80x24."""

    process: subprocess.Popen[bytes]
    master: int
    output: bytearray = field(default_factory=bytearray)

    def read_until(self, text: bytes, limit: float = 30) -> None:
        deadline = time.monotonic() + limit
        while text not in self.output:
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{bytes(self.output)!r}"
            self.read()

    def read(self) -> None:
        if select.select([self.master], [], [], 0.2)[0]:
            with contextlib.suppress(OSError):  # Linux says EIO once the other end is closed
                self.output += os.read(self.master, 65536)

    def end(self, limit: float = 10) -> int:
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read()
        self.read()
        return self.process.wait()


@contextlib.contextmanager
def open_window(argv: Sequence[str], home: Path, variables: Mapping[str, str]) -> Iterator[Window]:
    """Run a program in a terminal of its own for as long as the block lasts."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    env |= {"COLORTERM": "truecolor", **variables}
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        yield Window(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
