"""Whatever has the focus can be told by looking, in every face; and the focus begins where one types next."""

from __future__ import annotations

import pytest
from textual.widget import Widget

from tests.tui.fixture import Fake, answered, first_draft, later_draft
from tests.tui.walking import Walk, walking
from wizard.trial import Trial
from wizard.tui.look import FACES, Face


def _look(walk: Walk, widget: Widget) -> list[object]:
    """Return what stands where a widget is, with its styles."""
    region = widget.region
    strips = walk.app.screen._compositor.render_strips()[region.y : region.bottom]
    return [[(each.text, str(each.style)) for each in strip.crop(region.x, region.right)] for strip in strips]


@pytest.mark.parametrize("face", FACES)
async def test_what_has_the_focus_looks_different_from_what_has_not(face: Face) -> None:
    async with walking(later_draft(), size=(120, 40), face=face) as walk:
        for key in ("tab", "enter", "enter", "enter", "enter", "enter", "w"):
            screen = walk.app.screen
            chain = [each for each in screen.focus_chain if each.region.height]
            for widget in chain if len(chain) > 1 else ():
                screen.set_focus(widget)
                await walk.settle()
                focused = _look(walk, widget)
                screen.set_focus(next(each for each in chain if each is not widget))
                await walk.settle()
                assert _look(walk, widget) != focused, f"{widget!r} on {walk.step} in {face}"
            if chain:
                screen.set_focus(chain[0])
            await walk.press(key)


async def test_the_focus_begins_where_one_types_next() -> None:
    async with walking(answered(first_draft(), url="https://llm.corp.example:4000"), Fake(trial=Trial(()))) as walk:
        assert walk.app.focused is not None and walk.app.focused.id == "url"
        await walk.press("enter", "enter")
        row = walk.app.focused.parent.parent if walk.app.focused.parent else None
        assert row is not None and row.id == "field-path", "the one thing that is missing"


async def test_a_question_that_waits_has_the_focus() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("enter", "enter", "enter")
        assert walk.app.focused is not None and walk.app.focused.id == "money"
        await walk.press("n", "enter", "enter", "w")
        assert walk.app.focused is not None and walk.app.focused.id == "money"
