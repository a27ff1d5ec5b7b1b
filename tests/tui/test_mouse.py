"""Everything that a key does, a click does, too: the keys in the last line are buttons, in every dialog as well."""

from __future__ import annotations

import pytest

from tests.tui.fixture import EXPIRED, UNTRUSTED, Fake, a_plan, later_draft
from tests.tui.walking import walking


@pytest.mark.parametrize(
    ("keys", "opens", "dialog", "closes"),
    [
        ((), "Help", "HelpScreen", "Close"),
        ((), "Actions", "ActionsScreen", "Close"),
        (("enter",), "Trust", "AuthorityPicker", "Back"),
        (("end", "slash", "x", "enter"), "Quit", "LeaveDialog", "Stay"),
    ],
)
async def test_a_dialog_is_opened_and_left_by_mouse(
    keys: tuple[str, ...], opens: str, dialog: str, closes: str
) -> None:
    async with walking(later_draft(), Fake(health=UNTRUSTED)) as walk:
        await walk.press(*keys)
        step = walk.step
        await walk.click(opens)
        assert walk.step == dialog
        await walk.click(closes, among="Use this" if dialog == "AuthorityPicker" else "")
        assert walk.step == step


async def test_the_review_is_done_by_mouse() -> None:
    async with walking(later_draft(), Fake(plan=a_plan(conflict=True))) as walk:
        await walk.press(*["enter"] * 5)
        await walk.click("Open")
        assert walk.step == "DiffScreen"
        await walk.click("Back")
        await walk.click("Paths")
        assert walk.step == "PlacesScreen"
        await walk.click("Cancel")
        await walk.click("Choose")
        assert "✓ replaced" in walk.text()
        await walk.click("Write 5 files")
        assert walk.step == "Done"
        await walk.click("Ask it")
        assert "It works" in walk.text()
        await walk.click("Undo")
        await walk.click("Take it back")
        assert "Taken back" in walk.text()


async def test_a_failed_check_is_overridden_by_mouse_and_what_is_grey_does_nothing() -> None:
    async with walking(later_draft(), Fake(health=EXPIRED)) as walk:
        await walk.press("enter")
        await walk.click("Next")
        assert walk.step == "Health"
        await walk.click("Go on anyway")
        await walk.click("Next")
        assert walk.step == "Key"


async def test_fields_folds_and_choices_take_clicks() -> None:
    async with walking(later_draft()) as walk:
        await walk.click("bedrock")
        await walk.click("More:")
        assert "CA file" in walk.text()
        await walk.click("~/corp-ca.pem")
        assert walk.app.focused is not None and walk.app.focused.parent is not None
        await walk.press("enter")
        assert walk.session.draft.answers.gateway.route == "bedrock"
