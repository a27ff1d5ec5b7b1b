"""Which face the wizard has, how it is changed, and what it says in a window that is too small."""

from __future__ import annotations

import re

import pytest
from textual.color import Color

from tests.tui.fixture import first_draft, later_draft
from tests.tui.walking import walking
from wizard.tui.look import DARK, FACES, LIGHT, VARIABLE, Face, first_face


@pytest.mark.parametrize(
    ("env", "colours", "face"),
    [
        ({}, "truecolor", "dark"),
        ({"COLORFGBG": "15;0"}, "truecolor", "dark"),
        ({"COLORFGBG": "0;15"}, "truecolor", "light"),
        ({"COLORFGBG": "0;default;7"}, "256", "light"),
        ({"COLORFGBG": "nonsense"}, "256", "dark"),
        ({}, "standard", "terminal"),
        ({}, None, "terminal"),
        ({"NO_COLOR": ""}, "truecolor", "none"),
        ({"NO_COLOR": "1", VARIABLE: "light"}, "truecolor", "light"),
        ({VARIABLE: "Terminal"}, "truecolor", "terminal"),
        ({VARIABLE: "pink"}, "truecolor", "dark"),
    ],
)
def test_the_first_face_is_what_was_asked_for_or_what_fits(
    env: dict[str, str], colours: str | None, face: Face
) -> None:
    assert first_face(env, colours) == face


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda each: each.name)
def test_every_colour_can_be_read_on_every_ground(theme: object) -> None:
    """WCAG asks for a contrast of 4.5; what is greyed out may have less."""
    colours = {**vars(theme), **theme.variables}  # type: ignore[attr-defined]
    for ground in ("background", "surface", "panel"):
        for name in ("foreground", "primary", "success", "warning", "error", "text-muted"):
            contrast = _contrast(Color.parse(colours[name]), Color.parse(colours[ground]))
            assert contrast >= 4.5, f"{name} on {ground} in {colours['name']}: {contrast:.1f}"


def _contrast(one: Color, other: Color) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    parts = [each / 255 for each in colour.rgb]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


async def test_a_key_goes_through_all_faces_and_the_text_stays() -> None:
    async with walking(later_draft()) as walk:
        texts, faces = set(), []
        for _ in FACES:
            texts.add(re.sub("[─━│┃╭╮╰╯┏┓┗┛]", " ", walk.text()))  # without colours the frame in focus is a heavy one
            faces.append(walk.app.face)
            await walk.press("ctrl+t")
        assert faces == list(FACES) and walk.app.face == faces[0]
        assert len(texts) == 1


@pytest.mark.parametrize("face", FACES)
async def test_the_later_screens_can_be_drawn_in_every_face(face: Face) -> None:
    async with walking(later_draft()) as walk:
        walk.app.wear(face)
        await walk.press(*["enter"] * 5, "enter")
        assert walk.step == "DiffScreen"


async def test_a_small_window_is_told_and_a_tiny_one_waits() -> None:
    async with walking(first_draft(), size=(80, 24)) as walk:
        assert "Make this window larger" not in walk.text()
        await walk.pilot.resize_terminal(70, 20)
        await walk.settle()
        assert "Make this window larger: it has 70x20, all there is needs 80x24." in walk.text()
        assert "Where is your LiteLLM server?" in walk.text()
        focused = walk.app.focused
        await walk.pilot.resize_terminal(50, 10)
        await walk.settle()
        told = "Make this window larger: it has 50x10, all there is needs 80x24."
        assert " ".join(walk.text().split()) == told
        await walk.pilot.resize_terminal(120, 36)
        await walk.settle()
        assert walk.step == "Server" and walk.app.focused is focused
        assert walk.app.screen.has_class("-wide", "-tall")


async def test_a_wizard_started_in_a_tiny_window_waits_too() -> None:
    async with walking(first_draft(), size=(40, 8)) as walk:
        assert walk.step == "TooSmall"
        await walk.pilot.resize_terminal(80, 24)
        await walk.settle()
        assert walk.step == "Server"
        await walk.paste("https://llm.corp.example")
        assert "Claude Code will use https://llm.corp.example" in walk.text()


async def test_a_screen_that_was_left_knows_the_new_size_when_it_is_back() -> None:
    async with walking(later_draft(), size=(80, 24)) as walk:
        await walk.press("enter", "enter")
        await walk.pilot.resize_terminal(120, 36)
        await walk.press("escape", "escape")
        assert walk.step == "Server" and walk.app.screen.has_class("-wide", "-tall")
        assert not walk.app.screen.has_class("-narrow") and not walk.app.screen.has_class("-short")
