"""The wizard in a real terminal: what it leaves behind, and how it looks without colours."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.tui.window import Window, open_window

READY: Final = b"Where is your LiteLLM server?"
NORMAL_SCREEN: Final = b"\x1b[?1049l"
MOUSE_OFF: Final = b"\x1b[?1000l"
COLOUR: Final = re.compile(rb"\x1b\[[0-9;:]*?(?<![0-9])(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?![0-9])[0-9;:]*m")


@pytest.fixture
def window(home: Path, request: pytest.FixtureRequest) -> Iterator[Window]:
    with open_window([sys.executable, "-m", "wizard"], home, getattr(request, "param", {})) as window:
        window.read_until(READY)
        yield window


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_case_29_a_signal_restores_the_terminal(window: Window, number: signal.Signals) -> None:
    window.process.send_signal(number)
    assert window.end() == 128 + number
    assert NORMAL_SCREEN in window.output and MOUSE_OFF in window.output
    assert window.output.index(NORMAL_SCREEN) < window.output.index(b"Nothing was changed.")


@pytest.mark.parametrize("key", [b"\x03", b"\x11"], ids=["ctrl+c", "ctrl+q"])
def test_case_29_a_key_leaves_and_says_so_on_the_normal_screen(window: Window, key: bytes, home: Path) -> None:
    os.write(window.master, key)
    assert window.end() == 130
    assert window.output.index(NORMAL_SCREEN) < window.output.index(b"Nothing was changed.")
    assert list(home.iterdir()) == []


def test_there_are_colours(window: Window) -> None:
    assert COLOUR.search(window.output)


@pytest.mark.parametrize("window", [{"NO_COLOR": "1"}], indirect=True)
def test_case_87_without_colours_there_is_none(window: Window) -> None:
    os.write(window.master, b"https://llm.corp.example")
    window.read_until(b"Claude Code will use https://llm.corp.example")
    assert COLOUR.search(window.output) is None
    os.write(window.master, b"\x11")
