"""Where a shell does not get our variables, the line that took them away is named (real bash, zsh and fish)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.test_shells import RC_FILES, URL, around, parametrize_shells, set_up, verdict_of, write
from wizard.machine.model import ShellName
from wizard.proof.shells import shell_off_verdict

SECRET = "zq-canary-of-the-users-own"

SH = ("bash", "zsh")


@parametrize_shells
async def test_case_53_both_ways_to_start_a_shell_are_asked(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    found = await verdict_of(answers, machine)
    assert found.facts["modes"] == "login, non-login"


async def test_case_53_a_bash_that_gets_them_only_at_a_login_is_told_apart(home: Path) -> None:
    answers, machine = set_up(home, "bash")
    block = (home / ".bashrc").read_text()
    write(home / ".bashrc", "# >>> claude-litellm-wizard >>>\nreturn\n")
    write(home / ".bash_profile", block)
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-taken"
    assert found.cause.startswith("A new non-login bash has no ") and "~/.bashrc:2" in found.cause
    assert found.facts["modes"] == "login"


TAKEN = {
    "return": ("return 0\n", "", 1),
    "exec": ("true\nexec sh -c :\n", "", 2),
    "heredoc": ("true\ncat <<EOF >/dev/null\nhello\n", "", 2),
    "unset": ("", "true\nunset ANTHROPIC_BASE_URL\n", 8),
    "unset in a loop": ("", "for each in ANTHROPIC_BASE_URL; do\n  unset $each\ndone\n", 8),
    "alias": ("shopt -s expand_aliases 2>/dev/null\nalias export=:\n", "", 2),
    "function": ("true\nexport() { :; }\n", "", 2),
}


@pytest.mark.parametrize(
    ("name", "trouble"),
    [(name, each) for name in SH for each in TAKEN if (name, each) != ("zsh", "function")],  # zsh keeps its `export`
)
async def test_case_47_58_the_line_that_takes_them_away(home: Path, name: ShellName, trouble: str) -> None:
    before, after, line = TAKEN[trouble]
    answers, machine = set_up(home, name)
    around(home, name, before=f"X_TOKEN={SECRET}; {before}", after=after)
    found = await verdict_of(answers, machine)
    assert found.verdict in ("shell-taken", "shell-ended-at"), found
    file = f"~/{RC_FILES[name]}"
    assert f"{file}:{line} " in found.cause.replace(",", " "), found.cause
    assert SECRET not in repr(found)


@pytest.mark.parametrize("name", SH)
async def test_case_58_a_later_assignment_in_a_file_only_the_shell_can_find(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    write(home / "work/env.sh", "# mine\nexport ANTHROPIC_BASE_URL=https://old.example\n")
    around(home, name, after="for each in ~/work/*.sh; do . $each; done")
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-differs"
    assert "~/work/env.sh:2 sets it" in found.fix


@pytest.mark.parametrize("name", SH)
async def test_case_58_a_read_only_variable(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    around(home, name, before="true\nreadonly ANTHROPIC_BASE_URL=https://old.example")
    found = await verdict_of(answers, machine)
    assert f"~/{RC_FILES[name]}:2" in found.cause + found.fix, found


@pytest.mark.parametrize("name", SH)
async def test_case_46_a_quote_without_its_end(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    around(home, name, before="true\nalias ll='ls -l\n")
    found = await verdict_of(answers, machine)
    assert found.status == "fail" and f"~/{RC_FILES[name]}:" in found.cause, found


async def test_case_58_fish_erases_them(home: Path) -> None:
    answers, machine = set_up(home, "fish")
    around(home, "fish", after="# ANTHROPIC_BASE_URL\nset -e ANTHROPIC_BASE_URL")
    found = await verdict_of(answers, machine)
    assert found.verdict == "shell-taken" and "~/.config/fish/config.fish:2" in found.cause


async def test_case_60_a_universal_variable_of_fish_does_not_win(home: Path) -> None:
    answers, machine = set_up(home, "fish")
    write(
        home / ".config/fish/fish_variables",
        "# This file contains fish universal variable definitions.\n# VERSION: 3.0\n"
        "SETUVAR --export ANTHROPIC_BASE_URL:https\\x3a//old\\x2eexample\n",
    )
    assert (await verdict_of(answers, machine)).status == "pass"


@pytest.mark.parametrize("options", ["set -e", "set -u", "set -C", "set -x", "set -eux"])
@pytest.mark.parametrize("name", SH)
async def test_case_59_options_of_the_user_change_nothing(home: Path, name: ShellName, options: str) -> None:
    answers, machine = set_up(home, name)
    around(home, name, before=options)
    assert (await verdict_of(answers, machine)).status == "pass"


@parametrize_shells
async def test_an_off_set_up_leaves_the_shells_free_of_it(home: Path, name: ShellName) -> None:
    answers, machine = set_up(home, name)
    held = await shell_off_verdict(name, answers, machine)
    assert held.verdict == "shell-still" and "ANTHROPIC_BASE_URL" in held.cause
    (home / ".config/claude/setup-litellm.sh").unlink()
    (home / RC_FILES["fish"]).unlink(missing_ok=True)
    assert (await shell_off_verdict(name, answers, machine)).verdict == "shell-free"
    line = f"set -gx ANTHROPIC_BASE_URL {URL}" if name == "fish" else f"export ANTHROPIC_BASE_URL={URL}"
    around(home, name, after=line)
    theirs = await shell_off_verdict(name, answers, machine)
    assert theirs.verdict == "shell-still"
    assert ("config.fish:1" if name == "fish" else f"{RC_FILES[name]}:7") in theirs.fix
