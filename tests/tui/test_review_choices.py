"""Review where people have been at work: what they edited, what they made by hand before, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apply.support import answers_for, furnish, machine_of
from tests.tui.fixture import Fake, later_draft
from tests.tui.walking import Walk, walking
from wizard.apply.change import Change, Plan
from wizard.apply.plan import make_plan
from wizard.apply.transaction import carry_out
from wizard.flow import Draft
from wizard.machine.model import Machine
from wizard.marks import BLOCK_END, SET_ASIDE
from wizard.tui.widgets.pick_list import PickList

HELPER = "bin/refresh-litellm-key.sh"


@pytest.fixture
def machine(home: Path) -> Machine:
    furnish(home)
    machine = machine_of(home)
    carry_out(make_plan(answers_for(), machine), machine)
    helper = home / HELPER
    helper.write_bytes(helper.read_bytes().replace(b"set -u\n", b"set -u\n# mine\n"))
    zshrc = home / ".zshrc"
    zshrc.write_text(zshrc.read_text().replace(BLOCK_END, "echo mine") + "export ANTHROPIC_MODEL='claude-x'\n")
    return machine_of(home)


def drafted(machine: Machine) -> Draft:
    draft = later_draft()
    return Draft(answers_for(), machine, saved=draft.saved, confirmed=frozenset({"https://old.corp.example:4000"}))


async def to(walk: Walk, text: str) -> None:
    """Put the mark on the row that holds a text."""
    files = walk.find("#files", PickList)
    for row in range(len(files.lines)):
        line = files.lines[row]
        if text in (line(120).plain if callable(line) else str(line)):
            files.cursor = row
            await walk.settle()
            return
    raise AssertionError(text)


def change(walk: Walk, name: str) -> Change:
    plan = walk.session.plan
    assert isinstance(plan, Plan)
    return next(each for each in plan.changes if each.path.name == name)


async def test_case_42_an_edited_file_shows_both_differences_and_waits(machine: Machine) -> None:
    async with walking(drafted(machine), Fake(planner=make_plan), size=(120, 36)) as walk:
        await walk.press(*["enter"] * 5)
        assert "2 files of yours wait for your word." in walk.text()
        await to(walk, "refresh-litellm-key")
        text = walk.text()
        assert "! edited" in text and "As the wizard wrote it, and as it is now" in text
        assert "+ # mine" in text and "- # mine" in text
        await walk.press("w")
        assert walk.step == "Review"


async def test_case_42_space_goes_through_the_choices_and_the_diff_follows(machine: Machine) -> None:
    async with walking(drafted(machine), Fake(planner=make_plan), size=(120, 36)) as walk:
        await walk.press(*["enter"] * 5)
        await to(walk, "refresh-litellm-key")
        await walk.press("space")
        assert "✓ kept" in walk.text() and change(walk, "refresh-litellm-key.sh").is_noop
        await walk.press("space")
        assert "✓ replaced" in walk.text() and not change(walk, "refresh-litellm-key.sh").is_noop
        await walk.press("space")
        assert "! edited" in walk.text()


async def test_case_41_broken_markers_have_a_way_forward_on_the_screen(machine: Machine) -> None:
    async with walking(drafted(machine), Fake(planner=make_plan)) as walk:
        await walk.press(*["enter"] * 5)
        await to(walk, ".zshrc")
        assert "Line 2: It begins our block, and no line after ends it." in walk.text()
        await walk.press("space")
        after = change(walk, ".zshrc").after or b""
        assert "✓ merged" in walk.text() and b"echo mine\n" in after and after.count(BLOCK_END.encode()) == 1
        await walk.press("space")
        assert "✓ kept" in walk.text() and change(walk, ".zshrc").is_noop


async def test_case_31_an_old_line_goes_only_when_it_is_ticked_and_all_of_it_is_one_write(machine: Machine) -> None:
    fake = Fake(planner=make_plan)
    rc = machine.home / ".zshrc"
    number = rc.read_text().splitlines().index("export ANTHROPIC_MODEL='claude-x'") + 1
    async with walking(drafted(machine), fake) as walk:
        await walk.press(*["enter"] * 5)
        await to(walk, f"~/.zshrc:{number}")
        assert "○ old" in walk.text() and "Every session starts with this model" in walk.text()
        await walk.press("space")
        assert "✓ goes" in walk.text()
        await to(walk, "refresh-litellm-key")
        await walk.press("space")
        await to(walk, "~/.zshrc   ")
        await walk.press("space")
        assert f"{SET_ASIDE}export ANTHROPIC_MODEL".encode() in (change(walk, ".zshrc").after or b"")
        await walk.press("w")
        [(plan, ticked)] = fake.asked("carry_out")
        assert walk.step == "Done" and ticked == set()
        carry_out(plan, machine)
    assert f"{SET_ASIDE}export ANTHROPIC_MODEL='claude-x'" in rc.read_text() and "echo mine" in rc.read_text()
