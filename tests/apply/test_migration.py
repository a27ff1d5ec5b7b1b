"""The set-up people made by hand: found, explained, taken out of force on a yes, and given back byte for byte."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apply.support import Watched, answers_for, furnish, machine_of, picture
from tests.programs import LITELLM, require
from wizard.apply.change import Choices, Plan
from wizard.apply.plan import make_plan
from wizard.apply.set_aside import Place, give_back, place_of, set_aside
from wizard.apply.transaction import carry_out
from wizard.apply.undo import undo_last
from wizard.machine.leftovers import find_leftovers
from wizard.machine.model import Machine
from wizard.marks import SET_ASIDE

DEAD_PORT = 9
SEEDS = f"""#!/bin/bash
export ANTHROPIC_BASE_URL="http://127.0.0.1:{DEAD_PORT}"
curl -sf -o /dev/null "$ANTHROPIC_BASE_URL/health" || {{ echo "LiteLLM is down"; exit 1; }}
"""
TOKEN = "sk-hunter2hunter2hunter2"
BASHRC = f"""# mine
alias ll='ls -l'
export ANTHROPIC_AUTH_TOKEN={TOKEN}
if [ -n "$HOME" ]; then
  export ANTHROPIC_MODEL='claude-x' # for now
fi
export ANTHROPIC_LOG=debug PATH="$HOME/bin:$PATH"
source ~/.config/claude/old-setup.sh
"""


@pytest.fixture
def machine(home: Path) -> Machine:
    furnish(home)
    (home / ".config/claude").mkdir(parents=True)
    (home / ".config/claude/old-setup.sh").write_text(SEEDS)
    (home / ".bashrc").write_text(BASHRC)
    (home / ".zprofile").write_text(". ~/.config/claude/old-setup.sh\n")
    return machine_of(home)


def planned(machine: Machine, *items: str) -> Plan:
    choices = Choices(migrate="all" if items == ("all",) else frozenset(items))
    return make_plan(answers_for(), machine_of(machine.home), choices=choices)


def test_case_31_the_hand_made_set_up_is_found_explained_and_left_alone_without_a_word(machine: Machine) -> None:
    plan = planned(machine)
    assert {each.name for each in plan.migrations} == {
        "~/.bashrc:3",
        "~/.bashrc:5",
        "~/.bashrc:8",
        "~/.zprofile:1",
        "~/.config/claude/old-setup.sh:2",
    }
    script = next(each for each in plan.migrations if each.name == "~/.bashrc:8")
    assert "ends the shell" in script.leftovers[0].effect
    assert TOKEN not in repr([each.leftovers for each in plan.migrations])
    assert any(each.where == "~/.bashrc:7" for each in plan.leftovers), "a line that does more is told, never touched"
    carry_out(plan, machine)
    assert (machine.home / ".bashrc").read_text().startswith(BASHRC)


def test_case_31_what_was_chosen_goes_out_of_force_in_the_same_write_and_comes_back_with_undo(machine: Machine) -> None:
    before = picture(machine.home)
    plan = planned(machine, "~/.bashrc:3", "~/.bashrc:5")
    (change,) = (each for each in plan.changes if each.path.name == ".bashrc")
    assert TOKEN not in change.diff("~/.bashrc") and "+  " + SET_ASIDE in change.diff("~/.bashrc")
    carry_out(plan, machine)
    lines = (machine.home / ".bashrc").read_text().splitlines()
    assert lines[2] == f"{SET_ASIDE}export ANTHROPIC_AUTH_TOKEN={TOKEN}"
    assert lines[4] == f"  {SET_ASIDE}export ANTHROPIC_MODEL='claude-x' # for now"
    assert [lines[n] for n in (0, 1, 3, 5, 6, 7)] == [BASHRC.splitlines()[n] for n in (0, 1, 3, 5, 6, 7)]
    assert {each.name for each in planned(machine).migrations}.isdisjoint({"~/.bashrc:3", "~/.bashrc:5"})
    assert planned(machine).is_empty
    undo_last(machine)
    assert picture(machine.home) == before


def test_case_31_undo_gives_lines_back_around_later_edits(machine: Machine) -> None:
    carry_out(planned(machine, "~/.bashrc:3"), machine)
    rc = machine.home / ".bashrc"
    rc.write_text("echo above\n" + rc.read_text() + "echo below\n")
    undo_last(machine)
    assert rc.read_text() == "echo above\n" + BASHRC + "echo below\n"


def test_case_31_a_killed_write_leaves_every_line_in_the_file(machine: Machine) -> None:
    """At each wrapped call: the file is the old or the new one, as a whole."""
    plan = planned(machine, "all")
    before = (machine.home / ".bashrc").read_bytes()
    after = next(each.after for each in plan.changes if each.path.name == ".bashrc")
    seen: list[bytes] = []
    watched = Watched(lambda *_: seen.append((machine.home / ".bashrc").read_bytes()))
    carry_out(plan, machine, system=watched)
    assert set(seen) == {before, after} and len(seen) > 50


def environment(machine: Machine, *argv: str) -> tuple[int, str]:
    (shell,) = require(argv[0])
    env = {"HOME": str(machine.home), "PATH": os.environ["PATH"], "TERM": "dumb"}
    done = subprocess.run(
        [shell, *argv[1:]],
        env=env,
        cwd=machine.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        start_new_session=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("shell", [("bash", "-l", "-i"), ("zsh", "-l", "-i")], ids=lambda each: str(each[0]))
def test_case_31_a_login_shell_ends_before_the_migration_and_starts_after_it(
    machine: Machine, shell: tuple[str, ...]
) -> None:
    command = (*shell, "-c", "echo started; env")
    require("curl")
    code, said = environment(machine, *command)
    assert code == 1 and "started" not in said
    carry_out(planned(machine), machine)
    code, said = environment(machine, *command)
    assert code == 1 and "started" not in said, "our own block is no cure: only the migration is"

    carry_out(planned(machine, "all"), machine)
    code, said = environment(machine, *command)
    assert code == 0 and "started" in said.splitlines()
    assert "ANTHROPIC_AUTH_TOKEN" not in said and "ANTHROPIC_MODEL=" not in said
    if shell[0] == "bash":
        assert "ANTHROPIC_BASE_URL=https://old.corp.example:4000" in said.splitlines()
    undo_last(machine)
    code, said = environment(machine, *command)
    assert code == 1 and "started" not in said


def test_case_31_keys_of_the_settings_go_on_a_word_and_come_back(machine: Machine) -> None:
    text = '{\n  "model": "opus",\n  "env": {"MINE": "1", "ANTHROPIC_CUSTOM_HEADERS": "x-team: hunter2hunter2"}\n}\n'
    machine.settings_file.write_text(text)
    (offer,) = (each for each in planned(machine).migrations if each.path == machine.settings_file)
    assert offer.name == "env.ANTHROPIC_CUSTOM_HEADERS"
    plan = planned(machine, offer.name)
    change = next(each for each in plan.changes if each.path == machine.settings_file)
    assert "hunter2" not in change.diff("it")
    carry_out(plan, machine)
    assert json.loads(machine.settings_file.read_text())["env"].keys() >= {"MINE", "ANTHROPIC_BASE_URL"}
    assert "hunter2" not in machine.settings_file.read_text()
    undo_last(machine)
    assert machine.settings_file.read_text() == text


def test_a_helper_of_somebody_else_is_explained_and_waits_for_a_yes(machine: Machine) -> None:
    machine.settings_file.write_text('{"apiKeyHelper": "echo sk-hunter2hunter2"}')
    plan = planned(machine, "all")
    (told,) = (each for each in plan.leftovers if each.name == "apiKeyHelper")
    assert told.value == "a command of its own" and "gets its key from this command" in told.effect
    assert [each.path for each in plan.conflicts] == [machine.settings_file]


# ── lite configure ───────────────────────────────────────────────────────────────────────────────────────────────────

_IMPORT = """
from litellm.proxy.client.cli.commands import claude_settings as c
path = c.CLAUDE_SETTINGS_PATH
state = c.configure_state_path(path)
"""
_LITE = f"""{_IMPORT}
key, model = c.StaticToken("sk-hunter2hunter2"), c.StartOn("claude-x")
c.configure_claude_settings("https://lite.example", key, model, path, state, ())
"""
_UNLITE = f"{_IMPORT}\nc.unconfigure_claude_settings(path, state, ())\n"


def lite(home: Path, code: str) -> None:
    (litellm,) = require(LITELLM)
    python = litellm.with_name("python")
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    subprocess.run([python, "-c", code], env=env, cwd=home, check=True, timeout=180, capture_output=True)


def test_case_31_what_lite_configure_wrote_is_found_and_goes_on_a_word(machine: Machine) -> None:
    machine.settings_file.unlink()
    lite(machine.home, _LITE)
    before = machine.settings_file.read_bytes()
    plan = planned(machine)
    offered = {each.name for each in plan.migrations if each.path == machine.settings_file}
    assert offered == {
        "model",
        "statusLine",
        "env.ANTHROPIC_MODEL",
        "env.ENABLE_TOOL_SEARCH",
        "env.CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY",
    }
    assert any(each.name == "lite configure" and each.where.endswith("state.json") for each in plan.leftovers)
    assert "hunter2" not in repr(plan.leftovers)
    carry_out(planned(machine, *offered), machine, replace="all")
    table = json.loads(machine.settings_file.read_text())
    assert table.keys() == {"env", "apiKeyHelper"} and table["env"]["ANTHROPIC_AUTH_TOKEN"] == ""
    assert not any(each.name in offered for each in planned(machine).migrations)
    undo_last(machine)
    assert machine.settings_file.read_bytes() == before

    carry_out(planned(machine, *offered), machine, replace="all")
    lite(machine.home, _UNLITE)
    assert json.loads(machine.settings_file.read_text()) == table, "lite unconfigure leaves alone what we wrote"


def test_a_lite_up_that_runs_is_told(machine: Machine) -> None:
    folder = machine.home / ".litellm"
    folder.mkdir()
    (folder / "claude_settings_backup.json").write_text("{}")
    (told,) = (each for each in planned(machine).leftovers if each.name == "lite up")
    assert "lite down" in told.remedy and planned(machine, "all").migrations


# ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "line",
    [
        "export ANTHROPIC_API_KEY=x",
        "  ANTHROPIC_API_KEY='a b'; export ANTHROPIC_API_KEY",
        'export ANTHROPIC_AUTH_TOKEN="$(cat ~/.key)" # secret',
        "export ANTHROPIC_AUTH_TOKEN=$(cat ~/.key)",
        "export ANTHROPIC_BASE_URL=a ANTHROPIC_MODEL=b",
        "declare -x ANTHROPIC_MODEL=b\r",
        "set -gx ANTHROPIC_MODEL b",
        ". ~/x.sh",
        "[ -f ~/x.sh ] && source ~/x.sh",
        "if [ -r ~/x.sh ]; then . ~/x.sh; fi",
    ],
)
def test_lines_that_do_nothing_else_can_be_set_aside(line: str) -> None:
    text = f"a\n{line}\nb".encode()
    place = place_of(text, 2)
    assert place is not None
    aside = set_aside(text, [place])
    assert aside.splitlines()[1].lstrip().startswith(SET_ASIDE.encode()) and line.strip().encode() in aside
    assert give_back(aside, text) == text


@pytest.mark.parametrize(
    "text",
    [
        "export ANTHROPIC_MODEL=x PATH=y",
        "ANTHROPIC_MODEL=x claude",
        "alias c='ANTHROPIC_MODEL=x claude'",
        "export ANTHROPIC_MODEL=x; echo hi",
        "export ANTHROPIC_MODEL=x \\\n  B=y",
        "echo \\\nexport ANTHROPIC_MODEL=x",
        'export ANTHROPIC_MODEL="x\ny"',
        "cat <<E\nexport ANTHROPIC_MODEL=x\nE",
        "cat <<E\nexport ANTHROPIC_MODEL=x",
        "# >>> claude-litellm-wizard >>>\n. ~/x.sh\n# <<< claude-litellm-wizard <<<",
        "export ANTHROPIC_MODEL=x | tee y",
        "f() { export ANTHROPIC_MODEL=x; }",
        ". ~/x.sh || echo no",
        "if . ~/x.sh; then",
    ],
)
def test_lines_that_do_more_are_left_to_the_user(text: str) -> None:
    assert [place_of(text.encode(), number) for number in range(1, text.count("\n") + 2)] == [None] * (
        text.count("\n") + 1
    )


ANY = st.lists(
    st.one_of(st.binary(max_size=12), st.sampled_from([b"export ANTHROPIC_MODEL=x", b"\t. ~/x", b"# x\r", b""])),
    max_size=12,
).map(b"\n".join)


@given(ANY, st.sets(st.integers(0, 14)))
def test_case_10_setting_aside_touches_only_the_chosen_lines_and_giving_back_is_identity(
    text: bytes, numbers: set[int]
) -> None:
    places = {number: place for number in numbers if (place := place_of(text, number)) is not None}
    aside = set_aside(text, list(places.values()))
    before, after = text.split(b"\n"), aside.split(b"\n")
    assert len(before) == len(after)
    for number, (old, new) in enumerate(zip(before, after, strict=True), 1):
        assert (old != new) == (number in places), number
        assert new.replace(SET_ASIDE.encode(), b"", 1) == old or number not in places
    assert give_back(aside, text) == text


def test_a_line_that_is_gone_is_passed_over() -> None:
    place = Place(b"export ANTHROPIC_MODEL=x", 1)
    assert set_aside(b"export ANTHROPIC_MODEL=x\n", [place]) == b"export ANTHROPIC_MODEL=x\n"


def test_a_line_that_was_set_aside_is_no_leftover(home: Path) -> None:
    (home / ".bashrc").write_text(f"{SET_ASIDE}export ANTHROPIC_MODEL=x\n  {SET_ASIDE}. ~/x.sh\n")
    (home / "x.sh").write_text("export ANTHROPIC_MODEL=y\n")
    assert find_leftovers({}, home) == ()
    assert re.match(r": # ", SET_ASIDE)
