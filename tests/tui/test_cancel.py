"""Leaving on any screen before the write, in any way, changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.tui.fixture import later_draft
from tests.tui.walking import walking
from tests.tui.window import Window, open_window
from wizard.tui.story import last_words

STEPS: Final = ("Server", "Health", "Key", "Test", "Models", "Review")
TITLES: Final = (
    b"Where is your LiteLLM server?",
    b"It answers",
    b"Where does your key come from?",
    b"The key works",
    b"Which models should Claude Code use?",
    b"Nothing is written before you press w.",
)

IN_A_WINDOW: Final = """
import fcntl, json, sys, termios
from pathlib import Path
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that closing it reaches this process, as with a real window
from tests.tui.fixture import Fake, later_draft
from wizard.tui.app import run_screens
fake = Fake()
code = run_screens(later_draft(), fake.services())
Path(sys.argv[1]).write_text(json.dumps([code, sorted({name for name, _ in fake.calls})]))
sys.exit(code)
"""


async def test_case_29_esc_leads_back_from_screen_to_screen_and_writes_nothing() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * (len(STEPS) - 1))
        for step in reversed(STEPS):
            assert walk.step == step
            await walk.press("escape")
        if walk.app.is_running:
            await walk.press("ctrl+q")
    assert walk.app.return_value == 130
    assert not walk.fake.asked("carry_out")


@pytest.mark.parametrize("steps", range(len(STEPS)), ids=STEPS)
@pytest.mark.parametrize("way", ["ctrl+c", "hangup"])
async def test_case_29_quitting_before_the_write_changes_nothing_and_says_so(steps: int, way: str) -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * steps)
        assert walk.step == STEPS[steps]
        if way == "hangup":
            os.kill(os.getpid(), signal.SIGHUP)
        else:
            await walk.press(way)
        async with asyncio.timeout(10):
            while walk.app.is_running:  # noqa: ASYNC110 (the app has no event for it)
                await asyncio.sleep(0.01)
    assert walk.app.return_value == (128 + signal.SIGHUP if way == "hangup" else 130)
    assert last_words(walk.session) == "Nothing was changed."
    assert not walk.fake.asked("carry_out")


@contextmanager
def at_step(number: int, home: Path, told: Path) -> Iterator[Window]:
    with open_window([sys.executable, "-c", IN_A_WINDOW, str(told)], home, {}) as window:
        for each, title in enumerate(TITLES[: number + 1]):
            window.read_until(title)
            window.output.clear()
            if each < number:
                os.write(window.master, b"\r")
        yield window


@pytest.mark.parametrize("number", [0, len(STEPS) - 1], ids=[STEPS[0], STEPS[-1]])
def test_case_29_closing_the_window_ends_the_wizard_and_writes_nothing(number: int, home: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with at_step(number, home, told) as window:
        assert close(window) == 129
    code, asked = json.loads(told.read_text())
    assert code == 129
    assert not {"carry_out", "send_one_message", "undo"} & set(asked)
    assert list(home.iterdir()) == []


def close(window: Window) -> int:
    """Close the terminal as a window manager does: the kernel sends SIGHUP to whoever sits there; return the code."""
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, window.master)  # the last other end is gone, and the number is still there to be closed
    os.close(null)
    deadline = time.monotonic() + 20
    while window.process.poll() is None:
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.02)
    return window.process.wait()
