"""Looking around in Vault from the Key step, on a double of Vault that really answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.keys.vault_double import VaultDouble
from tests.tui.fixture import VAULT, first_draft, later_draft
from tests.tui.walking import LARGE, SMALL, Walk, walking
from wizard.flow import Draft
from wizard.tui.widgets.choice import Choice
from wizard.tui.widgets.text_field import TextField

VALUE = "sk-value-canary-0123456789"


@pytest.fixture
def double() -> Iterator[VaultDouble]:
    secrets = {f"secret/litellm/{name}": {"api_key": VALUE, "old_key": VALUE} for name in ("claude-code", "other")}
    with VaultDouble(secrets=secrets) as made:
        yield made


def draft_for(double: VaultDouble, home: Path, *, confirmed: bool = True, token: bool = True) -> Draft:
    draft = later_draft()
    key = draft.answers.key.with_options("vault", {**VAULT, "address": double.url, "path": "typed", "field": "old_key"})
    env = {"HOME": str(home), **({"VAULT_TOKEN": double.token} if token else {})}
    origins = {*draft.confirmed, *({double.url} if confirmed else ())}
    machine = replace(draft.machine, env=env, home=home)
    answers = replace(draft.answers, key=key)
    return replace(draft, answers=answers, saved=answers, machine=machine, confirmed=frozenset(origins))


async def to_key(walk: Walk) -> None:
    await walk.press("enter", "enter")
    if walk.step == "Test":
        await walk.press("escape", "escape", "enter")
    while walk.step != "Key":
        await walk.press("escape" if walk.step != "Health" else "enter")


def form_of(walk: Walk) -> list[str]:
    return [walk.find(f"#field-{name} TextField", TextField).value for name in ("mount", "path", "field")]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_picking_fills_the_form(double: VaultDouble, home: Path, size: tuple[int, int]) -> None:
    async with walking(draft_for(double, home), size=size) as walk:
        await to_key(walk)
        assert "^L Look in Vault" in walk.footer()
        await walk.press("ctrl+l")
        assert walk.step == "VaultDialog" and "secret/" in walk.text() and "1 mount" in walk.text()
        await walk.press("enter", "enter")
        assert "claude-code" in walk.text() and "secret/litellm/" in walk.text()
        await walk.press("backspace")
        assert "secret/\n" in walk.text() or "litellm/" in walk.text()
        await walk.press("enter", "enter")
        shown = walk.text()
        assert "api_key" in shown and "Only names are shown" in shown and VALUE not in shown
        await walk.press("up", "enter")
        assert walk.step == "Key" and form_of(walk) == ["secret", "litellm/claude-code", "api_key"]
        await walk.press("enter")
        assert walk.step == "Test"
        assert walk.session.draft.answers.key.options["path"] == "litellm/claude-code"


async def test_nothing_is_sent_before_the_yes(double: VaultDouble, home: Path) -> None:
    async with walking(draft_for(double, home, confirmed=False)) as walk:
        await to_key(walk)
        await walk.press("ctrl+l")
        assert f"Enter asks {double.url}" in " ".join(walk.text().split())
        await walk.press("escape")
        assert walk.step == "Key" and not double.requests
        assert double.url not in walk.session.draft.confirmed
        await walk.press("ctrl+l", "enter")
        assert "1 mount" in walk.text() and double.requests
        assert double.url in walk.session.draft.confirmed
        await walk.press("escape")
        assert form_of(walk) == ["secret", "typed", "old_key"]


async def test_trouble_is_told_and_can_be_tried_again(double: VaultDouble, home: Path) -> None:
    async with walking(draft_for(double, home)) as walk:
        await to_key(walk)
        double.overrides = {"sys/internal/ui/mounts": (403, {"errors": ["permission denied"]})}
        await walk.press("ctrl+l")
        assert "does not let this token list its mounts" in " ".join(walk.text().replace("│", " ").split())
        await walk.press("enter")
        assert walk.step == "VaultDialog", "there is nothing to open"
        double.overrides = {}
        await walk.press("ctrl+r")
        assert "1 mount" in walk.text()


async def test_a_slow_answer_can_be_left(double: VaultDouble, home: Path) -> None:
    async with walking(draft_for(double, home)) as walk:
        await to_key(walk)
        double.slow = {"sys/internal/ui/mounts": 30.0}
        await walk.pilot.press("ctrl+l")
        await walk.pilot.pause()
        assert "Asking Vault" in walk.text()
        async with asyncio.timeout(5):
            await walk.press("escape")
        assert walk.step == "Key"


async def test_the_key_is_there_for_vault_only_and_grey_without_an_address(home: Path) -> None:
    async with walking(first_draft(env={"HOME": str(home)})) as walk:
        await walk.paste("https://llm.corp.example:4000")
        await walk.press("enter", "enter")
        assert walk.step == "Key" and "Look in Vault" in walk.footer()
        await walk.press("ctrl+l")
        assert walk.step == "Key", "there is no address yet"
        walk.find("#backend", Choice).focus()
        await walk.press("down")
        assert "Look in Vault" not in walk.footer()
