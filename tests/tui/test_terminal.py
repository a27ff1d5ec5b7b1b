"""The wizard in a real terminal: what it leaves behind, and how it looks without colours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
READY: Final = b"Where is your LiteLLM server?"
NORMAL_SCREEN: Final = b"\x1b[?1049l"
MOUSE_OFF: Final = b"\x1b[?1000l"
COLOUR: Final = re.compile(rb"\x1b\[[0-9;:]*?(?<![0-9])(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?![0-9])[0-9;:]*m")


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


@pytest.fixture
def window(home: Path, request: pytest.FixtureRequest) -> Iterator[Window]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "COLORTERM": "truecolor",
    }
    env |= {"COLORTERM": "truecolor", **getattr(request, "param", {})}
    argv = [sys.executable, "-m", "wizard"]
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    window = Window(process, master)
    try:
        window.read_until(READY)
        yield window
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_a_signal_restores_the_terminal(window: Window, number: signal.Signals) -> None:
    window.process.send_signal(number)
    assert window.end() == 128 + number
    assert NORMAL_SCREEN in window.output and MOUSE_OFF in window.output
    assert window.output.index(NORMAL_SCREEN) < window.output.index(b"Nothing was changed.")


@pytest.mark.parametrize("key", [b"\x03", b"\x11"], ids=["ctrl+c", "ctrl+q"])
def test_a_key_leaves_and_says_so_on_the_normal_screen(window: Window, key: bytes, home: Path) -> None:
    os.write(window.master, key)
    assert window.end() == 130
    assert window.output.index(NORMAL_SCREEN) < window.output.index(b"Nothing was changed.")
    assert list(home.iterdir()) == []


def test_there_are_colours(window: Window) -> None:
    assert COLOUR.search(window.output)


@pytest.mark.parametrize("window", [{"NO_COLOR": "1"}], indirect=True)
def test_without_colours_there_is_none(window: Window) -> None:
    os.write(window.master, b"https://llm.corp.example")
    window.read_until(b"Claude Code will use https://llm.corp.example")
    assert COLOUR.search(window.output) is None
    os.write(window.master, b"\x11")
