"""What a plan says: the files, their modes, conflicts, reasons not to write."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from tests.apply.support import BASHRC, NEW, OLD, SETTINGS, answers_for, furnish, machine_of, picture, stamps
from wizard.answers import Answers
from wizard.apply.plan import Plan, PlanError, make_plan
from wizard.apply.transaction import Refused, carry_out
from wizard.machine.model import Machine, SettingsLayer


@pytest.fixture
def machine(home: Path) -> Machine:
    furnish(home)
    return machine_of(home)


def apply(machine: Machine, answers: Answers | None = None) -> Plan:
    plan = make_plan(answers or answers_for(), machine)
    carry_out(plan, machine, replace="all")
    return plan


def states(plan: Plan) -> dict[str, str]:
    return {change.path.name: change.state for change in plan.changes}


def test_the_plan_names_every_file_with_its_mode(machine: Machine) -> None:
    plan = make_plan(answers_for(shells=("bash", "zsh")), machine)
    rows = [(machine.short(each.path), each.role, each.state, each.mode) for each in plan.changes]
    assert rows == [
        ("~/bin/refresh-litellm-key.sh", "helper", "new", 0o700),
        ("~/.claude/settings.json", "settings", "changed", 0o640),
        ("~/.config/claude/setup-litellm.sh", "setup-script", "new", 0o600),
        ("~/.bashrc", "rc-block", "changed", 0o644),
        ("~/.zshrc", "rc-block", "changed", 0o644),
        ("~/.config/claude-litellm-wizard/answers/default.toml", "answers", "new", 0o600),
    ]
    assert plan.conflicts == ()
    assert plan.blockers == ()


def test_case_28_planning_and_showing_write_nothing(machine: Machine) -> None:
    before, times = picture(machine.home, without="-"), stamps(machine.home)
    for change in make_plan(answers_for(), machine).changes:
        change.diff(machine.short(change.path))
    assert (picture(machine.home, without="-"), stamps(machine.home)) == (before, times)


def test_case_08_a_second_plan_is_empty_and_writing_it_touches_nothing(machine: Machine) -> None:
    apply(machine)
    times = stamps(machine.home)
    plan = make_plan(answers_for(), machine_of(machine.home))
    assert plan.is_empty
    assert carry_out(plan, machine).number == 0
    assert stamps(machine.home) == times


def test_case_86_a_server_move_leaves_the_start_up_files_alone(machine: Machine) -> None:
    apply(machine)
    plan = make_plan(answers_for(NEW), machine_of(machine.home))
    assert {each.role for each in plan.pending} == {"helper", "settings", "setup-script", "answers"}
    assert plan.conflicts == ()


@pytest.mark.parametrize("name", ["bin/refresh-litellm-key.sh", ".config/claude/setup-litellm.sh"])
def test_a_file_at_our_path_that_we_did_not_write_is_a_conflict(machine: Machine, name: str) -> None:
    path = machine.home / name
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\necho mine\n")
    (conflict,) = make_plan(answers_for(), machine).conflicts
    assert conflict.path == path
    assert conflict.conflict == "This wizard did not write what stands here, and would replace it."


def test_case_42_a_file_of_ours_that_was_edited_is_a_conflict_that_says_so(machine: Machine) -> None:
    apply(machine)
    helper = machine.home / "bin/refresh-litellm-key.sh"
    helper.write_bytes(helper.read_bytes() + b"# mine\n")
    rc = machine.home / ".bashrc"
    rc.write_bytes(rc.read_bytes().replace(b"  . ", b"  echo mine; . "))
    plan = make_plan(answers_for(), machine_of(machine.home))
    said = {each.path.name: each.conflict for each in plan.conflicts}
    assert said["refresh-litellm-key.sh"].startswith("It changed since this wizard wrote it.")
    assert said[".bashrc"].startswith("The lines between our markers are not as this wizard wrote them")
    assert len(said) == 2


def test_the_same_file_from_elsewhere_is_no_conflict(machine: Machine) -> None:
    """Dotfiles that a second machine shares hold our block before the wizard ever ran there."""
    plan = make_plan(answers_for(), machine)
    for change in plan.changes:
        if change.role in ("rc-block", "setup-script"):
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.path.write_bytes(change.after or b"")
    assert make_plan(answers_for(), machine).conflicts == ()


def test_case_09_58_foreign_values_in_settings_are_a_conflict_that_names_them_masked(machine: Machine) -> None:
    machine.settings_file.write_text(
        json.dumps(
            {
                "apiKeyHelper": "echo sk-ant-hunter2hunter2",
                "env": {
                    "ANTHROPIC_AUTH_TOKEN": "sk-hunter2hunter2",
                    "ANTHROPIC_BASE_URL": "https://me:hunter2@mine.example",
                    "ANTHROPIC_API_KEY": "",
                },
            },
            indent=2,
        )
    )
    plan = make_plan(answers_for(), machine)
    (conflict,) = plan.conflicts
    assert conflict.conflict == (
        "It holds apiKeyHelper = a command of its own, env.ANTHROPIC_BASE_URL = https://****@mine.example and"
        " env.ANTHROPIC_AUTH_TOKEN = ****, which this wizard did not write and would replace."
    )
    assert "hunter2" not in conflict.diff("~/.claude/settings.json")
    assert any("holds a credential" in note for note in plan.notes)


def test_keys_we_wrote_and_no_longer_want_go_and_those_changed_since_stay(machine: Machine) -> None:
    base = answers_for()
    pinned = dataclasses.replace(base, models=dataclasses.replace(base.models, opus="claude-a", haiku="claude-b"))
    apply(machine, pinned)
    text = machine.settings_file.read_text().replace('"claude-b"', '"mine"')
    machine.settings_file.write_text(text)
    apply(machine)
    env = json.loads(machine.settings_file.read_text())["env"]
    assert "ANTHROPIC_DEFAULT_OPUS_MODEL" not in env
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "mine"
    assert env["MINE"] == "1"


def test_what_earlier_answers_had_written_goes(machine: Machine) -> None:
    apply(machine, answers_for(shells=("bash", "zsh", "fish")))
    plan = apply(machine_of(machine.home), answers_for(shells=()))
    assert states(plan)["claude-litellm-wizard.fish"] == "removed"
    assert states(plan)["setup-litellm.sh"] == "removed"
    assert (machine.home / ".bashrc").read_bytes() == BASHRC
    assert (machine.home / ".zshrc").read_bytes() == b"setopt autocd\n"
    assert make_plan(answers_for(shells=()), machine_of(machine.home)).is_empty


def test_an_edited_file_of_earlier_answers_stays(machine: Machine) -> None:
    apply(machine, answers_for(shells=("fish",)))
    fish = machine.home / ".config/fish/conf.d/claude-litellm-wizard.fish"
    fish.write_text("# mine\n")
    apply(machine_of(machine.home), answers_for(shells=()))
    assert fish.read_text() == "# mine\n"


def test_a_helper_of_earlier_answers_goes_at_the_apply_after_next(machine: Machine) -> None:
    """Sessions that still run it must find it: it is removed once no settings name it, and not in the same run."""
    old = machine.home / "bin/refresh-litellm-key.sh"
    apply(machine)
    apply(machine_of(machine.home), answers_for(helper="~/bin/other.sh"))
    assert old.exists()
    assert make_plan(answers_for(helper="~/bin/other.sh"), machine_of(machine.home)).is_empty
    plan = apply(machine_of(machine.home), answers_for(NEW, helper="~/bin/other.sh"))
    assert states(plan)["refresh-litellm-key.sh"] == "removed"
    assert not old.exists()


def test_settings_can_be_left_alone(machine: Machine) -> None:
    plan = apply(machine, answers_for(settings=False))
    assert machine.settings_file.read_bytes() == SETTINGS
    (note,) = (each for each in plan.notes if "left alone" in each)
    lines = json.loads(note.partition("\n")[2])
    assert lines["env"]["ANTHROPIC_BASE_URL"] == OLD
    assert lines["apiKeyHelper"] == f"'{machine.home}/bin/refresh-litellm-key.sh'"


def test_case_58_managed_settings_that_win_are_a_reason_not_to_write(machine: Machine) -> None:
    path = Path("/etc/claude-code/managed-settings.json")
    env = {"ANTHROPIC_BASE_URL": "https://else.example", "ANTHROPIC_API_KEY": ""}
    layer = SettingsLayer("managed", path, wins=True, helper=None, env=env)
    plan = make_plan(answers_for(), dataclasses.replace(machine, layers=(layer,)))
    (blocker,) = plan.blockers
    assert blocker.startswith("/etc/claude-code/managed-settings.json sets env.ANTHROPIC_BASE_URL, and managed")
    same = dataclasses.replace(layer, env={"ANTHROPIC_BASE_URL": OLD})
    assert make_plan(answers_for(), dataclasses.replace(machine, layers=(same,))).blockers == ()


def test_case_26_sudo_is_a_reason_not_to_write(machine: Machine) -> None:
    if os.geteuid() != 0:
        pytest.skip("Not run, missing root rights")
    env = {**machine.env, "SUDO_UID": "1000", "SUDO_USER": "ada"}
    (blocker,) = make_plan(answers_for(), dataclasses.replace(machine, env=env)).blockers
    assert "sudo" in blocker


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,', "Line 1, column"),
        ("{\n  // no\n}", "Line 2, column"),
        ("[]", "one object"),
        ('{"env": null}', "object"),
        ('{"env": {}, "env": {}}', "a second time"),
    ],
)
def test_case_21_settings_that_cannot_be_read_are_refused_with_the_place(
    machine: Machine, text: str, says: str
) -> None:
    machine.settings_file.write_text(text)
    with pytest.raises(PlanError, match=says) as caught:
        make_plan(answers_for(), machine)
    assert caught.value.path == str(machine.settings_file)
    assert machine.settings_file.read_text() == text


def test_case_41_markers_that_cannot_be_trusted_are_asked_about_with_the_line(machine: Machine) -> None:
    rc = machine.home / ".zshrc"
    rc.write_text("a\n# <<< claude-litellm-wizard <<<\n")
    plan = make_plan(answers_for(), machine)
    (conflict,) = plan.conflicts
    assert conflict.path == rc
    assert conflict.conflict.startswith("Line 2: ")
    assert list(conflict.ways) == ["merge", "keep"]
    with pytest.raises(Refused, match="Line 2"):
        carry_out(plan, machine, replace="all")


def test_case_38_a_read_only_start_up_file_is_refused_only_when_it_would_change(machine: Machine) -> None:
    (machine.home / ".zshrc").chmod(0o400)
    with pytest.raises(PlanError, match="read-only"):
        make_plan(answers_for(), machine)
    (machine.home / ".zshrc").chmod(0o600)
    apply(machine)
    (machine.home / ".zshrc").chmod(0o400)
    assert make_plan(answers_for(), machine).is_empty


def test_case_50_links_and_work_trees_are_told(machine: Machine) -> None:
    dotfiles = machine.home / "dotfiles"
    (dotfiles / ".git").mkdir(parents=True)
    (machine.home / ".zshrc").rename(dotfiles / "zshrc")
    (machine.home / ".zshrc").symlink_to("dotfiles/zshrc")
    change = next(each for each in make_plan(answers_for(), machine).changes if each.path.name == ".zshrc")
    assert any("It is a link to" in note for note in change.notes)
    assert any("git work tree" in note for note in change.notes)


def test_the_refresh_interval_stays_when_nobody_knows_how_long_a_key_lives(machine: Machine) -> None:
    carry_out(make_plan(answers_for(), machine, life_seconds=600), machine)
    assert json.loads(machine.settings_file.read_text())["env"]["CLAUDE_CODE_API_KEY_HELPER_TTL_MS"] == "300000"
    assert make_plan(answers_for(), machine).is_empty


def test_a_wrong_mode_of_a_private_file_is_put_right(machine: Machine) -> None:
    apply(machine)
    helper = machine.home / "bin/refresh-litellm-key.sh"
    helper.chmod(0o755)
    (machine.home / ".bashrc").chmod(0o600)
    (change,) = make_plan(answers_for(), machine).pending
    assert (change.path, change.before_mode, change.mode) == (helper, 0o755, 0o700)
    carry_out(make_plan(answers_for(), machine), machine)
    assert helper.stat().st_mode & 0o777 == 0o700
    assert (machine.home / ".bashrc").stat().st_mode & 0o777 == 0o600


def test_case_85_damaged_records_are_named_and_never_guessed(machine: Machine) -> None:
    apply(machine)
    ledger = machine.state_dir / "ledger.json"
    ledger.write_text("{")
    with pytest.raises(PlanError, match="damaged") as caught:
        make_plan(answers_for(NEW), machine)
    assert caught.value.path == str(ledger)
