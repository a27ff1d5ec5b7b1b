"""The list of actions: whoever knows no key, or whose terminal takes it, finds everything there."""

from __future__ import annotations

import pytest

from tests.tui.fixture import EXPIRED, URL, Fake, first_draft, later_draft
from tests.tui.walking import Walk, walking
from wizard.tui.steps.base import StepScreen
from wizard.tui.widgets.actions import ActionsScreen


def offered(walk: Walk) -> set[str]:
    """Return the titles of the actions on the list."""
    screen = walk.app.screen
    assert isinstance(screen, ActionsScreen)
    return {each.title for each in screen.actions}


async def test_every_action_of_every_step_is_on_the_list() -> None:
    async with walking(later_draft()) as walk:
        for key in ("", *["enter"] * 5, "w"):
            if key:
                await walk.press(key)
            screen = walk.app.screen
            assert isinstance(screen, StepScreen)
            usable = {each.binding.description for each in screen.active_bindings.values() if each.enabled}
            bound = {each.binding.description for each in screen.active_bindings.values() if each.binding.id}
            await walk.press("f2")
            assert (usable & bound) - {"Actions", "Colours"} <= offered(walk)
            assert {f"Colours: {each}" for each in ("dark", "light", "terminal", "none")} <= offered(walk)
            await walk.press("escape")
            assert walk.app.screen is screen


async def test_what_is_chosen_is_done() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("f2")
        await walk.paste("GO step next")
        assert "Leave; asks" not in walk.text()
        await walk.press("enter")
        assert walk.step == "Health"
        await walk.press("f2", *"back", "enter")
        assert walk.step == "Server"
        await walk.press("f2", *"light", "enter")
        assert walk.app.face == "light"


async def test_the_mark_is_moved_while_typing_and_nothing_found_does_nothing() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("f2", *"colours", "down", "enter")
        assert walk.app.face == "light"
        await walk.press("f2", *"xyzzy", "enter")
        assert walk.step == "ActionsScreen"
        await walk.press("f2", "escape")
        assert walk.step == "Server"


async def test_what_can_not_be_done_now_is_not_offered() -> None:
    async with walking(later_draft(), Fake(health=EXPIRED)) as walk:
        await walk.press("enter", "f2")
        assert "Next" not in offered(walk) and "Go on anyway" in offered(walk)


@pytest.mark.parametrize("key", ["f2", "ctrl+p", "colon"])
async def test_three_keys_lead_there(key: str) -> None:
    """An IDE may take ^P and F2 for itself; a colon it leaves alone."""
    async with walking(later_draft()) as walk:
        await walk.press("enter", key)
        assert walk.step == "ActionsScreen"


async def test_the_list_is_used_by_mouse() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("f2")
        place = [each.title for each in walk.app.screen.actions].index("Help")  # type: ignore[attr-defined]
        for _ in range(2):  # the first click marks
            await walk.pilot.click("#actions", offset=(4, place))
            await walk.settle()
        assert walk.step == "HelpScreen"


async def test_the_first_of_several_pasted_lines_is_taken_and_that_is_said() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(f"\n  {URL}  \nsecond line\n\nthird\n")
        assert f"Claude Code will use {URL}" in walk.text()
        assert "The first of 3 pasted lines was taken." in walk.text()
        await walk.press("end", "x")
        assert "pasted lines" not in walk.text()
        await walk.press("backspace", "enter", "enter")
        await walk.paste("litellm/mine\nanother")
        assert "litellm/mine" in walk.text() and "! The first of 2 pasted lines was taken." in walk.text()
        await walk.press("x")
        assert "pasted lines" not in walk.text()


async def test_one_pasted_line_is_taken_without_a_word() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(f"{URL}\n")
        assert f"Claude Code will use {URL}" in walk.text() and "pasted lines" not in walk.text()


async def test_enter_takes_the_model_that_was_searched_for() -> None:
    async with walking(later_draft()) as walk:
        await walk.press(*["enter"] * 4, "/", *"4-5")
        assert "Enter Take it" in walk.footer()
        await walk.press("enter", "/", *"my-own", "enter")
        assert walk.step == "Models"
        await walk.press("enter")
        models = walk.session.draft.answers.models
        assert (models.opus, models.sonnet) == ("claude-sonnet-4-5-20250929", "my-own")
