"""`undo`, `undo --all`, `off` and `on` as scripts and people use them."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands.support import ROOT, Run, secrets_file
from tests.programs import CLAUDE, require
from tests.real.litellm_proxy import free_port
from tests.real.sandbox import Sandbox

SETTINGS = (
    b'{\n\t"model": "opus",\n\t"env": {"MINE": "1", "ANTHROPIC_BASE_URL": "https://before.example"},\n\t"z": 1.10\n}'
)
STATE = ".local/state/claude-litellm-wizard"

Files = dict[str, tuple[int, bytes]]


def files(home: Path, *, state: bool = True) -> Files:
    return {
        str(each.relative_to(home)): (stat.S_IMODE(each.stat().st_mode), each.read_bytes())
        for each in home.rglob("*")
        if each.is_file() and (state or STATE not in str(each))
    }


@pytest.fixture
def person(home: Path) -> Path:
    """A home folder with a life of its own."""
    secrets_file(home, "sk-canary-1234567890")
    (home / ".bashrc").write_bytes(b"alias ll='ls -l'")
    (home / ".profile").write_bytes(b". ~/.bashrc\n")
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").write_bytes(SETTINGS)
    return home


def applied(wizard: Run, url: str = "", *more: str) -> None:
    require("fish")
    words = ["--key", "env-file", "--shell", "bash", "--shell", "fish", "--yes", "--skip-checks", "--replace-existing"]
    done = wizard("apply", "--server", url or f"http://127.0.0.1:{free_port()}", *words, *more)
    assert "To undo" in done.stderr, done.stderr


def test_case_07_undo_all_is_as_before_the_first_run(wizard: Run, person: Path) -> None:
    before = files(person)
    folders = {each for each in person.rglob("*") if each.is_dir()}
    for _ in range(2):
        applied(wizard)
    refused = wizard("undo", "--all")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    shown = wizard("undo", "--all", "--dry-run")
    assert shown.returncode == 0 and "+++ ~/.bashrc (after)" in shown.stdout
    told = json.loads(wizard("undo", "--all", "--dry-run", "--json").stdout)
    assert {each["role"]: each["state"] for each in told["changes"]}["answers"] == "removed"
    done = wizard("undo", "--all", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["all"] and str(person / STATE) in json.loads(done.stdout)["removed"]
    assert files(person) == before
    fish_itself_made = {person / each for each in (".local", ".local/share", ".local/share/fish")}
    assert {each for each in person.rglob("*") if each.is_dir()} - folders <= fish_itself_made
    again = wizard("undo", "--all", "--yes")
    assert again.returncode == 3 and "nothing to undo" in again.stderr and files(person) == before


def test_case_07_the_list_tells_the_last_five(wizard: Run, person: Path) -> None:
    empty = wizard("undo", "--list")
    assert (empty.returncode, empty.stdout) == (0, "") and "nothing to undo" in empty.stderr
    for _ in range(5):
        applied(wizard)
    listed = wizard("undo", "--list")
    assert len(listed.stdout.splitlines()) == 5 and "~/.claude/settings.json" in listed.stdout
    assert [each["number"] for each in json.loads(wizard("undo", "--list", "--json").stdout)] == [5, 4, 3, 2, 1]


def test_case_28_a_dry_run_of_undo_changes_nothing_and_shows_no_secret(wizard: Run, person: Path) -> None:
    (person / ".bashrc").write_bytes(b"export CORP_TOKEN=zq-canary\nalias ll='ls -l'")
    applied(wizard)
    before = files(person)
    done = wizard("undo", "--dry-run")
    assert done.returncode == 0 and "--- ~/.bashrc (now)" in done.stdout and "Nothing was changed." in done.stderr
    assert "zq-canary" not in done.stdout + done.stderr and "sk-canary" not in done.stdout
    assert files(person) == before


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3)])
def test_in_a_terminal_undo_shows_and_asks(wizard: Run, person: Path, answer: str, code: int) -> None:
    before = files(person, state=False)
    applied(wizard)
    after = files(person, state=False)
    pid, terminal = pty.fork()
    if pid == 0:
        env = {"HOME": str(person), "PATH": "/usr/bin:/bin", "TERM": "xterm", "PYTHONPATH": str(ROOT)}
        os.execve(sys.executable, [sys.executable, "-m", "wizard", "undo"], env)
    said = b""
    deadline = time.monotonic() + 30
    while b"[y/N]" not in said:
        assert time.monotonic() < deadline, said
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 65536)
    assert b"~/.bashrc: changed" in said and files(person, state=False) == after
    os.write(terminal, answer.encode())
    status = 0
    while True:
        try:
            said += os.read(terminal, 65536)
        except OSError:
            _, status = os.waitpid(pid, 0)
            break
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == code, said
    assert files(person, state=False) == (before if code == 0 else after)
    assert (b"is as it was before." if code == 0 else b"Nothing was changed.") in said


def test_off_and_on_return_to_the_byte(wizard: Run, person: Path) -> None:
    applied(wizard)
    on = files(person, state=False)
    needs_yes = wizard("off")
    assert needs_yes.returncode == 2 and "--yes" in needs_yes.stderr and files(person, state=False) == on
    done = wizard("off", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {each["verdict"] for each in json.loads(done.stdout)["checks"]} == {"shell-free"}
    off = files(person, state=False)
    table = json.loads(off[".claude/settings.json"][1])
    assert table == {"model": "opus", "env": {"MINE": "1"}, "z": 1.1} and b"1.10" in off[".claude/settings.json"][1]
    assert not [name for name, (_, text) in off.items() if b"ANTHROPIC_BASE_URL" in text and "litellm-key" not in name]
    assert off[".bashrc"] == on[".bashrc"], "the user's own file is left alone"
    assert ".config/claude-litellm-wizard/answers/default.toml" in off

    again = wizard("off", "--yes")
    assert again.returncode == 0 and "Nothing to do." in again.stderr and files(person, state=False) == off
    assert "It is switched off: Claude Code uses its own login." in wizard("show").stdout
    assert json.loads(wizard("show", "--json").stdout)["off"] is True
    checked = json.loads(wizard("check", "--only", "files", "--json").stdout)
    assert {each["id"]: each["verdict"] for each in checked["checks"]}["files.written"] == "switched-off"
    proofs = json.loads(wizard("check", "--only", "proof", "--json").stdout)
    assert {each["status"] for each in proofs["checks"]} == {"skip"}

    back = wizard("on", "--yes", "--skip-checks")
    assert "To undo" in back.stderr, back.stderr
    assert files(person, state=False) == on
    assert json.loads(wizard("show", "--json").stdout)["off"] is False
    refused = wizard("on", "--yes")
    assert refused.returncode == 3 and "not switched off" in refused.stderr


def test_off_and_on_can_be_undone(wizard: Run, person: Path) -> None:
    before = files(person)
    applied(wizard)
    on = files(person, state=False)
    assert wizard("off", "--yes").returncode == 0
    off = files(person, state=False)
    wizard("on", "--yes", "--skip-checks")
    assert wizard("undo").returncode == 0
    assert files(person, state=False) == off and json.loads(wizard("show", "--json").stdout)["off"] is True
    assert wizard("undo").returncode == 0
    assert files(person, state=False) == on and json.loads(wizard("show", "--json").stdout)["off"] is False
    assert wizard("off", "--yes").returncode == 0
    assert wizard("undo", "--all", "--yes").returncode == 0
    assert files(person) == before


def test_on_after_somebody_wrote_merges(wizard: Run, person: Path) -> None:
    applied(wizard)
    assert wizard("off", "--yes").returncode == 0
    settings = person / ".claude/settings.json"
    settings.write_text(settings.read_text().replace('"model": "opus"', '"model": "sonnet"'))
    wizard("on", "--yes", "--skip-checks")
    table = json.loads(settings.read_text())
    assert table["model"] == "sonnet" and table["apiKeyHelper"] and table["env"]["ANTHROPIC_BASE_URL"]


def test_on_checks_like_apply_and_writes_nothing_when_a_check_fails(wizard: Run, person: Path) -> None:
    applied(wizard)
    assert wizard("off", "--yes").returncode == 0
    off = files(person)
    done = wizard("on", "--yes")
    assert done.returncode == 1 and "Nothing was written." in done.stderr
    assert files(person) == off


def test_off_keeps_what_the_user_changed_and_says_so(wizard: Run, person: Path) -> None:
    applied(wizard)
    settings = person / ".claude/settings.json"
    table = json.loads(settings.read_text())
    table["env"]["ANTHROPIC_BASE_URL"] = "https://mine.example"
    settings.write_text(json.dumps(table))
    done = wizard("off", "--yes")
    assert json.loads(settings.read_text())["env"]["ANTHROPIC_BASE_URL"] == "https://mine.example"
    assert "env.ANTHROPIC_BASE_URL changed since this wizard wrote it and stays" in done.stderr


def test_off_without_a_set_up_says_so(wizard: Run, home: Path) -> None:
    for word in ("off", "on"):
        done = wizard(word, "--yes")
        assert done.returncode == 2 and "Nothing is set up yet" in done.stderr
    assert files(home) == {}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_off_gives_the_real_claude_its_own_login_back(wizard: Run, person: Path, sandbox: Sandbox, shell: str) -> None:
    (claude,) = require(CLAUDE)
    (program,) = require(shell)
    (person / ".claude/settings.json").write_text("{}")
    env = {"HOME": str(person), "PATH": "/usr/bin:/bin", "TERM": "xterm"}

    def status() -> dict[str, object]:
        command = f"'{claude}' auth status --json"
        done: subprocess.CompletedProcess[str] = sandbox.run([program, "-l", "-i", "-c", command], env=env, cwd=person)
        found: dict[str, object] = json.loads(done.stdout[done.stdout.index("{") :])
        return found

    assert status()["authMethod"] == "none"
    applied(wizard)
    assert status()["authMethod"] == "api_key_helper"
    assert wizard("off", "--yes").returncode == 0
    assert (status()["authMethod"], status()["loggedIn"]) == ("none", False)
    wizard("on", "--yes", "--skip-checks")
    assert status()["authMethod"] == "api_key_helper"
