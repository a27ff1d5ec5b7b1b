"""Whatever the network does not answer, the wizard does: Esc at once, and quitting ends the process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.programs import missing, require
from tests.real import silent_network
from tests.tui.window import Window, open_window

READY: Final = b"Where is your LiteLLM server?"
ASKED: Final = b"Leave now?"
CHECKING: Final = b"Looking at the server"
SILENT: Final = {"dead DNS": "https://llm.corp.example", "blackhole": f"http://127.0.0.1:{silent_network.PORT}"}
FINDINGS: Final = (b"No name server answers", b"did not answer within", b"Nothing listens")
ESC, QUIT = b"\x1b", b"\x11"
TRIES: Final = 3
"""The quickest of them counts: a machine under load is late now and then, a blocked wizard always."""
AT_ONCE: Final = 1.0
"""Seconds; a wizard that waits for a silent network does so for three or more. Bare latencies are tests/bench's."""


@contextmanager
def checking(url: str, home: Path, folder: Path) -> Iterator[Window]:
    """A wizard in the middle of its health check, in a network where nothing answers."""
    argv = in_silence(folder, sys.executable, "-m", "wizard")
    with open_window(argv, home, {}) as window:
        window.read_until(READY)
        os.write(window.master, url.encode())
        window.read_until(f"Claude Code will use {url}".encode())
        window.output.clear()
        os.write(window.master, b"\r")
        window.read_until(CHECKING)
        yield window


def in_silence(folder: Path, *argv: str) -> list[str]:
    """Return the command that runs a program where nothing answers; without namespaces the test is not run."""
    (unshare,) = require("unshare")
    inside = [str(unshare), "-rnm", sys.executable, "-I", silent_network.__file__, str(folder)]
    tried = subprocess.run([*inside, "/bin/true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        missing("private namespaces (unshare -rnm)", tried.stderr.strip())
    return [*inside, *argv]


def seconds_until(text: bytes, window: Window) -> float:
    started = time.monotonic()
    window.read_until(text)
    return time.monotonic() - started


@contextmanager
def amid_a_check(what: str, home: Path, folder: Path) -> Iterator[Window | None]:
    """A wizard in the middle of its check; None when the machine was so busy that the check was over before."""
    home.mkdir(mode=0o700)  # where the run before left nothing to go on with
    with checking(SILENT[what], home, folder) as window:
        yield None if any(each in window.output for each in FINDINGS) else window


@pytest.mark.parametrize("what", SILENT)
def test_case_67_72_esc_answers_at_once(what: str, home: Path, tmp_path: Path) -> None:
    took = []
    for number in range(TRIES):
        with amid_a_check(what, home / str(number), tmp_path) as window:
            if window is None:
                continue
            window.output.clear()
            os.write(window.master, ESC)
            took.append(seconds_until(READY, window))
    assert took and min(took) < AT_ONCE, took


@pytest.mark.parametrize("what", SILENT)
def test_case_67_72_quitting_ends_the_process(what: str, home: Path, tmp_path: Path) -> None:
    asked, took = [], []
    for number in range(TRIES):
        with amid_a_check(what, home / str(number), tmp_path) as window:
            if window is None:
                continue
            os.write(window.master, QUIT)
            asked.append(seconds_until(ASKED, window))
            os.write(window.master, QUIT)
            started = time.monotonic()
            assert window.end() == 130
            took.append(time.monotonic() - started)
    assert asked and min(asked) < AT_ONCE, asked
    assert min(took) < AT_ONCE, took


@pytest.mark.parametrize(("what", "row"), [("dead DNS", "dns-down"), ("blackhole", "connect-timeout")])
def test_case_67_the_silence_is_named_in_time(what: str, row: str, home: Path, tmp_path: Path) -> None:
    argv = in_silence(tmp_path, sys.executable, "-m", "wizard", "check", "--json", "--server", SILENT[what])
    started = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert f'"verdict": "{row}"' in done.stdout, done.stdout + done.stderr
    assert time.monotonic() - started < 3 + 5
