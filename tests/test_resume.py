"""A run that was left early: what is kept of it, for how long, and what is not."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.machines import machine_at
from wizard import __version__
from wizard.answers import Answers, Gateway, Key, Models
from wizard.apply.journal import Store
from wizard.flow import Draft, Step
from wizard.machine.model import Machine
from wizard.record import replace
from wizard.resume import Unfinished, find, forget, go_on, save

CANARY = "sk-canary-1234567890abcdef"
ANSWERS = Answers(
    Gateway(url="https://llm.example"),
    Key("vault").with_options("vault", {"address": "https://vault.example", "path": "a/b"}),
    Models(opus="m"),
)


@pytest.fixture
def machine(home: Path) -> Machine:
    return machine_at(home)


def test_what_is_kept_is_found_again(machine: Machine) -> None:
    save(machine, ANSWERS, Step.TEST)
    found = find(machine, None)
    assert found is not None and found.step is Step.TEST
    assert found.answers == ANSWERS and abs(datetime.now(UTC) - found.when) < timedelta(minutes=5)
    assert found.origins == ("https://llm.example", "https://vault.example")


def test_answers_with_gaps_are_kept_too(machine: Machine) -> None:
    half = Answers(Gateway(url="https://llm.example"))
    save(machine, half, Step.HEALTH)
    found = find(machine, None)
    assert found is not None and found.answers == half


def test_only_the_user_may_read_it(machine: Machine) -> None:
    save(machine, ANSWERS, Step.KEY)
    assert stat.S_IMODE(machine.unfinished_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(machine.state_dir.stat().st_mode) == 0o700
    assert [each.name for each in machine.state_dir.iterdir()] == ["unfinished.toml"]


def test_a_key_pasted_into_a_wrong_field_is_not_kept(machine: Machine) -> None:
    pasted = replace(ANSWERS, models=Models(opus=CANARY), unknown={"note": f"mine: {CANARY}", "deep": {"x": [CANARY]}})
    pasted = replace(pasted, key=pasted.key.with_options("command", {"preset": "custom", "command": f"echo {CANARY}"}))
    save(machine, pasted, Step.TEST)
    text = machine.unfinished_file.read_text()
    assert "canary" not in text and "https://llm.example" in text


def test_no_origin_is_confirmed_by_it_alone(machine: Machine) -> None:
    save(machine, ANSWERS, Step.TEST)
    assert "confirmed" not in machine.unfinished_file.read_text()
    found = find(machine, None)
    assert found is not None
    draft = Draft(Answers(), machine)
    assert draft.confirmed == frozenset()
    assert go_on(draft, found).confirmed == {"https://llm.example", "https://vault.example"}
    assert go_on(draft, found).health_now is None and go_on(draft, found).trial_now is None


def test_what_was_saved_meanwhile_is_no_unfinished_run(machine: Machine) -> None:
    save(machine, ANSWERS, Step.REVIEW)
    assert find(machine, ANSWERS) is None
    assert find(machine, replace(ANSWERS, models=Models())) is not None


def test_a_command_that_wrote_meanwhile_overtakes_it(machine: Machine) -> None:
    save(machine, ANSWERS, Step.REVIEW)
    machine.answers_file.parent.mkdir(parents=True)
    machine.answers_file.touch()
    now = datetime.now().timestamp()
    os.utime(machine.answers_file, (now - 60, now - 60))
    assert find(machine, Answers()) is not None, "set up before, and left early since"
    os.utime(machine.answers_file, (now + 60, now + 60))
    assert find(machine, Answers()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense [",
        "\xff",
        "wizard = '0.0.0'\nstep = 'Test'\nwhen = 2026-11-29T14:03:00Z\n[answers.gateway]\nurl = 'https://x.example'",
        f"wizard = '{__version__}'\nstep = 'Nowhere'\nwhen = 2026-11-29T14:03:00Z\n[answers]",
        f"wizard = '{__version__}'\nstep = 'Test'\nwhen = 'then'\n[answers]",
        f"wizard = '{__version__}'\nstep = 'Test'\nwhen = 2026-11-29T14:03:00\n[answers.gateway]\nurl = 'https://x.example'",
        f"wizard = '{__version__}'\nstep = 'Test'\nwhen = 2026-11-29T14:03:00Z\nanswers = 3",
        f"wizard = '{__version__}'\nstep = 'Test'\nwhen = 2026-11-29T14:03:00Z\n[answers]",
        "x = " + "[" * 5000,
        "#" * 70_000,
    ],
)
def test_what_is_malformed_or_of_another_version_is_ignored_and_can_be_replaced(machine: Machine, text: str) -> None:
    machine.state_dir.mkdir(parents=True)
    machine.unfinished_file.write_bytes(text.encode("latin-1"))
    assert find(machine, None) is None
    save(machine, ANSWERS, Step.KEY)
    assert find(machine, None) is not None
    forget(machine)
    assert not machine.unfinished_file.exists()


def test_a_link_in_its_place_is_not_followed(machine: Machine, home: Path) -> None:
    other = home / "other.toml"
    save(machine, ANSWERS, Step.KEY)
    machine.unfinished_file.rename(other)
    machine.unfinished_file.symlink_to(other)
    content = other.read_bytes()
    assert find(machine, None) is None
    save(machine, Answers(Gateway(url="https://new.example")), Step.KEY)
    assert other.read_bytes() == content and not machine.unfinished_file.is_symlink()


def test_bad_values_in_it_are_left_out(machine: Machine) -> None:
    save(machine, ANSWERS, Step.KEY)
    text = machine.unfinished_file.read_text().replace('"https://llm.example"', '"https://llm.example/\\u202e"')
    machine.unfinished_file.write_text(text)
    found = find(machine, None)
    assert found is not None and found.answers.gateway.url == "" and found.answers.models.opus == "m"


def test_forgetting_leaves_no_folder_that_was_made_for_it(machine: Machine, home: Path) -> None:
    save(machine, ANSWERS, Step.SERVER)
    save(machine, ANSWERS, Step.KEY)
    forget(machine)
    forget(machine)
    assert list(home.iterdir()) == []


def test_forgetting_leaves_what_somebody_else_put_there(machine: Machine, home: Path) -> None:
    save(machine, ANSWERS, Step.KEY)
    (home / ".local/share").mkdir()
    forget(machine)
    assert not machine.state_dir.exists() and (home / ".local/share").is_dir()


def test_a_forged_list_of_folders_removes_nothing_else(machine: Machine, home: Path) -> None:
    (home / "precious").mkdir()
    save(machine, ANSWERS, Step.KEY)
    text = machine.unfinished_file.read_text().replace("made = [", f'made = ["{home}/precious",')
    machine.unfinished_file.write_text(text)
    forget(machine)
    assert (home / "precious").is_dir() and not machine.unfinished_file.exists()


def test_undo_all_takes_it_along(machine: Machine, home: Path) -> None:
    machine.state_dir.mkdir(parents=True)
    save(machine, ANSWERS, Step.KEY)
    Store(machine.state_dir).clear()
    assert not machine.state_dir.exists()


def test_a_home_that_can_not_be_written_is_no_failure(machine: Machine, home: Path) -> None:
    (home / ".local").write_text("a file")
    save(machine, ANSWERS, Step.KEY)
    assert find(machine, None) is None
    forget(machine)


@pytest.mark.parametrize(("days", "told"), [(0, "today at"), (1, "yesterday at"), (9, "on 20")])
def test_when_it_stopped_is_told_as_people_say_it(days: int, told: str) -> None:
    now = datetime.now().astimezone().replace(hour=12)
    text = Unfinished(ANSWERS, Step.TEST, now - timedelta(days=days)).told(now)
    assert text.startswith("You stopped at Test ") and told in text and text.endswith(" at 12:" + f"{now:%M}.")
