"""Undo on the Done screen, and a set-up that is switched off."""

from __future__ import annotations

import pytest

from tests.tui.fixture import URL, Fake, later_draft
from tests.tui.walking import LARGE, SMALL, Walk, walking
from wizard.apply.errors import Refused
from wizard.tui.story import exit_code, last_words

OFF = "It is switched off: Claude Code uses its own login."


async def written(walk: Walk) -> None:
    await walk.press(*["enter"] * 5, "w")
    assert walk.step == "Done" and "5 files written." in walk.text()


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=str)
async def test_case_07_the_undo_key_asks_and_takes_the_write_back(size: tuple[int, int]) -> None:
    async with walking(later_draft(), size=size) as walk:
        await written(walk)
        assert "u Undo" in walk.footer()
        await walk.press("u")
        assert "Take this write back?" in walk.text() and not walk.fake.asked("undo")
        await walk.press("y")
        text = walk.text()
        assert len(walk.fake.asked("undo")) == 1
        assert "Taken back" in text and "~/bin/get-litellm-key.sh is gone again." in text
        assert "~/.bashrc is as it was before." in text and "5 files written." not in text
        await walk.press("u", "ctrl+r")
        assert len(walk.fake.asked("undo")) == 1 and len(walk.fake.asked("prove")) == 1
        await walk.press("enter")
    assert walk.app.return_value == exit_code(walk.session) == 0
    words = last_words(walk.session)
    assert words.startswith("The set-up was written and taken back again.\n") and "~/.bashrc" in words


async def test_no_keeps_what_was_written() -> None:
    async with walking(later_draft()) as walk:
        await written(walk)
        await walk.press("u", "n")
        assert not walk.fake.asked("undo") and "Take this write back?" not in walk.text()
        await walk.press("enter")
    assert "To undo: claude-litellm-wizard undo" in last_words(walk.session)


async def test_an_undo_that_is_refused_says_why_and_can_be_tried_again() -> None:
    async with walking(later_draft(), Fake(undo_error=Refused("~/.claude/settings.json: Line 3, column 1."))) as walk:
        await written(walk)
        await walk.press("u", "y")
        assert "It was not taken back: ~/.claude/settings.json: Line 3" in " ".join(walk.text().split())
        walk.fake.undo_error = None
        await walk.press("u", "y")
        assert "Taken back" in walk.text()


async def test_undo_is_grey_before_anything_was_written() -> None:
    async with walking(later_draft(), Fake(write_error=Refused("~/.bashrc changed meanwhile."))) as walk:
        await walk.press(*["enter"] * 5, "w", "u")
        assert "Take this write back?" not in walk.text()


async def test_the_screens_know_that_it_is_switched_off() -> None:
    async with walking(later_draft(), Fake(off=OFF)) as walk:
        assert f"{OFF} Writing switches it on again." in " ".join(walk.text().split())
        assert "switched off" in walk.text().splitlines()[0]
        await walk.press("enter")
        assert "switched off" in walk.text().splitlines()[0]
    async with walking(later_draft(URL)) as walk:
        assert "switched off" not in walk.text()
