"""A terminal of 80x24 in tmux: keys go in, and what a person would see comes out."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 90.0
"""Seconds to wait for a text: this says that it never comes, not how quick it has to be."""


@dataclass(frozen=True)
class Window:
    """A window in a tmux of its own."""

    socket: Path

    def call(self, *words: str) -> str:
        argv = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *words]
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self.socket.parent), "TERM": "xterm-256color"}
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=True, timeout=60).stdout

    def press(self, *keys: str) -> None:
        self.call("send-keys", *keys)

    def type(self, text: str) -> None:
        self.call("send-keys", "-l", text)

    def screen(self) -> str:
        return self.call("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        """Return the screen once a text stands on it."""
        deadline = time.monotonic() + PATIENCE
        while text not in (shown := self.screen()):
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{shown}"
            time.sleep(0.1)
        return shown


@contextmanager
def window(folder: Path, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Iterator[Window]:
    """Run a command in a window of 80x24 for as long as the block lasts."""
    assert shutil.which("tmux"), "tmux is missing"
    made = Window(folder / "tmux")
    variables = " ".join(shlex.quote(f"{name}={value}") for name, value in env.items() if name != "TERM")
    line = f"cd {shlex.quote(str(cwd))}; env -i TERM=screen-256color {variables} {shlex.join(argv)}"
    made.call("new-session", "-d", "-x", "80", "-y", "24", f"{line}; echo ended with $?; exec cat")
    try:
        yield made
    finally:
        made.call("kill-server")
