"""A key is pasted into a masked field, shown where it goes, stored on a yes, and seen nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.keys.helpers import machine_with
from tests.keys.real_keychain import real_keychain
from tests.tui.fixture import Fake, first_draft, later_draft
from tests.tui.walking import LARGE, SMALL, Walk, walking
from wizard.apply.errors import Refused
from wizard.keys.catalogue import found
from wizard.machine.model import Machine
from wizard.trial import Trial
from wizard.tui import story
from wizard.tui.widgets import secret_input as module
from wizard.tui.widgets.choice import Choice
from wizard.tui.widgets.secret_input import SecretInput

KEY: Final = "sk-canary-pasted-0123456789"


@asynccontextmanager
async def at_key(
    home: Path, backend: str, fake: Fake | None = None, size: tuple[int, int] = SMALL, machine: Machine | None = None
) -> AsyncIterator[Walk]:
    """Walk to the Key step, with a backend chosen."""
    draft = first_draft(env={"HOME": str(home)}, home=home, claude_dir=home / ".claude")
    if machine is not None:
        draft = replace(draft, machine=machine)
    async with walking(draft, fake, size) as walk:
        await walk.paste("https://llm.corp.example:4000")
        await walk.press("enter", "enter")
        choice = walk.find("#backend", Choice)
        choice.focus()
        for _ in range(8):
            if walk.find("#backend", Choice).value == backend:
                break
            await walk.press("down")
        assert walk.step == "Key" and choice.value == backend
        yield walk


async def ask_for_key(walk: Walk) -> None:
    """Press the key that brings the dialog up, and wait until it is there."""
    await walk.press("ctrl+k")
    async with asyncio.timeout(60):
        while walk.step != "StoreDialog":
            await walk.pilot.pause(0.02)
    await walk.settle()


def holding(home: Path, text: str = KEY) -> set[str]:
    files = (each for each in home.rglob("*") if each.is_file())
    return {str(each.relative_to(home)) for each in files if text.encode() in each.read_bytes()}


def said(walk: Walk) -> str:
    """Return what stands in the dialog, or on the screen where there is none, as running text."""
    box = next((each.region for each in walk.app.screen.query(".dialog")), walk.app.screen.region)
    strips = walk.app.screen._compositor.render_strips()[box.y : box.bottom]
    return " ".join(" ".join(each.crop(box.x, box.right).text.replace("│", " ") for each in strips).split())


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_pasted_key_is_stored_on_its_own_yes(home: Path, size: tuple[int, int]) -> None:
    async with at_key(home, "env-file", size=size) as walk:
        assert "^K Store a key" in walk.footer()
        await ask_for_key(walk)
        assert walk.step == "StoreDialog" and "~/.secrets/litellm.env" in said(walk)
        await walk.paste(f"\n{KEY}\r\n")
        shown = walk.text()
        assert "•" * len(KEY) in shown and f"{len(KEY)} characters" in shown and KEY not in shown
        await walk.press("enter")
        assert "mode 0600" in said(walk) and "Enter does it" in said(walk)
        assert not (home / ".secrets").exists(), "nothing is written before the yes"
        await walk.press("enter")
        assert "To undo: claude-litellm-wizard undo" in said(walk) and "•" not in walk.text()
        assert (home / ".secrets/litellm.env").read_text() == f"LITELLM_API_KEY={KEY}\n"
        assert walk.find(SecretInput.__name__, SecretInput).is_empty, "it is forgotten once it is stored"
        assert KEY not in walk.app.export_screenshot()
        await walk.press("enter")
        assert walk.step == "Key" and holding(home) == {".secrets/litellm.env"}
        told = "~/.secrets/litellm.env holds the key now (mode 0600).\nNothing else was changed.\nTo undo:"
        assert story.last_words(walk.session).startswith(told)


async def test_leaving_stores_nothing_and_forgets_the_key(home: Path) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste(KEY)
        field = walk.find("#key", SecretInput)
        await walk.press("enter", "escape")
        assert walk.step == "Key" and not holding(home) and field.is_empty
        await ask_for_key(walk)
        assert walk.find("#key", SecretInput).is_empty


async def test_it_is_typed_corrected_and_cleared_by_keys(home: Path) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.press(*"sk-y?n/", "backspace")
        field = walk.find("#key", SecretInput)
        assert field.take() == "sk-y?n" and "6 characters" in walk.text()
        await walk.press("ctrl+u")
        assert field.is_empty and "Paste the key here" in walk.text()
        await walk.press("enter")
        assert walk.step == "StoreDialog", "there is nothing to go on with"


async def test_it_is_revealed_for_a_moment_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste(KEY)
        field = walk.find("#key", SecretInput)
        await walk.press("ctrl+t")
        assert KEY in walk.text() and field.is_revealed
        await walk.press("ctrl+t")
        assert KEY not in walk.text() and not field.is_revealed
        monkeypatch.setattr(module, "REVEAL_SECONDS", 0.05)
        await walk.press("ctrl+t")
        async with asyncio.timeout(30):
            while field.is_revealed:
                await walk.pilot.pause(0.02)
        assert KEY not in walk.text()
    assert 1 <= module.REVEAL_SECONDS <= 5 or module.REVEAL_SECONDS == 0.05


async def test_a_click_reveals_it_too(home: Path) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste("sk-1")
        field = walk.find("#key", SecretInput)
        at = field.render().plain.index("show")
        await walk.pilot.click(field, offset=(field.styles.padding.left + at, 0))
        assert field.is_revealed and "sk-1" in walk.text()


async def test_the_value_is_in_no_repr_and_no_message(home: Path) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste(KEY)
        field = walk.find("#key", SecretInput)
        assert field.take() == KEY
        assert KEY not in repr(field) + str(field) + repr(SecretInput.Changed(field)) + repr(walk.app.screen)


@pytest.mark.parametrize(
    ("pasted", "part"),
    [("two words", "position 4"), ("a\nb", "position 2"), ("'sk-1'", "quotes"), ("sk-é", "position 4")],
)
async def test_what_is_no_key_is_said(home: Path, pasted: str, part: str) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste(pasted)
        await walk.press("enter")
        assert part in said(walk) and walk.step == "StoreDialog"
        await walk.press("ctrl+u")
        assert part not in said(walk)


async def test_an_edit_after_the_question_asks_again(home: Path) -> None:
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.press(*"sk-1", "enter")
        assert "Enter does it" in said(walk)
        await walk.press("2")
        assert "Enter does it" not in said(walk)
        await walk.press("enter", "enter")
        assert (home / ".secrets/litellm.env").read_text() == "LITELLM_API_KEY=sk-12\n"


async def test_a_refusal_is_told_and_nothing_is_left(home: Path) -> None:
    (home / ".secrets").mkdir()
    (home / ".secrets/litellm.env").mkdir()
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste(KEY)
        await walk.press("enter")
        assert "✗ ~/.secrets/litellm.env: It is a folder" in said(walk)


async def test_a_write_that_fails_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Refused("Another program changed it meanwhile.")

    from wizard.apply import store

    monkeypatch.setattr(store, "written", refuse)
    async with at_key(home, "env-file") as walk:
        await ask_for_key(walk)
        await walk.paste(KEY)
        await walk.press("enter", "enter")
        assert "✗ Another program changed it meanwhile." in said(walk)
        assert not walk.session.is_writing and not holding(home)


async def test_the_key_is_for_backends_that_can_keep_one(home: Path) -> None:
    async with at_key(home, "vault") as walk:
        assert "Store a key" not in walk.footer()
        await walk.press("ctrl+k")
        assert walk.step == "Key"


async def test_a_real_keychain_gets_the_key(home: Path) -> None:
    with real_keychain() as chain:
        machine = machine_with(home, "secret-tool", env={"HOME": str(home), **chain.env})
        async with at_key(home, "keychain", machine=machine) as walk:
            await ask_for_key(walk)
            assert "service claude-litellm-wizard, account litellm" in said(walk)
            await walk.paste(KEY)
            await walk.press("enter", "enter")
            assert "The keychain holds the key now" in said(walk)
        assert chain.get("claude-litellm-wizard", "litellm") == KEY and not holding(home)


async def test_a_machine_without_a_keychain_says_so(home: Path) -> None:
    async with at_key(home, "keychain", machine=machine_with(home)) as walk:
        await ask_for_key(walk)
        await walk.paste(KEY)
        await walk.press("enter")
        assert "There is no keychain to ask here" in said(walk) and "env-file" in said(walk)


async def test_a_file_others_can_read_is_made_private_from_the_test(home: Path) -> None:
    path = home / "keys.env"
    path.write_text("K=sk-1\n")
    path.chmod(0o644)
    wide = found("key.source.file", "file-wide", file="~/keys.env", mode="0644")
    fake = Fake(trial=Trial((wide,)))
    draft = later_draft()
    key = draft.answers.key.with_options("env-file", {"file": "~/keys.env", "variable": "K"})
    answers = replace(draft.answers, key=key)
    machine = replace(draft.machine, home=home, env={"HOME": str(home)})
    draft = replace(draft, answers=answers, saved=answers, machine=machine)
    async with walking(draft, fake) as walk:
        for _ in range(6):
            if walk.step == "Test":
                break
            await walk.press("enter")
        assert walk.step == "Test" and "p Make it private" in walk.footer()
        await walk.press("p")
        assert walk.step == "ConfirmedDialog" and "gets mode 0600 (now 0644)" in said(walk)
        assert path.stat().st_mode & 0o777 == 0o644
        tested = len(fake.asked("try_key"))
        await walk.press("enter")
        assert "To undo" in said(walk) and path.stat().st_mode & 0o777 == 0o600
        fake.trial = Trial((found("key.source.file", "file-good", file="~/keys.env"),))
        await walk.press("enter")
        assert walk.step == "Test" and len(fake.asked("try_key")) == tested + 1
        assert "Make it private" not in walk.footer()
