"""The server moves while people work: two real LiteLLM proxies, the real Claude Code, real shells.

Each proxy stands behind a recorder, which keeps every byte sent to it and can be switched off. The proxies have
different keys, so that a key at the wrong door is seen.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any, Final

import pytest

from tests.programs import CLAUDE, OLD_CLAUDE, require
from tests.real.litellm_proxy import Proxy
from tests.real.recorder import Recorder, recording
from tests.real.sandbox import Sandbox
from tests.real.test_first_run import Terminal, start

SHELLS: Final = ("bash", "zsh", "fish")
ROOT: Final = Path(__file__).parents[2]
_GENERATION: Final = re.compile(r"\.sh\.[0-9a-f]{8}$")
QUIET: Final = {"CLAUDE_CODE_MAX_RETRIES": "0", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}


@dataclass
class Person:
    """Somebody with bash, zsh and fish, set up for the old server, and the keys of both."""

    home: Path
    sandbox: Sandbox
    claude: Path
    old: Recorder
    new: Recorder
    old_proxy: Proxy
    new_proxy: Proxy
    old_server: contextlib.ExitStack = field(repr=False)

    @property
    def new_url(self) -> str:
        return f"{self.new.url}/llm"

    def env(self, **more: str) -> dict[str, str]:
        folders = f"{self.claude.parent}:/usr/local/bin:/usr/bin:/bin"
        return {"HOME": str(self.home), "PATH": folders, "TERM": "xterm", "LANG": "C.UTF-8", **more}

    def wizard(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wizard", *words]
        return self.sandbox.run(command, env=self.env(PYTHONPATH=str(ROOT)), cwd=self.home, limit=120)

    def move(self, *words: str) -> dict[str, Any]:
        done = self.wizard("move", self.new_url, "--set", "key.env-file.variable=NEW_KEY", "--yes", "--json", *words)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert self.old_proxy.master_key not in done.stdout + done.stderr
        assert self.new_proxy.master_key not in done.stdout + done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def ask_claude(self, shell: str) -> tuple[int, str]:
        """Have Claude Code answer once from a fresh interactive login shell."""
        (program,) = require(shell)
        words = " ".join(["env", *(f"{name}={value}" for name, value in QUIET.items())])
        command = f"{words} '{self.claude}' -p 'say hi' --output-format json </dev/null"
        done = self.sandbox.run([program, "-l", "-i", "-c", command], env=self.env(), cwd=self.home, limit=120)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return done.returncode, str(json.loads(lines[-1]).get("result")) if lines else done.stdout + done.stderr

    def set_up(self, *shells: str) -> None:
        """Set these shells up for the old server."""
        words = ["--key", "env-file", *(word for shell in shells for word in ("--shell", shell))]
        done = self.wizard("apply", "--server", self.old.url, *words, "--yes")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def expect_keys_where_they_belong(self) -> None:
        """Fail when a key went through the wrong door; both went through the right one."""
        old, new = self.old_proxy.master_key.encode(), self.new_proxy.master_key.encode()
        assert old in self.old.sent and new in self.new.sent
        assert new not in self.old.sent, "the new key met the old server"
        assert old not in self.new.sent, "the old key met the new server"

    def files(self) -> dict[Path, bytes]:
        """Return what the wizard writes, without its own records and the helper it leaves for sessions that run."""
        folders = ("bin", ".config", ".claude/settings.json", ".bashrc", ".profile", ".zshrc")
        paths = [path for each in folders for path in (self.home / each, *(self.home / each).rglob("*"))]
        return {path: path.read_bytes() for path in paths if path.is_file() and not _GENERATION.search(path.name)}

    def profile(self) -> dict[Path, tuple[int, int, int, bytes]]:
        files = [self.home / each for each in (".bashrc", ".profile", ".zshrc")]
        return {
            each: (each.stat().st_ino, each.stat().st_mtime_ns, each.stat().st_ctime_ns, each.read_bytes())
            for each in files
        }


@pytest.fixture
def person(home: Path, sandbox: Sandbox, litellm: Proxy, litellm_below_a_path: Proxy) -> Iterator[Person]:
    require(*SHELLS)
    (claude,) = require(CLAUDE)
    for each in (".bashrc", ".profile"):
        shutil.copy(Path("/etc/skel") / each, home)
    (home / ".zshrc").write_text("setopt nounset\n")
    (home / ".secrets").mkdir(mode=0o700)
    file = home / ".secrets/litellm.env"
    file.touch(mode=0o600)
    file.write_text(f"LITELLM_API_KEY={litellm.master_key}\nNEW_KEY={litellm_below_a_path.master_key}\n")
    with contextlib.ExitStack() as old_server, recording(litellm_below_a_path.port) as new:
        old = old_server.enter_context(recording(litellm.port))
        for server in (old, new):
            sandbox.bring_in(server.port)
        found = Person(home, sandbox, claude, old, new, litellm, litellm_below_a_path, old_server)
        yield found


class Session:
    """A Claude Code that stays open and is talked to, as an IDE does it."""

    def __init__(self, person: Person, claude: Path) -> None:
        words = ["-p", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"]
        self.process = subprocess.Popen(
            person.sandbox.argv([str(claude), *words]),
            env=person.env(**QUIET),
            cwd=person.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.results: Queue[dict[str, Any]] = Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            told = json.loads(line)
            if told.get("type") == "result":
                self.results.put(told)

    def ask(self) -> str:
        """Ask once more and return the answer."""
        assert self.process.stdin
        content = {"role": "user", "content": [{"type": "text", "text": "say hi"}]}
        self.process.stdin.write(json.dumps({"type": "user", "message": content}) + "\n")
        self.process.stdin.flush()
        return str(self.results.get(timeout=90).get("result"))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()


def test_case_86_claude_follows_the_server_and_comes_back(person: Person) -> None:
    person.set_up(*SHELLS)
    before = person.files()
    profile = person.profile()
    assert person.ask_claude("bash") == (0, person.old_proxy.answer), "the control: it worked before"
    asked, logged = person.old.credentials, person.old_proxy.log.read_text().count("POST /v1/messages")
    assert asked and logged

    told = person.move("--prove")
    assert {each["id"]: each["status"] for each in told["checks"]}["proof.answer"] == "pass"
    assert {shell: person.ask_claude(shell) for shell in SHELLS} == dict.fromkeys(SHELLS, (0, person.new_proxy.answer))
    assert person.profile() == profile, "the profile was touched"
    assert person.old.credentials == asked, "a credential went to the old server"
    assert person.old_proxy.log.read_text().count("POST /v1/messages") == logged
    person.expect_keys_where_they_belong()

    assert person.wizard("undo").returncode == 0
    assert person.files() == before and person.profile() == profile
    assert person.ask_claude("zsh") == (0, person.old_proxy.answer)
    person.expect_keys_where_they_belong()


def test_case_86_the_old_server_is_dead(person: Person) -> None:
    person.set_up("fish")
    before = person.files()
    person.old_server.close()
    person.move()
    assert person.ask_claude("fish") == (0, person.new_proxy.answer)
    assert person.wizard("undo").returncode == 0
    assert person.files() == before
    asked = person.new.credentials
    status, _ = person.ask_claude("fish")
    assert status != 0 and person.new.credentials == asked, "back at the dead server, and nowhere else"
    person.expect_keys_where_they_belong()


@pytest.mark.parametrize("program", [CLAUDE, OLD_CLAUDE])
def test_case_86_a_session_that_runs_goes_over_with_its_next_question(person: Person, program: str) -> None:
    """Both versions read settings.json anew when it changes, and forget the key that they had from the helper."""
    (claude,) = require(program)
    person.set_up("bash")
    with Session(person, claude) as session:
        assert session.ask() == person.old_proxy.answer
        person.move()
        deadline = time.monotonic() + 60
        while (answer := session.ask()) != person.new_proxy.answer:
            assert answer == person.old_proxy.answer, "never a mix of the two"
            assert time.monotonic() < deadline, "it stays with the old server"
    person.expect_keys_where_they_belong()


def test_case_86_by_keys_alone_in_a_terminal(person: Person) -> None:
    """The screens' second run, at 80x24: the new URL and six keys, both money questions included."""
    (tmux,) = require("tmux")
    person.set_up("bash")
    profile = person.profile()
    (person.home / ".secrets/litellm.env").write_text(f"LITELLM_API_KEY={person.new_proxy.master_key}\n")
    terminal = Terminal(tmux, person.sandbox, person.home)
    try:
        start(terminal)
        terminal.wait_for("Is this still your LiteLLM server?")
        terminal.type(person.new_url)
        shown = terminal.wait_for("Did your LiteLLM server move?")
        assert f"It was {person.old.url}." in shown
        terminal.wait_for(f"Claude Code will use {person.new_url}")
        terminal.press("Enter")
        terminal.wait_for("It answers, and it is a LiteLLM server.")
        terminal.press("k")
        shown = terminal.wait_for("The key works.")
        assert "server moved" in shown and "env-file" in shown
        terminal.press("y")
        terminal.wait_for("answered")
        terminal.press("Enter")
        review = terminal.wait_for("Write 4 files")
        assert "1 file stays as it is" in review and "~/.bashrc" not in review
        terminal.press("w")
        terminal.wait_for("Let Claude Code answer one question?", limit=60)
        terminal.press("y")
        assert "✗" not in terminal.wait_for(person.new_proxy.answer, limit=90)
        terminal.press("Enter")
        left = terminal.wait_for("ended with 0")
        assert f"Claude Code is set up for {person.new_url}." in left and "To undo:" in left
    finally:
        terminal.call("kill-server")
    assert person.profile() == profile
    assert person.ask_claude("bash") == (0, person.new_proxy.answer)
    person.expect_keys_where_they_belong()
