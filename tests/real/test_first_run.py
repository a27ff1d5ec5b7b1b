"""The first run as a person does it: in a real terminal of 80x24, by keys alone, up to the answer of Claude Code."""

from __future__ import annotations

import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.programs import CLAUDE, require
from tests.real.litellm_proxy import Proxy
from tests.real.sandbox import Sandbox

ROOT: Final = Path(__file__).parents[2]
WIDTH, HEIGHT = 80, 24


@dataclass(frozen=True, slots=True)
class Terminal:
    """A tmux window inside the sandbox."""

    tmux: Path
    sandbox: Sandbox
    home: Path

    def call(self, *words: str) -> str:
        env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        socket = str(self.home / "tmux")
        command = [str(self.tmux), "-S", socket, "-f", "/dev/null", *words]
        return self.sandbox.run(command, env=env, cwd=self.home).stdout

    def start(self, command: str) -> None:
        self.call("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), command)

    def press(self, *keys: str) -> None:
        self.call("send-keys", *keys)

    def type(self, text: str) -> None:
        self.call("send-keys", "-l", text)

    def screen(self) -> str:
        return self.call("capture-pane", "-p")

    def wait_for(self, text: str, limit: float = 20) -> str:
        """Return the screen once the text stands on it; `limit` in seconds."""
        deadline = time.monotonic() + limit
        while text not in (shown := self.screen()):
            assert time.monotonic() < deadline, f"{text!r} did not appear within {limit} s:\n{shown}"
            time.sleep(0.1)
        assert all(len(line) <= WIDTH for line in shown.splitlines())
        return shown


@pytest.fixture
def terminal(sandbox: Sandbox, person: Path) -> Iterator[Terminal]:
    (tmux,) = require("tmux")
    window = Terminal(tmux, sandbox, person)
    yield window
    window.call("kill-server")


def start(terminal: Terminal) -> Path:
    """Start the wizard in the terminal and return the real claude it will find."""
    claude, bash = require(CLAUDE, "bash")
    env = f"HOME={terminal.home} PATH={claude.parent}:/usr/bin:/bin TERM=screen-256color LANG=C.UTF-8 SHELL={bash}"
    wizard = f"env -i {env} PYTHONPATH={ROOT} {sys.executable} -m wizard"
    terminal.start(f"cd {terminal.home}; {wizard}; echo ended with $?; exec sleep 600")
    return claude


def test_from_the_first_screen_to_an_answer_by_keys_alone(terminal: Terminal, litellm: Proxy) -> None:
    terminal.sandbox.bring_in(litellm.port)
    claude = start(terminal)
    terminal.wait_for("Where is your LiteLLM server?")
    terminal.type(f"{litellm.url}/v1/")
    terminal.wait_for(f"Claude Code will use {litellm.url}")
    terminal.press("Enter")
    terminal.wait_for("It answers, and it is a LiteLLM server.")
    terminal.press("Enter")
    terminal.wait_for("LITELLM_API_KEY")  # the file lies where people keep it, so this backend is offered first
    terminal.press("Enter")
    tested = terminal.wait_for("The key works.")
    assert litellm.master_key not in tested
    terminal.press("y")
    terminal.wait_for("answered")
    terminal.press("Enter")
    terminal.wait_for("Which models should Claude Code use?")
    terminal.press("Enter")
    terminal.wait_for("Nothing is written before you press w.")
    assert not (terminal.home / ".claude").exists(), "nothing is written before the yes"
    terminal.press("w")
    terminal.wait_for("Let Claude Code answer one question?", limit=40)
    terminal.press("y")
    done = terminal.wait_for(f"{litellm.answer}", limit=60)
    assert "✗" not in done
    terminal.press("Enter")
    left = terminal.wait_for("ended with 0")
    assert "To undo: claude-litellm-wizard undo" in left

    helper = terminal.home / "bin/refresh-litellm-key.sh"
    assert stat.S_IMODE(helper.stat().st_mode) == 0o700
    (bash,) = require("bash")
    again = terminal.sandbox.run(
        [bash, "-l", "-i", "-c", f"CLAUDE_CODE_MAX_RETRIES=0 '{claude}' -p 'say hi' </dev/null"],
        env={"HOME": str(terminal.home), "PATH": "/usr/bin:/bin", "TERM": "xterm"},
        cwd=terminal.home,
    )
    assert (again.returncode, again.stdout.strip()) == (0, litellm.answer)


@pytest.mark.parametrize("screens", range(4))
def test_case_29_quitting_before_the_write_changes_nothing(terminal: Terminal, litellm: Proxy, screens: int) -> None:
    terminal.sandbox.bring_in(litellm.port)
    start(terminal)
    before = {each: each.read_bytes() for each in terminal.home.rglob("*") if each.is_file()}
    terminal.wait_for("Where is your LiteLLM server?")
    waits = ("It answers, and it is a LiteLLM server.", "LITELLM_API_KEY", "The key works.")
    for screen in waits[:screens]:
        if screen is waits[0]:
            terminal.type(litellm.url)
        terminal.press("Enter")
        terminal.wait_for(screen)
    terminal.press("C-q")
    time.sleep(0.3)
    if "Nothing was changed." not in terminal.screen():
        terminal.press("y")
    terminal.wait_for("Nothing was changed.")
    terminal.wait_for("ended with 130")
    after = {each: each.read_bytes() for each in terminal.home.rglob("*") if each.is_file() and each.name != "tmux"}
    kept = terminal.home / ".local/state/claude-litellm-wizard/unfinished.toml"
    assert (kept in after) == (screens > 0), "what was answered is kept for the next start, and nothing else is written"
    assert litellm.master_key.encode() not in after.pop(kept, b"")
    assert after == before
