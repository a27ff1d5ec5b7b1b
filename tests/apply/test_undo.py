"""Case 07: undo gives back what was there, and keeps what somebody changed since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apply.support import (
    BASHRC,
    NEW,
    OLD,
    SETTINGS,
    Home,
    answers_for,
    apply,
    furnish,
    machine_of,
    picture,
    without_generations,
)
from wizard.apply.plan import make_plan
from wizard.apply.transaction import Refused
from wizard.apply.undo import list_receipts, undo_last
from wizard.machine.model import Machine


@pytest.fixture
def machine(home: Path) -> Machine:
    furnish(home)
    return machine_of(home)


def test_case_07_51_undo_is_byte_exact_and_mode_exact(machine: Machine) -> None:
    before = picture(machine.home)
    apply(machine)
    assert picture(machine.home) != before
    outcome = undo_last(machine)
    assert picture(machine.home) == before
    assert outcome.kept == ()
    assert "~/.bashrc is as it was before." in outcome.lines(machine)
    assert "~/bin/refresh-litellm-key.sh is gone again." in outcome.lines(machine)
    assert json.dumps(outcome.as_json())


def test_case_07_undo_in_an_empty_home_leaves_it_empty(home: Path) -> None:
    machine = machine_of(home)
    apply(machine)
    undo_last(machine)
    assert picture(home) == {}


def test_every_write_can_be_undone_in_turn(machine: Machine) -> None:
    pictures = [without_generations(machine.home)]
    for url in (OLD, NEW, f"{NEW}/team"):
        apply(machine, url)
        pictures.append(without_generations(machine.home))
    assert [each.number for each in list_receipts(machine)] == [3, 2, 1]
    for before in reversed(pictures[:-1]):
        undo_last(machine)
        assert without_generations(machine.home) == before
    assert picture(machine.home) == pictures[0]
    assert list_receipts(machine) == ()
    with pytest.raises(Refused, match="nothing to undo"):
        undo_last(machine)


def test_case_86_undo_of_a_move_returns_to_the_old_server(machine: Machine) -> None:
    apply(machine)
    apply(machine, NEW)
    undo_last(machine)
    assert list(Home(machine.home, OLD, OLD).complaints()) == []
    assert make_plan(answers_for(OLD, shells=("bash", "zsh", "fish")), machine).is_empty


def test_case_07_edits_elsewhere_in_a_file_are_kept(machine: Machine) -> None:
    apply(machine)
    table = json.loads(machine.settings_file.read_text())
    machine.settings_file.write_text(json.dumps({**table, "theirs": 1}, indent="\t"))
    rc = machine.home / ".bashrc"
    rc.write_bytes(b"first\n" + rc.read_bytes() + b"last\n")
    outcome = undo_last(machine)
    assert json.loads(machine.settings_file.read_text()) == {**json.loads(SETTINGS), "theirs": 1}
    assert rc.read_bytes() == b"first\n" + BASHRC + b"\nlast\n"
    assert outcome.kept == ()


def test_our_parts_that_somebody_changed_stay_and_are_named(machine: Machine) -> None:
    apply(machine)
    text = machine.settings_file.read_text().replace(OLD, "https://mine.example")
    machine.settings_file.write_text(text)
    rc = machine.home / ".zshrc"
    rc.write_bytes(rc.read_bytes().replace(b"  . ", b"  echo mine; . "))
    helper = machine.home / "bin/refresh-litellm-key.sh"
    helper.write_text("mine\n")
    edited = rc.read_bytes()
    outcome = undo_last(machine)
    assert json.loads(machine.settings_file.read_text())["env"] == {
        "MINE": "1",
        "ANTHROPIC_BASE_URL": "https://mine.example",
    }
    assert (rc.read_bytes(), helper.read_text()) == (edited, "mine\n")
    lines = outcome.lines(machine)
    assert "~/.claude/settings.json: env.ANTHROPIC_BASE_URL stays, because it changed since." in lines
    assert "~/.zshrc: our lines stay, because they changed since." in lines
    assert "~/bin/refresh-litellm-key.sh: the whole file stays, because it changed since." in lines
    assert (machine.home / ".bashrc").read_bytes() == BASHRC


def test_a_changed_mode_is_given_back_unless_somebody_changed_it_again(machine: Machine) -> None:
    apply(machine)
    helper = machine.home / "bin/refresh-litellm-key.sh"
    helper.chmod(0o755)
    apply(machine)
    assert helper.stat().st_mode & 0o777 == 0o700
    undo_last(machine)
    assert helper.stat().st_mode & 0o777 == 0o755
    apply(machine)
    helper.chmod(0o711)
    undo_last(machine)
    assert helper.stat().st_mode & 0o777 == 0o711


def test_folders_with_something_in_them_stay(machine: Machine) -> None:
    apply(machine)
    (machine.home / "bin/mine").write_text("x")
    undo_last(machine)
    assert [path.name for path in (machine.home / "bin").iterdir()] == ["mine"]


def test_what_was_replaced_on_a_yes_comes_back(machine: Machine) -> None:
    text = '{"apiKeyHelper": "echo x", "env": {"ANTHROPIC_AUTH_TOKEN": "sk-mine"}}'
    machine.settings_file.write_text(text)
    apply(machine)
    assert "sk-mine" not in machine.settings_file.read_text()
    undo_last(machine)
    assert machine.settings_file.read_text() == text


def test_case_21_settings_that_became_unreadable_are_refused_and_left_alone(machine: Machine) -> None:
    apply(machine)
    machine.settings_file.write_text("{")
    before = picture(machine.home)
    with pytest.raises(Refused, match=r"settings\.json: Line 1"):
        undo_last(machine)
    assert picture(machine.home) == before


def test_the_list_says_when_and_what(machine: Machine) -> None:
    apply(machine)
    (receipt,) = list_receipts(machine)
    assert "~/.claude/settings.json" in receipt.line(machine)
    table = receipt.as_json()
    assert table["number"] == 1
    assert {"path": str(machine.settings_file), "role": "settings", "existed": True} in table["files"]  # type: ignore[operator]


def test_case_85_a_damaged_receipt_is_named(machine: Machine) -> None:
    apply(machine)
    (machine.state_dir / "receipts/000001.json").write_text("[]")
    with pytest.raises(Refused, match=r"000001\.json is damaged"):
        list_receipts(machine)
