"""The whole tour, by every hand there is: each ends in the same plan, and in the same files on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.plain.support import converse
from tests.programs import require
from tests.tour.place import SONNET, Place, assert_arrived, command, environment, place
from tests.tour.tmux import window
from tests.tui.fixture import Fake
from tests.tui.walking import Walk
from wizard.tui.app import WizardApp
from wizard.tui.session import Session

ENDED = "What was tried works"


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Place]:
    """A computer for a tour."""
    with place(tmp_path / "there") as made:
        yield made


@pytest.fixture
def untouched(tmp_path: Path, there: Place) -> Place:
    """The same computer, for the plan to be made without a tour; the gateway is the same."""
    made = Place(tmp_path / "untouched", there.url)
    made.furnish()
    return made


@asynccontextmanager
async def screens(there: Place) -> AsyncIterator[Walk]:
    """Start the screens on that computer."""
    app = WizardApp(Session(there.draft(), there.services()))
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot, Fake())
        await walk.settle()
        yield walk


def test_the_expected_plan_is_worth_comparing(untouched: Place) -> None:
    files = {each.path: each for each in untouched.expected()}
    assert set(files) >= {"HOME/.bashrc", "HOME/.claude/settings.json", "HOME/.config/claude/setup-litellm.sh"}
    assert len(files) == 6
    assert "GATEWAY" in files["HOME/.claude/settings.json"].text and SONNET in files["HOME/.claude/settings.json"].text


async def test_by_keys_only(there: Place, untouched: Place) -> None:
    async with screens(there) as walk:
        await walk.pilot.press(*there.url)
        await walk.press("enter")
        await walk.until("It answers, and it is a LiteLLM server.")
        await walk.press("enter")
        await walk.until("LITELLM_API_KEY")
        await walk.press("enter")
        await walk.until("Send one tiny real message?")
        await walk.press("y")
        await walk.until("Enter Next")
        await walk.press("enter")
        await walk.until("Which models should Claude Code use?")
        await walk.press("down", "slash", *"haiku-5", "enter")
        await walk.press("enter")
        await walk.until("6 files")
        await walk.press("w")
        await walk.until(ENDED)
        await walk.press("enter")
    assert_arrived(there, untouched)


async def test_by_mouse_only(there: Place, untouched: Place) -> None:
    """The URL is pasted, as a click with the middle button does."""
    async with screens(there) as walk:
        await walk.paste(there.url)
        await walk.click("Next", among="^Q")
        await walk.until("It answers, and it is a LiteLLM server.")
        await walk.click("Next", among="^Q")
        await walk.until("LITELLM_API_KEY")
        await walk.click("Secrets file")
        await walk.click("Next", among="^Q")
        await walk.until("Send one tiny real message?")
        await walk.click("Leave it out")
        await walk.click("Next", among="^Q")
        await walk.until("Which models should Claude Code use?")
        await walk.click("Sonnet")
        await walk.click("Sonnet")
        await walk.click(SONNET)
        await walk.click(SONNET)
        await walk.click("Next", among="^Q")
        await walk.until("6 files")
        await walk.click("Write 6 files")
        await walk.until(ENDED)
        await walk.click("Finish")
    assert_arrived(there, untouched)


def test_in_tmux(there: Place, untouched: Place, tmp_path: Path) -> None:
    require("tmux")
    with window(tmp_path, command(there), environment(there), there.home) as shown:
        shown.wait_for("Where is your LiteLLM server?")
        shown.type(there.url)
        shown.wait_for(f"Claude Code will use {there.url}")
        shown.press("Enter")
        shown.wait_for("It answers, and it is a LiteLLM server.")
        shown.press("Enter")
        shown.wait_for("LITELLM_API_KEY")
        shown.press("Enter")
        shown.wait_for("Send one tiny real message?")
        shown.press("n")
        shown.wait_for("Not sent.")
        shown.press("Enter")
        shown.wait_for("Which models should Claude Code use?")
        shown.press("Down", "/")
        shown.wait_for("Take it")
        shown.type("haiku-5")
        shown.wait_for("1 of")
        shown.press("Enter")
        shown.wait_for("Unpin")
        shown.press("Enter")
        shown.wait_for("6 files")
        shown.press("w")
        shown.wait_for(ENDED)
        shown.press("Enter")
        shown.wait_for("ended with 0")
    assert_arrived(there, untouched)


def test_in_plain_lines(there: Place, untouched: Place) -> None:
    said = {"Server URL": there.url, "Sonnet": SONNET, "Write 6 files?": "yes"}
    done = converse(command(there, "--plain"), said, env=environment(there), cwd=there.home)
    assert done.returncode == 0, done.stdout
    assert_arrived(there, untouched)
