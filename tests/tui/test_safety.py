"""What must hold whatever a server, a user or the program itself does."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import replace

import pytest
from textual.screen import ModalScreen
from textual.widgets import Input

from tests.tui.fixture import HEALTHY, KEY_WORKS, URL, Fake, a_change, a_plan, first_draft, later_draft
from tests.tui.walking import LARGE, Walk, walking
from wizard.machine.model import Leftover
from wizard.trial import Trial
from wizard.tui.app import WizardApp
from wizard.tui.crash import report_crash
from wizard.tui.session import Session
from wizard.tui.widgets.text_field import TextField
from wizard.verdict import Verdict

HOSTILE = "[/x][bold red]$(id)[@click=app.quit]\x1b[2J\x1b]0;owned\x07\u202eevil\r\nnext"
CANARY = "sk-canary-0123456789abcdef"


def inert(walk: Walk) -> None:
    """Check that the hostile text stands there as text, and that nothing of it took effect."""
    text = walk.text()
    assert "[/x][bold red]$(id)" in text
    assert "\x1b" not in text and "owned\x07" not in text and "\r" not in text


async def test_case_17_hostile_text_from_a_server_is_inert() -> None:
    health = (*HEALTHY[:2], Verdict("gateway.tls", "fail", "tls-failed", HOSTILE, HOSTILE))
    async with walking(later_draft(), Fake(health=health)) as walk:
        await walk.press("enter")
        inert(walk)
        await walk.press("o", "enter", "enter", "enter", "enter")
        assert walk.step == "Review"
        inert(walk)


async def test_case_17_hostile_names_of_models_are_inert() -> None:
    trial = Trial(KEY_WORKS, (HOSTILE, "claude-opus-5-5"))
    async with walking(later_draft(), Fake(trial=trial)) as walk:
        await walk.press(*["enter"] * 4)
        inert(walk)
        await walk.press("slash", "enter", "enter")


async def test_case_17_hostile_files_and_leftovers_are_inert() -> None:
    change = a_change("x[/x][bold red]$(id)", "rc-block", None, HOSTILE.encode(), 0o644, notes=(HOSTILE,))
    plan = replace(a_plan(), changes=(change,), leftovers=(Leftover(*[HOSTILE] * 5),), notes=(HOSTILE,))
    async with walking(later_draft(), Fake(plan=plan)) as walk:
        await walk.press(*["enter"] * 5)
        inert(walk)
        for key in ("down", "down", "enter"):
            await walk.press(key)
            inert(walk)


async def test_case_12_a_hostile_url_is_refused_as_typed() -> None:
    async with walking(first_draft()) as walk:
        walk.find("#url", Input).value = "https://[/x]$(id)"
        await walk.press("enter")
        assert walk.step == "Server"


@pytest.mark.parametrize("place", ["handler", "worker"])
async def test_case_18_a_crash_tells_where_but_no_value(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        held = CANARY
        raise RuntimeError(f"it was {held}")

    async def broken_check(*_: object) -> tuple[Verdict, ...]:
        broken()
        return ()

    services = Fake().services()
    if place == "worker":
        services = replace(services, check_gateway=broken_check)
    else:
        monkeypatch.setattr("wizard.tui.steps.server.ServerStep.finish", broken)
    app = WizardApp(Session(later_draft(), services))
    with pytest.raises(Exception, match="it was"):
        async with app.run_test() as pilot:
            await pilot.press("enter")
            deadline = time.monotonic() + 10
            while app.is_running and time.monotonic() < deadline:
                await pilot.pause(0.05)
    told = "".join(capsys.readouterr())
    assert "The wizard made a mistake" in told and "test_safety.py" in told and "in broken" in told
    assert CANARY not in told and "held" not in told
    assert app.return_code == 1


def test_case_18_the_report_of_a_crash_redacts_the_text_of_the_error() -> None:
    try:
        raise TypeError(f"Bearer {CANARY}\x1b[31m")
    except TypeError as error:
        told = report_crash(error)
    assert told.splitlines()[1] == "TypeError: Bearer ****"


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError, AssertionError])
def test_case_09_18_the_report_leaves_out_a_text_that_may_quote_a_value(error: type[Exception]) -> None:
    told = report_crash(error("invalid literal: 'correct horse'"))
    assert told.splitlines()[1:] == [error.__name__]
    assert (
        report_crash(OSError(28, "No space left on device", "/x")).splitlines()[1] == "OSError: No space left on device"
    )


async def test_quitting_asks_when_answers_would_be_lost() -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(URL)
        await walk.press("enter", "ctrl+q")
        assert walk.step == "LeaveDialog" and "Leave now?" in walk.text()
        await walk.press("escape")
        assert walk.step == "Health"
        await walk.press("ctrl+c", "ctrl+c")
    assert walk.app.return_value == 130


async def test_case_49_leaving_waits_for_a_write_under_way() -> None:
    async with walking(later_draft()) as walk:
        walk.session.outcome = replace(walk.session.outcome, written="under way")
        walk.app.leave(143)
        await walk.settle()
        assert walk.app.is_running and walk.app.check_action("quit", ()) is None
        walk.session.outcome = replace(walk.session.outcome, written="yes")
        walk.app.on_done_step_settled()
    assert walk.app.return_value == 143


@pytest.mark.parametrize(
    ("pasted", "stands"),
    [
        ("\n\n  https://llm.corp.example \nmore", "https://llm.corp.example"),
        ("\r\nhttps://llm.corp.example\r\n", "https://llm.corp.example"),
        ("   \n", ""),
    ],
)
async def test_case_19_paste_takes_the_first_line_that_holds_something(pasted: str, stands: str) -> None:
    async with walking(first_draft()) as walk:
        await walk.paste(pasted)
        assert walk.find("#url", TextField).value == stands and walk.step == "Server"


async def test_help_stands_in_front_of_every_step_and_goes_again() -> None:
    async with walking(later_draft(), size=LARGE) as walk:
        for step in ("Server", "Health", "Key", "Test", "Models", "Review"):
            assert walk.step == step
            await walk.press("f1")
            assert isinstance(walk.app.screen, ModalScreen) and step in walk.text() and "^Q" in walk.text()
            await walk.press("escape", "enter")


async def test_help_in_a_small_window_says_all_of_the_field_in_focus() -> None:
    async with walking(later_draft()) as walk:
        await walk.press("f1")
        for words in ("Server URL", "Like", "https://llm.corp.example:4000", "Where to find it", "What it becomes"):
            assert words in walk.text()
        await walk.press("end")
        assert "^Q" in walk.text(), "what does not fit is scrolled to"
        await walk.press("escape")
        assert walk.step == "Server"


async def test_every_binding_explains_itself() -> None:
    async with walking(later_draft()) as walk:
        for _ in range(6):
            for active in walk.app.screen.active_bindings.values():
                binding = active.binding
                if type(active.node).__module__.startswith("wizard.") and binding.id:
                    assert binding.description and binding.tooltip, binding
                if binding.show and binding.id is None:
                    assert type(active.node).__module__.startswith("textual."), binding
            await walk.press("enter")


def test_case_84_screens_leave_no_core_dump_and_print_the_last_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wizard.tui import app

    monkeypatch.setattr(app.WizardApp, "run", lambda _: 130)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        assert app.run_screens(first_draft(), Fake().services()) == 130
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    assert capsys.readouterr().out == "Nothing was changed.\n"


async def test_no_color_is_kept_for_the_programs_the_wizard_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with walking(later_draft()) as walk:
        assert walk.app.face == "none" and os.environ["NO_COLOR"] == "1"
        await walk.press(*["enter"] * 5)
        assert walk.step == "Review"
