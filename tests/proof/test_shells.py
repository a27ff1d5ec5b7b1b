"""Fresh real shells: what they hand on, and what is said when they don't."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.machines import machine_at
from tests.programs import require
from wizard.answers import Answers, Gateway, Key, Write
from wizard.machine import fresh_shell, shell_trace
from wizard.machine.model import Machine, Shell, ShellName
from wizard.proof.settings import read_settings
from wizard.proof.shells import shell_verdict, wanted_exports
from wizard.render.shell import fish_file, rc_block, setup_script
from wizard.verdict import Verdict

URL = "http://127.0.0.1:4000"
RC_FILES: Mapping[ShellName, str] = {
    "bash": ".bashrc",
    "zsh": ".zshrc",
    "fish": ".config/fish/conf.d/claude-litellm-wizard.fish",
}
SHELLS = tuple(RC_FILES)

parametrize_shells = pytest.mark.parametrize("name", SHELLS)


def set_up(home: Path, name: ShellName) -> tuple[Answers, Machine]:
    """Write what `apply` writes for one shell, and return the answers and the machine."""
    (program,) = require(name)
    rc_file = home / RC_FILES[name]
    machine = machine_at(home, shells=(Shell(name, program, (rc_file,)),))
    answers = Answers(Gateway(url=URL), Key("env-file"), write=Write(shells=(name,), helper="~/bin/key.sh"))
    write(home / "bin/key.sh", "#!/bin/sh\necho sk-1\n").chmod(0o700)
    write(home / ".config/claude/setup-litellm.sh", setup_script(answers, machine, 1000))
    write(rc_file, fish_file(answers, machine, 1000) if name == "fish" else rc_block(answers, machine))
    if name == "bash":
        write(home / ".bash_profile", ". ~/.bashrc\n")
    return answers, machine


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def around(home: Path, name: ShellName, *, before: str = "", after: str = "") -> None:
    """Put the user's own lines around ours; for fish into the files that are read before and after ours."""
    if name == "fish":
        write(home / ".config/fish/conf.d/aaa.fish", before)
        write(home / ".config/fish/config.fish", after)
        return
    rc_file = home / RC_FILES[name]
    rc_file.write_text(f"{before}\n{rc_file.read_text()}{after}\n")


async def verdict_of(answers: Answers, machine: Machine) -> Verdict:
    wanted = wanted_exports(answers, machine, read_settings(machine))
    return await shell_verdict(answers.write.shells[0], wanted, answers, machine)


@parametrize_shells
async def test_passes_when_a_new_shell_hands_the_variables_on(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    around(home, name, before="echo welcome", after="echo ready")
    found = await verdict_of(answers, machine)
    assert (found.status, found.verdict, found.id) == ("pass", "shell-ok", f"proof.{name}")
    assert "ANTHROPIC_BASE_URL" in str(found.facts["names"])


@parametrize_shells
async def test_does_not_believe_the_variables_of_the_terminal_around(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    (home / RC_FILES[name]).unlink()
    env = {**machine.env, "ANTHROPIC_BASE_URL": URL, "CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "1000"}
    found = await verdict_of(answers, machine_at(home, shells=machine.shells, env=env))
    assert found.verdict == "shell-lacks-lines"


@parametrize_shells
async def test_case_58_a_later_line_that_sets_another_value_is_named(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    line = "set -gx ANTHROPIC_BASE_URL https://old" if name == "fish" else "export ANTHROPIC_BASE_URL=https://old"
    around(home, name, after=line)
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-differs"
    assert "https://old" in found.cause
    last = "config.fish:1" if name == "fish" else f"{RC_FILES[name]}:7"
    assert last in found.fix


@parametrize_shells
async def test_case_47_lines_that_are_never_reached(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    if name == "fish":
        write(home / RC_FILES[name], "return\n" + (home / RC_FILES[name]).read_text())
    else:
        around(home, name, before="return")
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-taken"
    assert f"{RC_FILES[name]}:1 takes them away" in found.cause


@parametrize_shells
async def test_case_47_a_shell_that_ends_before_the_question(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    ending = "exec sh -c 'exit 7'" if name == "fish" else "exit 7"
    around(home, name, after=f"echo sk-abcdefghijklmnop >&2; {ending}")
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-ended-at"
    assert "exit 7" in found.cause and ("config.fish:1" if name == "fish" else f"{RC_FILES[name]}:7") in found.cause
    assert "abcdefgh" not in found.cause


@parametrize_shells
async def test_case_53_a_shell_that_asks_gets_no_answer_and_does_not_wait(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    around(home, name, after="read -r reply" if name != "fish" else "read reply")
    assert (await verdict_of(answers, machine)).status == "pass"


@parametrize_shells
async def test_an_agent_that_start_up_leaves_running_holds_nothing_up(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    around(home, name, before="setsid sleep 7 &")
    started = time.monotonic()
    assert (await verdict_of(answers, machine)).status == "pass"
    assert time.monotonic() - started < 4


@parametrize_shells
async def test_case_53_a_shell_that_hangs_is_killed_with_its_children(
    home: Path, name: ShellName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh_shell, "LIMIT", 0.5)
    monkeypatch.setattr(shell_trace, "LIMIT", 0.5)
    answers, machine = set_up(home, name)
    child = f"sh -c 'sleep 3; touch {home}/survived'"
    around(home, name, after=f"trap '' TERM; {child}" if name != "fish" else child)
    started = time.monotonic()
    found = await verdict_of(answers, machine)
    assert found.verdict == ("shell-hangs" if name == "fish" else "shell-hangs-at")
    assert name == "fish" or f"{RC_FILES[name]}:7" in found.cause
    assert time.monotonic() - started < 3
    await asyncio.sleep(5 - (time.monotonic() - started))
    assert not (home / "survived").exists()


@parametrize_shells
async def test_the_helper_that_is_gone_is_the_reason(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    (home / "bin/key.sh").chmod(0o600)
    assert (await verdict_of(answers, machine)).verdict == "shell-lacks-helper"


@parametrize_shells
async def test_another_claude_folder_is_the_reason(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    work = home / ".claude-work"
    line = f"set -gx CLAUDE_CONFIG_DIR {work}" if name == "fish" else f"export CLAUDE_CONFIG_DIR={work}"
    around(home, name, before=line)
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-other-folder"
    assert "~/.claude-work" in found.cause


def test_case_53_the_terminal_stays_ours(home: Path) -> None:
    for name in (".bash_profile", ".zshrc", ".config/fish/config.fish"):
        write(home / name, "sleep 20")  # killed in the middle, it can't give the terminal back
    script = f"""
import asyncio, os, sys
from pathlib import Path
from tests.machines import machine_at
from wizard.machine import fresh_shell
fresh_shell.LIMIT = 0.5
for shell in {[str(require(name)[0]) for name in SHELLS]!r}:
    asyncio.run(fresh_shell.ask_fresh_shell(Path(shell), ["HOME"], machine_at(Path({str(home)!r}))))
print("ours" if os.tcgetpgrp(0) == os.getpgrp() else "stolen")
"""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    said = b""
    with contextlib.suppress(OSError):  # how a terminal says that its last user has gone
        while chunk := os.read(terminal, 4096):
            said += chunk
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    assert said.split() == [b"ours"]


async def test_the_region_of_the_shell_may_be_the_users_own(home: Path) -> None:
    answers, machine = set_up(home, "bash")
    gateway = Gateway(url=URL, route="bedrock", aws_region="eu-west-1")
    answers = Answers(gateway, answers.key, write=answers.write)
    write(home / ".config/claude/setup-litellm.sh", setup_script(answers, machine, 1000))
    around(home, "bash", before="export AWS_REGION=us-east-1")
    assert (await verdict_of(answers, machine)).status == "pass"


async def test_a_shell_that_is_not_installed_is_not_tried(home: Path) -> None:
    answers, _ = set_up(home, "bash")
    found = await verdict_of(answers, machine_at(home))
    assert (found.status, found.verdict) == ("skip", "not-tried")
    assert found.fix


async def test_a_shell_that_cannot_be_started_is_not_tried(home: Path) -> None:
    answers, _ = set_up(home, "bash")
    broken = write(home / "bash", "no program")
    machine = machine_at(home, shells=(Shell("bash", broken, (home / ".bashrc",)),))
    assert (await verdict_of(answers, machine)).status == "skip"


async def test_the_interval_is_compared_with_what_settings_say(home: Path) -> None:
    answers, machine = set_up(home, "bash")
    write(machine.settings_file, '{"env": {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "5000"}}')
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-differs"
    assert "= 1000, not 5000" in found.cause
