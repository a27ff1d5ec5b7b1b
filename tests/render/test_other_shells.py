"""Case 61: shells that the wizard does not write for get lines to paste, and these are right in the real ones."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from tests.apply.support import answers_for, machine_of
from tests.machines import machine_at
from tests.programs import require
from tests.render.test_shell import ANSWERS
from wizard.apply.plan import make_plan
from wizard.render.claude import exports
from wizard.render.shell import lines_to_paste

NASTY = dataclasses.replace(
    ANSWERS, models=dataclasses.replace(ANSWERS.models, opus='it\'s!here! \\!x $HOME `id` $(touch PWNED) "q" \\ =ls')
)


def environment(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


@pytest.mark.parametrize("shell", ["tcsh", "dash", "mksh"])
def test_case_61_the_lines_are_right_in_a_real_shell(home: Path, shell: str) -> None:
    (program,) = require(shell)
    machine = machine_at(home)
    helper = machine.expand(NASTY.helper_path)
    (home / "rc").write_text(lines_to_paste(shell, NASTY, machine, 1000) + "\nenv\n")
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    without = subprocess.run([program, "rc"], env=env, cwd=home, capture_output=True, text=True, timeout=20)
    assert not {name for name in environment(without) if name.startswith(("ANTHROPIC", "CLAUDE"))}, "no helper is there"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\n")
    helper.chmod(0o700)
    done = subprocess.run([program, "rc"], env=env, cwd=home, capture_output=True, text=True, timeout=20)
    seen = environment(done)
    assert {name: seen.get(name) for name in exports(NASTY, machine, 1000)} == exports(NASTY, machine, 1000)
    assert done.stderr == "" and not (home / "PWNED").exists()


def test_case_61_nushell_and_unknown_shells(home: Path) -> None:
    machine = machine_at(home)
    lines = lines_to_paste("nu", NASTY, machine, 1000).splitlines()
    assert lines[0] == f'if ("{home}/bin/get-key.sh" | path exists) {{' and lines[-1] == "}"
    assert '  $env.AWS_REGION = "eu-west-1"' in lines
    assert "AWS_REGION=eu-west-1" in lines_to_paste("odd", NASTY, machine, 1000).splitlines()


def test_case_61_the_plan_says_so_and_guesses_nothing(home: Path) -> None:
    machine = machine_of(home, SHELL="/usr/bin/nu")
    plan = make_plan(answers_for(shells=()), machine)
    assert {each.role for each in plan.pending} == {"helper", "settings", "answers"}
    (note,) = [each for each in plan.notes if "Your shell is nu" in each]
    assert "$env.ANTHROPIC_BASE_URL" in note
    assert not [each for each in make_plan(answers_for(), machine_of(home)).notes if "Your shell is" in each]
